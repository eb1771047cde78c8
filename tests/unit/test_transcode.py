"""An event as the other protocol's consumers get it: bodies, keys, headers and properties, numbers and times."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from azure.eventhub import EventData
from azure.eventhub._pyamqp._decode import decode_payload
from azure.eventhub._pyamqp._encode import encode_payload
from azure.eventhub._pyamqp.message import Header, Message, Properties
from hypothesis import given, settings
from hypothesis import strategies as st

from local.eventhubs import codec, entry, message, transcode
from local.eventhubs.entry import AMQP, KAFKA, Entry
from local.eventhubs.errors import CorruptBatch, DecodeError
from local.eventhubs.kafka.batch import parse, stamped

BASE, ENQUEUED = 41, 1_700_000_000_123
Headers = list[tuple[str, bytes | None]]


def kafka_entry(*records: tuple[bytes | None, bytes | None, Headers], compression: int = 0) -> Entry:
    """An entry that a Kafka producer wrote, of records as (key, value, headers)."""
    builder = DefaultRecordBatchBuilder(2, compression, 0, -1, -1, -1, 2**31 - 1)
    for number, (key, value, headers) in enumerate(records):
        builder.append(number, 1_000 + number, key, value, headers)
    (batch,) = parse(bytes(builder.build()))
    return Entry(BASE, batch.count, ENQUEUED, KAFKA, stamped(batch, BASE, ENQUEUED))


def amqp_entry(*messages: bytes) -> Entry:
    """An entry that an AMQP producer wrote."""
    events = [message.parse_event(one) for one in messages]
    return Entry(BASE, len(events), ENQUEUED, AMQP, entry.pack(message.stamp(events, BASE, ENQUEUED)))


def encoded(**sections: Any) -> bytes:
    """A message as the SDK writes it."""
    output = bytearray()
    encode_payload(output, Message(**sections))
    return bytes(output)


def received(stored: Entry) -> list[EventData]:
    """What the SDK's consumers make of an entry."""
    body, bounds = transcode.amqp(stored)
    assert len(bounds) == stored.length + 1
    return [EventData._from_message(decode_payload(memoryview(body)[start:end])) for start, end in pairwise(bounds)]


def consumed(stored: Entry) -> Sequence[Any]:
    """What a Kafka consumer's library makes of an entry."""
    batch = DefaultRecordBatch(transcode.kafka(stored))
    assert batch.validate_crc()
    return list(batch)


def test_a_kafka_event_over_amqp() -> None:
    stored = kafka_entry(
        (b"key", b"first", [("sender", b"python_kafka_sdk"), ("none", None)]), (None, b"second", []), (b"", None, [])
    )
    first, second, third = received(stored)

    assert first.body_as_str() == "first"
    assert first.properties == {b"sender": b"python_kafka_sdk", b"none": None}
    assert first.system_properties[b"x-opt-kafka-key"] == b"key"
    assert first.partition_key is None
    assert (first.sequence_number, first.offset) == (BASE, str(BASE))
    assert first.enqueued_time is not None
    assert int(first.enqueued_time.timestamp() * 1000) == ENQUEUED
    assert (second.body_as_str(), second.properties, second.sequence_number) == ("second", {}, BASE + 1)
    assert b"x-opt-kafka-key" not in second.system_properties
    assert b"".join(third.body) == b""
    assert third.system_properties[b"x-opt-kafka-key"] == b""


def test_header_values_are_binary_whatever_they_hold() -> None:
    body, bounds = transcode.amqp(kafka_entry((None, b"", [("count", b"\x00\x00\x00\x07"), ("text", b"\xff" * 300)])))
    expected = codec.mapping(
        [(codec.string("count"), codec.binary(b"\0\0\0\7")), (codec.string("text"), codec.binary(b"\xff" * 300))]
    )
    assert b"\x00\x53\x74" + expected + b"\x00\x53\x75\xa0\x00" == body[-len(expected) - 8 :]
    assert bounds[-1] == len(body)


