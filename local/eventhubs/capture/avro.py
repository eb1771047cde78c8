"""A captured file's bytes: an Avro object container (https://avro.apache.org/docs/1.11.1/specification/) in
Microsoft's schema, written as events come.

By hand: a general writer (fastavro) finds out for each value which type of its union it is, 4.3 us an event. Here maps
come encoded, since most repeat, and an event takes 1 us.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from datetime import UTC, datetime

from local.eventhubs.codec import Described

# As Event Hubs writes it, character by character:
# https://learn.microsoft.com/azure/event-hubs/explore-captured-avro-files
SCHEMA = (
    '{"type":"record","name":"EventData","namespace":"Microsoft.ServiceBus.Messaging","fields":['
    '{"name":"SequenceNumber","type":"long"},'
    '{"name":"Offset","type":"string"},'
    '{"name":"EnqueuedTimeUtc","type":"string"},'
    '{"name":"SystemProperties","type":{"type":"map","values":["long","double","string","bytes"]}},'
    '{"name":"Properties","type":{"type":"map","values":["long","double","string","bytes","null"]}},'
    '{"name":"Body","type":["null","bytes"]}]}'
)
SYNC_SIZE = 16
# A block holds what comes until this is reached: readers hold one block at a time.
_BLOCK_BYTES = 64 * 1024
_DOUBLE = struct.Struct("<d")
_LONGS = (-(2**63), 2**63 - 1)

Value = int | float | str | bytes | None


def long(value: int) -> bytes:
    """An Avro long: zig-zag, seven bits a byte, the lowest first."""
    rest = (value << 1) ^ (value >> 63)
    if rest < 0x80:
        return bytes((rest,))
    if rest < 0x4000:
        return bytes((rest & 0x7F | 0x80, rest >> 7))
    encoded = bytearray()
    while rest >= 0x80:
        encoded.append(rest & 0x7F | 0x80)
        rest >>= 7
    encoded.append(rest)
    return bytes(encoded)


def data(value: bytes) -> bytes:
    """Avro bytes; a string is its UTF-8."""
    return long(len(value)) + value


def mapping(values: Mapping[str, Value]) -> bytes:
    """A map whose values are a union of long, double, string, bytes and null, in this order."""
    if not values:
        return b"\x00"
    items = (data(name.encode()) + _union(value) for name, value in values.items())
    return long(len(values)) + b"".join(items) + b"\x00"


def _union(value: Value) -> bytes:
    match value:
        case None:
            return b"\x08"
        case int() if _LONGS[0] <= value <= _LONGS[1]:
            return b"\x00" + long(value)
        case int():
            return b"\x04" + data(str(value).encode())
        case float():
            return b"\x02" + _DOUBLE.pack(value)
        case str():
            return b"\x04" + data(value.encode())
        case bytes():
            return b"\x06" + data(value)


def time(milliseconds: int) -> bytes:
    """`EnqueuedTimeUtc` as the service writes it (`6/25/2020 3:47:29 PM`), encoded; `milliseconds` since 1970."""
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    hour, half = moment.hour % 12 or 12, "PM" if moment.hour >= 12 else "AM"
    text = f"{moment.month}/{moment.day}/{moment.year} {hour}:{moment.minute:02}:{moment.second:02} {half}"
    return data(text.encode())


class File:
    """A file that is being written.

    Attributes:
        count: how many events are in it.
        size: its bytes so far, what is not taken yet included.
    """

    def __init__(self, sync: bytes) -> None:
        """Begin with the header; `sync` are the 16 bytes between blocks."""
        assert len(sync) == SYNC_SIZE
        metadata = {b"avro.codec": b"null", b"avro.schema": SCHEMA.encode()}
        header = b"Obj\x01" + long(len(metadata)) + b"".join(data(k) + data(v) for k, v in metadata.items()) + b"\x00"
        self.count = 0
        self.size = 0
        self._sync = sync
        self._ready = [header + sync]
        self._ready_size = self.size = len(self._ready[0])
        self._block: list[bytes] = []
        self._block_size = 0

    @property
    def ready(self) -> int:
        """Bytes that `take` would give."""
        return self._ready_size

    def add(self, sequence: int, enqueued: bytes, system: bytes, properties: bytes, body: bytes | None) -> None:
        """Write one event; `enqueued` is a `time`, the next two are `mapping`s. Its offset is its sequence number."""
        digits = b"%d" % sequence
        head = long(sequence) + bytes((2 * len(digits),)) + digits + enqueued + system + properties
        record = head + b"\x00" if body is None else head + b"\x02" + long(len(body)) + body
        self._block.append(record)
        self._block_size += len(record)
        self.size += len(record)
        self.count += 1
        if self._block_size >= _BLOCK_BYTES:
            self.end_block()

    def end_block(self) -> None:
        """Let `take` give what was added so far."""
        if self._block:
            head = long(len(self._block)) + long(self._block_size)
            self._ready += (head, *self._block, self._sync)
            self._ready_size += len(head) + self._block_size + SYNC_SIZE
            self.size += len(head) + SYNC_SIZE
            self._block, self._block_size = [], 0

    def take(self) -> bytes:
        """What was written since the last call, whole blocks only."""
        taken, self._ready, self._ready_size = b"".join(self._ready), [], 0
        return taken


def plain(value: object) -> Value:
    """Any AMQP value (as `codec.decode` gives it) as one that the schema's unions have.

    The service documents only the unions. What fits stays; booleans, uuids, lists and maps become text.
    """
    if isinstance(value, bool | list | dict | Described):
        return json.dumps(_json(value), ensure_ascii=False)
    if value is None or isinstance(value, int | float | str | bytes):
        return value
    return str(value)


def _json(value: object) -> object:
    if isinstance(value, dict):
        return {str(name): _json(member) for name, member in value.items()}
    if isinstance(value, list | Described):
        return [_json(member) for member in value]
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
