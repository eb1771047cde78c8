"""Appends that wait for a commit, by either protocol, and the entries that they become."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from local.eventhubs.entry import AMQP, KAFKA, Appended, Entry, pack
from local.eventhubs.errors import LogUnavailable, OutOfOrderSequence, StaleEpoch
from local.eventhubs.kafka.batch import Batch, numbered, stamped
from local.eventhubs.message import Event, stamp
from local.eventhubs.partition import Partition
from local.eventhubs.producer_states import ProducerStates

# The most that one entry gathers from several appends.
_ENTRY_BYTES = 1024 * 1024

# Why an append was not stored. All of it is refused, never a part.
Refusal = LogUnavailable | OutOfOrderSequence | StaleEpoch
Done = Callable[[Appended | Refusal], None]


@dataclass(frozen=True, slots=True)
class Published:
    """What an idempotent producer says of events (a record batch says it of itself); an epoch begins with `first`."""

    producer_id: int
    producer_epoch: int
    base_sequence: int
    count: int
    first: int


@dataclass(slots=True)
class Append:
    """An append that is queued, of so many bytes, and what became of it."""

    partition: Partition
    content: list[Event] | Batch
    size: int
    done: Done
    published: Published | None = None
    outcome: Appended | Refusal | None = None


def gather(queue: list[Append]) -> list[list[Append]]:
    """The appends, those of events for one partition put together up to an entry's size; order within each is kept.

    A record batch is an entry of its own: its bytes are its consumers'. So is what an idempotent producer sends: it
    may turn out to be a repeat.
    """
    gathered: list[list[Append]] = []
    room: dict[int, int] = {}
    filling: dict[int, list[Append]] = {}
    for append in queue:
        key = append.partition.key
        if isinstance(append.content, Batch) or append.published:
            room[key] = -1
            gathered.append([append])
            continue
        if append.size > room.get(key, -1):
            filling[key], room[key] = [], _ENTRY_BYTES
            gathered.append(filling[key])
        filling[key].append(append)
        room[key] -= append.size
    return gathered


def entry(group: list[Append], base: int, enqueued: int, producers: ProducerStates) -> Entry | None:
    """The entry that a group of appends becomes, None for a batch that is not to be stored; sets their outcomes."""
    first, partition = group[0], group[0].partition.key
    if first.published:
        first.outcome = producers.admit(partition, first.published, first.published.first)
        if first.outcome is not None:
            return None
        producers.appended(partition, first.published, base, enqueued)
    if isinstance(first.content, Batch):
        batch = first.content
        first.outcome = producers.admit(partition, batch)
        if first.outcome is not None:
            return None
        producers.appended(partition, batch, base, enqueued)
        first.outcome = Appended(base, enqueued)
        body = numbered(batch, base) if first.partition.topic.create_time else stamped(batch, base, enqueued)
        return Entry(base, batch.count, enqueued, KAFKA, body)
    events: list[Event] = []
    for append in group:
        append.outcome = Appended(base + len(events), enqueued)
        events += cast(list[Event], append.content)
    return Entry(base, len(events), enqueued, AMQP, pack(stamp(events, base, enqueued)))
