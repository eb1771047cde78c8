"""An invocation's events as stages read them: bodies and positions, from what the Functions worker hands over."""

from __future__ import annotations

import _strptime  # type: ignore[import-not-found]
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

from shared.records import REPLAY_STAGE_PROPERTY

# For each event's time the Functions worker tries some 13 formats in turn (azure.functions.meta), and strptime keeps
# five compiled, so that every event compiles most of them again. Room for all makes the worker build an event in 35 us,
# not 109 (`make bench`). A private name of the standard library: where it is missing, nothing changes.
if hasattr(_strptime, "_CACHE_MAX_SIZE"):
    _strptime._CACHE_MAX_SIZE = 64

# How much of a batch is worked on at a time. Parsed, validated and made into documents, records take some ten times
# their bytes; a backlog's batch of 500 packed events is 32 MB, and several partitions are worked on at once.
SLICE_BYTES = 1_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class TriggerEvent(Protocol):
    """What is read of an `azure.functions.EventHubEvent` (cardinality many, data type binary)."""

    def get_body(self) -> bytes: ...
    @property
    def sequence_number(self) -> int | None: ...
    @property
    def enqueued_time(self) -> datetime | None: ...
    @property
    def partition_key(self) -> str | None: ...
    @property
    def metadata(self) -> Any: ...


class HubEvent(NamedTuple):
    """One event of a hub: `enqueued` in milliseconds since 1970, `properties` the application's."""

    body: bytes
    sequence: int
    enqueued: int
    key: str | None
    properties: dict[str, Any]

    def is_for(self, stage: str) -> bool:
        """Whether a stage is to take it: of those that read a hub, a replayed dead letter is for the one it is of."""
        return bool(self.properties.get(REPLAY_STAGE_PROPERTY, stage) == stage)


@dataclass(frozen=True)
class Batch:
    """What one invocation was given: events of one partition, in order."""

    hub: str
    partition: str
    events: Sequence[HubEvent]

    @classmethod
    def of(cls, events: Sequence[TriggerEvent]) -> Batch:
        """Read a trigger's events.

        Raises:
            ValueError: no events, or events without the trigger's metadata (cardinality is not many).
        """
        if not events:
            raise ValueError("a trigger's batch holds at least one event; got none")
        # Every event carries the metadata of the whole batch and parses it anew: read it once, from the first.
        metadata = events[0].metadata or {}
        context = metadata.get("PartitionContext") or metadata.get("TriggerPartitionContext")
        if not context:
            raise ValueError("the events carry no PartitionContext: declare the trigger with cardinality many")
        properties = metadata.get("PropertiesArray") or []
        if len(properties) != len(events):
            properties = [{}] * len(events)
        read = [
            HubEvent(
                event.get_body() or b"",
                event.sequence_number or 0,
                _milliseconds(event.enqueued_time),
                event.partition_key,
                own or {},
            )
            for event, own in zip(events, properties, strict=True)
        ]
        # A trigger delivers in order. Should one not, a key would lose its order, and a sink drop what runs backwards.
        if any(one.sequence > next_one.sequence for one, next_one in pairwise(read)):
            read.sort(key=lambda event: event.sequence)
        return cls(hub=context["EventHubName"], partition=str(context["PartitionId"]), events=read)

    def slices(self) -> Iterator[Batch]:
        """This batch in pieces of about `SLICE_BYTES` of bodies, in order; an event is never cut."""
        held: list[HubEvent] = []
        size = 0
        for event in self.events:
            if held and size + len(event.body) > SLICE_BYTES:
                yield replace(self, events=held)
                held, size = [], 0
            held.append(event)
            size += len(event.body)
        yield replace(self, events=held)


def _milliseconds(time: datetime | None) -> int:
    if time is None:
        return 0
    # The host omits the `Z`, and the worker then builds a naive time that means UTC.
    return ((time if time.tzinfo else time.replace(tzinfo=UTC)) - _EPOCH) // _MILLISECOND
