"""When a partition's checkpoint is written: which batch, in which order, and what is still written at the end."""

from __future__ import annotations

import asyncio
from typing import Any

from local.functions.checkpointing import PartitionCheckpoint
from local.functions.event_data import Event, Partition


class Store:
    """Records what is written; `open` holds writes back, `failures` makes as many fail."""

    def __init__(self, failures: int = 0) -> None:
        self.written: list[int] = []
        self.open = asyncio.Event()
        self.failures = failures
        self.wrote = asyncio.Event()

    async def update_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        await self.open.wait()
        if self.failures:
            self.failures -= 1
            raise OSError("the account is away")
        self.written.append(checkpoint["sequence_number"])
        self.wrote.set()


def checkpoint(store: Store, frequency: int = 1) -> PartitionCheckpoint:
    return PartitionCheckpoint(store, Partition("n", "h", "g", "0"), frequency)  # type: ignore[arg-type]


def event(number: int) -> Event:
    return Event(b"", number, str(number), "", None, {}, {})


async def test_the_newest_position_wins_while_a_write_is_under_way() -> None:
    store = Store()
    partition = checkpoint(store)
    for number in range(5):
        partition.batch_ended(event(number))
        await asyncio.sleep(0)
    store.open.set()
    await partition.flush()
    assert store.written == [0, 4]


async def test_only_every_nth_batch_is_written() -> None:
    store = Store()
    store.open.set()
    partition = checkpoint(store, frequency=3)
    due = []
    for number in range(5):
        due.append(partition.due)
        partition.batch_ended(event(number))
    await partition.flush()
    assert due == [False, False, True, False, False]
    assert store.written == [2]


async def test_a_failed_write_is_tried_again() -> None:
    store = Store(failures=1)
    store.open.set()
    partition = checkpoint(store)
    partition.batch_ended(event(1))
    async with asyncio.timeout(5):
        await store.wrote.wait()
    assert store.written == [1]
    await partition.flush()


async def test_a_partition_with_another_owner_is_not_written_any_more() -> None:
    store = Store()
    partition = checkpoint(store)
    partition.batch_ended(event(1))
    await asyncio.sleep(0)
    partition.batch_ended(event(2))
    partition.drop()
    store.open.set()
    await partition.flush()
    assert store.written == [1]


async def test_a_flush_does_not_wait_for_an_account_that_is_away() -> None:
    store = Store(failures=99)
    store.open.set()
    partition = checkpoint(store)
    partition.batch_ended(event(1))
    async with asyncio.timeout(2):
        await partition.flush()
    assert store.written == []