def test_of_headers_with_one_name_the_last_counts() -> None:
    (event,) = received(kafka_entry((None, b"x", [("a", b"1"), ("b", b"2"), ("a", b"3")])))
    assert event.properties == {b"a": b"3", b"b": b"2"}


@pytest.mark.parametrize("compression", range(5))
def test_compressed_batches_reach_amqp_consumers(compression: int) -> None:
    stored = kafka_entry(*((b"k%d" % n, b"value %d" % n * 20, []) for n in range(200)), compression=compression)
    assert [event.body_as_str() for event in received(stored)] == [f"value {n}" * 20 for n in range(200)]
    assert transcode.kafka(stored) is stored.body


def test_an_amqp_event_over_kafka() -> None:
    stored = amqp_entry(
        encoded(
            header=Header(durable=True),
            message_annotations={codec.Symbol("x-opt-partition-key").encode(): "place 27513"},
            properties=Properties(
                message_id="m-1", user_id=b"me", to="here", subject="about", reply_to="there", correlation_id="c-1",
                content_type=b"application/json", content_encoding=b"utf-8", creation_time=1_700_000_000_000,
            ),
            application_properties={"sender": "python_sdk", "count": 7, "raw": b"\x01"},
            data=[b'{"a": ', b"1}"],
        ),
        encoded(data=[b"second"]),
    )  # fmt: skip
    first, second = consumed(stored)

    assert (first.offset, first.timestamp, first.timestamp_type) == (BASE, ENQUEUED, 1)
    assert (first.key, first.value) == (None, b'{"a": 1}')
    headers = dict(first.headers)
    assert len(headers) == len(first.headers) == 13
    # Text, as the service converts these
    assert headers["x-opt-partition-key"] == b"place 27513"
    assert headers["message-id"] == b"m-1"
    assert headers["user-id"] == b"me"
    assert headers["to"] == b"here"
    assert headers["reply-to"] == b"there"
    assert headers["content-type"] == b"application/json"
    assert headers["content-encoding"] == b"utf-8"
    assert headers["creation-time"] == b"1700000000000"
    # AMQP's encoding, type code first
    assert headers["subject"] == b"\xa1\x05about"
    assert headers["correlation-id"] == b"\xa1\x03c-1"
    assert headers["sender"] == b"\xa1\x0apython_sdk"
    assert codec.decode(headers["count"])[0] == 7
    assert headers["raw"] == b"\xa0\x01\x01"
    assert (second.offset, second.value, second.headers) == (BASE + 1, b"second", [])


@pytest.mark.parametrize(("body", "value"), [
    (b"\x00\x53\x75\xa0\x00", None),
    (b"\x00\x53\x75\xb0\x00\x00\x00\x02hi", b"hi"),
    (b"\x00\x53\x75\xa0\x01a\x00\x53\x75\xa0\x01b", b"ab"),
    (b"\x00\x53\x77\xa1\x04text", b"text"),
    (b"\x00\x53\x77\xa0\x03raw", b"raw"),
    (b"\x00\x53\x77\x40", None),
    (b"\x00\x53\x77\x54\x07", b"\x54\x07"),
    (b"\x00\x53\x76\xc0\x05\x02\x54\x01\x54\x02", b"\xc0\x05\x02\x54\x01\x54\x02"),
    (b"\x00\x53\x75\xa0\x02hi\x00\x53\x78\xc1\x01\x00", b"hi"),
])  # fmt: skip
def test_what_each_kind_of_body_is_over_kafka(body: bytes, value: bytes | None) -> None:
    assert [record.value for record in consumed(amqp_entry(body))] == [value]


@pytest.mark.parametrize(("identifier", "text"), [
    (codec.ulong(7), b"7"),
    (b"\x98" + uuid.UUID(int=5).bytes, b"00000000-0000-0000-0000-000000000005"),
    (codec.binary(b"\xff\x00"), b"\xff\x00"),
    (codec.NULL, None),
])  # fmt: skip
def test_message_ids_of_every_type_are_text(identifier: bytes, text: bytes | None) -> None:
    stored = amqp_entry(codec.described_list(0x73, [identifier]) + b"\x00\x53\x75\xa0\x01x")
    (record,) = consumed(stored)
    assert dict(record.headers).get("message-id") == text


