"""The partition log: numbers, commits, reads, seeks, retention, and what a full disk or a second process does to it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from local.eventhubs import codec, position, retention
from local.eventhubs import log as log_module
from local.eventhubs.appends import Refusal
from local.eventhubs.config import HubConfig
from local.eventhubs.entry import Appended, bounds
from local.eventhubs.errors import LinkFault, LogUnavailable
from local.eventhubs.log import Log
from local.eventhubs.message import Event
from local.eventhubs.partition import Partition
from local.eventhubs.retention import Limits

HUBS = [HubConfig("hub", 2, ("$Default",)), HubConfig("other", 1, ("$Default",))]


def event(body: str) -> Event:
    return Event(b"", b"", 0, b"\x00\x53\x75" + codec.binary(body.encode()))


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Log]:
    log = Log(path / "eventhubs.db", HUBS)
    try:
        yield log
    finally:
        await log.close()


async def append(log: Log, partition: Partition, *bodies: str) -> None:
    await asyncio.gather(*start(log, partition, [bodies]))


def start(log: Log, partition: Partition, batches: Iterable[Iterable[str]]) -> list[asyncio.Future[None]]:
    futures = []
    for bodies in batches:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(outcome: Appended | Refusal, future: asyncio.Future[None] = future) -> None:
            if isinstance(outcome, Appended):
                future.set_result(None)
            else:
                future.set_exception(outcome)

        log.append(partition, [event(body) for body in bodies], done)
        futures.append(future)
    return futures


def read(log: Log, partition: Partition, sequence: int = 0) -> list[tuple[int, str]]:
    """Everything from `sequence` on, as consumers read: entry by entry."""
    found: list[tuple[int, str]] = []
    while entries := log.read(partition, sequence):
        for entry in entries:
            limits = bounds(entry)
            for index in range(max(0, sequence - entry.base), entry.length):
                stored = entry.body[limits[index] : limits[index + 1]]
                found.append((entry.base + index, stored.rpartition(b"\x75\xa0")[2][1:].decode()))
            sequence = entry.next
    return found


async def test_appends_of_one_turn_are_one_entry_and_keep_their_order(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        first, second = log.hubs["hub"]
        await asyncio.gather(
            *start(log, first, [["a", "b"], ["c"]]), *start(log, second, [["x"]]), *start(log, first, [["d"]])
        )
        assert read(log, first) == [(0, "a"), (1, "b"), (2, "c"), (3, "d")]
        assert read(log, second) == [(0, "x")]
        assert len(log.read(first, 0)) == 1
        assert log.hubs["other"][0].empty


async def test_large_appends_are_entries_of_their_own(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        partition = log.hubs["hub"][0]
        await asyncio.gather(*start(log, partition, [["." * 600_000], ["." * 600_000], ["end"]]))
        # A turn's reads stop at 256 KB, but bring one entry at least.
        assert [len(log.read(partition, sequence)) for sequence in range(3)] == [1, 1, 1]
        assert [log.read(partition, sequence)[0].base for sequence in range(3)] == [0, 1, 1]


async def test_a_log_that_is_opened_again_goes_on(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await append(log, log.hubs["hub"][1], "a", "b")
        created, enqueued = log.created("hub"), log.hubs["hub"][1].last_enqueued
    async with opened(tmp_path) as log:
        partition = log.hubs["hub"][1]
        assert (partition.first, partition.next, partition.last_enqueued) == (0, 2, enqueued)
        assert log.created("HUB") == created
        await append(log, partition, "c")
        assert read(log, partition) == [(0, "a"), (1, "b"), (2, "c")]
        assert read(log, partition, 1) == [(1, "b"), (2, "c")]


async def test_reads_are_the_same_from_memory_and_from_disk(tmp_path: Path) -> None:
    bodies = [[f"{number}-{index}" for index in range(number % 5 + 1)] for number in range(60)]
    async with opened(tmp_path) as log:
        partition = log.hubs["hub"][0]
        for batch in bodies:
            await append(log, partition, *batch)
        hot = {sequence: read(log, partition, sequence) for sequence in range(0, partition.next, 7)}
    async with opened(tmp_path) as log:
        partition = log.hubs["hub"][0]
        assert {sequence: read(log, partition, sequence) for sequence in hot} == hot
        assert [body for _, body in hot[0]] == [body for batch in bodies for body in batch]


async def test_what_was_dropped_is_not_read_from_memory(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        partition = log.hubs["hub"][0]
        for body in ("0", "1", "2"):
            await append(log, partition, body)
        assert log.drop(partition, 2) == 2
        assert read(log, partition) == [(2, "2")]
        assert log.drop(partition, 3) == 1
        assert read(log, partition) == []


async def test_memory_holds_what_is_newest_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "_HOT_BYTES", 10_000)
    async with opened(tmp_path) as log:
        first, second = log.hubs["hub"]
        for number in range(50):
            await append(log, (first, second)[number % 2], str(number).ljust(1_000))
        assert 5_000 < log._hot_bytes <= 10_000
        assert len(first._hot) + len(second._hot) == len(log._hot) < 12
        assert [int(body) for _, body in read_bodies(log, first)] == list(range(0, 50, 2))


def read_bodies(log: Log, partition: Partition) -> list[tuple[int, bytes]]:
    found = []
    sequence = 0
    while entries := log.read(partition, sequence):
        for entry in entries:
            found.append((entry.base, entry.body[-1_000:]))
            sequence = entry.next
    return found


async def test_a_clock_that_is_set_back_does_not_make_events_older(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([5_000, 4_000, 6_000])
    async with opened(tmp_path) as log:
        monkeypatch.setattr(log_module, "_now", lambda: next(times))
        partition = log.hubs["hub"][0]
        enqueued = []
        for body in "abc":
            await append(log, partition, body)
            enqueued.append(partition.last_enqueued)
        assert enqueued == [5_000, 5_000, 6_000]


@pytest.mark.parametrize(("milliseconds", "inclusive", "expected"), [
    (0, True, 0), (1_000, True, 0), (1_000, False, 2), (1_500, True, 2), (2_000, True, 2), (2_000, False, 5),
    (3_000, True, 5), (3_000, False, 9), (9_000, True, 9),
])  # fmt: skip
async def test_seeking_by_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, milliseconds: int, inclusive: bool, expected: int
) -> None:
    async with opened(tmp_path) as log:
        partition = log.hubs["hub"][0]
        for time, count in ((1_000, 2), (2_000, 3), (3_000, 4)):
            monkeypatch.setattr(log_module, "_now", lambda time=time: time)
            await append(log, partition, *"x" * count)
        assert log.first_after(partition, milliseconds, inclusive) == expected


async def test_a_full_disk_refuses_all_of_a_commit_and_recovers(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        partition = log.hubs["hub"][0]
        await append(log, partition, "kept")
        pages = log._database.execute("PRAGMA page_count").fetchone()[0]
        log._database.execute(f"PRAGMA max_page_count = {pages}")
        notified: list[int] = []
        partition.wait(lambda: notified.append(partition.next))

        # WHEN two appends share a commit that does not fit, THEN both are refused, and nothing has changed
        results = await asyncio.gather(*start(log, partition, [["small"], ["." * 100_000]]), return_exceptions=True)
        assert all(isinstance(result, LogUnavailable) for result in results)
        assert "full" in str(results[0])
        assert (partition.next, notified) == (1, [])
        assert read(log, partition) == [(0, "kept")]

        # WHEN there is room, THEN numbering goes on without a gap
        log._database.execute("PRAGMA max_page_count = 1000000")
        await append(log, partition, "kept too")
        assert read(log, partition) == [(0, "kept"), (1, "kept too")]
        assert notified == [2]


async def test_a_file_that_cannot_be_read_refuses_whoever_asks_for_a_time(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        partition = log.hubs["hub"][0]
        await append(log, partition, "lost")
        log._database.execute(f"DROP TABLE entries_{partition.key}")
        with pytest.raises(LogUnavailable, match="hub hub, partition 0: the event log cannot be read"):
            log.first_after(partition, 0, True)
        selector = {position.SELECTOR_FILTER: "amqp.annotation.x-opt-enqueued-time >= '0'"}
        with pytest.raises(LinkFault, match="cannot be read"):
            position.start(log, partition, selector)


async def test_a_second_namespace_cannot_open_the_same_log(tmp_path: Path) -> None:
    async with opened(tmp_path):
        with pytest.raises(LogUnavailable, match="in use by another namespace"):
            Log(tmp_path / "eventhubs.db", HUBS)
    async with opened(tmp_path):
        pass


async def test_a_file_that_is_not_a_log_or_of_another_version(tmp_path: Path) -> None:
    (tmp_path / "eventhubs.db").write_bytes(b"not a database" * 1_000)
    with pytest.raises(LogUnavailable, match="cannot be opened as an event log"):
        Log(tmp_path / "eventhubs.db", HUBS)
    (tmp_path / "eventhubs.db").unlink()
    with sqlite3.connect(tmp_path / "eventhubs.db") as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(LogUnavailable, match="another version"):
        Log(tmp_path / "eventhubs.db", HUBS)


async def test_retention_by_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as log:
        partition = log.hubs["hub"][0]
        for time in (1_000, 2_000, 3_000):
            monkeypatch.setattr(log_module, "_now", lambda time=time: time)
            await append(log, partition, f"at {time}", "beside it")

        assert await retention.enforce(log, Limits(1.0, 2**40), now=3_500) == 4
        assert (partition.first, partition.next) == (4, 6)
        assert await retention.enforce(log, Limits(1.0, 2**40), now=9_000) == 2
        assert (partition.first, partition.next, partition.empty) == (6, 6, True)
        assert await retention.enforce(log, Limits(1.0, 2**40), now=9_000) == 0
    async with opened(tmp_path) as log:
        partition = log.hubs["hub"][0]
        assert (partition.first, partition.next, partition.last_enqueued) == (6, 6, 3_000)
        await append(log, partition, "next")
        assert read(log, partition, 0) == [(6, "next")]


async def test_retention_by_size_takes_the_oldest_of_any_partition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "_DROP_BYTES", 100_000)
    async with opened(tmp_path) as log:
        first, second = log.hubs["hub"]
        for number in range(40):
            monkeypatch.setattr(log_module, "_now", lambda number=number: number)
            await append(log, second if number < 20 else first, "." * 100_000)
        assert log.size > 4_000_000

        await retention.enforce(log, Limits(10**9, 1_500_000), now=100)

        assert log.size <= 1_500_000
        assert second.empty
        assert 5 < first.first < 10
        assert first.next == second.next == 20


async def test_the_write_ahead_log_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "_CHECKPOINT_BYTES", 200_000)
    monkeypatch.setattr(log_module, "_CHECKPOINT_NOW_BYTES", 1_000_000)
    async with opened(tmp_path) as log:
        for _ in range(100):
            await append(log, log.hubs["hub"][0], "." * 100_000)
        if log._checkpoint is not None:
            await log._checkpoint
        assert (tmp_path / "eventhubs.db-wal").stat().st_size < 3_000_000
        assert (tmp_path / "eventhubs.db").stat().st_size > 7_000_000
