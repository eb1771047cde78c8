"""One event, as a consumer over AMQP gets it, as the fields of a captured record.

Annotations and properties repeat from event to event (a key's, a content type's), so they are decoded once.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, TypeVar

from local.eventhubs import codec, message
from local.eventhubs.capture import avro
from local.eventhubs.errors import DecodeError

_LOG = logging.getLogger(__name__)

# The fields of AMQP's properties section (part 3.2.4), as consumers name them among the system properties.
_PROPERTIES = (
    "message-id", "user-id", "to", "subject", "reply-to", "correlation-id", "content-type", "content-encoding",
    "absolute-expiry-time", "creation-time", "group-id", "group-sequence", "reply-to-group-id",
)  # fmt: skip
# They have fields of their own in the schema.
_OWN_FIELDS = ("x-opt-sequence-number", "x-opt-offset", "x-opt-enqueued-time")
# Where a section goes that is not AMQP within: nothing that a producer sent is left out.
UNDECODED = "x-opt-undecoded"
# Longer ones hardly repeat, and thousands of them would be large.
_CACHED, _CACHED_BYTES = 4096, 512
# What `message.stamp` begins annotations with, after the map's constructor, size and count; then come the numbers and
# the offset's digits, then what the sender annotated.
_STAMP = b"\xa3\x15x-opt-sequence-number\x81"
_STAMP_AT, _OFFSET_AT, _STAMP_COUNT = 9, 86, 6
_UINT = struct.Struct(">I")
_T = TypeVar("_T", dict[object, object], list[object])


class Fields(NamedTuple):
    """`SystemProperties`, `Properties` and `Body`."""

    system: Mapping[str, avro.Value]
    properties: Mapping[str, avro.Value]
    body: bytes | None


def fields(event: bytes) -> Fields:
    """The fields of one event; whatever is wrong with it, it gets some."""
    annotations = properties = b""
    application: Mapping[str, avro.Value] = {}
    count = 0
    bodies: list[tuple[int, int, int]] = []
    try:
        for code, _start, value, end in message.sections(event):
            if code == message.DATA:
                bodies.append((code, value, end))
            elif code == message.ANNOTATIONS:
                annotations, count = _annotations(event, value, end)
            elif code == message.PROPERTIES:
                properties = event[value:end]
            elif code == message.APPLICATION_PROPERTIES:
                application = _application(event[value:end])
            elif code in (message.SEQUENCE, message.VALUE):
                bodies.append((code, value, end))
        return Fields(_system(annotations, count, properties), application, _body(event, bodies))
    except DecodeError as error:
        _LOG.warning("an event is captured as the bytes it was sent as: %s", error)
        return Fields({UNDECODED: avro.typed(event)}, {}, b"")


def _annotations(event: bytes, value: int, end: int) -> tuple[bytes, int]:
    """The sender's annotations as encoded keys and values, and how many; all of them when the stamp is not ours."""
    if event.startswith(_STAMP, value + _STAMP_AT):
        kept = value + _OFFSET_AT + 1 + event[value + _OFFSET_AT]
        return event[kept:end], _UINT.unpack_from(event, value + 5)[0] - _STAMP_COUNT
    wide = event[value] == 0xD1
    if not wide and event[value] != 0xC1:
        return b"", 0
    first = value + (9 if wide else 3)
    return event[first:end], int.from_bytes(event[first - 4 : first] if wide else event[first - 1 : first], "big")


def _system(annotations: bytes, count: int, properties: bytes) -> Mapping[str, avro.Value]:
    if not annotations and not properties:
        return {}
    decode = _decoded_system if len(annotations) + len(properties) <= _CACHED_BYTES else _decoded_system.__wrapped__
    return decode(annotations, count, properties)


@lru_cache(_CACHED)
def _decoded_system(annotations: bytes, count: int, properties: bytes) -> Mapping[str, avro.Value]:
    """Annotations and AMQP properties as one map, without nulls, for which the schema has no room there."""
    found: dict[object, object] = {}
    try:
        if annotations:
            size = _UINT.pack(len(annotations) + 4) + _UINT.pack(count)
            found.update(_decode(b"\xd1" + size + annotations, dict))
        if properties:
            found.update(zip(_PROPERTIES, _decode(properties, list), strict=False))
    except DecodeError as error:
        _LOG.warning("system properties are captured as the bytes they were sent as: %s", error)
        found = {UNDECODED: annotations + properties}
    return {
        str(name): avro.typed(value) for name, value in found.items() if name not in _OWN_FIELDS and value is not None
    }


def _application(section: bytes) -> Mapping[str, avro.Value]:
    decode = _decoded_application if len(section) <= _CACHED_BYTES else _decoded_application.__wrapped__
    return decode(section)


@lru_cache(_CACHED)
def _decoded_application(section: bytes) -> Mapping[str, avro.Value]:
    try:
        found = _decode(section, dict)
    except DecodeError as error:
        _LOG.warning("properties are captured as the bytes they were sent as: %s", error)
        found = {UNDECODED: section}
    return {str(name): avro.typed(value) for name, value in found.items()}


def _decode(section: bytes, kind: type[_T]) -> _T:
    value, end = codec.decode(section)
    if value is None:
        return kind()
    if end != len(section) or not isinstance(value, kind):
        raise DecodeError(f"a section is not a {kind.__name__}")
    return value


def _body(event: bytes, parts: list[tuple[int, int, int]]) -> bytes | None:
    """Data sections as they are, one after the other; an AMQP value or sequence as its text."""
    bodies = [_part(event, *part) for part in parts]
    return bodies[0] if len(bodies) == 1 else b"".join(body or b"" for body in bodies)


def _part(event: bytes, code: int, value: int, end: int) -> bytes | None:
    constructor = event[value]
    if constructor == 0xB0:
        return event[value + 5 : end]
    if constructor == 0xA0:
        return event[value + 2 : end]
    _, plain = avro.typed(codec.decode(event, value)[0])
    return plain if plain is None or isinstance(plain, bytes) else str(plain).encode()
