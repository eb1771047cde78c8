"""A hub as an input: all its partitions, from where the job stopped, each event once.

The job keeps its positions itself, with all else that it must not lose; the consumer group has none in the hub.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient, PartitionContext
from azure.eventhub.exceptions import EventHubError

from local.receiving import ArrivalTransport
from local.sql.asa.values import TICKS_PER_SECOND, DateTime
from local.stream_analytics.definition import HubInput
from local.stream_analytics.errors import DefinitionError, HubError, JobError, reason
from local.stream_analytics.events import ticks
from local.stream_analytics.rows import START
from local.stream_analytics.store import Position

_LOG = logging.getLogger("local.stream_analytics")

BATCH: Final = 250
"""Events that a partition hands over at once."""

_PREFETCH: Final = 300
_RECLAIM_SECONDS: Final = 2.0
"""Until a partition whose connection failed is read again; the SDK's own retries come before."""

SKEW: Final = TICKS_PER_SECOND // 5
"""How far the clock of the namespace may be behind ours."""

_QUIET_AFTER: Final = 0.3
"""Seconds without an event after which a partition is looked at; more than the skew, so that its last event counts."""

_SOONEST_LOOK, _LATEST_LOOK = 1.0, 10.0
"""Seconds between two looks at quiet partitions: one takes a connection, and 10 ms of CPU at both ends (measured)."""

_LOOK_SECONDS: Final = 20.0
"""After which a look that has no answer is given up."""

AHEAD: Final = 60 * TICKS_PER_SECOND
"""How far a partition is read ahead of another one that has more: what is read ahead waits in memory for the other."""


@dataclass(frozen=True)
class Batch:
    """Events of one partition, in order."""

    input: str
    partition: int
    events: Sequence[EventData]

    @property
    def arrival(self) -> DateTime:
        """When the first of them was enqueued."""
        return _enqueued(self.events[0])

    @property
    def last_arrival(self) -> DateTime:
        """When the last of them was."""
        return _enqueued(self.events[-1])


@dataclass(frozen=True)
class Quiet:
    """What a look showed of a quiet partition: what was enqueued before `until` has a sequence number up to `last`.

    `handed` is up to where it had been handed over before the look: a log that ends sooner is not the one that it was.
    Where it is `empty`, nothing comes of what is after that: the hub has dropped it.
    """

    input: str
    partition: int
    handed: int
    last: int
    until: DateTime
    empty: bool = False


class Inbox:
    """Where partitions leave what they have: one batch each, until it is taken."""

    def __init__(self) -> None:
        self._batches: list[tuple[Batch, asyncio.Event]] = []
        self._quiet: dict[tuple[str, int], Quiet] = {}
        self._arrived = asyncio.Event()
        self._failure: JobError | None = None

    def fail(self, failure: JobError) -> None:
        """Let the job know that an input cannot be read on: the next that takes something gets this."""
        self._failure = failure
        self._arrived.set()

    async def put(self, batch: Batch) -> None:
        """Leave a batch, and wait until it is taken: so much is read ahead, and no more."""
        taken = asyncio.Event()
        self._batches.append((batch, taken))
        self._arrived.set()
        await taken.wait()

    def note(self, quiet: Sequence[Quiet]) -> None:
        """Leave what is known of quiet partitions, in place of what was known before."""
        self._quiet.update({(look.input, look.partition): look for look in quiet})
        if quiet:
            self._arrived.set()

    async def wait(self) -> None:
        """Until there is something."""
        await self._arrived.wait()

    def take(self, reached: Mapping[tuple[str, int], DateTime]) -> tuple[list[Batch], list[Quiet]]:
        """What there is, but of no partition what is far ahead of another one.

        Args:
            reached: for each input and partition, up to when all that was enqueued has been taken.

        Raises:
            JobError: an input cannot be read on.
        """
        if self._failure is not None:
            raise self._failure
        waiting = {(batch.input, batch.partition): batch.arrival for batch, _ in self._batches}
        ahead = min({**reached, **waiting}.values(), default=START) + AHEAD
        held, taken = [], []
        for batch, event in self._batches:
            if batch.arrival > ahead:
                held.append((batch, event))
            else:
                taken.append(batch)
                event.set()
        quiet = list(self._quiet.values())
        self._batches, self._quiet = held, {}
        self._arrived.clear()
        return taken, quiet


