"""From received messages, through metadata and the worker's own converter, to the events that a function sees."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.eventhub import EventData
from azure.eventhub._pyamqp.message import Message
from azure.functions import EventHubEvent
from hypothesis import given
from hypothesis import strategies as st

from local.functions import event_data
from local.functions.bindings import BINARY, STRING, UNDEFINED, EventHubTrigger, Function
from local.functions.event_data import Event, Partition
from local.functions.messages import Input, Invocation
from local.functions.worker.conversion import argument
from local.functions.worker.indexing import IndexedFunction

PARTITION = Partition("localhost:5672", "dev", "split", "2")
ENQUEUED = datetime(2026, 11, 22, 9, 0, 0, 120_000, tzinfo=UTC)


def received(body: bytes, number: int = 7, *, key: str | None = None, offset: str = "4711") -> EventData:
    """An event as it comes off the wire."""
    event = EventData(body)
    annotations = {
        b"x-opt-sequence-number": number,
        b"x-opt-offset": offset.encode(),
        b"x-opt-enqueued-time": int(ENQUEUED.timestamp() * 1000),
    }
    if key is not None:
        annotations[b"x-opt-partition-key"] = key.encode()
    event.raw_amqp_message.annotations = annotations
    return event


def converted(given: Input, converter: str = "eventHubTrigger") -> Any:
    """What the worker makes of what the host sends, through the frame in between."""
    crossed = Invocation.of(Invocation("stage", "id", given, "").frame(1)).input
    trigger = EventHubTrigger("events", "dev", "split", "EventHubs", BINARY, many=True)
    return argument(IndexedFunction({}, Function("stage", trigger), print, "", False, False, False, converter), crossed)


def delivered(events: list[EventData], data_type: int = BINARY) -> list[EventHubEvent]:
    read: list[Event] = [event_data.read(event) for event in events]
    metadata = event_data.metadata_many(read, PARTITION, checkpointing=True)
    data = event_data.body_many([event.body for event in read], data_type)
    return list(converted(Input(data, metadata)))


@given(st.lists(st.tuples(st.binary(), st.none() | st.text(min_size=1).filter(lambda text: text.isprintable()))))
def test_bodies_keys_and_numbers_survive_the_round_trip(sent: list[tuple[bytes, str | None]]) -> None:
    events = delivered([received(body, number, key=key) for number, (body, key) in enumerate(sent)])
    assert [(event.get_body(), event.partition_key) for event in events] == sent
    assert [event.sequence_number for event in events] == list(range(len(sent)))


def test_bodies_of_other_amqp_clients_become_json() -> None:
    value = EventData._from_message(Message(value={b"a": [1, b"two"]}))
    sequence = EventData._from_message(Message(sequence=[[1, b"x"], [2]]))
    parts = EventData._from_message(Message(data=[b"one, ", b"two"]))
    assert [event_data.read(event).body for event in (value, sequence, parts)] == [
        b'{"a":[1,"two"]}',
        b'[[1,"x"],[2]]',
        b"one, two",
    ]


def test_times_have_no_zone_and_offsets_are_numbers() -> None:
    (event,) = delivered([received(b"x")])
    assert event.enqueued_time == ENQUEUED.replace(tzinfo=None)
    assert event.offset == 4711
    (other,) = delivered([received(b"x", offset="geo:0:1")])
    assert other.offset == -1
    assert other.metadata is not None
    assert other.metadata["SystemPropertiesArray"][0]["OffsetString"] == "geo:0:1"


def test_metadata_of_a_batch_is_parallel_except_for_missing_keys() -> None:
    first, second = received(b"1", 1, key="a"), received(b"2", 2)
    second.properties = {"kind": "place", b"raw": b"\xff", "when": ENQUEUED, "deep": {b"k": [b"v", 1.5, None, True]}}
    second.content_type = "application/json"
    second.message_id = "m-1"
    metadata = delivered([first, second])[0].metadata
    assert metadata is not None
    assert metadata["PartitionKeyArray"] == ["a"]
    assert metadata["SequenceNumberArray"] == [1, 2]
    assert metadata["OffsetArray"] == ["4711", "4711"]
    assert metadata["EnqueuedTimeUtcArray"] == ["2026-11-22T09:00:00.12"] * 2
    assert metadata["PropertiesArray"][0] == {}
    assert metadata["PropertiesArray"][1] == {
        "kind": "place",
        "raw": "\ufffd",
        "when": "2026-11-22T09:00:00.12",
        "deep": {"k": ["v", 1.5, None, True]},
    }
    assert metadata["SystemPropertiesArray"][1] == {
        "message-id": "m-1",
        "content-type": "application/json",
        "SequenceNumber": 2,
        "Offset": 4711,
        "OffsetString": "4711",
        "PartitionKey": None,
        "EnqueuedTimeUtc": "2026-11-22T09:00:00.12",
    }
    assert metadata["TriggerPartitionContext"] == metadata["PartitionContext"] == {
        "IsCheckpointingAfterInvocation": True,
        "FullyQualifiedNamespace": "localhost:5672",
        "EventHubName": "dev",
        "ConsumerGroup": "split",
        "PartitionId": "2",
    }  # fmt: skip


def test_a_single_event_has_single_values() -> None:
    read = event_data.read(received(b"body", 3, key="k"))
    metadata = event_data.metadata_one(read, PARTITION, checkpointing=False)
    event = converted(Input(event_data.body_one(b"body", BINARY), metadata))
    assert (event.get_body(), event.sequence_number, event.partition_key) == (b"body", 3, "k")
    assert event.enqueued_time == ENQUEUED.replace(tzinfo=None)
    assert event.metadata["SystemProperties"]["SequenceNumber"] == 3
    assert event.metadata["PartitionContext"]["IsCheckpointingAfterInvocation"] is False


def test_string_loses_empty_bodies_and_then_the_batch() -> None:
    assert [event.get_body() for event in delivered([received(b"a"), received(b"\xff")], STRING)] == [
        b"a",
        "\ufffd".encode(),
    ]
    with pytest.raises(AssertionError, match="mismatched"):
        delivered([received(b"a"), received(b"")], STRING)


def test_without_a_data_type_bodies_are_parsed_as_json() -> None:
    events = delivered([received(b'{"a": 1}'), received(b"[2]")], UNDEFINED)
    assert [json.loads(event.get_body()) for event in events] == [{"a": 1}, [2]]
    with pytest.raises(ValueError, match=r"DataType\.BINARY"):
        delivered([received(b"plain text")], UNDEFINED)


def test_generic_takes_one_body_and_refuses_a_batch() -> None:
    assert converted(Input(event_data.body_one(b"raw", BINARY)), "generic") == b"raw"
    assert converted(Input(event_data.body_one(b"raw", STRING)), "generic") == "raw"
    with pytest.raises(ValueError, match="collection_bytes"):
        converted(Input(event_data.body_many([b"raw"], BINARY)), "generic")
