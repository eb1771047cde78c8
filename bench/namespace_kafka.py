"""What the local namespace can take over Kafka with librdkafka: events in and out per second, and its CPU per event.

    python -m bench.namespace_kafka [--events 100000]

In is acknowledged when durable (acks=all, idempotent). With 5,000,000 events, the peak memory shows that it stays.
"""

from __future__ import annotations

import argparse
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from bench.namespace import EVENT_BYTES, HUB, PARTITIONS, Meter, Namespace, serve, show
from local.eventhubs import kafka_settings

# librdkafka's own default queue: a producer that is ahead of the namespace waits.
_QUEUE_EVENTS = 100_000
_FETCH_EVENTS = 10_000
_BODY = b"x" * EVENT_BYTES
_DEADLINE_SECONDS = 300.0


def _producer(namespace: Namespace, failed: list[str], **options: object) -> Producer:
    """A producer that is connected, and adds to `failed` why events were refused."""
    producer = Producer(
        {
            **kafka_settings(int(str(namespace.child.ready["kafka_port"]))), "enable.idempotence": True,
            "queue.buffering.max.messages": _QUEUE_EVENTS, "on_delivery": _collect(failed),
            # Callbacks for failures alone: one for each event would cost the client twice what sending it does.
            "delivery.report.only.error": True, **options,
        }
    )  # fmt: skip
    for partition in range(PARTITIONS):  # connect, and get the producer's id
        producer.produce(HUB, _BODY, partition=partition)
    _flush(producer, failed)
    return producer


def _flush(producer: Producer, failed: list[str]) -> None:
    if left := producer.flush(_DEADLINE_SECONDS):
        raise RuntimeError(f"{left} events were not acknowledged within {_DEADLINE_SECONDS:.0f} s")
    if failed:
        raise RuntimeError(f"{len(failed)} events were refused: {failed[0]}")


def _send(namespace: Namespace, events: int) -> dict[str, float]:
    """One producer, all partitions in turn, in batches as large as librdkafka fills them in 20 ms."""
    failed: list[str] = []
    producer = _producer(namespace, failed, **{"linger.ms": 20})
    meter = Meter(namespace)
    for number in range(events):
        while True:
            try:
                producer.produce(HUB, _BODY, partition=number % PARTITIONS)
                break
            except BufferError:
                producer.poll(0.01)
    _flush(producer, failed)
    return meter.stop(events)


def _collect(failed: list[str]) -> object:
    def on_delivery(error: object, _message: object) -> None:
        if error is not None:
            failed.append(str(error))

    return on_delivery


def _send_one_by_one(namespace: Namespace, events: int) -> dict[str, float]:
    failed: list[str] = []
    producer = _producer(namespace, failed, **{"linger.ms": 0})
    meter = Meter(namespace)
    for _ in range(events):
        producer.produce(HUB, _BODY, partition=0)
        _flush(producer, failed)
    return meter.stop(events)


def _receive(namespace: Namespace, events: int) -> dict[str, float]:
    """One consumer on all partitions, from the oldest event on."""
    consumer = Consumer(
        {
            **kafka_settings(int(str(namespace.child.ready["kafka_port"]))), "group.id": "bench",
            "enable.auto.commit": False, "auto.offset.reset": "earliest",
        }
    )  # fmt: skip
    try:
        consumer.assign([TopicPartition(HUB, partition, 0) for partition in range(PARTITIONS)])
        meter, received = Meter(namespace), 0
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while received < events:
            for message in consumer.consume(_FETCH_EVENTS, timeout=1.0):
                if error := message.error():
                    raise KafkaException(error)
                received += 1
            if time.monotonic() > deadline:
                raise RuntimeError(f"only {received} of {events} events came within {_DEADLINE_SECONDS:.0f} s")
        return meter.stop(received)
    finally:
        consumer.close()


def measure(events: int) -> dict[str, dict[str, float]]:
    """Send and receive `events` events of `EVENT_BYTES` bytes; rates, server CPU per event, memory and disk."""
    with serve() as namespace:
        return {
            "in, batched": _send(namespace, events),
            "out": _receive(namespace, events),
            "in, one by one": _send_one_by_one(namespace, min(events // 50, 3_000)),
            "service": namespace.used(),
        }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.namespace_kafka", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000, help="how many of 400 bytes (default 100000)")
    show("Kafka", measure(parser.parse_args().events))


if __name__ == "__main__":
    main()
