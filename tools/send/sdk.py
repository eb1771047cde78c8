"""Into a hub with the Event Hubs SDK: one connection a partition, batches, and no return before all is acknowledged."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, cast

from azure.eventhub import EventData

from tools import clients
from tools.errors import explain
from tools.send.outgoing import Outgoing, SendFailed

# A partition's buffer never fills before `send` flushes, so all partitions are flushed at once, in parallel.
_BUFFER_EVENTS = 100_000
# The SDK's background flush; it only matters to how long closing takes, since `send` flushes by itself.
_BACKGROUND_FLUSH_SECONDS = 0.1
# Threads of the SDK: each partition holds one for its background flush, and needs one more to be flushed in parallel.
_THREADS = 64


class SdkSender:
    """Sends in the SDK's buffered mode, which hashes a key to the partition that the service would choose."""

    def __init__(self, settings: Mapping[str, str], hub: str) -> None:
        self._hub = hub
        self._lock = threading.Lock()
        self._pending: dict[int, Outgoing] = {}
        self._acknowledged: list[Outgoing] = []
        self._errors: list[Exception] = []
        self._client = clients.producer(
            settings, hub, buffered_mode=True, max_buffer_length=_BUFFER_EVENTS, buffer_concurrency=_THREADS,
            max_wait_time=_BACKGROUND_FLUSH_SECONDS, on_success=self._on_success, on_error=self._on_error,
        )  # fmt: skip

    def send(self, events: list[Outgoing]) -> list[Outgoing]:
        """Send `events` and return those acknowledged: all of them. See `Sender`."""
        messages = [(self._message(event), event) for event in events]
        self._acknowledged = []
        self._pending = {id(message): event for message, event in messages}
        for message, event in messages:
            self._client.send_event(message, partition_key=event.key)
        self._client.flush()
        if self._errors or len(self._acknowledged) < len(events):
            missing = len(events) - len(self._acknowledged)
            reason = explain(self._errors[0]) or repr(self._errors[0]) if self._errors else "the SDK did not say why"
            raise SendFailed(f"hub {self._hub} did not acknowledge {missing:,} events: {reason}", self._acknowledged)
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
            self._acknowledged.extend(self._pending[id(message)] for message in messages)

    def _on_error(self, messages: list[Any], partition_id: str | None, error: Exception) -> None:
        with self._lock:
            self._errors.append(error)
