"""What a restart of the namespace means to a consumer group: its commits are kept, its members join again."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from kafka import KafkaConsumer
from kafka.errors import CommitFailedError

from tests.integration import kafka_service
from tests.integration.eventhubs_service import HUB, PARTITIONS, Namespace, make_namespace, namespace
from tests.integration.kafka_group_members import Sender, members_of, reads_all, shared_out
from tests.waiting import PATIENCE, wait_until

__all__ = ["make_namespace", "namespace"]


def simple_consumer(namespace: Namespace, group: str) -> Consumer:
    return Consumer(
        kafka_service.settings(namespace, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest"),
        logger=kafka_service._QUIET,
    )


def test_after_kill_9_exactly_what_was_not_committed_comes_again(namespace: Namespace) -> None:
    kafka_service.deliver(
        kafka_service.producer(namespace), [{"value": f"{n}", "partition": n % PARTITIONS} for n in range(40)]
    )
    consumer = simple_consumer(namespace, "g")
    consumer.subscribe([HUB])
    taken = kafka_service.take(consumer, 40)
    commits = {0: 3, 1: 10, 2: 7}
    consumer.commit(
        offsets=[TopicPartition(HUB, partition, offset, f"note {partition}") for partition, offset in commits.items()],
        asynchronous=False,
    )
    namespace.child.kill()
    namespace.start()
    consumer.close()

    again = simple_consumer(namespace, "g")
    try:
        places = again.committed([TopicPartition(HUB, partition) for partition in range(PARTITIONS)], PATIENCE)
        assert {place.partition: place.offset for place in places if place.offset >= 0} == commits
        assert places[0].metadata == "note 0"
        again.subscribe([HUB])
        expected = {
            (message.partition(), message.offset())
            for message in taken
            if (message.offset() or 0) >= commits.get(message.partition() or 0, 0)
        }
        came = kafka_service.take(again, len(expected))
        assert sorted((message.partition(), message.offset()) for message in came) == sorted(expected)
        assert again.poll(0.3) is None
    finally:
        again.close()


@pytest.mark.parametrize("strategy", ["range", "cooperative-sticky"])
def test_members_go_on_after_the_namespace_was_killed(namespace: Namespace, strategy: str) -> None:
    quick = {"reconnect_backoff_ms": 20, "reconnect_backoff_max_ms": 200}
    sender = Sender(namespace, range(PARTITIONS))
    with members_of(namespace) as members:
        first = members.start("g", partition_assignment_strategy=strategy, **quick)
        wait_until(reads_all(first), "one reads all partitions")
        second = members.start("g", partition_assignment_strategy=strategy, **quick)
        wait_until(shared_out(first, second), "both have work")
        wait_until(lambda: len(members.seen()) > 200, "they do it")

        namespace.child.kill()
        before = len(sender.sent)
        namespace.start()

        wait_until(lambda: len(sender.sent) > before + 200, "records flow again")
        sent = sender.stop()
        wait_until(lambda: members.seen() >= sent, "every record was delivered")
        wait_until(shared_out(first, second), "both have work again")
        assert not members.out_of_turn()


def test_kafka_python_goes_on_after_the_namespace_was_killed(namespace: Namespace) -> None:
    consumer: Any = KafkaConsumer(
        HUB, group_id="g", auto_offset_reset="earliest", enable_auto_commit=False, session_timeout_ms=6000,
        heartbeat_interval_ms=100, reconnect_backoff_ms=20, reconnect_backoff_max_ms=200,
        **kafka_service.python_settings(namespace),
    )  # fmt: skip
    values: list[bytes] = []

    def took(count: int) -> bool:
        """Whether the consumer has got `count` records, and committed them."""
        for records in consumer.poll(100).values():
            values.extend(record.value for record in records)
        if len(values) < count:
            return False
        try:
            consumer.commit()
        except CommitFailedError:
            # It was put out of the group; it joins again when it polls, and has the rest again.
            del values[8:]
            return False
        return True

    try:
        kafka_service.deliver(kafka_service.producer(namespace), [{"value": "a", "partition": n % 4} for n in range(8)])
        wait_until(lambda: took(8), "eight records")
        namespace.child.kill()
        namespace.start()
        kafka_service.deliver(kafka_service.producer(namespace), [{"value": "b", "partition": n % 4} for n in range(8)])
        wait_until(lambda: took(16), "eight more")
        assert values == [b"a"] * 8 + [b"b"] * 8
    finally:
        consumer.close()
