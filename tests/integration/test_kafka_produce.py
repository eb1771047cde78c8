"""Producing with official clients: what is acknowledged, with which offset; and what is refused, with which reason."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, KafkaError, KafkaException
from kafka import KafkaProducer

from tests.integration.eventhubs_service import HUB, PARTITIONS, Namespace, collect, make_namespace, namespace
from tests.integration.kafka_service import deliver, producer, python_settings, read

__all__ = ["make_namespace", "namespace"]

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


def test_each_delivery_tells_its_partition_and_offset(namespace: Namespace) -> None:
    sender = producer(namespace, enable_idempotence=True)
    first = deliver(sender, [{"value": b"%d" % number, "partition": 2} for number in range(100)])
    second = deliver(sender, [{"value": b"more", "partition": 2}, {"value": b"else", "partition": 3}])

    assert [(message.topic(), message.partition(), message.offset()) for message in first] == [
        (HUB, 2, offset) for offset in range(100)
    ]
    assert sorted((message.partition(), message.offset()) for message in second) == [(2, 100), (3, 0)]
    assert [message.value() for message in read(namespace, 101, partition=2)] == [
        *(b"%d" % number for number in range(100)),
        b"more",
    ]


def test_a_record_comes_back_as_it_was_sent(namespace: Namespace) -> None:
    headers = [("trace", b"\x00\xff"), ("trace", b"again"), ("empty", b""), ("none", None)]
    records = [
        {"value": b"v" * 2_000, "key": b"k", "headers": headers},
        {"value": None, "key": b"deleted"},
        {"value": b"", "key": None},
    ]
    for codec in CODECS:
        sender = producer(namespace, compression_type=codec, linger_ms=50)
        delivered = deliver(sender, [{**record, "partition": 0} for record in records])

        found = read(namespace, 3, offset=delivered[0].offset())
        assert [(message.value(), message.key()) for message in found] == [
            (record["value"], record["key"]) for record in records
        ]
        assert found[0].headers() == headers
        assert found[1].headers() is None
        # the time is that of the append, which all of a batch share
        assert {message.timestamp() for message in found} == {delivered[0].timestamp()}
        assert found[0].timestamp()[0] == TIMESTAMP_LOG_APPEND_TIME


def test_every_level_of_acknowledgement(namespace: Namespace) -> None:
    for partition, acks in enumerate(["0", "1", "all"]):
        sender = producer(namespace, acks=acks)
        deliver(sender, [{"value": b"%d" % number, "partition": partition} for number in range(10)])
        found = read(namespace, 10, partition=partition)
        assert [message.value() for message in found] == [b"%d" % number for number in range(10)]


def test_batches_up_to_the_largest_request(namespace: Namespace) -> None:
    sender = producer(namespace, batch_size=1_000_000, linger_ms=100)
    values = [bytes([number]) * 50_000 for number in range(100)]
    deliver(sender, [{"value": value, "partition": 1} for value in values])
    assert [message.value() for message in read(namespace, 100, partition=1)] == values


def test_a_message_that_unpacks_to_more_than_the_limit_is_refused(namespace: Namespace) -> None:
    # GIVEN a message that is beyond 1 MB but for its compression
    sender = producer(namespace, message_max_bytes=5_000_000, compression_type="gzip")
    with pytest.raises(KafkaException) as refused:
        deliver(sender, [{"value": b"." * 1_100_000, "partition": 0}])
    assert refused.value.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE

    # THEN what follows is taken
    assert deliver(sender, [{"value": b"small", "partition": 0}])[0].offset() == 0


def test_a_request_beyond_the_limit_closes_the_connection(namespace: Namespace) -> None:
    sender = producer(namespace, message_max_bytes=5_000_000, delivery_timeout_ms=1_500, retry_backoff_ms=50)
    with pytest.raises(KafkaException) as refused:
        deliver(sender, [{"value": b"." * 1_100_000, "partition": 0}])
    assert refused.value.args[0].code() == KafkaError._MSG_TIMED_OUT
    assert deliver(producer(namespace), [{"value": b"small", "partition": 0}])[0].offset() == 0


def test_an_unknown_hub_is_refused(namespace: Namespace) -> None:
    sender = producer(namespace, topic_metadata_propagation_max_ms=100)
    with pytest.raises(KafkaException) as refused:
        deliver(sender, [{"value": b"lost"}], topic="unknown")
    assert refused.value.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART


def test_strict_takes_gzip_alone(make_namespace: Callable[..., Namespace]) -> None:
    namespace = make_namespace("--kafka-strict")
    records = [{"value": b"v" * 2_000, "partition": 0}] * 2
    for codec in ("snappy", "lz4", "zstd"):
        with pytest.raises(KafkaException) as refused:
            deliver(producer(namespace, compression_type=codec, linger_ms=50), records)
        assert refused.value.args[0].code() == KafkaError.UNSUPPORTED_COMPRESSION_TYPE
    for offset, codec in enumerate(["none", "gzip"]):
        delivered = deliver(producer(namespace, compression_type=codec, linger_ms=50), records)
        assert delivered[0].offset() == 2 * offset


def test_transactions_are_refused_at_once(namespace: Namespace) -> None:
    sender = producer(namespace, transactional_id="t")
    with pytest.raises(KafkaException) as refused:
        sender.init_transactions(10)
    assert refused.value.args[0].code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED


async def test_kafka_python(namespace: Namespace) -> None:
    sender = KafkaProducer(
        **python_settings(namespace), compression_type="gzip", enable_idempotence=True, acks="all", linger_ms=20
    )
    futures = [
        sender.send(HUB, b"%d" % number * 100, key=b"key", headers=[("h", b"1")], partition=number % PARTITIONS)
        for number in range(40)
    ]
    sent = [future.get(20) for future in futures]
    sender.close()

    assert [(found.topic, found.partition, found.offset) for found in sent] == [
        (HUB, number % PARTITIONS, number // PARTITIONS) for number in range(40)
    ]
    found = read(namespace, 10, partition=3)
    assert [(message.value(), message.key(), message.headers()) for message in found] == [
        (b"%d" % number * 100, b"key", [("h", b"1")]) for number in range(3, 40, PARTITIONS)
    ]
    events = await collect(namespace, 10, partition_id="3")
    assert [(event.body_as_str(), event.properties) for event in events] == [
        (f"{number}" * 100, {b"h": b"1"}) for number in range(3, 40, PARTITIONS)
    ]
