"""The extremes of what crosses from one protocol to the other: the largest events, each compression, every body."""

from __future__ import annotations

import random

import pytest
from azure.eventhub import EventData
from azure.eventhub.amqp import AmqpAnnotatedMessage

from tests.integration.eventhubs_service import Namespace, collect, make_namespace, namespace
from tests.integration.kafka_service import deliver, producer, read

__all__ = ["make_namespace", "namespace"]


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
async def test_the_sdk_reads_what_librdkafka_compressed(namespace: Namespace, codec: str) -> None:
    # Text that compresses, in more than one block of each format, and one record that does not
    values = [f"reading {number} of a sensor ".encode() * 40 for number in range(500)]
    values.append(random.Random(5).randbytes(70_000))
    sender = producer(namespace, compression_type=codec, linger_ms=200)
    deliver(sender, [{"value": value, "key": b"k", "partition": 1} for value in values])

    events = await collect(namespace, len(values), partition_id="1")

    assert [b"".join(event.body) for event in events] == values
    assert {event.system_properties[b"x-opt-kafka-key"] for event in events} == {b"k"}


@pytest.mark.parametrize("headers", [[], [(f"header-{number:04}", b"v" * 20) for number in range(2_000)]])
async def test_the_sdk_reads_the_largest_kafka_event(namespace: Namespace, headers: list[tuple[str, bytes]]) -> None:
    room = 1_046_000 - sum(len(name) + len(value) + 4 for name, value in headers)
    value = random.Random(3).randbytes(room)
    sender = producer(namespace, message_max_bytes=1_100_000)
    deliver(sender, [{"value": value, "key": b"key", "headers": headers, "partition": 0}])
    deliver(sender, [{"value": b"next", "partition": 0}])

    large, following = await collect(namespace, 2, partition_id="0")

    assert b"".join(large.body) == value
    assert large.properties == {name.encode(): content for name, content in headers}
    assert following.body_as_str() == "next"


def test_kafka_reads_the_largest_event_of_the_sdk(namespace: Namespace) -> None:
    body = random.Random(4).randbytes(1_048_000)
    namespace.send(body, partition_id="0")
    namespace.send("next", partition_id="0")
    assert [message.value() for message in read(namespace, 2)] == [body, b"next"]


def test_kafka_reads_every_kind_of_body(namespace: Namespace) -> None:
    bodies = [
        AmqpAnnotatedMessage(data_body=[b"two ", b"sections"]),
        AmqpAnnotatedMessage(value_body="text"),
        AmqpAnnotatedMessage(value_body=b"binary"),
        AmqpAnnotatedMessage(value_body={"a": 1}),
        AmqpAnnotatedMessage(sequence_body=[[1, "b"]]),
        EventData(b""),
    ]
    with namespace.producer() as sender:
        sender.send_batch(bodies, partition_id="0")

    values = [message.value() for message in read(namespace, len(bodies))]

    assert values[:3] == [b"two sections", b"text", b"binary"]
    # A value of another type crosses in AMQP's encoding: a map, a list
    assert values[3] is not None
    assert values[3][0] in (0xC1, 0xD1)
    assert values[4] is not None
    assert values[4][0] in (0xC0, 0xD0)
    assert values[5] is None
