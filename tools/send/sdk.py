"""Into a hub with the Event Hubs SDK: one connection a partition, batches, and no return before all is acknowledged."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, cast

from azure.eventhub import EventData
from azure.eventhub.exceptions import EventHubError

from tools import clients
from tools.errors import explain
from tools.send.outgoing import Delivery, OnDelivery, Outgoing, SendFailed

# A partition's buffer never fills before `send` flushes, so all partitions are flushed at once, in parallel.
_BUFFER_EVENTS = 100_000
# The SDK's background flush; it only matters to how long closing takes, since `send` flushes by itself.
_BACKGROUND_FLUSH_SECONDS = 0.1
# Each partition holds a thread of the SDK for its background flush, and needs another to be flushed; with too few, a
# flush waits forever. A hub has 1,024 partitions at most, and threads are only made when they are needed.
_THREADS = 2 * 1_024


class SdkSender:
    """Sends in the SDK's buffered mode, which hashes a key to a partition by itself (`tools/send/partitions.py`)."""

    def __init__(self, settings: Mapping[str, str], hub: str, on_delivery: OnDelivery | None = None) -> None:
        self._hub = hub
        self._on_delivery = on_delivery
        self._connected = False
        self._lock = threading.Lock()
        self._pending: dict[int, Outgoing] = {}
        self._acknowledged: list[Outgoing] = []
        self._errors: list[Exception] = []
        self._client = clients.producer(
            settings, hub, buffered_mode=True, max_buffer_length=_BUFFER_EVENTS, buffer_concurrency=_THREADS,
            max_wait_time=_BACKGROUND_FLUSH_SECONDS, on_success=self._on_success, on_error=self._on_error,
        )  # fmt: skip

    def send(self, events: list[Outgoing]) -> list[Outgoing]:
        """See `Sender`.

        Raises:
            EventHubError: the hub cannot be reached, or refuses us, at the first call.
        """
        messages = [(self._message(event), event) for event in events]
        self._acknowledged = []
        self._pending = {id(message): event for message, event in messages}
        try:
            for message, event in messages:
                self._client.send_event(message, partition_key=event.key)
            self._client.flush()
        except EventHubError as error:
            if not self._connected:
                raise  # nothing was sent yet, so there is nothing to count
            self._errors.append(error)
        if self._errors or len(self._acknowledged) < len(events):
            missing = len(events) - len(self._acknowledged)
            reason = explain(self._errors[0]) or repr(self._errors[0]) if self._errors else "the SDK did not say why"
            raise SendFailed(f"hub {self._hub} did not acknowledge {missing:,} events: {reason}", self._acknowledged)
        self._connected = True
        return self._acknowledged

    def close(self) -> None:
        """Close the connections; what a failure left in the SDK's buffers is dropped, as it was reported."""
        self._client.close(flush=False)

    def _message(self, event: Outgoing) -> EventData:
        message = EventData(event.body)
        if event.properties:
            message.properties = cast(dict[str | bytes, Any], dict(event.properties))
        return message

    def _on_success(self, messages: list[Any], partition_id: str | None) -> None:
        with self._lock:
            events = [self._pending[id(message)] for message in messages]
            self._acknowledged.extend(events)
            if self._on_delivery:
                for event in events:
                    self._on_delivery(Delivery(event, self._hub, partition_id or "?"))

    def _on_error(self, messages: list[Any], partition_id: str | None, error: Exception) -> None:
        with self._lock:
            self._errors.append(error)
