"""What the local namespace can take over AMQP with the SDK: events in and out per second, and its CPU per event.

    python -m bench.namespace_amqp [--events 200000]

Batches are built beforehand: building and encoding 500 events costs the client some 15 ms, twenty times what sending
them costs. The SDK's receiving client is what bounds the rate out, so the CPU columns say more than the rates.
"""

from __future__ import annotations

import argparse
import asyncio
import threading
from typing import Any

from azure.eventhub import EventData, EventDataBatch, EventHubProducerClient
from azure.eventhub.aio import EventHubConsumerClient

from bench.namespace import EVENT_BYTES, HUB, PARTITIONS, Meter, Namespace, serve, show
from local.eventhubs import connection_string

BATCH, PRODUCERS = 500, 2


def batch(producer: EventHubProducerClient, partition: int, events: int = BATCH) -> EventDataBatch:
    """A batch of events with a property and a body of `EVENT_BYTES` bytes."""
    made = producer.create_batch(partition_id=str(partition))
    for number in range(events):
        event = EventData(str(number).ljust(EVENT_BYTES, "."))
        event.properties = {"kind": "place"}
        made.add(event)
    return made


def _send(namespace: Namespace, events: int) -> dict[str, float]:
    """`PRODUCERS` threads, each with batches for partitions of its own, one batch in flight each."""
    producers = [_producer(namespace) for _ in range(PRODUCERS)]
    batches = [
        [batch(producer, partition) for partition in range(index, PARTITIONS, PRODUCERS)]
        for index, producer in enumerate(producers)
    ]
    rounds = max(1, events // (BATCH * PARTITIONS))

    def work(producer: EventHubProducerClient, own: list[EventDataBatch]) -> None:
        for _ in range(rounds):
            for made in own:
                producer.send_batch(made)

    for producer, own in zip(producers, batches, strict=True):  # connect
        for made in own:
            producer.send_batch(made)
    threads = [threading.Thread(target=work, args=pair) for pair in zip(producers, batches, strict=True)]
    meter = Meter(namespace)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result = meter.stop(rounds * BATCH * PARTITIONS)
    for producer in producers:
        producer.close()
    return result


def _send_one_by_one(namespace: Namespace, events: int) -> dict[str, float]:
    with _producer(namespace) as producer:
        single = batch(producer, 0, 1)
        producer.send_batch(single)
        meter = Meter(namespace)
        for _ in range(events):
            producer.send_batch(single)
        return meter.stop(events)


def _producer(namespace: Namespace) -> EventHubProducerClient:
    return EventHubProducerClient.from_connection_string(connection_string(namespace.child.port), eventhub_name=HUB)


async def _receive(namespace: Namespace, events: int) -> dict[str, float]:
    """One aio client on all partitions, from the oldest event on."""
    client = EventHubConsumerClient.from_connection_string(
        connection_string(namespace.child.port),
        "$Default",
        eventhub_name=HUB,
        prefetch=3_000,
        load_balancing_interval=0.5,
    )
    enough, received = asyncio.Event(), 0
    meter: Meter | None = None

    async def on_batch(_context: Any, got: list[EventData]) -> None:
        nonlocal received, meter
        meter = meter or Meter(namespace)
        received += len(got)
        if received >= events:
            enough.set()

    task = asyncio.create_task(client.receive_batch(on_batch, starting_position="-1", max_batch_size=3_000))
    await enough.wait()
    assert meter is not None
    result = meter.stop(received)
    await client.close()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return result


def measure(events: int) -> dict[str, dict[str, float]]:
    """Send and receive `events` events of `EVENT_BYTES` bytes; rates, server CPU per event, memory and disk."""
    with serve() as namespace:
        return {
            "in, batches of 500": _send(namespace, events),
            "out, prefetch 3000": asyncio.run(_receive(namespace, min(events, 100_000))),
            "in, one by one": _send_one_by_one(namespace, min(events // 50, 3_000)),
            "service": namespace.used(),
        }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.namespace_amqp", description=__doc__)
    parser.add_argument("--events", type=int, default=200_000, help="how many of 400 bytes (default 200000)")
    arguments = parser.parse_args()
    show("AMQP", measure(arguments.events))


if __name__ == "__main__":
    main()
