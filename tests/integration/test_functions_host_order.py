"""Order under load: nothing but the receive loop may read a partition's frames, or two readers swap events."""

from __future__ import annotations

import asyncio
import threading
import time
from functools import partial
from typing import Any

import pytest
from azure.eventhub import EventData, EventHubProducerClient
from azure.eventhub.aio import EventHubConsumerClient
from azure.eventhub.aio._consumer_async import EventHubConsumer
from azure.eventhub.aio._transport._pyamqp_transport_async import PyamqpTransportAsync

from local.receiving import ArrivalTransport
from tests.integration.functions_service import Namespace, namespace

__all__ = ["namespace"]

SECONDS = 5.0


async def test_events_stay_in_order_while_the_loop_is_busy_and_the_sdk_would_keep_connections_alive(
    namespace: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN the SDK's keep-alive, which is due after 30 s, due at once; and a function that keeps the loop busy
    made = EventHubConsumer.__init__
    monkeypatch.setattr(EventHubConsumer, "__init__", lambda *a, **options: made(*a, **{**options, "keep_alive": 1}))
    client = EventHubConsumerClient.from_connection_string(
        namespace.connection_string, "$Default", eventhub_name=namespace.hub
    )
    client._amqp_transport = ArrivalTransport()
    received: dict[str, list[int]] = {}

    async def on_batch(context: Any, events: list[EventData]) -> None:
        received.setdefault(context.partition_id, []).extend(event.sequence_number for event in events)
        busy_until = time.perf_counter() + 0.01
        while time.perf_counter() < busy_until:
            pass
        await asyncio.sleep(0)

    # WHEN events trickle in
    sent: list[int] = []
    producing = threading.Thread(target=partial(_trickle, namespace, sent))
    receiving = asyncio.create_task(client.receive_batch(on_batch, starting_position="-1", prefetch=500))
    producing.start()
    deadline = time.monotonic() + 30
    while producing.is_alive() or sum(map(len, received.values())) < sent[0]:
        assert time.monotonic() < deadline, f"{received} of {sent}"
        await asyncio.sleep(0.05)

    # THEN they are delivered in the order of their sequence numbers, each once
    for numbers in received.values():
        assert numbers == list(range(len(numbers)))
    receiving.cancel()
    await asyncio.gather(receiving, return_exceptions=True)
    await client.close()


def test_the_loop_still_takes_the_place_of_the_sdks() -> None:
    # What `ArrivalTransport` replaces exists under the same names in the pinned SDK.
    for name in ("receive_messages_async", "message_received_async", "create_receive_client"):
        assert name in vars(PyamqpTransportAsync)
        assert name in vars(ArrivalTransport)


def _trickle(namespace: Namespace, sent: list[int]) -> None:
    count, until = 0, time.monotonic() + SECONDS
    with EventHubProducerClient.from_connection_string(
        namespace.connection_string, eventhub_name=namespace.hub
    ) as producer:
        while time.monotonic() < until:
            for partition in "0123":
                batch = producer.create_batch(partition_id=partition)
                for _ in range(8):
                    batch.add(EventData(b"x" * 400))
                producer.send_batch(batch)
                count += 8
    sent.append(count)
