"""AMQP values: what the SDK writes we read, what we write the SDK reads, and what is neither is an error."""

from __future__ import annotations

import uuid

import pytest
from azure.eventhub._pyamqp._decode import _DECODE_BY_CONSTRUCTOR as SDK_DECODERS
from azure.eventhub._pyamqp._encode import encode_value
from azure.eventhub._pyamqp.types import TYPE, VALUE, AMQPTypes
from hypothesis import given
from hypothesis import strategies as st

from local.eventhubs import codec
from local.eventhubs.codec import Described, Symbol
from local.eventhubs.errors import DecodeError

SIMPLE = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**31), 2**31 - 1), st.text(), st.binary(max_size=300), st.uuids(),
    st.floats(allow_nan=False),
)  # fmt: skip
VALUES = st.recursive(
    SIMPLE, lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(), inner, max_size=6), max_leaves=30
)


def sdk_encoded(value: object) -> bytes:
    output = bytearray()
    encode_value(output, value)
    return bytes(output)


def sdk_decoded(data: bytes) -> object:
    rest, value = SDK_DECODERS[data[0]](memoryview(data)[1:])
    assert not rest
    return value


@given(VALUES)
def test_what_the_sdk_writes_is_read_and_skipped(value: object) -> None:
    data = sdk_encoded(value)
    assert codec.decode(data) == (value, len(data))
    assert codec.skip(b"before" + data + b"after", 6) == 6 + len(data)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (AMQPTypes.ubyte, 200), (AMQPTypes.byte, -5), (AMQPTypes.ushort, 60_000), (AMQPTypes.short, -300),
        (AMQPTypes.uint, 0), (AMQPTypes.uint, 255), (AMQPTypes.uint, 2**32 - 1), (AMQPTypes.ulong, 0),
        (AMQPTypes.ulong, 2**64 - 1), (AMQPTypes.long, -(2**63)), (AMQPTypes.timestamp, 1_700_000_000_000),
        (AMQPTypes.float, 0.5),
    ],
)  # fmt: skip
def test_numbers_of_every_width_are_read(kind: str, value: float) -> None:
    data = sdk_encoded({TYPE: kind, VALUE: value})
    assert codec.decode(data) == (value, len(data))


def test_symbols_and_described_values_are_told_apart() -> None:
    data = sdk_encoded({TYPE: AMQPTypes.described, VALUE: ({TYPE: AMQPTypes.symbol, VALUE: b"a"}, "text")})
    value, _ = codec.decode(data)
    assert value == Described(Symbol("a"), "text")
    assert isinstance(value, Described)
    assert isinstance(value.descriptor, Symbol)
    assert not isinstance(value.value, Symbol)


@given(st.integers(0, 2**32 - 1))
def test_unsigned_numbers_are_written_as_the_sdk_reads_them(value: int) -> None:
    assert sdk_decoded(codec.uint(value)) == sdk_decoded(codec.ulong(value)) == value


@given(st.text(max_size=400), st.binary(max_size=400), st.integers(-(2**63), 2**63 - 1))
def test_the_rest_is_written_as_the_sdk_reads_it(text: str, data: bytes, number: int) -> None:
    assert sdk_decoded(codec.string(text)) == text.encode()
    assert sdk_decoded(codec.binary(data)) == data
    assert sdk_decoded(codec.long(number)) == sdk_decoded(codec.timestamp(number)) == number
    assert sdk_decoded(codec.mapping([(codec.string(text), codec.binary(data))])) == {text.encode(): data}


def test_arrays_are_written_as_the_sdk_reads_them() -> None:
    assert sdk_decoded(codec.string_array(["a", "é" * 200])) == [b"a", ("é" * 200).encode()]
    assert sdk_decoded(codec.symbol_array(["ANONYMOUS"])) == [b"ANONYMOUS"]
    assert codec.decode(codec.string_array(["a", "b"]))[0] == ["a", "b"]
    assert codec.decode(codec.string_array([]))[0] == []


def test_lists_grow_wide_when_they_must() -> None:
    small, large = codec.compound(0xC0, [codec.uint(1)]), codec.compound(0xC0, [codec.string("x" * 250)] * 2)
    assert (small[0], large[0]) == (0xC0, 0xD0)
    assert sdk_decoded(large) == [b"x" * 250] * 2
    assert codec.decode(large)[0] == ["x" * 250] * 2


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_a_decode_error(data: bytes) -> None:
    try:
        _, end = codec.decode(data)
    except DecodeError:
        return
    assert end <= len(data)
    assert codec.skip(data, 0) == end


@given(VALUES, st.data())
def test_a_value_cut_short_is_a_decode_error(value: object, data: st.DataObject) -> None:
    encoded = sdk_encoded(value)
    cut = data.draw(st.integers(0, len(encoded) - 1))
    with pytest.raises(DecodeError):
        codec.decode(encoded[:cut])
    with pytest.raises(DecodeError):
        codec.skip(encoded[:cut], 0)


@pytest.mark.parametrize(
    "data",
    [
        b"\xc0\x02\xff\x40",  # a list that claims more elements than it has bytes
        b"\xf0\x00\x00\x00\x05\xff\xff\xff\xff\x40",  # an array of four billion nulls
        b"\xc1\x02\x01\x40",  # a map with a key and no value
        b"\xc1\x05\x02\xc0\x01\x00\x40",  # a map with a list for a key
        b"\xa1\x01\xff",  # a string that is not UTF-8
        b"\x00" * 100,  # descriptors of descriptors of descriptors
        b"\xc0\xff" * 50,  # lists in lists
        b"\x3f",
    ],
)
def test_what_is_malicious_is_a_decode_error(data: bytes) -> None:
    with pytest.raises(DecodeError):
        codec.decode(data)


def test_a_uuid_is_one() -> None:
    assert codec.decode(b"\x98" + bytes(16))[0] == uuid.UUID(int=0)
