"""AMQP 1.0 values to and from bytes (specification, part 1: types). Pure functions, no state.

Decoding gives plain Python values and checks every length against the buffer; encoding is by type, since AMQP tells
an int from a uint where Python does not. `skip` walks over a value without building it.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable, Iterable
from typing import NamedTuple

from local.eventhubs.errors import DecodeError

# Deeper than any performative or message annotation needs; a bound on what a hostile peer makes us recurse.
MAX_DEPTH = 16
# Arrays may hold zero-width elements, so their count is not bounded by their size.
MAX_ARRAY_COUNT = 65_536


class Symbol(str):
    """An AMQP symbol: ASCII, told apart from a string on the wire."""

    __slots__ = ()


class Described(NamedTuple):
    """A described value: a source, a target, an error, a delivery state, a filter."""

    descriptor: object
    value: object


_UINT = struct.Struct(">I")
_ULONG = struct.Struct(">Q")
_LONG = struct.Struct(">q")
NULL = b"\x40"
TRUE = b"\x41"
FALSE = b"\x42"


def skip(buffer: bytes, position: int) -> int:
    """Where the value at `position` ends.

    Raises:
        DecodeError: an unknown constructor, or a value that runs past the end of the buffer.
    """
    end = _end(buffer, position, 0)
    if end > len(buffer):
        raise DecodeError(f"a value of {end - position} bytes at {position} runs past the end ({len(buffer)})")
    return end


def _end(buffer: bytes, position: int, depth: int) -> int:
    try:
        constructor = buffer[position]
        kind = constructor >> 4
        if kind in _FIXED_WIDTH:
            return position + 1 + _FIXED_WIDTH[kind]
        if kind in (0xA, 0xC, 0xE):
            return position + 2 + buffer[position + 1]
        if kind in (0xB, 0xD, 0xF):
            return position + 5 + int(_UINT.unpack_from(buffer, position + 1)[0])
        if constructor == 0 and depth < MAX_DEPTH:
            return _end(buffer, _end(buffer, position + 1, depth + 1), depth + 1)
    except (IndexError, struct.error):
        raise DecodeError(f"a value at {position} is cut off") from None
    raise DecodeError(f"no AMQP type has the constructor 0x{constructor:02x} (at {position})")


_FIXED_WIDTH = {4: 0, 5: 1, 6: 2, 7: 4, 8: 8, 9: 16}


def decode(buffer: bytes, position: int = 0) -> tuple[object, int]:
    """The value at `position`, and where it ends.

    Returns:
        None, bool, int, float, str, Symbol, bytes, uuid.UUID, list, dict or Described; timestamps are int
        milliseconds since 1970, decimals stay as their bytes.

    Raises:
        DecodeError: the bytes are not one AMQP value.
    """
    try:
        return _decode(buffer, position, 0)
    except (IndexError, struct.error):
        raise DecodeError(f"a value at {position} is cut off") from None
    except UnicodeDecodeError as error:
        raise DecodeError(f"a string at {position} is not text: {error.reason}") from None
    except TypeError:
        raise DecodeError(f"a map at {position} has a key that is a list or a map") from None


def _decode(buffer: bytes, position: int, depth: int) -> tuple[object, int]:
    if depth > MAX_DEPTH:
        raise DecodeError(f"values nest deeper than {MAX_DEPTH}")
    constructor = buffer[position]
    if constructor == 0:
        descriptor, position = _decode(buffer, position + 1, depth + 1)
        value, position = _decode(buffer, position, depth + 1)
        return Described(descriptor, value), position
    return _decode_as(constructor, buffer, position + 1, depth)


def _decode_as(constructor: int, buffer: bytes, position: int, depth: int) -> tuple[object, int]:
    fixed = _FIXED.get(constructor)
    if fixed is not None:
        width, read = fixed
        return read(buffer, position), position + width
    kind = constructor >> 4
    if kind in (0xA, 0xC, 0xE):
        start, end = position + 1, position + 1 + buffer[position]
    elif kind in (0xB, 0xD, 0xF):
        start, end = position + 4, position + 4 + _UINT.unpack_from(buffer, position)[0]
    else:
        raise DecodeError(f"no AMQP type has the constructor 0x{constructor:02x} (at {position - 1})")
    if end > len(buffer):
        raise DecodeError(f"a value of {end - start} bytes at {position} runs past the end ({len(buffer)})")
    if constructor in _VARIABLE:
        return _VARIABLE[constructor](buffer[start:end]), end
    if constructor in _COMPOUND:
        return _COMPOUND[constructor](buffer, start, end, depth), end
    raise DecodeError(f"no AMQP type has the constructor 0x{constructor:02x} (at {position - 1})")


def _count(buffer: bytes, start: int, end: int, wide: bool) -> tuple[int, int]:
    """A compound's element count and where its elements begin; each takes a byte at least, which bounds the count."""
    count, position = (_UINT.unpack_from(buffer, start)[0], start + 4) if wide else (buffer[start], start + 1)
    return count, position


