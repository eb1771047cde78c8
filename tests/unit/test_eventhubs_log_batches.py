"""Record batches in the log: beside AMQP events, in one commit with them, through a full disk and a restart."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from local.eventhubs import codec, transcode
from local.eventhubs import log as log_module
from local.eventhubs.appends import Refusal
from local.eventhubs.config import HubConfig
from local.eventhubs.entry import AMQP, KAFKA, Appended
from local.eventhubs.errors import LogUnavailable, OutOfOrderSequence
from local.eventhubs.kafka.batch import Batch, parse
from local.eventhubs.log import Log
from local.eventhubs.message import Event
from local.eventhubs.partition import Partition

HUBS = [HubConfig("hub", 2, ("$Default",))]
Outcome = Appended | Refusal


def batch(*values: str, producer: int = -1, sequence: int = -1) -> Batch:
    builder = DefaultRecordBatchBuilder(2, 0, 0, producer, 0 if producer >= 0 else -1, sequence, 2**31 - 1)
    for number, value in enumerate(values):
        builder.append(number, 1, None, value.encode(), [])
    return parse(bytes(builder.build()))[0]


def event(body: str) -> Event:
    return Event(b"", b"", 0, b"\x00\x53\x75" + codec.binary(body.encode()))


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Log]:
    log = Log(path / "eventhubs.db", HUBS)
    try:
        yield log
    finally:
        await log.close()


async def append(log: Log, partition: Partition, *contents: Batch | list[str]) -> list[Outcome]:
    """What becomes of appends of one turn of the event loop."""
    futures = []

    def done(future: asyncio.Future[Outcome]) -> Callable[[Outcome], None]:
        return future.set_result

    for content in contents:
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        if isinstance(content, Batch):
            log.append_batch(partition, content, done(future))
        else:
            log.append(partition, [event(body) for body in content], done(future))
        futures.append(future)
    return await asyncio.gather(*futures)


def over_kafka(log: Log, partition: Partition) -> list[tuple[int, int, str]]:
    found: list[tuple[int, int, str]] = []
    for entry in log.read(partition, 0):
        records: Any = DefaultRecordBatch(transcode.kafka(entry))
        found += [(record.offset, record.timestamp, record.value.decode()) for record in records]
    return found


def over_amqp(log: Log, partition: Partition) -> list[str]:
    found = []
    for entry in log.read(partition, 0):
        body, bounds = transcode.amqp(entry)
        found += [
            body[bounds[index] : bounds[index + 1]].rpartition(b"\x75\xa0")[2][1:].decode()
            for index in range(entry.length)
        ]
    return found


async def test_both_protocols_share_a_commit_and_its_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "_now", lambda: 5_000)
    async with opened(tmp_path) as log:
        partition = log.hubs["hub"][0]
        outcomes = await append(log, partition, ["a", "b"], ["c"], batch("d", "e"), batch("f"), ["g"], ["h"])
        assert outcomes == [Appended(base, 5_000) for base in (0, 2, 3, 5, 6, 7)]
        assert [(entry.base, entry.length, entry.format) for entry in log.read(partition, 0)] == [
            (0, 3, AMQP), (3, 2, KAFKA), (5, 1, KAFKA), (6, 2, AMQP),
        ]  # fmt: skip
        assert over_kafka(log, partition) == [(offset, 5_000, "abcdefgh"[offset]) for offset in range(8)]
        assert "".join(over_amqp(log, partition)) == "abcdefgh"
        hot = log.read(partition, 0)
    async with opened(tmp_path) as log:
        assert log.read(log.hubs["hub"][0], 0) == hot
        assert log.read(log.hubs["hub"][0], 4)[0].base == 3


async def test_a_repeat_within_one_commit_is_stored_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        partition = log.hubs["hub"][0]
        first = batch("a", "b", producer=7, sequence=0)
        outcomes = await append(
            log, partition, first, first, batch("c", producer=7, sequence=2), batch("x", producer=7, sequence=9)
        )
        assert [outcome.base if isinstance(outcome, Appended) else type(outcome) for outcome in outcomes] == [
            0, 0, 2, OutOfOrderSequence,
        ]  # fmt: skip
        assert [value for _, _, value in over_kafka(log, partition)] == ["a", "b", "c"]


async def test_readers_are_not_woken_by_what_is_not_stored(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        partition = log.hubs["hub"][0]
        notified: list[int] = []
        partition.wait(lambda: notified.append(partition.next))
        first = batch("a", producer=7, sequence=0)
        for _ in range(3):
            await append(log, partition, first)
        await append(log, partition, batch("x", producer=7, sequence=5))
        assert notified == [1]


async def test_a_full_disk_leaves_a_producer_where_it_was(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        partition = log.hubs["hub"][0]
        await append(log, partition, batch("a", producer=7, sequence=0))
        pages = log._database.execute("PRAGMA page_count").fetchone()[0]
        log._database.execute(f"PRAGMA max_page_count = {pages}")

        # WHEN a commit does not fit, THEN every append of it is refused, a known repeat too
        large = batch("." * 100_000, producer=7, sequence=1)
        outcomes = await append(log, partition, batch("a", producer=7, sequence=0), large, ["b"])
        assert [type(outcome) for outcome in outcomes] == [LogUnavailable] * 3

        # WHEN there is room, THEN the same batches are taken as if they had never come
        log._database.execute("PRAGMA max_page_count = 1000000")
        again = await append(log, partition, batch("a", producer=7, sequence=0), large, ["b"])
        assert [outcome.base for outcome in again if isinstance(outcome, Appended)] == [0, 1, 2]
        assert partition.next == 3


async def test_producer_ids_are_never_given_twice(tmp_path: Path) -> None:
    given = []
    for _ in range(3):
        async with opened(tmp_path) as log:
            given += [log.new_producer_id() for _ in range(3)]
    assert sorted(set(given)) == given


async def test_a_silent_producer_is_forgotten_when_another_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as log:
        partition = log.hubs["hub"][0]
        await append(log, partition, batch("a", producer=7, sequence=0))
        monkeypatch.setattr(log_module, "_now", lambda: partition.last_enqueued + 86_400_001)
        (refused,) = await append(log, partition, batch("x", producer=7, sequence=9))
        assert isinstance(refused, OutOfOrderSequence)
        log.new_producer_id()
        (taken,) = await append(log, partition, batch("b", producer=7, sequence=9))
        assert isinstance(taken, Appended)


async def test_a_log_from_before_there_was_kafka_opens(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await append(log, log.hubs["hub"][0], ["a"])
    with sqlite3.connect(tmp_path / "eventhubs.db") as database:
        database.executescript("DROP TABLE producers; DROP TABLE producer_ids")
    database.close()
    async with opened(tmp_path) as log:
        partition = log.hubs["hub"][0]
        await append(log, partition, batch("b", producer=log.new_producer_id(), sequence=0))
        assert over_amqp(log, partition) == ["a", "b"]


async def test_what_is_damaged_on_disk_is_not_delivered(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        partition = log.hubs["hub"][0]
        await append(log, partition, batch("a", "b"))
        (stored,) = log.read(partition, 0)
        with pytest.raises(transcode.CorruptBatch, match="stored at offset 0 is damaged"):
            transcode.amqp(stored._replace(body=stored.body[:-1] + b"\x07"))
