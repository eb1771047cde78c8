"""Messages: taken apart and put together again, an event keeps what its sender wrote."""

from __future__ import annotations

from typing import Any

import pytest
from azure.eventhub import EventData
from azure.eventhub._pyamqp._decode import decode_payload
from azure.eventhub._pyamqp._encode import encode_payload
from azure.eventhub._pyamqp.message import Header, Message, Properties
from azure.eventhub._transport._pyamqp_transport import PyamqpTransport
from hypothesis import given
from hypothesis import strategies as st

from local.eventhubs import codec, entry, message
from local.eventhubs.entry import AMQP, Entry
from local.eventhubs.errors import DecodeError


def encoded(**sections: Any) -> bytes:
    output = bytearray()
    encode_payload(output, Message(**sections))
    return bytes(output)


def stamped(payload: bytes, message_format: int = 0, base: int = 5) -> list[Message]:
    events, _ = message.events(payload, message_format)
    return [decode_payload(memoryview(event)) for event in message.stamp(events, base, 1_700_000_000_123)]


def batch(*bodies: bytes, key: str | None = None) -> bytes:
    annotations = {b"x-opt-partition-key": key} if key else None
    header = Header(durable=True) if key else None
    inner = [encoded(header=header, message_annotations=annotations, data=[body]) for body in bodies]
    return encoded(header=header, message_annotations=annotations, data=inner)


SERVICE = {b"x-opt-sequence-number": 5, b"x-opt-offset": b"5", b"x-opt-enqueued-time": 1_700_000_000_123}


@given(
    st.dictionaries(st.text(min_size=1), st.text() | st.integers(-(2**31), 2**31 - 1) | st.booleans(), max_size=5),
    st.binary(max_size=600),
    st.none() | st.text(max_size=300),
)
def test_an_event_keeps_its_sections(properties: dict[str, Any], body: bytes, identifier: str | None) -> None:
    sent = encoded(application_properties=properties, data=[body], properties=Properties(message_id=identifier))
    (received,) = stamped(sent)
    wanted = decode_payload(memoryview(sent))
    assert received.message_annotations == SERVICE
    assert (received.application_properties, received.properties) == (wanted.application_properties, wanted.properties)
    assert list(received.data) == [body]


def test_annotations_of_the_sender_are_kept_and_ours_replaced() -> None:
    annotations = {b"x-opt-mine": "kept", b"x-opt-offset": "999", b"x-opt-sequence-number": 999, b"x-opt-other": 1}
    sent = encoded(header=Header(durable=True), message_annotations=annotations, data=[b"body"], footer={b"f": 1})
    (received,) = stamped(sent)
    assert received.message_annotations == {**SERVICE, b"x-opt-mine": b"kept", b"x-opt-other": 1}
    assert received.header.durable is True
    assert received.footer == {b"f": 1}


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=20), st.none() | st.text(min_size=1, max_size=300))
def test_a_batch_becomes_its_events(bodies: list[bytes], key: str | None) -> None:
    payload = batch(*bodies, key=key)
    _, found_key = message.events(payload, message.BATCH_FORMAT)
    received = stamped(payload, message.BATCH_FORMAT, base=8)
    assert found_key == key
    assert [list(event.data) for event in received] == [[body] for body in bodies]
    assert [event.message_annotations[b"x-opt-sequence-number"] for event in received] == [*range(8, 8 + len(bodies))]
    assert {event.message_annotations.get(b"x-opt-partition-key") for event in received} == {
        key.encode() if key else None
    }


def test_events_of_a_batch_that_differ_in_their_annotations() -> None:
    inner = [
        encoded(header=Header(durable=True), message_annotations={b"a": 1}, data=[b"0"]),
        encoded(header=Header(durable=True), message_annotations={b"a": 1}, data=[b"1"]),
        encoded(header=Header(durable=True), message_annotations={b"a": 2}, data=[b"2"]),
        encoded(data=[b"3"]),
        encoded(header=Header(durable=True), data=[b"4"]),
        encoded(header=Header(durable=True), message_annotations={b"b": 3}, data=[b"5"]),
        encoded(message_annotations={b"a": 1}, delivery_annotations={b"d": 1}, data=[b"6"]),
        encoded(message_annotations={b"a": 1}, data=[b"7"]),
    ]
    received = stamped(encoded(data=inner), message.BATCH_FORMAT)
    own = [{name: value for name, value in e.message_annotations.items() if name not in SERVICE} for e in received]
    assert own == [{b"a": 1}, {b"a": 1}, {b"a": 2}, {}, {}, {b"b": 3}, {b"a": 1}, {b"a": 1}]
    assert [list(event.data) for event in received] == [[b"%d" % number] for number in range(8)]
    assert [event.delivery_annotations for event in received] == [None] * 8


