"""Retention: events older than a time, or beyond a size, go; the oldest first. What somebody still needs stays."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

from local.eventhubs.errors import LogUnavailable
from local.eventhubs.log import Log
from local.eventhubs.partition import Partition

_LOG = logging.getLogger(__name__)
_LEAST_STEP = 64 * 1024


@dataclass(frozen=True)
class Limits:
    """What is kept: `seconds` of age where a hub says nothing else, and `size` bytes of what may go, in all hubs."""

    seconds: float
    size: int


# From which sequence number on a partition's events are still needed.
Needed = Callable[[Partition], int]


def nothing(partition: Partition) -> int:
    """Nobody needs any."""
    return partition.next


async def keep(log: Log, limits: Limits, every: float, needed: Needed = nothing) -> None:
    """Enforce `limits` every so many seconds, until cancelled; events from `needed` on stay whatever the limits."""
    while True:
        try:
            await enforce(log, limits, time.time_ns() // 1_000_000, needed)
        except (LogUnavailable, sqlite3.Error) as error:
            _LOG.error("retention: %s", error)
        await asyncio.sleep(every)


async def enforce(log: Log, limits: Limits, now: int, needed: Needed = nothing) -> int:
    """Drop what is over the limits at `now` (milliseconds since 1970); gives way to the event loop between steps.

    Returns:
        How many events went.

    Raises:
        LogUnavailable: a deletion could not be committed.
    """
    dropped = 0
    partitions = [partition for hub in log.hubs.values() for partition in hub]
    for partition in partitions:
        oldest_kept = partition.topic.oldest_kept(now, int(limits.seconds * 1_000))
        if oldest_kept is None:
            continue
        before = log.first_after(partition, oldest_kept, inclusive=True)
        while step := log.drop(partition, min(before, needed(partition))):
            dropped += step
            await asyncio.sleep(0)
        if needed(partition) < before:
            _LOG.warning("retention: %s is kept from event %d on: it is not captured yet", partition, needed(partition))
    if log.size > limits.size:
        dropped += await _shrink(log, partitions, limits.size, needed)
    if dropped:
        _LOG.info("retention: %d events dropped", dropped)
    return dropped


async def _shrink(log: Log, partitions: list[Partition], size: int, needed: Needed) -> int:
    """Drop the oldest events while there are more than `size` bytes of them; how many went."""
    # Of a topic that Kafka would compact, the oldest record may be the newest of its key: somebody's state. It stays,
    # and nothing else goes in its place.
    droppable = [partition for partition in partitions if not partition.topic.compact]
    if kept := await log.size_without(droppable):
        _LOG.warning(
            "retention: %d bytes of the log are of topics with cleanup.policy=compact, or of hubs that are not open, "
            "and stay: delete the data directory when nobody needs them",
            kept,
        )
    dropped = 0
    held: set[int] = set()
    while log.size > size + kept:
        oldest = _oldest(log, [partition for partition in droppable if partition.key not in held])
        if oldest is None:
            if held:
                _LOG.warning("retention: the log is larger than %d bytes with what is not captured yet", size)
            break
        # A part of what is too much: dropped from one partition, all of it would be newer than what others keep.
        part = max((log.size - size - kept) // len(droppable), _LEAST_STEP)
        step = log.drop(oldest, min(oldest.next, needed(oldest)), part)
        if not step:
            held.add(oldest.key)
        dropped += step
        await asyncio.sleep(0)
    return dropped


def _oldest(log: Log, partitions: list[Partition]) -> Partition | None:
    filled = [partition for partition in partitions if not partition.empty]
    return min(filled, key=log.oldest, default=None)