@pytest.mark.parametrize("section", [
    b"\x00\x53\x74\xc1\x04\x02\xa1\x7fa",      # a key that is longer than the map
    b"\x00\x53\x74\xc1\x02\xff\x40",           # more keys than bytes
    b"\x00\x53\x74\x40",                       # no map
    b"\x00\x53\x74\xa1\x01x",                  # no map either
    b"\x00\x53\x74\xc1\x00",                   # a map of nothing, not even a count
    b"\x00\x53\x73\xd0\x00\x00\x00\x02\x00\x00",  # a list that is cut off in its count
])  # fmt: skip
def test_properties_that_are_none_keep_no_event_from_kafka(section: bytes) -> None:
    stored = amqp_entry(section + b"\x00\x53\x75\xa0\x01x", encoded(application_properties={"a": "b"}, data=[b"y"]))
    assert [(record.value, record.headers) for record in consumed(stored)] == [
        (b"x", []), (b"y", [("a", b"\xa1\x01b")]),
    ]  # fmt: skip


def test_a_body_that_looks_like_the_start_of_a_body_where_the_last_had_one() -> None:
    """GIVEN an event with properties, then one whose end, so far in, looks like a body that is cut off THEN both."""
    longer = encoded(application_properties={"a": "x", "": 0}, data=[b""])
    looks = b"\x00\x53\x75\xa0"
    padding = len(longer) - len(b"\x00\x53\x75\xa0\x00") - 5
    stored = amqp_entry(longer, encoded(data=[b"." * padding + looks]))
    assert [record.value for record in consumed(stored)] == [None, b"." * padding + looks]


def test_properties_and_keys_that_are_not_text_stay_encoded() -> None:
    key = codec.symbol("x-opt-partition-key") + b"\xa1\x02\xff\xfe"
    stored = amqp_entry(
        b"\x00\x53\x72" + codec.compound(0xC1, [key[:22], key[22:]])
        + b"\x00\x53\x73\xc0\x05\x01\xa1\x02\xff\xfe" + b"\x00\x53\x75\xa0\x01x"
    )  # fmt: skip
    (record,) = consumed(stored)
    assert record.headers == [("x-opt-partition-key", b"\xa1\x02\xff\xfe"), ("message-id", b"\xa1\x02\xff\xfe")]


@pytest.mark.parametrize("damage", [
    lambda whole: whole[:40],                                        # in its header
    lambda whole: whole[:-1],
    lambda whole: whole[:-1] + bytes([whole[-1] ^ 1]),
    lambda whole: kafka_entry((None, b"x", [])).body,                # whole, but fewer records
    lambda whole: kafka_entry(*[(None, b"x", [])] * 3).body,         # or more
    lambda whole: b"",
])  # fmt: skip
@pytest.mark.parametrize("compression", [0, 1])
def test_a_batch_that_is_not_what_was_stored_is_said_to_be_damaged(
    damage: Callable[[bytes], bytes], compression: int
) -> None:
    stored = kafka_entry((None, b"a", []), (None, b"b", []), compression=compression)
    with pytest.raises(CorruptBatch, match=f"stored at offset {BASE} is damaged"):
        transcode.amqp(stored._replace(body=damage(stored.body)))


def test_what_neither_needs_converted_is_as_it_is_stored() -> None:
    stored = amqp_entry(encoded(data=[b"x"]))
    body, bounds = transcode.amqp(stored)
    assert body is stored.body
    assert bounds == entry.bounds(stored)


