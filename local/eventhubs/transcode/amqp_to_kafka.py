"""What AMQP producers sent, as Kafka records: properties and annotations become headers.

Values keep their AMQP encoding, type code and all, for AmqpDeserializer to read, as the service has it; but the
properties that it "natively converts" are plain text: https://github.com/Azure/azure-event-hubs-for-kafka/pull/216
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from local.eventhubs import codec
from local.eventhubs.codec import NULL
from local.eventhubs.entry import Entry, bounds
from local.eventhubs.errors import DecodeError
from local.eventhubs.message import (
    APPLICATION_PROPERTIES,
    DATA,
    FOOTER,
    PARTITION_KEY,
    PROPERTIES,
    VALUE,
    sections,
    unstamped,
)

# The fields of the properties section (AMQP 1.0, part 3.2.4), and those that cross as text.
_PROPERTIES = (
    "message-id", "user-id", "to", "subject", "reply-to", "correlation-id", "content-type", "content-encoding",
    "absolute-expiry-time", "creation-time", "group-id", "group-sequence", "reply-to-group-id",
)  # fmt: skip
_AS_TEXT = {"message-id", "user-id", "to", "reply-to", "content-type", "content-encoding", "creation-time"}

# A data section of each width.
_BINARY_8, _BINARY_32 = b"\x00\x53\x75\xa0", b"\x00\x53\x75\xb0"

_Headers = list[tuple[str, bytes | None]]


def events(entry: Entry) -> Iterator[tuple[bytes | None, _Headers]]:
    """The value and headers of each event of an AMQP entry; an empty body is a null value."""
    annotations_before = properties_before = b""
    annotated: _Headers = []
    named: _Headers = []
    for start, end in pairwise(bounds(entry)):
        _header, annotations, count, rest = unstamped(entry.body[start:end])
        # The events of one producer often have the same annotations and properties, byte for byte.
        if annotations != annotations_before:
            annotations_before, annotated = annotations, _named(_values(annotations, 0, count))
        value = _data_after(properties_before, rest)
        if value is None:
            properties, value = _split(rest)
            if properties != properties_before:
                properties_before, named = properties, _properties(properties)
        yield value or None, annotated + named


def _data_after(properties: bytes, rest: bytes) -> bytes | None:
    """The body of an event that is `properties` and one data section, as nearly all of a batch are; else None.

    This is `_split` for that one case, in a third of the time.
    """
    if not rest.startswith(properties):
        return None
    start = len(properties)
    if rest.startswith(_BINARY_8, start):
        body = start + 5
        length = rest[body - 1]
    elif rest.startswith(_BINARY_32, start):
        body = start + 8
        length = int.from_bytes(rest[body - 4 : body], "big")
    else:
        return None
    return rest[body:] if body + length == len(rest) else None


def _split(rest: bytes) -> tuple[bytes, bytes]:
    """An event's properties sections as they are, and its body as a Kafka value."""
    body: list[bytes] = []
    properties = 0
    for code, _start, value, end in sections(rest):
        if code <= APPLICATION_PROPERTIES:
            properties = end
        elif code != FOOTER:
            body.append(_content(code, rest, value, end))
    return rest[:properties], b"".join(body)


def _content(code: int, message: bytes, value: int, end: int) -> bytes:
    """A body section's bytes: those of a data section, or of a value that is binary or text; else the AMQP encoding."""
    constructor = message[value]
    if code in (DATA, VALUE):
        if constructor in (0xA0, 0xA1):
            return message[value + 2 : end]
        if constructor in (0xB0, 0xB1):
            return message[value + 5 : end]
        if constructor == NULL[0]:
            return b""
    return message[value:end]


def _properties(encoded: bytes) -> _Headers:
    """The headers for properties and application properties; none for a section that is not what it should be.

    A hub takes any event that an AMQP consumer can be sent; one bad section must not keep Kafka from the others.
    """
    headers: _Headers = []
    for code, _start, value, end in sections(encoded):
        try:
            values = _elements(encoded[value:end])
            if code == PROPERTIES:
                headers += [
                    (name, _text(field) if name in _AS_TEXT else field)
                    for name, field in zip(_PROPERTIES, values, strict=False)
                    if field != NULL
                ]
            elif code == APPLICATION_PROPERTIES:
                headers += _named(values)
        except DecodeError:
            continue
    return headers


def _named(keys_and_values: list[bytes]) -> _Headers:
    """A map's encoded keys and values as headers."""
    headers: _Headers = []
    for key, value in zip(keys_and_values[::2], keys_and_values[1::2], strict=False):
        name = str(codec.decode(key)[0])
        headers.append((name, _text(value) if name == PARTITION_KEY else value))
    return headers


def _elements(section: bytes) -> list[bytes]:
    """The elements, encoded, of a list or map; none of anything else, or of one too short to say how many."""
    constructor = section[0]
    if constructor in (0xC0, 0xC1):
        return _values(section, 3, int.from_bytes(section[2:3], "big"))
    if constructor in (0xD0, 0xD1):
        return _values(section, 9, int.from_bytes(section[5:9], "big"))
    return []


def _values(encoded: bytes, position: int, count: int) -> list[bytes]:
    values = []
    for _ in range(count):
        end = codec.skip(encoded, position)
        values.append(encoded[position:end])
        position = end
    return values


def _text(encoded: bytes) -> bytes:
    """A property as text: times in milliseconds since 1970, a message-id of any of its types; binary as it is.

    What does not decode stays encoded: the hub took it, and its consumers must get past it.
    """
    try:
        value, _ = codec.decode(encoded)
    except DecodeError:
        return encoded
    return value if isinstance(value, bytes) else str(value).encode()
