"""Record batches (Kafka's message format 2): check what a producer sent, and stamp it as consumers get it.

A batch is stored as the bytes it came in, compression and all: the base offset, the time and the checksum are what a
broker writes. https://kafka.apache.org/documentation/#recordbatch
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from crc32c import crc32c

from local.eventhubs.errors import CorruptBatch, UnsupportedMagic
from local.eventhubs.kafka import records as contents

_MAGIC = 2
_MAGIC_AT = 16
# base offset, length, leader epoch, magic, checksum, attributes, last offset delta, base timestamp, max timestamp,
# producer id, producer epoch, base sequence, record count
_HEADER = struct.Struct(">qiibIhiqqqhii")
# What comes before the bytes that `length` counts.
_PREFIX = 12
# The checksum is over all that follows it.
_CHECKED_FROM = 21
_COMPRESSION, _LOG_APPEND_TIME, _TRANSACTIONAL, _CONTROL = 0x07, 0x08, 0x10, 0x20
# A batch from a namespace that has no leaders to elect; consumers then ask for no leader epoch's end.
_NO_LEADER_EPOCH = -1


@dataclass(frozen=True, slots=True)
class Batch:
    """One record batch that a producer sent, found to be in order.

    Attributes:
        data: the batch as it came.
        count: how many records it holds.
        compression: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
        producer_id: the idempotent producer's id; -1 when the producer is not idempotent.
        producer_epoch: which of those who had that id one after another.
        base_sequence: the number that the producer gave the first record, counting for this partition.
        base_timestamp: the first record's time (milliseconds since 1970), as the producer has it.
        max_timestamp: the newest record's time.
        transactional: part of a transaction.
        control: a marker of a transaction's end, which only brokers write.
    """

    data: bytes
    count: int
    compression: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    base_timestamp: int
    max_timestamp: int
    transactional: bool
    control: bool


def parse(records: bytes) -> list[Batch]:
    """The batches that a producer sent for one partition, each checked down to its last record.

    Raises:
        CorruptBatch: they are not whole, checksummed, well-formed batches, one at least.
        UnsupportedMagic: a batch is in another format than 2.
        BatchTooLarge: a batch unpacks to more than is held in memory at once, or an event is beyond the limit.
    """
    batches: list[Batch] = []
    position, size = 0, len(records)
    while position < size or not batches:
        if position + _MAGIC_AT >= size:
            raise CorruptBatch(f"{size - position} bytes are no record batch")
        if records[position + _MAGIC_AT] != _MAGIC:
            raise UnsupportedMagic(f"message format {records[position + _MAGIC_AT]} is not taken, only {_MAGIC}")
        if position + _HEADER.size > size:
            raise CorruptBatch(f"a record batch is cut off in its header ({size - position} bytes)")
        end = position + _PREFIX + int.from_bytes(records[position + 8 : position + _PREFIX], "big", signed=True)
        if not position + _HEADER.size <= end <= size:
            raise CorruptBatch(f"a record batch claims {end - position} bytes where {size - position} follow")
        batches.append(_checked(records if (position, end) == (0, size) else records[position:end]))
        position = end
    return batches


def _checked(data: bytes) -> Batch:
    (
        base, _length, _leader, _magic, checksum, attributes, last_delta, base_timestamp, max_timestamp,
        producer_id, producer_epoch, base_sequence, count,
    ) = _HEADER.unpack_from(data)  # fmt: skip
    _check_sum(data, checksum)
    if count < 1 or last_delta != count - 1:
        raise CorruptBatch(f"a record batch claims {count} records, the last of them {last_delta} after the first")
    if producer_id >= 0 and (producer_epoch < 0 or base_sequence < 0):
        raise CorruptBatch(f"producer {producer_id} sent epoch {producer_epoch}, sequence {base_sequence}")
    contents.verify(data, base, count)
    return Batch(
        data,
        count,
        attributes & _COMPRESSION,
        producer_id,
        producer_epoch,
        base_sequence,
        base_timestamp,
        max_timestamp,
        bool(attributes & _TRANSACTIONAL),
        bool(attributes & _CONTROL),
    )


def _check_sum(data: bytes, checksum: int) -> None:
    if crc32c(memoryview(data)[_CHECKED_FROM:]) != checksum:
        raise CorruptBatch("a record batch's checksum is not that of its bytes")


def check_stored(data: bytes, count: int) -> None:
    """Check that `data`, read back, is a batch of `count` records as it was stored.

    Raises:
        CorruptBatch: it is not.
    """
    if len(data) < _HEADER.size:
        raise CorruptBatch(f"a record batch is cut off in its header ({len(data)} bytes)")
    *_, checksum, _attributes, _delta, _first, _newest, _producer, _epoch, _sequence, claimed = _HEADER.unpack_from(
        data
    )
    _check_sum(data, checksum)
    if claimed != count:
        raise CorruptBatch(f"a record batch claims {claimed} records where {count} were stored")


def numbered(batch: Batch, base: int) -> bytes:
    """The batch as consumers of a topic with `CreateTime` get it: numbered from `base`, at its producer's times."""
    return _with_header(batch.data, base, batch.max_timestamp, 0)


def stamped(batch: Batch, base: int, enqueued: int) -> bytes:
    """The batch as consumers get it: numbered from `base`, all of it appended at `enqueued` (ms since 1970)."""
    return stamp(batch.data, base, enqueued)


def stamp(data: bytes, base: int, enqueued: int) -> bytes:
    """`data`, a record batch, numbered from `base` and appended at `enqueued` (milliseconds since 1970)."""
    return _with_header(data, base, enqueued, _LOG_APPEND_TIME)


def _with_header(data: bytes, base: int, newest: int, timestamp_type: int) -> bytes:
    fields = list(_HEADER.unpack_from(data))
    fields[0], fields[2], fields[8] = base, _NO_LEADER_EPOCH, newest
    # The other bits are a broker's to set, or have no meaning yet.
    fields[5] = fields[5] & (_COMPRESSION | _TRANSACTIONAL | _CONTROL) | timestamp_type
    header = _HEADER.pack(*fields)
    records = memoryview(data)[_HEADER.size :]
    fields[4] = crc32c(records, crc32c(header[_CHECKED_FROM:]))
    return b"".join((_HEADER.pack(*fields), records))
