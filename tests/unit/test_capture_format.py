"""A captured file's bytes: Microsoft's schema, and every event in it, whatever a producer put into its properties."""

from __future__ import annotations

import io
import json
import math
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.eventhubs import codec
from local.eventhubs.capture import avro
from local.eventhubs.capture.event import UNDECODED, fields
from local.eventhubs.message import Event, parse_event, stamp

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "capture" / "seed-24.avro"
SYNC = bytes(range(16))
DATA = b"\x00\x53\x75" + codec.binary(b"body")


def written(records: Iterable[tuple[int, int, dict[str, Any], dict[str, Any], bytes | None]]) -> bytes:
    """A file of (sequence number, milliseconds, system properties, properties, body)."""
    file = avro.File(SYNC)
    for sequence, enqueued, system, properties, body in records:
        file.add(sequence, avro.time(enqueued), typed(system), typed(properties), body)
    file.end_block()
    content = file.take()
    assert len(content) == file.size
    return content


def typed(values: dict[str, Any]) -> dict[str, avro.Value]:
    return {name: avro.typed(value) for name, value in values.items()}


def read(content: bytes) -> list[Any]:
    return list(fastavro.reader(io.BytesIO(content)))


def captured(rest: bytes, annotations: bytes = b"", count: int = 0) -> Any:
    """What a file has of an event that a producer sent."""
    (message,) = stamp([Event(b"", annotations, count, rest)], 7, 1_593_100_049_123)
    file = avro.File(SYNC)
    file.add(7, avro.time(1_593_100_049_123), *fields(message))
    file.end_block()
    (record,) = read(file.take())
    assert (record["SequenceNumber"], record["Offset"]) == (7, "7")
    return record


def test_a_record_is_read_as_it_was_written() -> None:
    content = written([(252, 1_593_100_049_999, {"x-opt-partition-key": "28557"}, {"n": 1, "none": None}, b"\x00\xff")])
    assert read(content) == [
        {
            "SequenceNumber": 252,
            "Offset": "252",
            "EnqueuedTimeUtc": "6/25/2020 3:47:29 PM",
            "SystemProperties": {"x-opt-partition-key": "28557"},
            "Properties": {"n": 1, "none": None},
            "Body": b"\x00\xff",
        }
    ]


@pytest.mark.skipif(not REAL.exists(), reason=f"no file of the service at {REAL}")
def test_files_are_as_the_service_writes_them() -> None:
    """The same schema, the same codec, the same form of times."""
    real = fastavro.reader(io.BytesIO(REAL.read_bytes()))
    ours = fastavro.reader(io.BytesIO(written([])))
    assert real.metadata["avro.schema"] == avro.SCHEMA
    assert ours.metadata.keys() == real.metadata.keys()
    assert ours.codec == real.codec
    events = list(real)
    assert [event["SequenceNumber"] for event in events] == list(range(252, 262))
    assert events[0]["EnqueuedTimeUtc"] == avro.time(1_593_100_049_000)


def test_an_empty_file_is_a_header() -> None:
    """Schema and codec, nothing else; and the same bytes whenever it is written."""
    content = written([])
    assert read(content) == []
    assert content.endswith(SYNC)
    metadata = fastavro.reader(io.BytesIO(content)).metadata
    assert json.loads(metadata.pop("avro.schema")) == json.loads(avro.SCHEMA)
    assert metadata == {"avro.codec": "null"}
    assert written([]) == content


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "1/1/1970 12:00:00 AM"),
        (43_200_000, "1/1/1970 12:00:00 PM"),
        (1_795_403_496_134, "11/23/2026 3:11:36 AM"),
        (1_609_459_199_999, "12/31/2020 11:59:59 PM"),
    ],
)
def test_times_are_written_as_dot_net_writes_them(milliseconds: int, text: str) -> None:
    assert avro.time(milliseconds) == text


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2**63 - 1),
            st.integers(0, 253_402_300_799_999),
            st.dictionaries(st.text(), st.integers(-(2**63), 2**63 - 1) | st.text() | st.binary() | st.floats()),
            st.dictionaries(st.text(), st.none() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.binary()),
            st.none() | st.binary(max_size=300),
        )
    )
)
def test_what_avro_can_hold_is_held(
    records: list[tuple[int, int, dict[str, Any], dict[str, Any], bytes | None]],
) -> None:
    for one, record in zip(read(written(records)), records, strict=True):
        sequence, _, system, properties, body = record
        assert (one["SequenceNumber"], one["Offset"], one["Body"]) == (sequence, str(sequence), body)
        assert one["Properties"] == properties
        assert repr(one["SystemProperties"]) == repr(system)  # NaN is not equal to itself


def test_many_blocks_are_taken_as_they_fill() -> None:
    file = avro.File(SYNC)
    parts = []
    for sequence in range(1000):
        file.add(sequence, avro.time(0), {}, {}, b"x" * 1000)
        if file.ready >= 200_000:
            parts.append(file.take())
    file.end_block()
    content = b"".join([*parts, file.take()])
    assert len(parts) == 3
    assert [one["SequenceNumber"] for one in read(content)] == list(range(1000))
    assert len(content) == file.size


