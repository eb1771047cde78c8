"""What the local namespace can take over AMQP with the SDK: events in and out per second, and its CPU per event.

    python -m bench.namespace_amqp [--events 200000]

Batches are built beforehand: building and encoding 500 events costs the client some 15 ms, twenty times what sending
them costs. The SDK's receiving client is what bounds the rate out, so the CPU columns say more than the rates.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from azure.eventhub import EventData, EventDataBatch, EventHubProducerClient
from azure.eventhub.aio import EventHubConsumerClient

from bench.processes import cpu_seconds, peak_megabytes
from local.children import Child
from local.eventhubs import connection_string

EVENT_BYTES, BATCH, PARTITIONS, PRODUCERS = 400, 500, 4, 2
HUB = "bench"
HUBS_FILE = {
    "UserConfig": {
        "NamespaceConfig": [
            {"Type": "EventHub", "Name": "bench", "Entities": [{"Name": HUB, "PartitionCount": PARTITIONS}]}
        ]
    }
}


@contextmanager
def _service() -> Iterator[tuple[Child, Path]]:
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        (place / "hubs.json").write_text(json.dumps(HUBS_FILE))
        child = Child.start_module(
            "local.eventhubs", "--port", "0", "--kafka-port", "0", "--data-dir", str(place / "data"), "--config",
            str(place / "hubs.json"), log=place / "log",
        )  # fmt: skip
        try:
            child.wait_ready()
            yield child, place / "data"
        finally:
            child.stop()


def batch(producer: EventHubProducerClient, partition: int, events: int = BATCH) -> EventDataBatch:
    """A batch of events with a property and a body of `EVENT_BYTES` bytes."""
    made = producer.create_batch(partition_id=str(partition))
    for number in range(events):
        event = EventData(str(number).ljust(EVENT_BYTES, "."))
        event.properties = {"kind": "place"}
        made.add(event)
    return made


class _Meter:
    """Rate and server CPU of a stretch of work."""

    def __init__(self, child: Child) -> None:
        self._pid = child.pid
        self._began, self._used = time.perf_counter(), cpu_seconds(child.pid)

    def stop(self, events: int) -> dict[str, float]:
        seconds = time.perf_counter() - self._began
        used = cpu_seconds(self._pid) - self._used
        return {"events_per_second": events / seconds, "server_us_per_event": used / events * 1e6}


def _send(child: Child, events: int) -> dict[str, float]:
    """`PRODUCERS` threads, each with batches for partitions of its own, one batch in flight each."""
    producers = [_producer(child) for _ in range(PRODUCERS)]
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
    meter = _Meter(child)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result = meter.stop(rounds * BATCH * PARTITIONS)
    for producer in producers:
        producer.close()
    return result


def _send_one_by_one(child: Child, events: int) -> dict[str, float]:
    with _producer(child) as producer:
        single = batch(producer, 0, 1)
        producer.send_batch(single)
        meter = _Meter(child)
        for _ in range(events):
            producer.send_batch(single)
        return meter.stop(events)


def _producer(child: Child) -> EventHubProducerClient:
    return EventHubProducerClient.from_connection_string(connection_string(child.port), eventhub_name=HUB)


async def _receive(child: Child, events: int) -> dict[str, float]:
    """One aio client on all partitions, from the oldest event on."""
    client = EventHubConsumerClient.from_connection_string(
        connection_string(child.port), "$Default", eventhub_name=HUB, prefetch=3_000, load_balancing_interval=0.5
    )
    enough, received = asyncio.Event(), 0
    meter: _Meter | None = None

    async def on_batch(_context: Any, got: list[EventData]) -> None:
        nonlocal received, meter
        meter = meter or _Meter(child)
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
    with _service() as (child, data):
        results = {"in, batches of 500": _send(child, events)}
        results["out, prefetch 3000"] = asyncio.run(_receive(child, min(events, 100_000)))
        results["in, one by one"] = _send_one_by_one(child, min(events // 50, 3_000))
        disk = sum(file.stat().st_size for file in data.iterdir()) / 2**20
        results["service"] = {"peak_megabytes": peak_megabytes(child.pid), "disk_megabytes": disk}
    return results


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.namespace_amqp", description=__doc__)
    parser.add_argument("--events", type=int, default=200_000, help="how many of 400 bytes (default 200000)")
    arguments = parser.parse_args()
    results = measure(arguments.events)
    print(f"local namespace, AMQP, {EVENT_BYTES}-byte events")
    for name, values in results.items():
        if "events_per_second" in values:
            rate, cost = values["events_per_second"], values["server_us_per_event"]
            print(f"  {name:<20} {rate:>9,.0f} events/s   {cost:6.1f} us of server CPU per event")
    service = results["service"]
    print(f"  peak memory {service['peak_megabytes']:.0f} MB; the log takes {service['disk_megabytes']:.0f} MB on disk")


if __name__ == "__main__":
    main()
