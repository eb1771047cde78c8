"""The Event Hub trigger of one function: its share of the partitions, batch by batch, and the checkpoints.

When a batch has ended, its checkpoint is written whether or not the function succeeded: Event Hubs have no poison
events, and the .NET extension (EventHubListener.PartitionProcessor.ProcessEventsAsync) leaves bad ones to the function.
With a retry policy the batch is tried again first. Once the listener stops or has lost the partition, nothing is
checkpointed any more, as there: the batch comes again. Nor is anything when the worker ended in the middle.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from azure.eventhub import EventData, LoadBalancingStrategy
from azure.eventhub.aio import CheckpointStore, EventHubConsumerClient, PartitionContext

from local.functions import event_data
from local.functions.bindings import EventHubTrigger, Function
from local.functions.checkpointing import PartitionCheckpoint
from local.functions.credentials import credential
from local.functions.event_data import Event, Partition
from local.functions.host_json import EventHubOptions
from local.functions.invocation import Invoker, MakeInput
from local.functions.logs import host_logger
from local.functions.messages import Input
from local.functions.settings import Connection, event_hubs_connection, resolve
from local.receiving import ArrivalTransport

FIRST_CLAIM = 5.0
"""Seconds that a start waits for the first partition; a second host may find none to claim."""

RELEASE = 3.0
"""Seconds that a stop has to write the last checkpoints, release the partitions and close the connections. It takes
milliseconds, or minutes: where the account is away the SDK tries again and again. What is not released expires."""


@dataclass
class _PartitionRun:
    """One stretch of owning a partition."""

    partition: Partition
    checkpoint: PartitionCheckpoint
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


class EventHubListener:
    """Runs one function on what arrives in one consumer group of one hub.

    Args:
        function: with an EventHubTrigger.
        options: of host.json.
        store: of checkpoints and ownership.
        invoker: runs the function.
        environment: the settings that the trigger's names refer to.

    Raises:
        SettingsError: the connection or a `%NAME%` is not set.
    """

    def __init__(
        self, function: Function, options: EventHubOptions, store: CheckpointStore, invoker: Invoker,
        environment: Mapping[str, str],
    ) -> None:  # fmt: skip
        trigger = function.trigger
        assert isinstance(trigger, EventHubTrigger)
        where = f"function {function.name}"
        connection = event_hubs_connection(resolve(trigger.connection, environment, where), environment, where)
        self._function, self._trigger, self._options = function, trigger, options
        self._store, self._invoker = store, invoker
        self._log = host_logger(f"Triggers.EventHubs.{function.name}")
        self._client = _open_client(
            connection,
            # The hub of the connection string wins over the trigger's, as in the extension.
            hub=connection.part("EntityPath") or resolve(trigger.hub, environment, where),
            consumer_group=resolve(trigger.consumer_group, environment, where),
            options=options,
            store=store,
        )
        self._runs: dict[str, _PartitionRun] = {}
        self._batches: set[asyncio.Task[None]] = set()
        self._latest: dict[str, asyncio.Task[None]] = {}
        self._stopping = False
        self._claimed = asyncio.Event()
        self._receiving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to receive; returns once a partition is claimed, an attempt failed, or `FIRST_CLAIM` has passed."""
        self._receiving = asyncio.create_task(
            self._client.receive_batch(
                self._on_batch,
                max_batch_size=self._options.max_batch,
                prefetch=self._options.prefetch,
                starting_position=self._options.start,
                on_error=self._on_error,
                on_partition_initialize=self._on_partition_initialize,
                on_partition_close=self._on_partition_close,
            )
        )
        self._receiving.add_done_callback(self._ended)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_CLAIM):
                await self._claimed.wait()

    async def stop(self, seconds: float) -> bool:
        """Take no more batches, let those that run end within `seconds`, release the partitions.

        Returns:
            Whether every batch had ended.
        """
        self._stopping = True
        for run in self._runs.values():
            run.stopping.set()
        left: set[asyncio.Task[None]] = set()
        if self._batches:
            _, left = await asyncio.wait(self._batches, timeout=seconds)
        try:
            async with asyncio.timeout(RELEASE):
                await self._release()
        except TimeoutError:
            self._log.warning(
                "Not released after %.0f s: the partitions' ownership has to expire, and what has no checkpoint comes "
                "again. Is the storage account there?", RELEASE,
            )  # fmt: skip
        return not left

    async def _release(self) -> None:
        await asyncio.gather(*(run.checkpoint.flush() for run in self._runs.values()))
        # The client would cancel these, too, and then look once a second whether they have ended: most of a stop.
        partitions: list[asyncio.Task[None]] = []
        for processor in self._client._event_processors.values():
            processor._running = False
            partitions += processor._tasks.values()
        for partition in partitions:
            partition.cancel()
        await asyncio.gather(*partitions, return_exceptions=True)
        await self._client.close()
        if self._receiving is not None:
            self._receiving.cancel()
            await asyncio.gather(self._receiving, return_exceptions=True)

    def _ended(self, receiving: asyncio.Task[None]) -> None:
        if not receiving.cancelled() and (error := receiving.exception()):
            self._log.error("receiving ended: %s: %s", type(error).__name__, error, exc_info=error)
            self._claimed.set()

    async def _on_partition_initialize(self, context: PartitionContext) -> None:
        partition = Partition(
            context.fully_qualified_namespace, context.eventhub_name, context.consumer_group, context.partition_id
        )
        checkpoint = PartitionCheckpoint(self._store, partition, self._options.checkpoint_frequency)
        self._runs[partition.id] = _PartitionRun(partition, checkpoint)
        self._claimed.set()

    async def _on_partition_close(self, context: PartitionContext, _: Any) -> None:
        if run := self._runs.pop(context.partition_id, None):
            run.stopping.set()
            run.checkpoint.drop()

    async def _on_error(self, context: PartitionContext | None, error: Exception) -> None:
        where = f"partition {context.partition_id}" if context else "claiming partitions"
        self._log.warning("%s: %s: %s; trying again", where, type(error).__name__, error)
        self._claimed.set()

    async def _on_batch(self, context: PartitionContext, events: list[EventData]) -> None:
        run = self._runs[context.partition_id]
        if self._stopping:
            await asyncio.Event().wait()  # until the client closes
        before = self._latest.get(run.partition.id)
        if before is not None and not before.done():
            await asyncio.wait((before,))  # lost and claimed again: one invocation of a partition at a time
        batch = asyncio.create_task(self._process(run, [event_data.read(event) for event in events]))
        self._latest[run.partition.id] = batch
        self._batches.add(batch)
        batch.add_done_callback(self._batches.discard)
        try:
            # A function cannot be interrupted half-way; what is cancelled is the wait for it.
            await asyncio.shield(batch)
        except asyncio.CancelledError:
            run.stopping.set()
            raise

    async def _process(self, run: _PartitionRun, events: Sequence[Event]) -> None:
        for batch in [events] if self._trigger.many else [[event] for event in events]:
            if not await self._execute(run, batch):
                return
            last = batch[-1]
            if run.stopping.is_set():
                return
        run.checkpoint.batch_ended(last)

    async def _execute(self, run: _PartitionRun, events: Sequence[Event]) -> bool:
        """Run the function on `events`; returns whether that ended, well or not."""
        first, last = events[0], events[-1]
        details = (
            f"PartitionId: {run.partition.id}, Offset: {first.offset}-{last.offset}, EnqueueTimeUtc: "
            f"{first.enqueued}-{last.enqueued}, SequenceNumber: {first.sequence_number}-{last.sequence_number}, "
            f"Count: {len(events)}"
        )
        outcome = await self._invoker.invoke_with_retries(
            self._function, self._input(run, events), run.stopping, details=details
        )
        return not outcome.lost

    def _input(self, run: _PartitionRun, events: Sequence[Event]) -> MakeInput:
        checkpointing, data_type = run.checkpoint.due, self._trigger.data_type

        def make() -> Input:
            if self._trigger.many:
                data = event_data.body_many([event.body for event in events], data_type)
                return Input(data, event_data.metadata_many(events, run.partition, checkpointing=checkpointing))
            data = event_data.body_one(events[0].body, data_type)
            return Input(data, event_data.metadata_one(events[0], run.partition, checkpointing=checkpointing))

        return make


def _open_client(
    connection: Connection, *, hub: str, consumer_group: str, options: EventHubOptions, store: CheckpointStore
) -> EventHubConsumerClient:
    balancing: dict[str, Any] = {
        "checkpoint_store": store,
        "load_balancing_interval": options.load_balancing_interval,
        "partition_ownership_expiration_interval": options.ownership_expiration,
        # All that is free at once: one partition per interval would take a start four times as long.
        "load_balancing_strategy": LoadBalancingStrategy.GREEDY,
    }
    if connection.connection_string:
        client = EventHubConsumerClient.from_connection_string(
            connection.connection_string, consumer_group, eventhub_name=hub, **balancing
        )
    else:
        client = EventHubConsumerClient(
            str(connection.endpoint), hub, consumer_group, credential(connection.client_id), **balancing
        )
    wait = options.max_wait if options.min_batch > 1 else 0.0
    client._amqp_transport = ArrivalTransport(options.min_batch, wait)
    return client
