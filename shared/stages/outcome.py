"""What a stage makes of a batch: keyed records for other hubs, and failures for the dead letters."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Protocol

from shared.batches import Batch, HubEvent
from shared.failures import Failure
from shared.records import Origin


@dataclass
class Outcome:
    """The whole result of one batch, before any of it is sent.

    Attributes:
        records: how many records, good or bad, the batch held.
        outputs: by hub, the records to send with their keys, serialised, in order.
        failures: what goes to the dead letters.
    """

    records: int = 0
    outputs: dict[str, list[tuple[str, bytes]]] = field(default_factory=lambda: defaultdict(list))
    failures: list[Failure] = field(default_factory=list)


class Stage(Protocol):
    """A pure step of the chain: a batch in, an outcome out; no wires."""

    @property
    def name(self) -> str: ...

    def process(self, batch: Batch) -> Outcome: ...


def position(batch: Batch, event: HubEvent, number: int) -> Origin:
    """Where the `number`-th element of an event stands in the hub that is being consumed."""
    return Origin(batch.hub, batch.partition, event.sequence, str(number), event.enqueued)