def test_annotations_and_properties_are_system_properties() -> None:
    """GIVEN what SDKs set THEN it goes by the names under which consumers find it, without what has its own field."""
    annotations = codec.symbol("x-opt-partition-key") + codec.string("28557") + codec.symbol("x-opt-kafka-key")
    properties = codec.compound(
        0xC0, [codec.string("id-1"), codec.binary(b"me"), codec.NULL, codec.string("s"), codec.NULL, codec.ulong(9),
               codec.symbol("application/json")],
    )  # fmt: skip
    record = captured(b"\x00\x53\x73" + properties + DATA, annotations + codec.binary(b"\xff"), 4)
    assert record["SystemProperties"] == {
        "x-opt-partition-key": "28557",
        "x-opt-kafka-key": b"\xff",
        "message-id": "id-1",
        "user-id": b"me",
        "subject": "s",
        "correlation-id": 9,
        "content-type": "application/json",
    }
    assert (record["Properties"], record["Body"]) == ({}, b"body")


def test_properties_of_every_amqp_type_are_captured() -> None:
    """GIVEN values that the schema has no type for THEN they are text, and no event is left out over them."""
    some = uuid.UUID(int=5)
    values = {
        "null": (codec.NULL, None),
        "true": (codec.TRUE, "true"),
        "false": (codec.FALSE, "false"),
        "ubyte": (codec.ubyte(255), 255),
        "ushort": (codec.ushort(65_535), 65_535),
        "uint": (codec.uint(2**32 - 1), 2**32 - 1),
        "ulong": (codec.ulong(2**63 - 1), 2**63 - 1),
        "ulong beyond a long": (codec.ulong(2**64 - 1), "18446744073709551615"),
        "byte": (b"\x51\xff", -1),
        "short": (b"\x61\xff\xfe", -2),
        "int": (codec.integer(-3), -3),
        "long": (codec.long(-(2**63)), -(2**63)),
        "float": (b"\x72\x3f\xc0\x00\x00", 1.5),
        "double": (b"\x82\x3f\xf8\x00\x00\x00\x00\x00\x00", 1.5),
        "infinite": (b"\x82\x7f\xf0\x00\x00\x00\x00\x00\x00", math.inf),
        "decimal32": (b"\x74\x22\x50\x00\x01", b"\x22\x50\x00\x01"),
        "decimal128": (b"\x94" + bytes(16), bytes(16)),
        "char": (b"\x73\x00\x01\xf6\x00", "😀"),
        "timestamp": (codec.timestamp(1_593_100_049_000), 1_593_100_049_000),
        "uuid": (b"\x98" + some.bytes, str(some)),
        "binary": (codec.binary(b"\x00\xff"), b"\x00\xff"),
        "string": (codec.string("é"), "é"),
        "symbol": (codec.symbol("s"), "s"),
        "list": (codec.compound(0xC0, [codec.string("é"), codec.TRUE, codec.NULL]), '["é", true, null]'),
        "map": (codec.mapping([(codec.string("k"), codec.binary(b"\xff"))]), '{"k": "ff"}'),
        "array": (codec.symbol_array(["a", "b"]), '["a", "b"]'),
        "described": (b"\x00" + codec.symbol("d") + codec.string("v"), '["d", "v"]'),
    }
    application = codec.mapping([(codec.string(name), encoded) for name, (encoded, _) in values.items()])
    record = captured(b"\x00\x53\x74" + application + DATA)
    assert record["Properties"] == {name: expected for name, (_, expected) in values.items()}


@pytest.mark.parametrize(
    ("section", "body"),
    [
        (DATA + DATA, b"bodybody"),
        (b"\x00\x53\x75\xa0\x00", b""),
        (b"\x00\x53\x77" + codec.string("é"), "é".encode()),
        (b"\x00\x53\x77" + codec.binary(b"\xff"), b"\xff"),
        (b"\x00\x53\x77" + codec.NULL, None),
        (b"\x00\x53\x77" + codec.long(5), b"5"),
        (b"\x00\x53\x76" + codec.compound(0xC0, [codec.long(1), codec.string("a")]), b'[1, "a"]'),
    ],
)
def test_every_kind_of_body_is_captured(section: bytes, body: bytes | None) -> None:
    assert captured(section)["Body"] == body


def test_what_is_not_amqp_within_a_section_is_kept_as_bytes() -> None:
    broken = b"\xc1\x07\x02\xa1\x01a\xa1\x01\xff"  # a string that is not UTF-8
    record = captured(b"\x00\x53\x74" + broken + DATA)
    assert record["Properties"] == {UNDECODED: broken}
    assert record["Body"] == b"body"


def test_annotations_that_are_not_stamped_here_are_read_too() -> None:
    own = codec.mapping([(codec.symbol("x-opt-offset"), codec.string("7")), (codec.symbol("x-opt-key"), codec.TRUE)])
    assert read_system(b"\x00\x53\x72" + own + DATA) == {"x-opt-key": "true"}
    assert read_system(parse_event(DATA).rest) == {}


def read_system(message: bytes) -> Any:
    file = avro.File(SYNC)
    file.add(0, avro.time(0), *fields(message))
    file.end_block()
    return read(file.take())[0]["SystemProperties"]
