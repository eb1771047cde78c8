"""One hub, two protocols: what the Event Hubs SDK sends, a Kafka client reads, and the other way round."""

from __future__ import annotations

from azure.eventhub import EventData
from confluent_kafka import TopicPartition

from tests.integration.eventhubs_service import HUB, Namespace, collect, make_namespace, namespace
from tests.integration.kafka_service import consuming, deliver, producer, read, take
from tests.waiting import PATIENCE

__all__ = ["make_namespace", "namespace"]


async def test_both_see_one_order_and_one_numbering(namespace: Namespace) -> None:
    sender = producer(namespace)
    with namespace.producer() as sdk:
        for number in range(0, 20, 2):
            deliver(sender, [{"value": b"%d" % number, "partition": 1}])
            sdk.send_event(EventData(f"{number + 1}"), partition_id="1")

    messages = read(namespace, 20, partition=1)
    events = await collect(namespace, 20, partition_id="1")

    assert [(message.offset(), message.value()) for message in messages] == [
        (number, b"%d" % number) for number in range(20)
    ]
    assert [(event.sequence_number, event.offset, event.body_as_str()) for event in events] == [
        (number, str(number), str(number)) for number in range(20)
    ]
    times = [int(event.enqueued_time.timestamp() * 1_000) for event in events if event.enqueued_time]
    assert [message.timestamp()[1] for message in messages] == times


async def test_what_a_kafka_producer_adds_reaches_the_sdk(namespace: Namespace) -> None:
    deliver(producer(namespace, compression_type="zstd", linger_ms=50), [
        {"value": b"\x00\xff body", "key": b"k1", "headers": [("t", b"abc"), ("b", b"\x00\xff")], "partition": 0},
        {"value": b"plain", "partition": 0},
        {"value": None, "key": b"k2", "partition": 0},
    ])  # fmt: skip

    first, second, third = await collect(namespace, 3, partition_id="0")

    assert b"".join(first.body) == b"\x00\xff body"
    assert first.properties == {b"t": b"abc", b"b": b"\x00\xff"}
    assert first.system_properties[b"x-opt-kafka-key"] == b"k1"
    assert (second.body_as_str(), second.properties) == ("plain", {})
    assert b"x-opt-kafka-key" not in second.system_properties
    assert b"".join(third.body) == b""
    assert third.system_properties[b"x-opt-kafka-key"] == b"k2"


async def test_what_the_sdk_adds_reaches_a_kafka_consumer(namespace: Namespace) -> None:
    event = EventData(b"\x00\xff body")
    event.properties = {"text": "abc", "number": 7}
    event.content_type = "application/json"
    event.message_id = "m1"
    with namespace.producer() as sender:
        sender.send_event(event, partition_key="pk")

    with consuming(namespace) as consumer:
        ends = [consumer.get_watermark_offsets(TopicPartition(HUB, partition), PATIENCE)[1] for partition in range(4)]
    partition = ends.index(1)
    (message,) = read(namespace, 1, partition=partition)

    headers = dict(message.headers() or [])
    assert message.value() == b"\x00\xff body"
    assert message.key() is None
    assert headers["x-opt-partition-key"] == b"pk"
    assert headers["content-type"] == b"application/json"
    assert headers["message-id"] == b"m1"
    # AMQP's own encoding: a string of 3 bytes, and a small int
    assert headers["text"] == b"\xa1\x03abc"
    assert headers["number"] == b"\x54\x07"


def test_a_kafka_consumer_starts_in_the_midst_of_what_the_sdk_sent_at_once(namespace: Namespace) -> None:
    namespace.send(*(f"{number}" for number in range(100)), partition_id="2")
    with consuming(namespace, TopicPartition(HUB, 2, 57)) as consumer:
        assert [message.value() for message in take(consumer, 43)] == [b"%d" % number for number in range(57, 100)]
