"""Consuming with official clients: where a consumer starts, how it waits, and what it is told when it asks in vain."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, KafkaError, KafkaException, TopicPartition
from kafka import KafkaConsumer
from kafka import TopicPartition as Place

from tests.integration.eventhubs_service import HUB, Namespace, make_namespace, namespace
from tests.integration.kafka_service import consuming, deliver, producer, python_settings, take
from tests.waiting import PATIENCE, wait_until

__all__ = ["make_namespace", "namespace"]


def values(messages: list[object]) -> list[bytes]:
    return [message.value() for message in messages]  # type: ignore[attr-defined]


def test_where_a_consumer_starts(namespace: Namespace) -> None:
    # GIVEN two batches, some time apart
    sender = producer(namespace)
    (old, *_) = deliver(sender, [{"value": b"old %d" % number, "partition": 0} for number in range(3)])
    between = old.timestamp()[1] + 1
    wait_until(lambda: time.time() * 1_000 > between + 1, "the clock to move on")
    (new, *_) = deliver(sender, [{"value": b"new %d" % number, "partition": 0} for number in range(3)])

    with consuming(namespace, TopicPartition(HUB, 0, OFFSET_BEGINNING)) as consumer:
        assert values(take(consumer, 6)) == [b"old 0", b"old 1", b"old 2", b"new 0", b"new 1", b"new 2"]

        # WHEN it seeks, THEN it goes on from there, in the midst of a batch too
        consumer.seek(TopicPartition(HUB, 0, 4))
        assert values(take(consumer, 2)) == [b"new 1", b"new 2"]

        # and it finds offsets by time, and either end
        def at(milliseconds: int) -> int:
            (found,) = consumer.offsets_for_times([TopicPartition(HUB, 0, milliseconds)], PATIENCE)
            assert found.error is None
            return int(found.offset)

        assert at(0) == 0
        assert at(between) == 3
        assert at(new.timestamp()[1]) == 3
        assert at(new.timestamp()[1] + 1) == OFFSET_END
        assert consumer.get_watermark_offsets(TopicPartition(HUB, 0), PATIENCE) == (0, 6)
        assert consumer.get_watermark_offsets(TopicPartition(HUB, 1), PATIENCE) == (0, 0)


def test_a_waiting_consumer_gets_what_comes_at_once(namespace: Namespace) -> None:
    # GIVEN consumers at the end, one of a partition where nothing ever comes, that would wait for a minute
    options = {"fetch_wait_max_ms": 60_000, "socket_timeout_ms": 70_000}
    with (
        consuming(namespace, TopicPartition(HUB, 0, 0), **options) as some,
        consuming(namespace, TopicPartition(HUB, 1, 0), **options) as none,
    ):
        assert some.consume(1, 1.0) == none.consume(1, 1.0) == []
        sender = producer(namespace)
        for number in range(20):
            deliver(sender, [{"value": b"%d" % number, "partition": 0}])
            assert values(take(some, 1, seconds=30)) == [b"%d" % number]
        assert none.consume(1, 0.0) == []


def test_a_consumer_waits_for_as_many_bytes_as_it_wants(namespace: Namespace) -> None:
    options = {"fetch_min_bytes": 50_000, "fetch_wait_max_ms": 60_000, "socket_timeout_ms": 70_000}
    sender = producer(namespace)
    with consuming(namespace, TopicPartition(HUB, 0, OFFSET_BEGINNING), **options) as consumer:
        deliver(sender, [{"value": b"." * 20_000, "partition": 0}])
        deliver(sender, [{"value": b"." * 20_000, "partition": 0}])
        assert consumer.consume(1, 1.0) == []
        deliver(sender, [{"value": b"." * 20_000, "partition": 0}])
        assert len(take(consumer, 3, seconds=30)) == 3


def test_a_consumer_with_little_room_still_gets_on(namespace: Namespace) -> None:
    sent = [bytes([number]) * 100_000 for number in range(40)]
    deliver(producer(namespace, linger_ms=100, batch_size=900_000), [{"value": one, "partition": 0} for one in sent])
    options = {"fetch_max_bytes": 1_000, "max_partition_fetch_bytes": 1_000, "message_max_bytes": 1_000}
    with consuming(namespace, TopicPartition(HUB, 0, 0), **options) as consumer:
        assert values(take(consumer, 40)) == sent


def test_an_offset_that_is_not_there(make_namespace: Callable[..., Namespace]) -> None:
    # GIVEN a partition whose first events are past their time
    namespace = make_namespace("--retention-hours", str(1 / 3600), "--retention-check-seconds", "0.1")
    sender = producer(namespace)
    deliver(sender, [{"value": b"old", "partition": 0}])
    with consuming(namespace, TopicPartition(HUB, 1, OFFSET_BEGINNING)) as consumer:
        wait_until(
            lambda: consumer.get_watermark_offsets(TopicPartition(HUB, 0), PATIENCE) == (1, 1), "the old event to go"
        )
    assert namespace.child.stop() == 0
    namespace.options = ()  # what comes now stays
    namespace.start()
    deliver(sender, [{"value": b"new", "partition": 0}])

    # THEN a consumer that wants them is told, or starts anew where it wishes
    for offset in (0, 7):
        with (
            consuming(namespace, TopicPartition(HUB, 0, offset), auto_offset_reset="error") as consumer,
            pytest.raises(KafkaException) as refused,
        ):
            take(consumer, 1)
        assert refused.value.args[0].code() == KafkaError._AUTO_OFFSET_RESET
    with consuming(namespace, TopicPartition(HUB, 0, 0), auto_offset_reset="earliest") as consumer:
        assert values(take(consumer, 1)) == [b"new"]


def test_a_restart_is_nothing_to_a_consumer(namespace: Namespace) -> None:
    sender = producer(namespace, enable_idempotence=True)
    deliver(sender, [{"value": b"before", "partition": 0}])
    with consuming(namespace, TopicPartition(HUB, 0, 0), reconnect_backoff_ms=50) as consumer:
        assert values(take(consumer, 1)) == [b"before"]
        assert namespace.child.stop() == 0
        namespace.start()
        (after,) = deliver(sender, [{"value": b"after", "partition": 0}])
        assert after.offset() == 1
        assert values(take(consumer, 1)) == [b"after"]


def test_a_hub_that_is_written_and_read_at_once(namespace: Namespace) -> None:
    # GIVEN consumers of each partition, while producers send to all
    count, hold = 4_000, threading.Barrier(5)
    got: dict[int, list[bytes]] = {}

    def consume(partition: int) -> None:
        with consuming(namespace, TopicPartition(HUB, partition, 0)) as consumer:
            hold.wait(PATIENCE)
            got[partition] = values(take(consumer, count))

    threads = [threading.Thread(target=consume, args=(partition,)) for partition in range(4)]
    for thread in threads:
        thread.start()
    hold.wait(PATIENCE)
    sender = producer(namespace, enable_idempotence=True, linger_ms=1)
    deliver(sender, [{"value": b"%d" % number, "partition": number % 4} for number in range(4 * count)])
    for thread in threads:
        thread.join(PATIENCE)
    assert got == {partition: [b"%d" % number for number in range(partition, 4 * count, 4)] for partition in range(4)}


def test_kafka_python(namespace: Namespace) -> None:
    deliver(producer(namespace, compression_type="gzip", linger_ms=50), [
        {"value": b"%d" % number, "key": b"k", "headers": [("h", b"1")], "partition": 0} for number in range(100)
    ])  # fmt: skip
    consumer = KafkaConsumer(**python_settings(namespace), auto_offset_reset="earliest", enable_auto_commit=False)
    place = Place(HUB, 0)
    consumer.assign([place])
    found = []
    wait_until(lambda: found.extend(consumer.poll(100).get(place, [])) or len(found) >= 100, "100 records")
    assert [(record.offset, record.value, record.key, list(record.headers)) for record in found] == [
        (number, b"%d" % number, b"k", [("h", b"1")]) for number in range(100)
    ]
    assert consumer.beginning_offsets([place]) == {place: 0}
    assert consumer.end_offsets([place]) == {place: 100}
    assert consumer.offsets_for_times({place: 0})[place].offset == 0
    consumer.close()
