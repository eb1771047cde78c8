"""Sends records to hubs: packed, each to the partition of its key, in order, through producers that live on.

The Functions output binding can set neither key nor properties, so this is azure-eventhub itself.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from azure.eventhub import EventData, EventDataBatch

from shared.records import BATCH_CONTENT_TYPE, MESSAGE_BYTES, PACK_BYTES, pack
from shared.routing import UNPACKED_HUBS, partition_of

Keyed = tuple[str, bytes]


class Producer(Protocol):
    """What is used of `azure.eventhub.aio.EventHubProducerClient`."""

    async def get_partition_ids(self) -> list[str]: ...
    async def send_batch(self, event_data_batch: EventDataBatch) -> None: ...


class Emitter:
    """One per process. Concurrent invocations share it: the SDK keeps one link a partition, and a lock on it."""

    def __init__(self, producer: Callable[[str], Producer]) -> None:
        """`producer` opens the client of a hub by name; each hub is opened once, at its first record."""
        self._open = producer
        self._producers: dict[str, Producer] = {}
        self._partitions: dict[str, list[str]] = {}

    async def emit(self, outputs: Mapping[str, Iterable[Keyed]]) -> int:
        """Send keyed records to their hubs; returns how many events they took.

        Partitions go at the same time, the records of one partition in order. When a send fails, its partition stops
        there, the others end theirs, and the error is raised: nothing later can overtake what was not sent.

        Raises:
            azure.eventhub.exceptions.EventHubError: a hub did not take a batch after the SDK's own retries. All of it
                may be emitted again: ids stay the same.
        """
        partitions = {hub: await self._ids(hub) for hub in outputs}
        sends = []
        for hub, records in outputs.items():
            ids = partitions[hub]
            by_partition = divide(records, len(ids))
            limit = 1 if hub in UNPACKED_HUBS else PACK_BYTES
            sends += [self._send(hub, ids[number], pack(payloads, limit)) for number, payloads in by_partition.items()]
        results = await asyncio.gather(*sends, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return sum(result for result in results if isinstance(result, int))

    async def _send(self, hub: str, partition: str, packs: Iterable[tuple[bytes, int]]) -> int:
        batch = _new_batch(partition)
        events = 0
        for body, _ in packs:
            event = to_event(body)
            events += 1
            try:
                batch.add(event)
            except ValueError:  # the batch is full
                await self._producers[hub].send_batch(batch)
                batch = _new_batch(partition)
                batch.add(event)
        await self._producers[hub].send_batch(batch)
        return events

    async def _ids(self, hub: str) -> list[str]:
        if hub not in self._partitions:
            if hub not in self._producers:
                self._producers[hub] = self._open(hub)
            self._partitions[hub] = sorted(await self._producers[hub].get_partition_ids(), key=int)
        return self._partitions[hub]


def _new_batch(partition: str) -> EventDataBatch:
    # The client's own create_batch would open one more connection, only to learn the size that is known here.
    return EventDataBatch(max_size_in_bytes=MESSAGE_BYTES, partition_id=partition)


def divide(records: Iterable[Keyed], partitions: int) -> dict[int, list[bytes]]:
    """Payloads by the partition of their key, each partition's in the order they came."""
    divided: dict[int, list[bytes]] = defaultdict(list)
    known: dict[str, list[bytes]] = {}
    for key, payload in records:
        target = known.get(key)
        if target is None:
            target = known[key] = divided[partition_of(key, partitions)]
        target.append(payload)
    return divided


def to_event(body: bytes) -> EventData:
    """One event on the hub: a CloudEvents JSON batch."""
    event = EventData(body)
    event.content_type = BATCH_CONTENT_TYPE
    return event
