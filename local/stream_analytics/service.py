"""The job at work: cycles of reading, computing, committing and delivering, one after the other.

A cycle takes what the inputs have, pushes it through the query, and commits how far it read, what the query remembers
and what it gave, in one transaction; then it delivers. While an output is away, the cycle waits, and so do the inputs:
nothing is held in memory but what they had handed over.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from local.sql.asa.values import TICKS_PER_SECOND, DateTime, dump
from local.stream_analytics.cycle import Cycle
from local.stream_analytics.definition import Definition, Output
from local.stream_analytics.errors import HubError, JobError, OutputError
from local.stream_analytics.events import Received, read, ticks
from local.stream_analytics.hub import Batch, HubReader, Inbox, Quiet
from local.stream_analytics.job import Job, StateError, compile_job
from local.stream_analytics.outputs import Sink, connect
from local.stream_analytics.reference import ReferenceData
from local.stream_analytics.reference_reader import SCAN_SECONDS
from local.stream_analytics.references import References
from local.stream_analytics.retrying import again
from local.stream_analytics.rows import START
from local.stream_analytics.store import Delivery, Memory, Position, Store
from local.stream_analytics.watermark import EARLY_ARRIVAL

_LOG = logging.getLogger("local.stream_analytics")

STATE: Final = 4
"""To be raised when the operators remember otherwise than before: what an older version saved is then not restored."""

_PATIENCE: Final = 5.0
"""Seconds that a start waits for the hubs; a job whose hubs are away starts, and waits for them."""

_TURN: Final = 100
"""Events between which connections have their turn."""


class Service:
    """One job, between its hubs and its stores.

    Args:
        definition: the job.
        connections: the connection string of each setting.
        data_dir: where its state is.
        given_up: called when it cannot go on; `failure` then says why.
        scan_seconds: between two looks for new reference data.

    Raises:
        QueryError: the query does not compile.
        JobError: the job is not right, or its state is in use.
    """

    def __init__(
        self,
        definition: Definition,
        connections: Mapping[str, str],
        data_dir: Path,
        given_up: Callable[[], None],
        scan_seconds: float = SCAN_SECONDS,
    ) -> None:
        self.failure: BaseException | None = None
        self._definition = definition
        self._given_up = given_up
        self._inbox = Inbox()
        self._data = {source.name: ReferenceData() for source in definition.references}
        self._job = self._compile({source.name: 1 for source in definition.inputs})
        self._store = Store(data_dir)
        self._readers = {
            source.name: HubReader(source, connections[source.setting], self._inbox)
            for source in definition.inputs
            if source.name in self._job.inputs
        }
        joined = [source for source in definition.references if source.name in self._job.references]
        self._references = References(joined, connections, self._data, self._store, scan_seconds)
        self._outputs = {output.name: output for output in definition.outputs}
        self._sinks: dict[str, Sink] = {
            output.name: connect(output, connections[output.setting], self._store.run) for output in definition.outputs
        }
        self._names = {name.lower(): name for name in self._outputs}
        self._read: dict[tuple[str, int], int] = {}
        self._reached: dict[tuple[str, int], DateTime] = {}
        self._fresh = True
        self._since = START
        self._opened = asyncio.Event()
        self._fingerprint = ""
        self._state_seconds = 0.0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Mapping[str, object]]:
        """Run it; ready once hubs and reference data are there, or take their time.

        Raises:
            JobError, QueryError: it cannot be run.
        """
        task = asyncio.create_task(self._run())
        try:
            opened = asyncio.create_task(self._opened.wait())
            await asyncio.wait((task, opened), timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            opened.cancel()
            if task.done():
                task.result()
            task.add_done_callback(self._ended)
            yield {"inputs": sorted(self._readers), "outputs": list(self._job.outputs)}
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            for reader in self._readers.values():
                await reader.close()
            await self._references.close()
            for sink in self._sinks.values():
                await sink.close()
            self._store.close()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (failure := task.exception()):
            self.failure = failure
            self._given_up()

    def _compile(self, partitions: Mapping[str, int]) -> Job:
        definition = self._definition
        return compile_job(
            definition.query, inputs=partitions, references=self._data,
            outputs=[output.name for output in definition.outputs], file=str(definition.query_file),
            policies=definition.policies,
        )  # fmt: skip

    async def _open(self) -> None:
        for reader in self._readers.values():
            source = reader.source
            await again(reader.look, HubError, f"input {source.name}, hub {source.hub}: it answers; the job goes on")
        await self._references.open()
        partitions = {name: len(reader.partitions) for name, reader in self._readers.items()}
        others = {source.name: 1 for source in self._definition.inputs if source.name not in partitions}
        self._job = self._compile(partitions | others)
        hubs = sorted((name, reader.source.hub, partitions[name]) for name, reader in self._readers.items())
        said = repr((STATE, self._definition.query, self._definition.policies, hubs))
        self._fingerprint = hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()
        remembers = self._remember()
        for name, reader in self._readers.items():
            kept = self._store.positions(name)
            if not remembers:
                kept = {place: replace(position, sequence=position.settled) for place, position in kept.items()}
            positions = reader.start(kept)
            for partition in range(len(reader.partitions)):
                self._reached[name, partition] = START
                self._read[name, partition] = positions[partition].sequence if partition in positions else -1
        for name in sorted({delivery.output for delivery in self._store.pending()} - self._sinks.keys()):
            _LOG.warning("output %s: the job has it no more: what it has yet to get waits", name)

    def _remember(self) -> bool:
        """Give the query what it remembered; False when it is another query's, and its events are to be read again."""
        kept = self._store.memory()
        if kept is None:
            return True
        if kept.of == self._fingerprint:
            try:
                self._job.restore(kept.saved)
            except StateError as error:
                raise self._store.unreadable(str(error)) from None
            self._fresh = False
            return True
        _LOG.warning(
            "the query, the policies, a hub or its partitions are not what they were: the job goes on without the "
            "windows that were open, and reads again what the old one was not through with"
        )
        return False

    async def _run(self) -> None:
        await self._open()
        self._opened.set()
        await self._deliver(Cycle())
        began = 0.0
        while True:
            await self._inbox.wait()
            await self._references.refresh()
            cycle = Cycle()
            await cycle.fill(self._take, self._inbox, began, self._state_seconds)
            began = time.monotonic()
            if cycle.events or cycle.records:
                self._commit(cycle)
                await self._deliver(cycle)
                self._report(cycle)

    async def _take(self, cycle: Cycle) -> None:
        """Push what the inputs have through the query."""
        batches, quiet = self._inbox.take(self._reached)
        await self._hold_references(batches, quiet)
        for batch in batches:
            await self._push(cycle, batch)
        for look in quiet:
            self._idle(cycle, look)

    async def _hold_references(self, batches: Sequence[Batch], quiet: Sequence[Quiet]) -> None:
        """Have the reference data that rows meet once these are pushed, and none from before any row can be."""
        if not self._references or not (batches or (quiet and not self._fresh)):
            return
        # Batches are handed out once every partition was heard of: from here on, nothing arrives earlier.
        arrivals = {(batch.input, batch.partition): batch.arrival for batch in batches}
        since = min({**self._reached, **arrivals}.values()) - self._definition.policies.late_arrival
        if not self._fresh:
            since = min(since, self._job.watermark or START)
        self._fresh = False
        self._since = max(self._since, DateTime(since))
        until = max((*(batch.last_arrival for batch in batches), *(look.until for look in quiet)))
        await self._references.hold(self._since, DateTime(until + EARLY_ARRIVAL))

    def _commit(self, cycle: Cycle) -> None:
        started = time.monotonic()
        memory = Memory(self._fingerprint, self._job.save())
        self._store.commit(self._positions(), memory, cycle.records, cycle.started)
        self._state_seconds = time.monotonic() - started

    def _positions(self) -> dict[str, dict[int, Position]]:
        """Up to where each partition was read, and up to where the query is through with it."""
        settled = dict(self._read)
        for name, partition, meta in self._job.waiting():
            settled[name, partition] = min(settled[name, partition], meta["EventHub"]["SequenceNumber"] - 1)
        positions: dict[str, dict[int, Position]] = {name: {} for name in self._readers}
        for (name, partition), sequence in self._read.items():
            positions[name][partition] = Position(self._readers[name].log, sequence, settled[name, partition])
        return positions

    async def _push(self, cycle: Cycle, batch: Batch) -> None:
        hub, processed = self._readers[batch.input].source.hub, ticks(datetime.now(UTC))
        for number, event in enumerate(batch.events):
            if number % _TURN == _TURN - 1:
                await asyncio.sleep(0)
            received = read(event, hub, batch.partition, processed)
            self._push_event(cycle, batch, received)
        place = batch.input, batch.partition
        self._read[place], self._reached[place] = received.sequence, received.arrival
        cycle.events[batch.input] += len(batch.events)

    def _push_event(self, cycle: Cycle, batch: Batch, received: Received) -> None:
        if received.errors:
            cycle.undecoded[batch.input] += len(received.errors)
            _LOG.warning(
                "input %s, partition %d, sequence %d: deserialization: %s%s: dropped", batch.input, batch.partition,
                received.sequence, received.errors[0],
                f" (and {len(received.errors) - 1} more)" if len(received.errors) > 1 else "",
            )  # fmt: skip
        for record, meta in received.records:
            self._keep(cycle, self._job.push(batch.input, batch.partition, record, received.arrival, meta))

    def _idle(self, cycle: Cycle, look: Quiet) -> None:
        place = look.input, look.partition
        if look.last < look.handed:
            raise JobError(
                f"input {look.input}, partition {look.partition}: event {look.handed} was read, and the hub's last is "
                f"{look.last}: its log was created anew, or cut: start the job again, and if it then says the same, "
                "delete its state to read the hub from its beginning"
            )
        if self._read[place] >= (look.handed if look.empty else look.last):
            self._reached[place] = max(self._reached[place], look.until)
            self._keep(cycle, self._job.idle(look.until, *place))

    def _keep(self, cycle: Cycle, rows: Iterable[tuple[str, dict[str, Any]]]) -> None:
        for output, row in rows:
            line = dump(row).encode("utf-8", "replace")
            cycle.records.setdefault(self._names[output.lower()], []).append(line)
            cycle.bytes += len(line)

    async def _deliver(self, cycle: Cycle) -> None:
        """Deliver all that is committed; each output at its own pace, and all of them before the next cycle."""
        by_output: dict[str, list[Delivery]] = {}
        for delivery in self._store.pending():
            if delivery.output in self._sinks:
                by_output.setdefault(delivery.output, []).append(delivery)
        try:
            async with asyncio.TaskGroup() as group:
                for name, deliveries in by_output.items():
                    group.create_task(self._deliver_to(cycle, self._outputs[name], deliveries))
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def _deliver_to(self, cycle: Cycle, output: Output, deliveries: list[Delivery]) -> None:
        sink = self._sinks[output.name]
        for delivery in deliveries:

            async def deliver(delivery: Delivery = delivery) -> None:
                refused = await sink.deliver(delivery)
                if refused and not self._definition.drop_refused:
                    first = refused[0]
                    raise OutputError(
                        f"output {output.name}: {first.what}: {first.why}; it is tried again (policy Stop)"
                    )
                for each in refused:
                    _LOG.warning("output %s: %s: %s: dropped", output.name, each.what, each.why)
                cycle.refused[output.name] += len(refused)

            await again(deliver, OutputError, f"output {output.name}: delivered; the job reads on once all have")
            self._store.delivered(delivery)

    def _report(self, cycle: Cycle) -> None:
        if not _LOG.isEnabledFor(logging.INFO):
            return
        report: dict[str, Any] = {
            "event": "cycle",
            "events": dict(cycle.events),
            "undecoded": dict(cycle.undecoded),
            "rows": {name: len(lines) for name, lines in cycle.records.items()},
            "refused": {name: count for name, count in cycle.refused.items() if count},
            "policies": self._job.counts,
            "seconds": round(time.time() - cycle.started, 3),
        }
        if (watermark := self._job.watermark) is not None:
            report["watermark_delay"] = round((ticks(datetime.now(UTC)) - watermark) / TICKS_PER_SECOND, 3)
        _LOG.info("%s", json.dumps(report, separators=(",", ":")))
