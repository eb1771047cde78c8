"""Runs the chain's stages on what a trigger delivers: the one place where pure stages meet hubs and stores.

Order of every slice of an invocation: process, write, emit (dead letters last), log. Whatever raises does so before the
checkpoint moves, so the host tries the same batch again; ids and ledgers make that harmless.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from shared import clients, telemetry
from shared.batches import Batch, HubEvent, TriggerEvent
from shared.emitter import Emitter
from shared.failures import HUB as DEAD_LETTERS_HUB
from shared.failures import dead_letters
from shared.records import utc_from_milliseconds
from shared.sinks.documents import upsert
from shared.sinks.files import Files
from shared.sinks.ledger import Entry
from shared.stages.outcome import Outcome, Stage
from shared.stages.stored import StoredRecord, StoreStage

EVENTS_FILE_SYSTEM = "events"
DEAD_LETTERS_FILE_SYSTEM = "dead-letters"


class Chain:
    """What the functions call. It opens nothing until the first invocation that needs it."""

    def __init__(self) -> None:
        self.emitter = Emitter(clients.producer)
        self._files = {
            name: Files(partial(clients.blob_container, name))
            for name in (EVENTS_FILE_SYSTEM, DEAD_LETTERS_FILE_SYSTEM)
        }
        self._done: dict[tuple[str, str, str], tuple[HubEvent, int]] = {}

    async def run(self, stage: Stage, events: Sequence[TriggerEvent]) -> None:
        """Run a stage that sends on what it makes.

        Raises:
            Exception: an outage of a hub; the host is to try the batch again.
        """
        for batch in self._slices(stage.name, events):
            started = time.perf_counter()
            await self._finish(stage.name, batch, stage.process(batch), started)

    async def store_documents(self, stage: StoreStage, events: Sequence[TriggerEvent]) -> None:
        """Upsert a batch's records into Cosmos DB; those it refuses for themselves go to the dead letters.

        Raises:
            Exception: an outage of Cosmos DB or a hub; the host is to try the batch again.
        """
        for batch in self._slices(stage.name, events):
            started = time.perf_counter()
            stored, outcome = stage.read(batch)
            refused = await upsert(clients.documents(), ((item.document, len(item.line)) for item in stored))
            for refusal in refused:
                stage.refuse(batch, stored[refusal.number], outcome, refusal.status, refusal.message)
            await self._finish(stage.name, batch, outcome, started, stored, len(stored) - len(refused))

    async def store_files(
        self,
        stage: StoreStage,
        file_system: str,
        entry: Callable[[StoredRecord], Entry],
        events: Sequence[TriggerEvent],
    ) -> None:
        """Write a batch's records as lines of files, `entry` saying where; none of them twice.

        Raises:
            Exception: an outage of the Data Lake or a hub; the host is to try the batch again.
        """
        files = self._files[file_system]
        for batch in self._slices(stage.name, events):
            started = time.perf_counter()
            stored, outcome = stage.read(batch)
            written = await files.write(batch.hub, batch.partition, [entry(item) for item in stored])
            await self._finish(stage.name, batch, outcome, started, stored, written)

    def _slices(self, stage: str, events: Sequence[TriggerEvent]) -> Iterator[Batch]:
        """The slices of an invocation's events. The same events again, after a failure, go on where it was.

        Without this, an account that is throttled for long would be sent the beginning of a large batch at each retry.
        """
        batch = Batch.of(events)
        key, first = (stage, batch.hub, batch.partition), batch.events[0]
        began, done = self._done.get(key, (None, -1))
        for piece in batch.slices():
            last = piece.events[-1].sequence
            if began == first and last <= done:
                continue
            yield piece
            self._done[key] = (first, last)  # not reached when the slice raised
        self._done.pop(key, None)

    async def _finish(
        self, stage: str, batch: Batch, outcome: Outcome, started: float,
        stored: Sequence[StoredRecord] = (), written: int | None = None,
    ) -> None:  # fmt: skip
        out = {hub: len(records) for hub, records in outcome.outputs.items()}
        sent = await self.emitter.emit(outcome.outputs)
        if outcome.failures:
            now = utc_from_milliseconds(time.time_ns() // 1_000_000)
            # In the order of what was consumed, as every record: a sink takes what runs backwards for a repeat. So they
            # wait for what goes on: of that, what was not sent may be refused at the retry, and would come behind them.
            in_order = sorted(outcome.failures, key=lambda failure: (failure.sequence, failure.element))
            letters = [letter for failure in in_order for letter in dead_letters(failure, now)]
            sent += await self.emitter.emit({DEAD_LETTERS_HUB: letters})
        counts: dict[str, object] = {
            "hub": batch.hub,
            "partition": batch.partition,
            "first": batch.events[0].sequence,
            "last": batch.events[-1].sequence,
            "events": len(batch.events),
            "records": outcome.records,
            "out": out,
            "dead": outcome.dead,
            "reasons": outcome.reasons(),
            "sent_events": sent,
            "milliseconds": round((time.perf_counter() - started) * 1000),
        }
        if written is not None:
            counts["written"] = written
            counts["latency_ms"] = telemetry.latencies(item.origin.enqueued for item in stored)
        telemetry.invocation(stage, counts)


CHAIN = Chain()
