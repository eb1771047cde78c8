"""Sending to a hub by the Event Hubs SDK, in as few batches as it takes."""

from __future__ import annotations

from collections.abc import Iterable

from azure.eventhub import EventData, EventHubProducerClient


def send_bodies(
    connection_string: str, hub: str, bodies: Iterable[bytes], *, key: str | None = None, partition: str | None = None
) -> None:
    """Send one event per body, in order; returns when the hub has acknowledged them all."""
    with EventHubProducerClient.from_connection_string(connection_string, eventhub_name=hub) as producer:
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
