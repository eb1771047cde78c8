"""What a job's input makes of bodies and of partitions that are not equally far."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.eventhub import EventData
from azure.eventhub._pyamqp.message import Message
from hypothesis import given
from hypothesis import strategies as st

from local.sql.asa.json_text import MAX_DEPTH
from local.sql.asa.values import TICKS_PER_SECOND, DateTime
from local.stream_analytics.decoding import DeserializationError, decode
from local.stream_analytics.events import read, ticks
from local.stream_analytics.hub import AHEAD, Batch, Inbox, Quiet
from local.stream_analytics.rows import START


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (b'{"a":1}', [{"a": 1}]),
        (b'\xef\xbb\xbf {"a":1}\r\n', [{"a": 1}]),
        (b'[{"a":1},{"a":2.5}]', [{"a": 1}, {"a": 2.5}]),
        (b'{"a":1}\n{"a":2}', [{"a": 1}, {"a": 2}]),
        (b'{"a":1}{"a":2}[{"a":3}]', [{"a": 1}, {"a": 2}, {"a": 3}]),
        (b"[]", []),
        (b'{"a":"[[[{{{\\"","b":"\\ud83d\\ude00"}', [{"a": '[[[{{{"', "b": "\U0001f600"}]),
        (b'{"\\ud800":["\\udfff"]}', [{"\ufffd": ["\ufffd"]}]),
    ],
)
def test_bodies_that_are_events(body: bytes, events: list[Any]) -> None:
    assert decode(body) == (events, [])


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\xff", "no UTF-8"),
        (b'{"a":', "no JSON"),
        (b'{"a":1} and more', "no JSON"),
        (b"1 2", "more than one value"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":1e400}', "float"),
        (b'{"a":9223372036854775808}', "bigint"),
        (b'{"a":' + b"1" * 5000 + b"}", "bigint"),
        (b"[" * 100_000, "deep"),
        (b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1), "deep"),
    ],
)
def test_bodies_that_are_none_say_why(body: bytes, why: str) -> None:
    with pytest.raises(DeserializationError, match=why):
        decode(body)


def test_elements_that_are_no_objects_leave_their_neighbours_alone() -> None:
    events, errors = decode(b'[{"a":1},5,null,{"a":2}]')
    assert events == [{"a": 1}, {"a": 2}]
    assert [error.split(" is ")[0] for error in errors] == ["element 1 of an array", "element 2 of an array"]
    assert decode(b'"text"') == ([], ["the body is JSON, but no object"])


def test_a_value_or_a_sequence_of_amqp_is_read_as_its_json() -> None:
    moment = ticks(datetime(2026, 11, 22, tzinfo=UTC))
    for message in (
        Message(value={b"n": 1}), Message(sequence=[[{"n": 1}], []]), Message(value=b'{"n": 1}')
    ):  # fmt: skip
        received = read(EventData._from_message(message), "dev", 0, moment)
        assert [record for record, _ in received.records] == [{"n": 1}], message
        assert received.errors == []


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:1ae\\ud80 \n', max_size=40).map(str.encode))
def test_no_body_does_more_than_be_refused(body: bytes) -> None:
    try:
        events, _ = decode(body)
    except DeserializationError:
        return
    assert all(type(event) is dict for event in events)


def hub_event(body: bytes, sequence: int = 7, second: int = 5) -> EventData:
    """An event as the SDK makes it of a message."""
    annotations = {
        b"x-opt-sequence-number": sequence, b"x-opt-offset": b"40", b"x-opt-partition-key": b"key",
        b"x-opt-enqueued-time": 1_795_338_000_000 + second * 1000,
    }  # fmt: skip
    properties = {b"source": b"here", b"count": 3, b"huge": 2**70, b"none": float("nan"), b"half": 0.5}
    message = Message(data=[body[:5], body[5:]], message_annotations=annotations, application_properties=properties)
    return EventData._from_message(message)


def test_an_event_comes_with_its_metadata_and_an_id_that_is_its_own() -> None:
    now = ticks(datetime(2026, 11, 22, 9, 0, 6, tzinfo=UTC))
    received = read(hub_event(b'[{"n":1},{"n":2}]'), "dev", 3, now)
    assert (received.sequence, received.arrival) == (7, now - TICKS_PER_SECOND)
    (first, meta), (second, other) = received.records
    assert (first, second) == ({"n": 1}, {"n": 2})
    assert meta["EventHub"] == {
        "EventProcessedUtcTime": now, "PartitionId": 3, "EventEnqueuedUtcTime": received.arrival, "Offset": "40",
        "SequenceNumber": 7, "PartitionKey": "key",
    }  # fmt: skip
    assert meta["User"] == {"source": "here", "count": 3, "huge": str(2**70), "none": "nan", "half": 0.5}
    again = read(hub_event(b'[{"n":1},{"n":2}]'), "dev", 3, DateTime(now + 5))
    assert [each["EventId"] for _, each in again.records] == [meta["EventId"], other["EventId"]]
    ids = {
        record[1]["EventId"]
        for hub, partition, sequence in (("dev", 3, 7), ("dev", 3, 8), ("dev", 2, 7), ("other", 3, 7))
        for record in read(hub_event(b'[{"n":1},{"n":2}]', sequence), hub, partition, now).records
    }
    assert len(ids) == 8


def batch(partition: int, second: int) -> Batch:
    return Batch("hub", partition, [hub_event(b"{}", second=second)])


ARRIVED_AT_5 = batch(0, 5).arrival
SECONDS_AHEAD = AHEAD // TICKS_PER_SECOND


async def test_a_partition_is_not_read_far_ahead_of_another_one_that_has_more() -> None:
    # GIVEN two partitions, of which the second has said nothing yet
    inbox = Inbox()
    reached = {("hub", 0): ARRIVED_AT_5, ("hub", 1): START}
    waiting = asyncio.create_task(inbox.put(far := batch(0, 5)))
    await inbox.wait()
    # THEN the first one's events wait,
    assert inbox.take(reached) == ([], [])
    # until the second's are there, the older ones first;
    behind = asyncio.create_task(inbox.put(near := batch(1, 4 - SECONDS_AHEAD)))
    await inbox.wait()
    assert inbox.take(reached) == ([near], [])
    await behind
    reached["hub", 1] = near.arrival
    assert inbox.take(reached) == ([], [])
    # or until it is known to have none before them.
    inbox.note([quiet := Quiet("hub", 1, -1, -1, ARRIVED_AT_5)])
    await inbox.wait()
    assert inbox.take(reached) == ([], [quiet])
    reached["hub", 1] = quiet.until
    assert inbox.take(reached) == ([far], [])
    await waiting


async def test_what_is_known_of_a_quiet_partition_is_kept_once() -> None:
    inbox = Inbox()
    for second in range(1000):
        inbox.note([Quiet("hub", 0, 1, 1, DateTime(second))])
    assert inbox.take({}) == ([], [Quiet("hub", 0, 1, 1, DateTime(999))])
