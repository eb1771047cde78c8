"""What a stage makes of a batch: keyed records for other hubs, and failures for the dead letters."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Protocol

from shared.batches import Batch, HubEvent
from shared.failures import ALONE, Failure
from shared.records import Origin


@dataclass
class Outcome:
    """The whole result of one batch, before any of it is sent.

    Attributes:
        records: how many records, good or bad, the batch held.
        outputs: by hub, the records to send with their keys, serialised, in order.
        failures: what goes to the dead letters; `fail` adds to them.
        dead: how many records those are.
    """

    records: int = 0
    outputs: dict[str, list[tuple[str, bytes]]] = field(default_factory=lambda: defaultdict(list))
    failures: list[Failure] = field(default_factory=list)
    dead: int = 0
    _bad: Counter[int] = field(default_factory=Counter, repr=False)
    _shared: dict[int, Failure] = field(default_factory=dict, repr=False)

    def fail(self, failure: Failure, *, alone: bool = False) -> None:
        """Add a failure: `alone`, as the first of its event are, or to the one that the others share."""
        self.dead += 1
        self._bad[failure.sequence] += 1
        if not alone and self._bad[failure.sequence] > ALONE:
            shared = self._shared.setdefault(failure.sequence, failure)
            if shared is not failure:
                shared.more.append(failure.body)
                return
        self.failures.append(failure)

    def reasons(self) -> dict[str, int]:
        """How many records each reason refused; those that share a dead letter count by the first one's."""
        counts: Counter[str] = Counter()
        for failure in self.failures:
            counts[failure.reason] += 1 + len(failure.more)
        return dict(counts)


class Stage(Protocol):
    """A pure step of the chain: a batch in, an outcome out; no wires."""

    @property
    def name(self) -> str: ...

    def process(self, batch: Batch) -> Outcome: ...


def position(batch: Batch, event: HubEvent, number: int) -> Origin:
    """Where the `number`-th element of an event stands in the hub that is being consumed."""
    return Origin(batch.hub, batch.partition, event.sequence, str(number), event.enqueued)
