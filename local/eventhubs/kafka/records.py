"""What is inside a record batch: take the compression off within bounds, walk over the records, write new ones.

aiokafka's C extension reads 0.1 us a record (400 bytes), so each batch is walked over before it is stored.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Any

import cramjam
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import (
    DefaultRecordBatch,
    DefaultRecordBatchBuilder,
)
from aiokafka.record.util import decode_varint

from local.eventhubs.errors import BatchTooLarge, CorruptBatch
from local.eventhubs.kafka.framing import MAX_REQUEST_BYTES

# Bytes of a batch's header: everything before its records.
HEADER_SIZE = 61
# No request is larger, so no event is either, unpacked.
MAX_EVENT = MAX_REQUEST_BYTES
# What the events of one batch may come to, unpacked and with what AMQP adds to each: 16 times the largest request; a
# bomb would come to 30,000 times it. Java's producers divide a batch that is refused for this, and send it again.
MAX_UNPACKED = 16 * 1024 * 1024
EVENT_OVERHEAD = 128
# Length, attributes, time, offset, key, value and headers take a byte each.
_SMALLEST_RECORD = 7

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
_ATTRIBUTES = struct.Struct(">h")
_ATTRIBUTES_AT = 21
_UINT = struct.Struct(">I")
# snappy-java, which Java's producers use, cuts its stream into blocks behind this and two version numbers.
_XERIAL = b"\x82SNAPPY\x00"
_XERIAL_HEADER = 16
# What the C reader raises: a name that is not text, and a length beyond memory, too.
_MALFORMED = CorruptRecordException, UnicodeDecodeError, OverflowError, MemoryError
_OFFSET = attrgetter("offset")


def read(batch: bytes) -> Iterator[Any]:
    """The records of a batch, each with `offset`, `timestamp`, `key`, `value` and `headers`.

    Raises:
        CorruptBatch: a record, or the compression of them all, is damaged.
        BatchTooLarge: they unpack to more than `MAX_UNPACKED`.
    """
    # The C reader would unpack without a bound. It reads a byte past the end, too: `bytes` have a NUL there.
    unpacked = _unpacked(batch)
    try:
        yield from DefaultRecordBatch(unpacked)
    except _MALFORMED as error:
        raise CorruptBatch(f"a record is malformed: {error}") from None


def verify(batch: bytes, base: int, count: int) -> None:
    """Check that a batch holds `count` records, well-formed and numbered from `base` without a gap.

    Raises:
        CorruptBatch: it does not.
        BatchTooLarge: it unpacks to more than `MAX_UNPACKED`, or an event of it is beyond `MAX_EVENT`.
    """
    unpacked = _unpacked(batch)
    size = len(unpacked)
    if count * _SMALLEST_RECORD > size - HEADER_SIZE:
        raise CorruptBatch(f"{count} records do not fit into {size - HEADER_SIZE} bytes")
    if size + count * EVENT_OVERHEAD > MAX_UNPACKED:
        raise BatchTooLarge(f"a batch of {count} records and {size} bytes: {MAX_UNPACKED} bytes unpacked is the most")
    if size > MAX_EVENT:
        _check_sizes(unpacked, count)
    try:
        offsets = list(map(_OFFSET, DefaultRecordBatch(unpacked)))
    except _MALFORMED as error:
        raise CorruptBatch(f"a record is malformed: {error}") from None
    if offsets != list(range(base, base + count)):
        raise CorruptBatch(f"the records are not numbered {base} to {base + count - 1}")


def _check_sizes(unpacked: bytes, count: int) -> None:
    """Refuse an event beyond the limit before the reader makes a list of its headers, 30 times their size."""
    position, end = HEADER_SIZE, len(unpacked)
    for _ in range(count):
        if position >= end:
            raise CorruptBatch(f"the records end before the last of {count}")
        try:
            size, position = decode_varint(unpacked, position)
        except ValueError as error:
            raise CorruptBatch(f"a record is malformed: {error}") from None
        if not 0 <= size <= MAX_EVENT:
            raise BatchTooLarge(f"an event of {size} bytes: {MAX_EVENT} is the most")
        position += size


def build(events: Iterable[tuple[bytes | None, list[tuple[str, bytes | None]]]], timestamp: int) -> bytes:
    """A batch, uncompressed and numbered from 0, of values and headers, all of the same time (ms since 1970)."""
    builder = DefaultRecordBatchBuilder(2, NONE, 0, -1, -1, -1, 2**31 - 1)
    append = builder.append
    for number, (value, headers) in enumerate(events):
        append(number, timestamp, None, value, headers)
    return bytes(builder.build())


def _unpacked(batch: bytes) -> bytes:
    """The batch as if it had never been compressed (its checksum aside)."""
    attributes = _ATTRIBUTES.unpack_from(batch, _ATTRIBUTES_AT)[0]
    compression = attributes & 7
    if compression == NONE:
        return batch
    header = (
        batch[:_ATTRIBUTES_AT]
        + _ATTRIBUTES.pack(attributes & ~7)
        + batch[_ATTRIBUTES_AT + _ATTRIBUTES.size : HEADER_SIZE]
    )
    packed = memoryview(batch)[HEADER_SIZE:]
    try:
        if compression == GZIP:
            return header + _gzip(packed)
        if compression == SNAPPY:
            return header + _snappy(packed)
        if compression in (LZ4, ZSTD):
            return _frames(compression, header, packed)
    except (cramjam.DecompressionError, zlib.error, struct.error) as error:
        raise CorruptBatch(f"the compressed records are damaged: {error}") from None
    raise CorruptBatch(f"compression {compression} is unknown")


def _gzip(packed: memoryview) -> bytes:
    stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
    data = stream.decompress(packed, MAX_UNPACKED)
    if stream.unconsumed_tail:
        raise _bomb()
    if not stream.eof or stream.unused_data:
        raise CorruptBatch("the compressed records are damaged: they are not one gzip stream")
    return data


def _snappy(packed: memoryview) -> bytes:
    if bytes(packed[: len(_XERIAL)]) != _XERIAL:
        return _snappy_block(packed, MAX_UNPACKED)
    blocks = []
    room, position = MAX_UNPACKED, _XERIAL_HEADER
    while position < len(packed):
        start = position + _UINT.size
        position = start + _UINT.unpack_from(packed, position)[0]
        if position > len(packed):
            raise CorruptBatch("the compressed records are damaged: a snappy block is cut off")
        block = _snappy_block(packed[start:position], room)
        room -= len(block)
        blocks.append(block)
    return b"".join(blocks)


def _snappy_block(block: memoryview, room: int) -> bytes:
    if cramjam.snappy.decompress_raw_len(block) > room:
        raise _bomb()
    return bytes(cramjam.snappy.decompress_raw(block))


def _frames(compression: int, header: bytes, packed: memoryview) -> bytes:
    """Unpack into memory that the system gives page by page, as it is written to: neither format names its size."""
    codec = cramjam.lz4 if compression == LZ4 else cramjam.zstd
    with mmap.mmap(-1, HEADER_SIZE + MAX_UNPACKED) as room:
        room[:HEADER_SIZE] = header
        with memoryview(room) as whole, whole[HEADER_SIZE:] as records:
            try:
                size = codec.decompress_into(packed, records)
            except cramjam.DecompressionError as error:
                if "write whole buffer" in str(error):
                    raise _bomb() from None
                raise
        return room[: HEADER_SIZE + size]


def _bomb() -> BatchTooLarge:
    return BatchTooLarge(f"the compressed records unpack to more than {MAX_UNPACKED} bytes")
