"""Sending to hubs by the Event Hubs SDK, in as few batches as it takes."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from azure.eventhub import EventData, EventHubProducerClient


class Sender:
    """One producer for each hub, opened by the first who sends there: the SDK takes half a second to connect."""

    def __init__(self, connection_string: str) -> None:
        self._connection_string = connection_string
        self._producers: dict[str, EventHubProducerClient] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for producer in self._producers.values():
            producer.close()

    def send(self, hub: str, bodies: Iterable[bytes], *, key: str | None = None, partition: str | None = None) -> None:
        """Send one event per body, in order; returns when the hub has acknowledged them all."""
        if hub not in self._producers:
            self._producers[hub] = EventHubProducerClient.from_connection_string(
                self._connection_string, eventhub_name=hub
            )
        producer = self._producers[hub]
        batch = producer.create_batch(partition_id=partition, partition_key=key)
        for body in bodies:
            event = EventData(body)
            try:
                batch.add(event)
            except ValueError:
                producer.send_batch(batch)
                batch = producer.create_batch(partition_id=partition, partition_key=key)
                batch.add(event)
        producer.send_batch(batch)


def send_bodies(
    connection_string: str, hub: str, bodies: Iterable[bytes], *, key: str | None = None, partition: str | None = None
) -> None:
    """Send once, as `Sender.send` does."""
    with Sender(connection_string) as sender:
        sender.send(hub, bodies, key=key, partition=partition)
