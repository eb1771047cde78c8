"""Idempotent producers: repeats are answered, not stored; gaps and old epochs refused; a kill forgets nothing."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.eventhubs.entry import Appended
from local.eventhubs.errors import OutOfOrderSequence, StaleEpoch
from local.eventhubs.kafka.batch import Batch
from local.eventhubs.producer_states import ProducerStates

PARTITION = 3


def batch(sequence: int, count: int = 1, producer: int = 7, epoch: int = 0) -> Batch:
    return Batch(b"", count, 0, producer, epoch, sequence, 0, 0, False, False)


def opened(path: Path) -> tuple[sqlite3.Connection, ProducerStates]:
    database = sqlite3.connect(path / "states.db", isolation_level=None)
    return database, ProducerStates(database, now=1_000)


class Partition:
    """A partition that keeps count: appends what is admitted, as the log does, a transaction each."""

    def __init__(self, states: ProducerStates, key: int = PARTITION) -> None:
        self.states, self.key, self.next = states, key, 0

    def send(self, sent: Batch, now: int = 5) -> Appended | OutOfOrderSequence | StaleEpoch:
        outcome = self.states.admit(self.key, sent)
        if outcome is None:
            outcome = Appended(self.next, now)
            self.states.appended(self.key, sent, *outcome)
            self.next += sent.count
        self.states.write()
        self.states.committed()
        return outcome


@pytest.fixture
def partition(tmp_path: Path) -> Partition:
    return Partition(opened(tmp_path)[1])


def test_a_new_epoch_begins_where_its_producer_says(partition: Partition) -> None:
    assert partition.states.last(PARTITION, 7) is None
    partition.send(batch(1, 5))
    assert partition.states.last(PARTITION, 7) == (0, 5)
    assert isinstance(partition.states.admit(PARTITION, batch(6, epoch=1)), OutOfOrderSequence)
    assert isinstance(partition.states.admit(PARTITION, batch(6, epoch=1), first=7), OutOfOrderSequence)
    assert partition.states.admit(PARTITION, batch(6, epoch=1), first=6) is None


def test_what_follows_is_stored_and_a_repeat_is_answered_as_before(partition: Partition) -> None:
    assert partition.send(batch(0, 10), now=5) == Appended(0, 5)
    assert partition.send(batch(10, 2), now=6) == Appended(10, 6)
    assert partition.send(batch(0, 10), now=7) == Appended(0, 5)
    assert partition.send(batch(10, 2), now=7) == Appended(10, 6)
    assert partition.next == 12


def test_the_last_five_batches_can_be_told_again(partition: Partition) -> None:
    for sequence in range(6):
        partition.send(batch(sequence))
    assert [partition.send(batch(sequence)) for sequence in range(1, 6)] == [Appended(base, 5) for base in range(1, 6)]
    assert isinstance(partition.send(batch(0)), OutOfOrderSequence)
    assert partition.next == 6


@pytest.mark.parametrize("sent", [batch(3), batch(11), batch(9, 2), batch(0, 9), batch(5, 5)])
def test_a_gap_or_an_overlap_is_refused(partition: Partition, sent: Batch) -> None:
    partition.send(batch(0, 10))
    outcome = partition.send(sent)
    assert isinstance(outcome, OutOfOrderSequence)
    assert f"sequence {sent.base_sequence} came where 10 is next" in str(outcome)
    assert partition.send(batch(10)) == Appended(10, 5)


def test_a_newer_epoch_takes_over_and_begins_at_0(partition: Partition) -> None:
    partition.send(batch(0, 10))
    assert isinstance(partition.send(batch(10, epoch=1)), OutOfOrderSequence)
    assert partition.send(batch(0, 10, epoch=1)) == Appended(10, 5)
    assert isinstance(partition.send(batch(10)), StaleEpoch)
    assert isinstance(partition.send(batch(0, 10)), StaleEpoch)
    assert partition.send(batch(10, epoch=1)) == Appended(20, 5)


def test_sequence_numbers_begin_again_after_the_largest(partition: Partition) -> None:
    assert partition.send(batch(2**31 - 3, 2)) == Appended(0, 5)
    assert partition.send(batch(2**31 - 1, 5)) == Appended(2, 5)
    assert partition.send(batch(4, 1)) == Appended(7, 5)
    assert partition.send(batch(2**31 - 1, 5)) == Appended(2, 5)
    assert isinstance(partition.send(batch(2**31 - 1, 4)), OutOfOrderSequence)


def test_producers_and_partitions_do_not_meet(tmp_path: Path) -> None:
    _, states = opened(tmp_path)
    one, other = Partition(states, 1), Partition(states, 2)
    one.send(batch(0, 5))
    assert other.send(batch(0, 5)) == Appended(0, 5)
    assert one.send(batch(0, 5, producer=8)) == Appended(5, 5)
    assert one.send(batch(5)) == Appended(10, 5)


def test_a_producer_without_an_id_may_repeat_itself(partition: Partition) -> None:
    assert partition.send(batch(-1, producer=-1, epoch=-1)) == Appended(0, 5)
    assert partition.send(batch(-1, producer=-1, epoch=-1)) == Appended(1, 5)


def test_what_was_rolled_back_never_was(tmp_path: Path) -> None:
    _, states = opened(tmp_path)
    assert states.admit(PARTITION, batch(0)) is None
    states.appended(PARTITION, batch(0), 0, 5)
    assert states.admit(PARTITION, batch(0)) == Appended(0, 5)
    states.rolled_back()
    assert states.admit(PARTITION, batch(0)) is None


def test_states_and_ids_survive(tmp_path: Path) -> None:
    database, states = opened(tmp_path)
    partition = Partition(states)
    for sequence in range(7):
        partition.send(batch(sequence))
    ids = [states.new_id(), states.new_id()]
    database.close()

    _, again = opened(tmp_path)
    partition.states = again
    assert isinstance(partition.send(batch(9)), OutOfOrderSequence)
    assert partition.send(batch(2)) == Appended(2, 5)
    assert partition.send(batch(7)) == Appended(7, 5)
    assert ids == [1_000, 1_001]
    assert again.new_id() == 1_002


def test_producers_that_are_silent_for_long_are_forgotten(tmp_path: Path) -> None:
    database, states = opened(tmp_path)
    partition = Partition(states)
    partition.send(batch(0, 10, producer=1), now=100)
    partition.send(batch(0, 10, producer=2), now=200)
    states.forget(200)
    assert database.execute("SELECT producer FROM producers").fetchall() == [(2,)]
    # It goes on where it is: nobody knows better.
    assert partition.send(batch(10, producer=1)) == Appended(20, 5)
    assert isinstance(partition.send(batch(20, producer=2)), OutOfOrderSequence)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 4)), min_size=1, max_size=40))
def test_whatever_is_sent_again_the_log_has_each_event_once_and_in_order(steps: list[tuple[int, int]]) -> None:
    """A producer with five batches under way, any of which it may send again at any time."""
    partition = Partition(ProducerStates(sqlite3.connect(":memory:", isolation_level=None), 0))
    sent: list[tuple[Batch, Appended]] = []
    sequence = 0
    for count, back in steps:
        fresh = batch(sequence, count)
        outcome = partition.send(fresh)
        assert outcome == Appended(sequence, 5)
        sent.append((fresh, Appended(sequence, 5)))
        sequence += count
        repeat, answer = sent[max(-1 - back, -len(sent))]
        assert partition.send(repeat) == answer
        assert partition.next == sequence


_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from local.eventhubs.config import HubConfig
from local.eventhubs.kafka.batch import parse
from local.eventhubs.log import Log

async def main():
    log = Log(Path(sys.argv[1]), [HubConfig("hub", 1, ("$Default",))])
    sequence, die = int(sys.argv[2]), sys.argv[3] == "die"
    for base in range(sequence, sequence + 9, 3):
        builder = DefaultRecordBatchBuilder(2, 0, 0, 7, 0, base, 1_000_000)
        for number in range(3):
            builder.append(number, 0, None, b"%d" % (base + number), [])
        (batch,) = parse(bytes(builder.build()))
        answered = asyncio.get_running_loop().create_future()
        log.append_batch(log.hubs["hub"][0], batch, answered.set_result)
        print(base, (await answered).base, flush=True)
    if die:
        os.kill(os.getpid(), signal.SIGKILL)
    for entry in log.read(log.hubs["hub"][0], 0):
        print(entry.base, entry.length, flush=True)
    await log.close()

asyncio.run(main())
"""


def test_a_producer_goes_on_after_its_namespace_was_killed(tmp_path: Path) -> None:
    def run(sequence: int, how: str) -> tuple[int, list[str]]:
        arguments = [sys.executable, "-c", _KILLED, str(tmp_path / "eventhubs.db"), str(sequence), how]
        root = Path(__file__).parents[2]
        done = subprocess.run(arguments, cwd=root, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout.splitlines()

    # WHEN a namespace is killed right after it acknowledged three batches
    assert run(0, "die") == (-9, ["0 0", "3 3", "6 6"])
    # THEN the last of them, sent again to the next one, is known, and what follows is stored after it
    assert run(6, "live") == (0, ["6 6", "9 9", "12 12", "0 3", "3 3", "6 3", "9 3", "12 3"])
