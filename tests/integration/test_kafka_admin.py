"""What an admin client asks: which hubs there are, how they are set up, and for more of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from azure.eventhub import EventData
from confluent_kafka import OFFSET_END, TIMESTAMP_CREATE_TIME, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic
from kafka.admin import ConfigResource as PythonResource
from kafka.admin import ConfigResourceType, KafkaAdminClient

from tests.integration.eventhubs_service import HUB, PARTITIONS, Namespace, make_namespace, namespace
from tests.integration.kafka_service import deliver, producer, python_settings, read, settings
from tests.waiting import PATIENCE

__all__ = ["make_namespace", "namespace"]


def create(client: AdminClient, topic: str, partitions: int = 3) -> KafkaError | None:
    """Create a topic; why it was not."""
    (future,) = client.create_topics([NewTopic(topic, partitions)]).values()
    try:
        future.result(PATIENCE)
    except KafkaException as error:
        found: KafkaError = error.args[0]
        return found
    return None


def test_the_hubs_of_the_hubs_file_are_the_topics(namespace: Namespace) -> None:
    found = AdminClient(settings(namespace)).list_topics(timeout=PATIENCE)
    assert {name: len(topic.partitions) for name, topic in found.topics.items()} == {HUB: PARTITIONS, "other": 1}
    leaders = {partition.leader for topic in found.topics.values() for partition in topic.partitions.values()}
    assert leaders == {found.controller_id}
    (broker,) = found.brokers.values()
    assert broker.port == namespace.kafka_port
    with KafkaAdminClient(**python_settings(namespace)) as client:
        assert set(client.list_topics()) == {HUB, "other"}


def test_the_name_of_a_hub_does_not_depend_on_case(namespace: Namespace) -> None:
    deliver(producer(namespace), [{"value": b"v", "partition": 0}], topic=HUB.upper())
    assert [(message.topic(), message.value()) for message in read(namespace, 1)] == [(HUB, b"v")]


def test_the_settings_of_a_topic(make_namespace: Callable[..., Namespace]) -> None:
    namespace = make_namespace("--retention-hours", "2")
    admin = AdminClient(settings(namespace))
    (future,) = admin.describe_configs([ConfigResource("topic", HUB)]).values()
    found = {name: entry.value for name, entry in future.result(PATIENCE).items()}
    assert found["retention.ms"] == str(2 * 3_600_000)
    assert found["cleanup.policy"] == "delete"
    assert found["message.timestamp.type"] == "LogAppendTime"
    with KafkaAdminClient(**python_settings(namespace)) as client:
        assert client.describe_configs([PythonResource(ConfigResourceType.TOPIC, HUB)])

    (future,) = admin.describe_configs([ConfigResource("topic", "unknown")]).values()
    with pytest.raises(KafkaException) as refused:
        future.result(PATIENCE)
    assert refused.value.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART


def test_hubs_are_those_of_the_file(namespace: Namespace) -> None:
    client = AdminClient(settings(namespace))
    exists, refused = create(client, HUB), create(client, "more")
    assert exists is not None
    assert exists.code() == KafkaError.TOPIC_ALREADY_EXISTS
    assert refused is not None
    assert refused.code() == KafkaError.POLICY_VIOLATION
    assert "--kafka-create-topics" in refused.str()
    assert "more" not in client.list_topics(timeout=PATIENCE).topics


def test_clients_may_create_hubs_which_stay(make_namespace: Callable[..., Namespace]) -> None:
    # GIVEN a namespace that lets clients create hubs
    namespace = make_namespace("--kafka-create-topics")
    client = AdminClient(settings(namespace))
    assert create(client, "more.of_them-1") is None
    for name, partitions, code in [
        ("MORE.of_them-1", 3, KafkaError.TOPIC_ALREADY_EXISTS),
        ("too many", 3, KafkaError.TOPIC_EXCEPTION),
        ("bigger", 33, KafkaError.INVALID_PARTITIONS),
    ]:
        error = create(client, name, partitions)
        assert error is not None
        assert error.code() == code

    # THEN they are hubs to either protocol, and are there after a restart
    deliver(producer(namespace), [{"value": b"kafka", "partition": 2}], topic="more.of_them-1")
    namespace.child.kill()
    namespace.start()
    with namespace.producer(eventhub_name="more.of_them-1") as sender:
        assert sender.get_partition_ids() == ["0", "1", "2"]
        sender.send_event(EventData("amqp"), partition_id="2")
    found = read(namespace, 2, topic="more.of_them-1", partition=2)
    assert [message.value() for message in found] == [b"kafka", b"amqp"]


def test_a_topic_is_set_up_as_its_creator_says(make_namespace: Callable[..., Namespace]) -> None:
    # GIVEN a topic as Kafka Streams creates them, whose records keep the times of their producers
    namespace = make_namespace("--kafka-create-topics")
    admin = AdminClient(settings(namespace))
    given = {"message.timestamp.type": "CreateTime", "cleanup.policy": "compact", "retention.ms": "-1"}
    (future,) = admin.create_topics([NewTopic("table", 1, config=given)]).values()
    future.result(PATIENCE)

    # WHEN a record of long ago is sent, and the namespace starts anew
    (sent,) = deliver(producer(namespace), [{"value": b"v", "timestamp": 1_000}], topic="table")
    assert sent.timestamp() == (TIMESTAMP_CREATE_TIME, 1_000)
    namespace.child.kill()
    namespace.start()

    # THEN it is of then, and the topic is as it was
    (message,) = read(namespace, 1, topic="table")
    assert message.timestamp() == (TIMESTAMP_CREATE_TIME, 1_000)
    (described,) = admin.describe_configs([ConfigResource("topic", "table")]).values()
    found = {name: entry.value for name, entry in described.result(PATIENCE).items()}
    assert {name: found[name] for name in given} == given

    # and settings that mean nothing are refused
    (refused,) = admin.create_topics([NewTopic("wrong", 1, config={"cleanup.policy": "burn"})]).values()
    with pytest.raises(KafkaException, match=r"cleanup\.policy is compact, delete or both"):
        refused.result(PATIENCE)


def test_records_are_deleted_of_topics_that_clients_made_alone(make_namespace: Callable[..., Namespace]) -> None:
    namespace = make_namespace("--kafka-create-topics")
    admin = AdminClient(settings(namespace))
    assert create(admin, "passing") is None
    for topic in ("passing", HUB):
        for value in (b"0", b"1", b"2"):
            deliver(producer(namespace), [{"value": value, "partition": 0}], topic=topic)

    def delete(topic: str, offset: int) -> int | KafkaError:
        """The oldest offset that is left, or why none was deleted."""
        (future,) = admin.delete_records([TopicPartition(topic, 0, offset)]).values()
        try:
            return int(future.result(PATIENCE).low_watermark)
        except KafkaException as error:
            found: KafkaError = error.args[0]
            return found

    assert delete("passing", 2) == 2
    assert [(message.offset(), message.value()) for message in read(namespace, 1, topic="passing", offset=2)] == [
        (2, b"2")
    ]
    assert delete("passing", OFFSET_END) == 3
    for topic, offset, code in [
        ("passing", 4, KafkaError.OFFSET_OUT_OF_RANGE),
        (HUB, 1, KafkaError.POLICY_VIOLATION),
    ]:
        refused = delete(topic, offset)
        assert isinstance(refused, KafkaError)
        assert refused.code() == code
    assert len(read(namespace, 3)) == 3
