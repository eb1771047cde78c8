"""What `$management` tells about hubs and partitions, and what happens with names that do not exist."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from azure.eventhub import EventData, EventHubProducerClient
from azure.eventhub.exceptions import ConnectError, ConnectionLostError, EventDataSendError

from tests.integration.eventhubs_service import (
    HUB,
    SOCKET_TIMEOUT,
    Namespace,
    collect,
    make_namespace,
    namespace,
    refusal,
)

__all__ = ["make_namespace", "namespace"]


async def test_properties_of_a_hub_and_its_partitions(namespace: Namespace) -> None:
    with namespace.producer() as producer:
        hub = producer.get_eventhub_properties()
        empty = producer.get_partition_properties("1")
        batch = producer.create_batch(partition_id="0")
        for number in range(3):
            batch.add(EventData(str(number)))
        producer.send_batch(batch)
        filled = producer.get_partition_properties("0")

    assert hub["eventhub_name"] == HUB
    assert hub["partition_ids"] == ["0", "1", "2", "3"]
    assert abs(hub["created_at"] - datetime.now(UTC)) < timedelta(minutes=1)
    assert empty == {
        "eventhub_name": HUB, "id": "1", "beginning_sequence_number": -1, "last_enqueued_sequence_number": -1,
        "last_enqueued_offset": "-1", "is_empty": True, "last_enqueued_time_utc": datetime.min.replace(tzinfo=UTC),
    }  # fmt: skip
    last = (await collect(namespace, 3, partition_id="0"))[-1]
    assert filled == {
        "eventhub_name": HUB, "id": "0", "beginning_sequence_number": 0, "last_enqueued_sequence_number": 2,
        "last_enqueued_offset": last.offset, "is_empty": False, "last_enqueued_time_utc": last.enqueued_time,
    }  # fmt: skip


def test_a_hub_or_partition_that_does_not_exist(namespace: Namespace) -> None:
    options = {"socket_timeout": SOCKET_TIMEOUT, "retry_total": 0}
    unknown = EventHubProducerClient.from_connection_string(
        namespace.connection_string, eventhub_name="nowhere", **options
    )
    with unknown, pytest.raises(ConnectError, match="could not be found; the hubs file has readings, other"):
        unknown.get_eventhub_properties()
    with unknown, pytest.raises(ConnectError, match="could not be found"):
        unknown.send_event(EventData("lost"))
    with (
        namespace.producer(retry_total=0) as producer,
        pytest.raises(ConnectError, match="hub readings has 0 to 3, not '4'"),
    ):
        producer.get_partition_properties("4")


def test_a_consumer_group_that_does_not_exist(namespace: Namespace) -> None:
    error = refusal(namespace, "nobody")
    assert isinstance(error, ConnectionLostError)
    assert "ConsumerGroups/nobody" in str(error)
    assert "$Default, workers" in str(error)


async def test_names_do_not_depend_on_case(namespace: Namespace) -> None:
    upper = EventHubProducerClient.from_connection_string(
        namespace.connection_string, eventhub_name=HUB.upper(), socket_timeout=SOCKET_TIMEOUT
    )
    with upper:
        upper.send_event(EventData("event"), partition_id="0")
    (event,) = await collect(namespace, 1, group="WORKERS", partition_id="0")
    assert event.body_as_str() == "event"


def test_an_event_over_the_limit_is_refused_and_the_link_lives_on(namespace: Namespace) -> None:
    with namespace.producer(retry_total=0) as producer:
        with pytest.raises(EventDataSendError, match=r"MessageSizeExceeded|message-size-exceeded"):
            producer.send_event(EventData(b"." * 1_048_577), partition_id="0")
        producer.send_event(EventData(b"fits"), partition_id="0")
        assert producer.get_partition_properties("0")["last_enqueued_sequence_number"] == 0