class HubReader:
    """Reads one input into an inbox.

    Raises:
        DefinitionError: the setting holds no connection string.
    """

    def __init__(self, source: HubInput, connection_string: str, inbox: Inbox) -> None:
        self.source = source
        self.log = ""
        self.partitions: list[str] = []
        self._inbox = inbox
        self._handed: dict[str, int] = {}
        self._known: dict[str, int | None] = {}  # up to where events were handed over, or said to be dropped
        self._heard: dict[str, float] = {}
        self._stirred = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        try:
            self._client = EventHubConsumerClient.from_connection_string(
                connection_string, source.consumer_group, eventhub_name=source.hub,
                load_balancing_interval=_RECLAIM_SECONDS,
            )  # fmt: skip
        except ValueError as error:
            raise DefinitionError(f"{source.setting}: {error}") from None
        self._client._amqp_transport = ArrivalTransport()

    async def look(self) -> None:
        """Ask the hub for its partitions, and for when its log was created.

        Raises:
            HubError: it does not answer; it may later.
        """
        try:
            async with asyncio.timeout(_LOOK_SECONDS):  # the SDK itself waits for ever for one that says nothing
                properties = await self._client.get_eventhub_properties()
        except (EventHubError, OSError, TimeoutError) as error:
            raise HubError(f"input {self.source.name}, hub {self.source.hub}: {reason(error)}") from error
        self.partitions = sorted(properties["partition_ids"], key=int)
        self.log = self._log_of(properties)

    def start(self, positions: Mapping[int, Position]) -> dict[int, Position]:
        """Read on after `positions`; where there is none, or one in another log, from the beginning.

        Returns:
            The positions that hold.
        """
        holding = {partition: position for partition, position in positions.items() if position.log == self.log}
        if holding.keys() != positions.keys():
            _LOG.warning(
                "input %s: what was read was another hub than %s (the job named another, or it was created anew): "
                "that is read from its beginning", self.source.name, self.log,
            )  # fmt: skip
        for partition in self.partitions:
            position = holding.get(int(partition))
            self._known[partition] = None if position is None else position.sequence
            self._handed[partition] = -1 if position is None else position.sequence
            self._heard[partition] = 0.0
        self._tasks = [asyncio.create_task(self._receive()), asyncio.create_task(self._watch())]
        return holding

    async def close(self) -> None:
        # In this order: a client that is closed first waits a second for its own tasks.
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            await self._client.close()

    async def _receive(self) -> None:
        # The SDK asks for a partition's start when it opens it, and again when it has to: this moves along.
        starts: Any = _Starts(self._handed)
        while True:
            try:
                await self._client.receive_batch(
                    self._on_batch, on_error=self._on_error, starting_position=starts, prefetch=_PREFETCH,
                    max_batch_size=BATCH,
                )  # fmt: skip
            except Exception as error:  # of the SDK's own loop; it is to end with us, and not before
                await self._on_error(None, error)
            await asyncio.sleep(_RECLAIM_SECONDS)

    async def _on_batch(self, context: PartitionContext, events: list[EventData]) -> None:
        partition = context.partition_id
        after = self._handed[partition]
        fresh = [event for event in events if (event.sequence_number or 0) > after]
        if not fresh:
            return
        first, last = fresh[0].sequence_number or 0, fresh[-1].sequence_number or 0
        self._say_dropped(partition, first - 1)
        # Before the wait: should the SDK drop the partition meanwhile, the batch is ours, and what it reads again not.
        self._handed[partition] = self._known[partition] = last
        self._heard[partition] = time.monotonic()
        self._stirred.set()
        await self._inbox.put(Batch(self.source.name, int(partition), fresh))

    def _say_dropped(self, partition: str, last: int) -> None:
        """Say, once, that events up to `last` are gone; of a partition that was never read, nothing is missed."""
        known = self._known[partition]
        if known is not None and last > known:
            _LOG.warning(
                "input %s, partition %s: the events %d to %d were dropped from the hub before they were read",
                self.source.name, partition, known + 1, last,
            )  # fmt: skip
            self._known[partition] = last

    async def _on_error(self, context: PartitionContext | None, error: Exception) -> None:
        where = f"partition {context.partition_id}" if context else f"hub {self.source.hub}"
        _LOG.warning("input %s, %s: %s; trying again", self.source.name, where, reason(error))

    async def _watch(self) -> None:
        """Say of quiet partitions up to when nothing more will come of them: else they would hold windows open.

        Before a look, time is noted; what the look shows had been enqueued by then, so that the job knows, once it has
        read all of that, that what comes later is enqueued later.
        """
        pause, checked = _SOONEST_LOOK, time.monotonic()
        while True:
            began = time.monotonic()
            if began - checked >= _LATEST_LOOK:
                checked = began
                await self._check_log()
            quiet = [name for name in self.partitions if began - self._heard[name] >= _QUIET_AFTER]
            looks = await asyncio.gather(*(self._look_at(partition) for partition in quiet))
            self._inbox.note([look for look in looks if look])
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stirred.wait()
            if self._stirred.is_set():
                self._stirred.clear()
                pause = _SOONEST_LOOK
                await asyncio.sleep(max(_QUIET_AFTER, began + _SOONEST_LOOK - time.monotonic()))
            else:
                pause = min(1.5 * pause, _LATEST_LOOK)

    async def _check_log(self) -> None:
        """End the job once the hub is another one: its numbers begin anew, and those up to `handed` would be left out.

        While it is shorter than the old one, a look at it shows that, too; this does however many come how soon.
        """
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                properties = await self._client.get_eventhub_properties()
        except Exception:  # whatever it is, reading meets it as well, and says so
            return
        if (log := self._log_of(properties)) != self.log:
            self._inbox.fail(
                JobError(
                    f"input {self.source.name}: the hub that was read ({self.log}) was created anew ({log}): "
                    "start the job again, and it reads that from its beginning"
                )
            )

    def _log_of(self, properties: Mapping[str, Any]) -> str:
        """What tells the hub from others, and from one of the same name: several can be created at the same moment."""
        return f"{self.source.hub}, created at {properties['created_at'].isoformat()}"

    async def _look_at(self, partition: str) -> Quiet | None:
        handed, until = self._handed[partition], DateTime(ticks(datetime.now(UTC)) - SKEW)
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                properties = await self._client.get_partition_properties(partition)
        except Exception as error:  # whatever it is, the next look may do better
            _LOG.warning(
                "input %s, partition %s: not known whether it is idle: %s", self.source.name, partition, reason(error)
            )
            return None
        last, empty = properties["last_enqueued_sequence_number"], properties["is_empty"]
        if empty and handed == self._handed[partition]:
            self._say_dropped(partition, last)
        return Quiet(self.source.name, int(partition), handed, last, until, empty)


class _Starts(Mapping[str, Any]):
    """Where each partition is to be opened: after the last event that was handed over."""

    def __init__(self, handed: Mapping[str, int]) -> None:
        self._handed = handed

    def __getitem__(self, partition: str) -> Any:
        return "-1" if self._handed[partition] < 0 else self._handed[partition]

    def __iter__(self) -> Any:
        return iter(self._handed)

    def __len__(self) -> int:
        return len(self._handed)


def _enqueued(event: EventData) -> DateTime:
    moment = event.enqueued_time
    return START if moment is None else ticks(moment)