def test_sections_out_of_their_order_are_kept_for_each_event_of_a_batch() -> None:
    # As the Python SDK itself writes delivery annotations: last.
    properties = encoded(application_properties={"a": 1})
    annotations = encoded(message_annotations={b"b": 2})
    inner = [properties + annotations + encoded(data=[b"%d" % number]) for number in range(3)]
    received = stamped(encoded(data=inner), message.BATCH_FORMAT)
    assert [event.application_properties for event in received] == [{b"a": 1}] * 3
    assert [event.message_annotations[b"b"] for event in received] == [2] * 3
    assert [list(event.data) for event in received] == [[b"0"], [b"1"], [b"2"]]


def test_a_key_on_the_batch_alone_is_given_to_each_event() -> None:
    payload = encoded(message_annotations={b"x-opt-partition-key": "k"}, data=[encoded(data=[b"a"])])
    (received,) = stamped(payload, message.BATCH_FORMAT)
    assert received.message_annotations[b"x-opt-partition-key"] == b"k"


def test_an_event_without_a_body_gets_an_empty_one() -> None:
    (received,) = stamped(encoded(application_properties={"only": "this"}))
    assert list(received.data) == [b""]


def test_empty_lists_in_sections_are_taken() -> None:
    # As rhea (JavaScript) and Proton write a header of defaults: list0.
    (received,) = stamped(b"\x00\x53\x70\x45\x00\x53\x73\x45\x00\x53\x75\xa0\x02ok")
    assert list(received.data) == [b"ok"]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"plain text",
        b"\x00\x53\x75\xa0\x05shor",
        b"\x00\x53\x79\x40",
        b"\x00\x53\x72\xa1\x01x\x00\x53\x75\xa0\x00",
    ],
)
def test_what_is_no_message_is_refused(payload: bytes) -> None:
    for whole, message_format in (
        (payload, 0),
        (payload, message.BATCH_FORMAT),
        (encoded(data=[encoded(data=[b"good"]), payload]), message.BATCH_FORMAT),
    ):
        with pytest.raises(DecodeError):
            message.events(whole, message_format)


@given(st.binary(max_size=200), st.sampled_from([0, message.BATCH_FORMAT]))
def test_any_bytes_are_events_or_a_decode_error(payload: bytes, message_format: int) -> None:
    try:
        events, _ = message.events(payload, message_format)
    except DecodeError:
        return
    for event in message.stamp(events, 0, 0):
        list(message.sections(event))


def test_delivery_annotations_go_behind_the_header() -> None:
    metrics = codec.mapping([(codec.symbol("last_enqueued_sequence_number"), codec.long(9))])
    for header in (Header(durable=True), None):
        events, _ = message.events(encoded(header=header, data=[b"x"]), 0)
        (event,) = message.stamp(events, 0, 0)
        codes = [code for code, *_ in message.sections(message.with_delivery_annotations(event, metrics))]
        assert codes == sorted(codes)
        decoded = decode_payload(memoryview(message.with_delivery_annotations(event, metrics)))
        assert decoded.delivery_annotations == {b"last_enqueued_sequence_number": 9}


def test_what_the_sdk_makes_of_event_data() -> None:
    event = EventData(["one", "two"])
    event.properties = {"a": 1}
    outgoing = PyamqpTransport.to_outgoing_amqp_message(event.raw_amqp_message)
    (received,) = stamped(encoded(**outgoing._asdict()))
    assert list(received.data) == [b"one", b"two"]
    assert received.application_properties == {b"a": 1}


@given(st.lists(st.binary(max_size=100), min_size=1, max_size=10))
def test_an_entry_gives_its_events_back(events: list[bytes]) -> None:
    packed = Entry(7, len(events), 0, AMQP, entry.pack(events))
    bounds = entry.bounds(packed)
    assert [packed.body[bounds[index] : bounds[index + 1]] for index in range(len(events))] == events
    assert packed.next == 7 + len(events)