def test_conversions_are_kept_up_to_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = transcode._Cache()
    monkeypatch.setattr(transcode, "_CACHE", cache)
    monkeypatch.setattr(transcode, "_CACHE_BYTES", 20_000)
    stored = [kafka_entry((None, b"%04d" % n * 500, [])) for n in range(20)]
    large = kafka_entry((None, b"." * 30_000, []))
    for one in (*stored, large):
        transcode.amqp(one)

    # The newest are there, found by what they are (an entry that is read again is another object)
    again = Entry(*stored[-1][:4], bytes(bytearray(stored[-1].body)))
    assert transcode.amqp(again)[0] is transcode.amqp(stored[-1])[0]
    assert 2 <= len(cache._kept) < 10
    assert cache._size == sum(size for _, size in cache._kept.values()) <= 20_000


values = st.one_of(st.none(), st.binary(max_size=300))
headers = st.lists(st.tuples(st.text(max_size=20), values), max_size=5, unique_by=lambda header: header[0])


@given(st.lists(st.tuples(values, values, headers), min_size=1, max_size=20), st.integers(0, 4))
def test_any_kafka_event_is_one_that_the_sdk_reads(
    records: list[tuple[bytes | None, bytes | None, Headers]], compression: int
) -> None:
    stored = kafka_entry(*records, compression=compression)
    for event, (key, value, named) in zip(received(stored), records, strict=True):
        assert b"".join(event.body) == (value or b"")
        assert event.system_properties.get(b"x-opt-kafka-key") == key
        assert event.properties == {name.encode(): content for name, content in named}


names = st.sampled_from(["a", "b", ""])
properties = st.dictionaries(names, st.one_of(st.sampled_from("xyz"), st.integers(0, 2)), max_size=2)
bodies = st.lists(st.binary(max_size=300), min_size=1, max_size=2)


@given(st.lists(st.tuples(properties, st.booleans(), bodies), min_size=1, max_size=20))
def test_any_amqp_event_is_one_that_kafka_reads(
    sent: list[tuple[dict[str, str | int], bool, list[bytes]]],
) -> None:
    footer = b"\x00\x53\x78\xc1\x01\x00"
    stored = amqp_entry(
        *(
            encoded(application_properties=named or None, data=body) + (footer if ends else b"")
            for named, ends, body in sent
        )
    )
    for record, (named, _, body) in zip(consumed(stored), sent, strict=True):
        assert record.value == (b"".join(body) or None)
        assert {name: codec.decode(content)[0] for name, content in record.headers} == named


constructors = st.sampled_from([0x40, 0x45, 0x53, 0x83, 0xA0, 0xA1, 0xB0, 0xC0, 0xC1, 0xD0, 0xD1, 0xE0, 0xF0])
framed = st.builds(
    lambda constructor, content: (
        bytes([constructor])
        + (bytes([len(content)]) if constructor in (0xA0, 0xA1, 0xC0, 0xC1, 0xE0) else b"")
        + (len(content).to_bytes(4, "big") if constructor in (0xB0, 0xD0, 0xD1, 0xF0) else b"")
        + (content[: {0x53: 1, 0x83: 8}.get(constructor, len(content))] if constructor not in (0x40, 0x45) else b"")
    ),
    constructors,
    st.binary(min_size=8, max_size=12) | st.binary(max_size=3),
)


@given(
    st.lists(framed, max_size=2), st.lists(st.tuples(st.integers(0x73, 0x74), framed), max_size=2),
    st.lists(st.tuples(st.integers(0x75, 0x77), framed), max_size=2),
)  # fmt: skip
@settings(max_examples=300)
def test_whatever_a_hub_took_over_amqp_keeps_kafka_from_nothing(
    keys: list[bytes], properties: list[tuple[int, bytes]], body: list[tuple[int, bytes]]
) -> None:
    annotations = codec.mapping([(codec.symbol("x-opt-partition-key"), key) for key in keys])
    sent = b"".join(b"\x00\x53" + bytes([code]) + value for code, value in [(0x72, annotations), *properties, *body])
    try:
        stored = amqp_entry(sent, encoded(data=[b"next"]))
    except DecodeError:
        return
    assert [record.value for record in consumed(stored)][1:] == [b"next"]
