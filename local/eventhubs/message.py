"""AMQP messages (specification, part 3.2): take them apart into sections, and write an event as consumers get it.

An event is stored as the bytes that a consumer is sent: header, annotations with sequence number, offset and enqueued
time, then the sender's properties, application properties and body, verbatim.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

from local.eventhubs import codec
from local.eventhubs.codec import NULL, string, symbol
from local.eventhubs.errors import DecodeError

# A message whose data sections are whole messages, as every SDK sends batches (and Python's even single events).
BATCH_FORMAT = 0x80013700
HEADER, DELIVERY_ANNOTATIONS, ANNOTATIONS, PROPERTIES, APPLICATION_PROPERTIES = range(0x70, 0x75)
DATA, SEQUENCE, VALUE, FOOTER = range(0x75, 0x79)

PARTITION_KEY = "x-opt-partition-key"
_OURS = (b"x-opt-sequence-number", b"x-opt-offset", b"x-opt-enqueued-time")
_SECTION = b"\x00\x53"
_UINT = struct.Struct(">I")


class Event(NamedTuple):
    """One event as it was sent: its header, the annotations to keep (encoded keys and values), and all the rest."""

    header: bytes
    annotations: bytes
    annotation_count: int
    rest: bytes

    @property
    def size(self) -> int:
        return len(self.header) + len(self.annotations) + len(self.rest)


_PLAIN = (b"", b"", 0)


def sections(message: bytes) -> Iterable[tuple[int, int, int, int]]:
    """Every section of a message as (code, where it begins, where its value begins, where it ends).

    Raises:
        DecodeError: what follows is not a section, or runs past the end.
    """
    position, size = 0, len(message)
    while position < size:
        if message[position : position + 2] == _SECTION and position + 3 < size:
            code, value = message[position + 2], position + 3
        elif message[position] == 0:
            descriptor, value = codec.decode(message, position + 1)
            code = descriptor if isinstance(descriptor, int) else 0
        else:
            raise DecodeError(f"byte {position} of a message of {size} does not begin a section")
        if not HEADER <= code <= FOOTER:
            raise DecodeError(f"a message has no section 0x{code:02x}")
        end = codec.skip(message, value)
        yield code, position, value, end
        position = end


def events(payload: bytes, message_format: int) -> tuple[list[Event], str | None]:
    """The events of one transfer, and the partition key it carries as a whole.

    Raises:
        DecodeError: a section, or an event within a batch, is not AMQP 1.0; or there is no event.
    """
    if message_format != BATCH_FORMAT:
        event = parse_event(payload)
        return [event], partition_key(event)
    key = None
    found: list[Event] = []
    head_before, before = b"", _PLAIN
    for code, _start, value, end in sections(payload):
        if code == DATA:
            inner = _binary(payload, value, end)
            head = _head(inner)
            # The events of one batch mostly have the same header and annotations, byte for byte: their key's.
            if head < 0 or inner[:head] != head_before:
                event = parse_event(inner)
                if head >= 0:
                    head_before, before = inner[:head], event[:3]
            else:
                event = Event(*before, inner[head:])
            found.append(event)
        elif code == ANNOTATIONS:
            key = _key_of(payload, value)
    if not found:
        raise DecodeError("a batch holds no event")
    if key is None:
        return found, partition_key(found[0])
    # Some SDKs name the key on the batch alone; each event has it when it is received.
    named = symbol(PARTITION_KEY) + string(key)
    return [
        event if event.annotation_count else event._replace(annotations=named, annotation_count=2) for event in found
    ], key


def _binary(message: bytes, value: int, end: int) -> bytes:
    constructor = message[value]
    if constructor == 0xB0:
        return message[value + 5 : end]
    if constructor == 0xA0:
        return message[value + 2 : end]
    raise DecodeError("a data section is not binary")


def _head(message: bytes) -> int:
    """How long header and annotations are, of a message with a body and its sections as every SDK writes them; else -1.

    This is `sections` for the one case that is nearly all of them: three times as fast, which is a third of what an
    event costs on its way in.
    """
    position = head = 0
    rest = body = False
    size = len(message)
    try:
        while position < size:
            code, kind = message[position + 2], message[position + 3] >> 4
            if message[position] or message[position + 1] != 0x53 or not HEADER <= code <= FOOTER:
                return -1
            if kind in (0xA, 0xC):
                position += 5 + message[position + 4]
            elif kind in (0xB, 0xD):
                position += 8 + _UINT.unpack_from(message, position + 4)[0]
            else:
                return -1
            if code >= PROPERTIES:
                rest = True
                body = body or DATA <= code <= VALUE
            elif rest:
                return -1
            else:
                head = position
    except (IndexError, struct.error):
        return -1
    return head if body and position == size else -1


def parse_event(message: bytes) -> Event:
    """One message as an event. Delivery annotations end with this hop; ours replace any that a sender copied.

    Raises:
        DecodeError: it is not an AMQP message.
    """
    header = annotations = b""
    count = 0
    rest: list[bytes] = []
    body = False
    for code, start, value, end in sections(message):
        if code >= PROPERTIES:
            rest.append(message[start:end])
            body = body or DATA <= code <= VALUE
        elif code == HEADER:
            header = message[start:end]
        elif code == ANNOTATIONS:
            annotations, count = _kept_annotations(message, value, end)
    if not rest and not header and not count:
        raise DecodeError("an event has no section")
    if not body:
        # The SDK sends an empty body as no data section at all; consumers expect one.
        rest.append(b"\x00\x53\x75\xa0\x00")
    return Event(header, annotations, count, b"".join(rest))


def _kept_annotations(message: bytes, value: int, end: int) -> tuple[bytes, int]:
    constructor = message[value]
    if constructor == NULL[0]:
        return b"", 0
    if constructor not in (0xC1, 0xD1):
        raise DecodeError("annotations are not a map")
    first = value + (9 if constructor == 0xD1 else 3)
    count = int.from_bytes(message[first - 4 : first] if constructor == 0xD1 else message[first - 1 : first], "big")
    if first > end or count % 2:
        raise DecodeError("annotations are cut off")
    kept: list[bytes] = []
    position = first
    for _ in range(count // 2):
        key, after_key = codec.decode(message, position)
        after_value = codec.skip(message, after_key)
        if str(key).encode() not in _OURS:
            kept.append(message[position:after_value])
        position = after_value
    if position != end:
        raise DecodeError("annotations do not fill their map")
    return b"".join(kept), 2 * len(kept)


def _key_of(message: bytes, value: int) -> str | None:
    annotations, _ = codec.decode(message, value)
    if not isinstance(annotations, dict):
        return None
    key = annotations.get(PARTITION_KEY)
    if isinstance(key, bytes):
        key = key.decode("utf-8", "replace")
    return key if isinstance(key, str) and key else None


def partition_key(event: Event) -> str | None:
    """The partition key that an event carries."""
    return _key_of(_annotations(event), 0) if event.annotation_count else None


def sent_annotations(event: Event) -> dict[object, object]:
    """The annotations that its sender gave an event.

    Raises:
        DecodeError: they are no map.
    """
    decoded, _ = codec.decode(_annotations(event))
    return decoded if isinstance(decoded, dict) else {}


def _annotations(event: Event) -> bytes:
    return b"\xd1" + _UINT.pack(len(event.annotations) + 4) + _UINT.pack(event.annotation_count) + event.annotations


_STAMP = struct.Struct(">4sII24sq22sq15sB")
_SEQUENCE_KEY = b"\xa3\x15x-opt-sequence-number\x81"
_TIME_KEY = b"\xa3\x13x-opt-enqueued-time\x83"
_OFFSET_KEY = b"\xa3\x0cx-opt-offset\xa1"
# What the map's size counts besides the offset's digits and the sender's annotations: the count, then ours.
_STAMP_SIZE = 4 + 24 + 8 + 22 + 8 + 15 + 1


def stamp(events_: Iterable[Event], base: int, enqueued: int) -> list[bytes]:
    """The events as consumers get them, numbered from `base` and enqueued at `enqueued` (milliseconds since 1970).

    The offset is the sequence number: an opaque string to AMQP clients, and the offset that Kafka clients see.
    """
    pack = _STAMP.pack
    stamped = []
    for number, (header, kept, count, rest) in enumerate(events_, base):
        offset = b"%d" % number
        digits = len(offset)
        stamped.append(
            header
            + pack(
                b"\x00\x53\x72\xd1", _STAMP_SIZE + digits + len(kept), 6 + count,
                _SEQUENCE_KEY, number, _TIME_KEY, enqueued, _OFFSET_KEY, digits,
            )
            + offset
            + kept
            + rest
        )  # fmt: skip
    return stamped


def unstamped(event: bytes) -> Event:
    """What `stamp` made of an event, taken apart again."""
    start = codec.skip(event, 0) if event[2] == HEADER else 0
    *_, size, count, _, _, _, _, _, digits = _STAMP.unpack_from(event, start)
    end = start + 8 + size
    return Event(event[:start], event[start + _STAMP.size + digits : end], count - 6, event[end:])


def with_delivery_annotations(event: bytes, annotations: bytes) -> bytes:
    """`event` with a delivery annotations section (an encoded map) where it belongs: after the header."""
    header_end = codec.skip(event, 0) if event[2] == HEADER else 0
    return event[:header_end] + b"\x00\x53\x71" + annotations + event[header_end:]