def _decode_list(buffer: bytes, start: int, end: int, depth: int, wide: bool) -> list[object]:
    count, position = _count(buffer, start, end, wide)
    if count > end - position:
        raise DecodeError(f"a list of {end - position} bytes claims {count} elements")
    values = []
    for _ in range(count):
        value, position = _decode(buffer, position, depth + 1)
        values.append(value)
    if position != end:
        raise DecodeError("a list's size does not match its elements")
    return values


def _decode_map(buffer: bytes, start: int, end: int, depth: int, wide: bool) -> dict[object, object]:
    count, _ = _count(buffer, start, end, wide)
    if count % 2:
        raise DecodeError(f"a map claims {count} keys and values, an odd number")
    items = iter(_decode_list(buffer, start, end, depth, wide))
    return dict(zip(items, items, strict=True))


def _decode_array(buffer: bytes, start: int, end: int, depth: int, wide: bool) -> list[object]:
    count, position = _count(buffer, start, end, wide)
    if count == 0:
        return []
    if count > MAX_ARRAY_COUNT:
        raise DecodeError(f"an array claims {count} elements; {MAX_ARRAY_COUNT} is the most taken")
    constructor, position = buffer[position], position + 1
    if constructor == 0:
        raise DecodeError("arrays of described values are not taken")
    if depth >= MAX_DEPTH:
        raise DecodeError(f"values nest deeper than {MAX_DEPTH}")
    values = []
    for _ in range(count):
        value, position = _decode_as(constructor, buffer, position, depth + 1)
        values.append(value)
    if position != end:
        raise DecodeError("an array's size does not match its elements")
    return values


def _fixed(layout: str) -> tuple[int, Callable[[bytes, int], object]]:
    packer = struct.Struct(">" + layout)
    return packer.size, lambda buffer, position: packer.unpack_from(buffer, position)[0]


def _raw(width: int) -> Callable[[bytes, int], bytes]:
    def read(buffer: bytes, position: int) -> bytes:
        if position + width > len(buffer):
            raise IndexError
        return buffer[position : position + width]

    return read


