"""The receive loop of one partition, driven by arrivals.

azure-eventhub's asynchronous receiver polls: two tasks per partition sleep 50 ms each round, which adds 25-75 ms to
every hop of a chain and wakes an idle process hundreds of times a second. This takes the place of that one loop; the
connection, authorisation, link, load balancing and retries stay the SDK's. It reads internals of the pinned version
(azure-eventhub 5.15, `aio/_transport/_pyamqp_transport_async.py`): an upgrade has to be checked against it.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from azure.eventhub._pyamqp._decode import decode_empty_frame, decode_frame
from azure.eventhub._pyamqp.error import AMQPLinkError, ErrorCondition
from azure.eventhub.aio._transport._pyamqp_transport_async import PyamqpTransportAsync

_QUIET_PASSES = 4
"""Passes of the event loop without a new event after which nothing more is at hand: reading one frame takes two."""

_FRAMES = 16
"""Frames read between two looks at how much is buffered; one is 64 KB at most."""

_HEARTBEAT = 10.0
"""Seconds between two looks at whether the server is due an empty frame, while nothing is read."""

_FRAME_HEADER = 8
"""Bytes; the first four say how long the frame is (AMQP 1.0, 2.3.1)."""

MAX_BUFFERED = 2 * 1024 * 1024
"""Bytes of bodies that a partition holds ahead of its function. The prefetch count alone bounds no memory: 1,500
events may be 1.5 GB. Past this the socket is left unread, and the server waits."""


class ArrivalTransport(PyamqpTransportAsync):
    """The SDK's transport with an event-driven `receive_messages_async`.

    Args:
        minimum: events that a batch waits for.
        wait: seconds that it waits for them at most, from its first event on.
    """

    def __init__(self, minimum: int = 1, wait: float = 0.0) -> None:
        self._minimum = minimum
        self._wait = wait

    @staticmethod
    def create_receive_client(**options: Any) -> Any:
        """The SDK's client without its keep-alive, which reads frames too: beside our loop it swapped events."""
        return PyamqpTransportAsync.create_receive_client(**{**options, "keep_alive_interval": 0})

    async def message_received_async(self, consumer: Any, message: Any) -> None:  # type: ignore[override]
        consumer._message_buffer.append(message)
        consumer.buffered += _size(message)
        consumer.arrived.set()

    async def receive_messages_async(  # type: ignore[override]
        self, consumer: Any, batch: bool, max_batch_size: int, max_wait_time: float | None
    ) -> None:
        """Hand over batches until the link fails for good or the task is cancelled."""
        consumer.arrived, consumer.room, consumer.stolen = asyncio.Event(), asyncio.Event(), False
        consumer.buffered = sum(map(_size, consumer._message_buffer))
        consumer._callback_task_run = True
        reader = asyncio.create_task(self._read(consumer))
        deliverer = asyncio.create_task(self._deliver(consumer, max_batch_size))
        try:
            await asyncio.wait((reader, deliverer), return_when=asyncio.FIRST_COMPLETED)
            if reader.done() and not consumer.stolen:
                # The connection is gone, the ownership is not: let the batch at hand end and be checkpointed.
                consumer._callback_task_run = False
                consumer.arrived.set()
                await deliverer
        finally:
            consumer._callback_task_run = False
            for task in (reader, deliverer):
                task.cancel()
            await asyncio.gather(reader, deliverer, return_exceptions=True)
        for task in (reader, deliverer):
            if not task.cancelled():
                task.result()

    async def _read(self, consumer: Any) -> None:
        failures = 0
        while consumer._callback_task_run:
            try:
                await consumer._open()
                if len(consumer._message_buffer) >= consumer._prefetch or consumer.buffered >= MAX_BUFFERED:
                    await self._wait_for_room(consumer)
                _read_at_once(consumer._handler._connection._transport)
                if not await consumer._handler.do_work_async(batch=_FRAMES):
                    return
                failures = 0
                # The SDK keeps every delivery tag that it ever received; settled deliveries need none.
                consumer._handler._link._received_delivery_tags.clear()
            except Exception as error:
                # What was read and not yet delivered comes again, from the last event that was.
                consumer._message_buffer.clear()
                consumer.buffered = 0
                if consumer._last_received_event:
                    consumer._offset = consumer._last_received_event.offset
                consumer.stolen = isinstance(error, AMQPLinkError) and error.condition == ErrorCondition.LinkStolen
                failure = await consumer._handle_exception(error)
                failures += 1
                if consumer.stolen or failures > consumer._client._config.max_retries:
                    raise failure from None

    async def _wait_for_room(self, consumer: Any) -> None:
        """Leave the socket unread until the function has taken some; the server still hears from us."""
        consumer.room.clear()
        while not consumer.room.is_set():
            try:
                async with asyncio.timeout(_HEARTBEAT):
                    await consumer.room.wait()
            except TimeoutError:
                await consumer._handler._connection.listen(wait=False, batch=0)

    async def _deliver(self, consumer: Any, maximum: int) -> None:
        buffer = consumer._message_buffer
        while consumer._callback_task_run:
            if not buffer:
                consumer.arrived.clear()
                await consumer.arrived.wait()
                continue
            await self._assemble(consumer, maximum)
            if not consumer._callback_task_run:
                return  # what is buffered stays: a position once taken is not asked for again
            events = []
            for _ in range(min(maximum, len(buffer))):
                consumer.buffered -= _size(buffer[0])
                events.append(consumer._next_message_in_buffer())
            consumer.room.set()
            if events:
                await consumer._on_event_received(events)

    async def _assemble(self, consumer: Any, maximum: int) -> None:
        """Wait until a batch is what it should be: all that has arrived; the minimum, if there is one, or its time."""
        buffer = consumer._message_buffer
        deadline = time.monotonic() + self._wait
        while consumer._callback_task_run:
            await _settle(buffer, maximum)
            left = deadline - time.monotonic()
            if len(buffer) >= self._minimum or consumer.buffered >= MAX_BUFFERED or left <= 0:
                return
            consumer.arrived.clear()
            try:
                async with asyncio.timeout(left):
                    await consumer.arrived.wait()
            except TimeoutError:
                return


async def _settle(buffer: Any, maximum: int) -> None:
    """Let the reader take what the socket already has, so that a burst is one batch and not one event and the rest."""
    quiet = 0
    while quiet < _QUIET_PASSES and (before := len(buffer)) < maximum:
        await asyncio.sleep(0)
        quiet = quiet + 1 if len(buffer) == before else 0


def _read_at_once(transport: Any) -> None:
    """Let frames that have arrived whole be read without giving up the loop.

    The SDK wraps each read in `wait_for`, which up to Python 3.11 is a task, so that a frame takes two passes of the
    loop. While functions keep the loop busy for milliseconds a pass, that held a partition to 100 events a second.
    """
    if getattr(transport, "reads_at_once", False):
        return
    waiting = transport.receive_frame

    async def receive_frame(timeout: float | None = None, **options: Any) -> Any:  # noqa: ASYNC109 (the SDK's signature)
        arrived = transport.reader._buffer
        if len(arrived) < _FRAME_HEADER or len(arrived) < int.from_bytes(arrived[:4], "big"):
            return await waiting(timeout=timeout, **options)
        header, channel, payload = await transport.read(**options)
        return channel, decode_frame(payload) if payload else decode_empty_frame(header)

    transport.receive_frame = receive_frame
    transport.reads_at_once = True


def _size(message: Any) -> int:
    return sum(map(len, message.data or ()))
