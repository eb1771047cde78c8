"""Consumer groups as administrators see them, through the clients that administrators use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from confluent_kafka import (
    Consumer,
    ConsumerGroupState,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from kafka import KafkaAdminClient

import local.eventhubs
from tests.integration import kafka_service
from tests.integration.eventhubs_service import HUB, Namespace, make_namespace, namespace
from tests.integration.kafka_group_members import members_of, shared_out
from tests.waiting import PATIENCE, wait_until

__all__ = ["make_namespace", "namespace"]


@pytest.fixture
def admin(namespace: Namespace) -> AdminClient:
    return AdminClient(kafka_service.settings(namespace), logger=kafka_service._QUIET)


@pytest.fixture
def alone(namespace: Namespace) -> Iterator[Consumer]:
    """A consumer that commits for the group `g` without being a member of it."""
    consumer = Consumer(
        kafka_service.settings(namespace, group_id="g", enable_auto_commit=False), logger=kafka_service._QUIET
    )
    yield consumer
    consumer.close()


@contextmanager
def refused(code: int) -> Iterator[None]:
    """What is done within fails with Kafka's error `code`."""
    with pytest.raises(KafkaException) as failure:
        yield
    assert failure.value.args[0].code() == code


def states(admin: AdminClient, **options: Any) -> dict[str, ConsumerGroupState]:
    return {group.group_id: group.state for group in admin.list_consumer_groups(**options).result().valid}


def test_groups_are_listed_and_described(namespace: Namespace, admin: AdminClient) -> None:
    with members_of(namespace) as members:
        first = members.start("g", client_id="first", partition_assignment_strategy="range")
        second = members.start("g", client_id="second", partition_assignment_strategy="range")
        wait_until(shared_out(first, second), "both have work")

        assert states(admin) == {"g": ConsumerGroupState.STABLE}
        assert states(admin, states={ConsumerGroupState.EMPTY}) == {}
        found = admin.describe_consumer_groups(["g"])["g"].result()
        assert (found.state, found.partition_assignor, found.is_simple_consumer_group) == (
            ConsumerGroupState.STABLE, "range", False
        )  # fmt: skip
        assert found.coordinator.port == namespace.kafka_port
        held = {
            member.client_id: {place.partition for place in member.assignment.topic_partitions}
            for member in found.members
        }
        assert held == {"first": first.holds, "second": second.holds}
        with refused(KafkaError.NON_EMPTY_GROUP):
            admin.delete_consumer_groups(["g"])["g"].result()


def test_kafka_python_describes_groups(namespace: Namespace) -> None:
    with members_of(namespace) as members:
        member = members.start("g", client_id="first", partition_assignment_strategy="range")
        wait_until(shared_out(member), "it has work")
        client: Any = KafkaAdminClient(**kafka_service.python_settings(namespace))
        try:
            assert "g" in str(client.list_groups())
            assert "Stable" in str(client.describe_groups(["g"]))
        finally:
            client.close()


def test_offsets_are_read_set_and_deleted(admin: AdminClient, alone: Consumer) -> None:
    alone.commit(offsets=[TopicPartition(HUB, 0, 5, "noted")], asynchronous=False)
    wanted = [ConsumerGroupTopicPartitions("g")]
    (place,) = admin.list_consumer_group_offsets(wanted)["g"].result().topic_partitions
    assert (place.topic, place.partition, place.offset, place.metadata) == (HUB, 0, 5, "noted")

    moved = ConsumerGroupTopicPartitions("g", [TopicPartition(HUB, 0, 2), TopicPartition(HUB, 3, 9)])
    admin.alter_consumer_group_offsets([moved])["g"].result()
    places = admin.list_consumer_group_offsets(wanted)["g"].result().topic_partitions
    assert {place.partition: place.offset for place in places} == {0: 2, 3: 9}

    assert states(admin) == {"g": ConsumerGroupState.EMPTY}
    admin.delete_consumer_groups(["g"])["g"].result()
    assert states(admin) == {}
    with refused(KafkaError.GROUP_ID_NOT_FOUND):
        admin.delete_consumer_groups(["g"])["g"].result()


def test_notes_on_offsets_have_a_limit(alone: Consumer) -> None:
    # confluent-kafka sends the terminating zero, too.
    alone.commit(offsets=[TopicPartition(HUB, 0, 1, "x" * 1023)], asynchronous=False)
    with refused(KafkaError.OFFSET_METADATA_TOO_LARGE):
        alone.commit(offsets=[TopicPartition(HUB, 0, 2, "x" * 1024)], asynchronous=False)
    (place,) = alone.committed([TopicPartition(HUB, 0)], PATIENCE)
    assert place.offset == 1


def test_whoever_is_not_a_member_cannot_commit_for_a_group_that_has_some(namespace: Namespace, alone: Consumer) -> None:
    with members_of(namespace) as members:
        wait_until(shared_out(members.start("g")), "a member has work")
        with refused(KafkaError.UNKNOWN_MEMBER_ID):
            alone.commit(offsets=[TopicPartition(HUB, 0, 1)], asynchronous=False)


def test_a_connection_string_for_one_hub_opens_that_hubs_offsets(namespace: Namespace, alone: Consumer) -> None:
    alone.commit(offsets=[TopicPartition("other", 0, 4), TopicPartition(HUB, 0, 5)], asynchronous=False)
    whole = local.eventhubs.kafka_settings(namespace.kafka_port)["sasl.password"]
    settings = kafka_service.settings(namespace, group_id="g", sasl_password=f"{whole};EntityPath={HUB}")
    limited = Consumer(settings, logger=kafka_service._QUIET)
    try:
        (place,) = limited.committed([TopicPartition(HUB, 0)], PATIENCE)
        assert place.offset == 5
        with refused(KafkaError.TOPIC_AUTHORIZATION_FAILED):
            limited.commit(offsets=[TopicPartition("other", 0, 9)], asynchronous=False)
    finally:
        limited.close()


def test_a_group_id_that_is_too_long_is_refused(namespace: Namespace) -> None:
    consumer = Consumer(kafka_service.settings(namespace, group_id="g" * 257), logger=kafka_service._QUIET)
    try:
        with refused(KafkaError.INVALID_GROUP_ID):
            consumer.commit(offsets=[TopicPartition(HUB, 0, 1)], asynchronous=False)
    finally:
        consumer.close()