_FIXED: dict[int, tuple[int, Callable[[bytes, int], object]]] = {
    0x40: (0, lambda _buffer, _position: None),
    0x41: (0, lambda _buffer, _position: True),
    0x42: (0, lambda _buffer, _position: False),
    0x43: (0, lambda _buffer, _position: 0),
    0x44: (0, lambda _buffer, _position: 0),
    0x45: (0, lambda _buffer, _position: []),
    0x50: _fixed("B"),
    0x51: _fixed("b"),
    0x52: _fixed("B"),
    0x53: _fixed("B"),
    0x54: _fixed("b"),
    0x55: _fixed("b"),
    0x56: (1, lambda buffer, position: buffer[position] == 1),
    0x60: _fixed("H"),
    0x61: _fixed("h"),
    0x70: _fixed("I"),
    0x71: _fixed("i"),
    0x72: _fixed("f"),
    0x73: (4, lambda buffer, position: _raw(4)(buffer, position).decode("utf-32-be")),
    0x74: (4, _raw(4)),
    0x80: _fixed("Q"),
    0x81: _fixed("q"),
    0x82: _fixed("d"),
    0x83: _fixed("q"),
    0x84: (8, _raw(8)),
    0x94: (16, _raw(16)),
    0x98: (16, lambda buffer, position: uuid.UUID(bytes=_raw(16)(buffer, position))),
}
_VARIABLE: dict[int, Callable[[bytes], object]] = {
    0xA0: bytes,
    0xB0: bytes,
    0xA1: lambda data: data.decode("utf-8"),
    0xB1: lambda data: data.decode("utf-8"),
    0xA3: lambda data: Symbol(data.decode("ascii")),
    0xB3: lambda data: Symbol(data.decode("ascii")),
}
_COMPOUND: dict[int, Callable[[bytes, int, int, int], object]] = {
    0xC0: lambda buffer, start, end, depth: _decode_list(buffer, start, end, depth, False),
    0xD0: lambda buffer, start, end, depth: _decode_list(buffer, start, end, depth, True),
    0xC1: lambda buffer, start, end, depth: _decode_map(buffer, start, end, depth, False),
    0xD1: lambda buffer, start, end, depth: _decode_map(buffer, start, end, depth, True),
    0xE0: lambda buffer, start, end, depth: _decode_array(buffer, start, end, depth, False),
    0xF0: lambda buffer, start, end, depth: _decode_array(buffer, start, end, depth, True),
}


def boolean(value: bool) -> bytes:
    return TRUE if value else FALSE


def ubyte(value: int) -> bytes:
    return bytes((0x50, value))


def ushort(value: int) -> bytes:
    return b"\x60" + value.to_bytes(2, "big")


def short(value: int) -> bytes:
    return b"\x61" + value.to_bytes(2, "big", signed=True)


def uint(value: int) -> bytes:
    return bytes((0x52, value)) if value < 256 else b"\x70" + _UINT.pack(value)


def integer(value: int) -> bytes:
    return b"\x71" + value.to_bytes(4, "big", signed=True)


def ulong(value: int) -> bytes:
    return bytes((0x53, value)) if value < 256 else b"\x80" + _ULONG.pack(value)


def long(value: int) -> bytes:
    return b"\x81" + _LONG.pack(value)


def timestamp(milliseconds: int) -> bytes:
    return b"\x83" + _LONG.pack(milliseconds)


def binary(value: bytes) -> bytes:
    return _variable(0xA0, value)


def string(value: str) -> bytes:
    return _variable(0xA1, value.encode())


def symbol(value: str) -> bytes:
    return _variable(0xA3, value.encode("ascii"))


def _variable(constructor: int, data: bytes) -> bytes:
    if len(data) < 256:
        return bytes((constructor, len(data))) + data
    return bytes((constructor + 0x10,)) + _UINT.pack(len(data)) + data


def array(constructor: int, elements: Iterable[bytes]) -> bytes:
    """An array32 of already encoded elements without their constructors; `constructor` is the one they share."""
    items = list(elements)
    body = _UINT.pack(len(items)) + bytes((constructor,)) + b"".join(items)
    return b"\xf0" + _UINT.pack(len(body)) + body


def symbol_array(values: Iterable[str]) -> bytes:
    return array(0xA3, [bytes((len(value),)) + value.encode("ascii") for value in values])


def string_array(values: Iterable[str]) -> bytes:
    return array(0xB1, [_UINT.pack(len(data)) + data for data in (value.encode() for value in values)])


def compound(constructor: int, elements: list[bytes]) -> bytes:
    """A list or map, 8 bits wide where it fits; `constructor` is that of the narrow form."""
    body = b"".join(elements)
    if len(elements) < 256 and len(body) < 255:
        return bytes((constructor, len(body) + 1, len(elements))) + body
    return bytes((constructor + 0x10,)) + _UINT.pack(len(body) + 4) + _UINT.pack(len(elements)) + body


def mapping(items: Iterable[tuple[bytes, bytes]]) -> bytes:
    return compound(0xC1, [part for item in items for part in item])


def described_list(descriptor: int, fields: list[bytes]) -> bytes:
    """A performative, source, outcome...: never list0, which the Python SDK cannot read as a performative."""
    return b"\x00" + ulong(descriptor) + compound(0xC0, fields)
