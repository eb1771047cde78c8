"""Record batches: what is taken, what it costs a hostile sender, and what consumers get."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
from collections.abc import Callable

import cramjam
import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from crc32c import crc32c
from hypothesis import example, given, settings
from hypothesis import strategies as st

from local.eventhubs.errors import BatchTooLarge, CorruptBatch, UnsupportedMagic
from local.eventhubs.kafka import records
from local.eventhubs.kafka.batch import parse, stamped

Record = tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
ONE: Record = (b"key", b"value", [("header", b"content")])


def built(*events: Record, codec: int = 0, producer: tuple[int, int, int] = (-1, -1, -1)) -> bytes:
    """A batch as a producer sends it."""
    builder = DefaultRecordBatchBuilder(2, codec, 0, *producer, 2**31 - 1)
    for number, (key, value, headers) in enumerate(events):
        builder.append(number, 1_000 + number, key, value, headers)
    return bytes(builder.build())


def sealed(batch: bytes) -> bytes:
    """`batch` with the length and checksum that its bytes have: a liar's best."""
    batch = batch[:8] + struct.pack(">i", len(batch) - 12) + batch[12:]
    return batch[:17] + struct.pack(">I", crc32c(batch[21:])) + batch[21:]


def patched(batch: bytes, at: int, layout: str, value: int) -> bytes:
    data = bytearray(batch)
    struct.pack_into(layout, data, at, value)
    return sealed(bytes(data))


def with_records(codec: int, count: int, content: bytes) -> bytes:
    """A batch of `count` records by its header, with `content` in place of them."""
    header = patched(built(*[ONE] * count), 21, ">h", codec)[:61]
    return sealed(header + content)


values = st.one_of(st.none(), st.binary(max_size=200))
headers = st.lists(st.tuples(st.text(max_size=10), values), max_size=4)
events = st.lists(st.tuples(values, values, headers), min_size=1, max_size=30)
# Any bytes with a header in front that says they are a batch, so that most get past the first checks.
batches = st.builds(
    lambda content, codec, count, base: sealed(
        struct.pack(">qiibIhiqqqhii", base, 0, -1, 2, 0, codec, count - 1, 0, 0, -1, -1, -1, count) + content
    ),
    st.binary(max_size=400), st.integers(0, 7), st.integers(-1, 4), st.integers(-(2**63), 2**63 - 1),
)  # fmt: skip


@given(events, st.integers(0, 4), st.integers(0, 2**62), st.integers(0, 2**41))
def test_what_producers_build_is_taken_and_stamped(sent: list[Record], codec: int, base: int, enqueued: int) -> None:
    data = built(*sent, codec=codec, producer=(7, 1, 40))
    (batch,) = parse(data)
    assert (batch.data, batch.count, batch.compression) == (data, len(sent), data[22])
    assert (batch.producer_id, batch.producer_epoch, batch.base_sequence) == (7, 1, 40)
    assert (batch.base_timestamp, batch.max_timestamp) == (1_000, 999 + len(sent))
    assert not batch.transactional
    assert not batch.control

    served = stamped(batch, base, enqueued)
    assert len(served) == len(data)
    assert served[61:] == data[61:]
    reader = DefaultRecordBatch(served)
    assert reader.validate_crc()
    found = [(record.offset, record.timestamp, record.key, record.value, record.headers) for record in reader]
    assert found == [(base + number, enqueued, *record) for number, record in enumerate(sent)]
    (again,) = parse(served)
    assert (again.count, again.producer_id, again.max_timestamp) == (len(sent), 7, enqueued)


@given(st.one_of(st.binary(max_size=300), batches))
@example(b"")
@example(bytes(16) + b"\x02")
@settings(max_examples=1_000)
def test_any_bytes_are_batches_or_refused(data: bytes) -> None:
    try:
        found = parse(data)
    except CorruptBatch:
        return
    assert found
    assert b"".join(batch.data for batch in found) == data
    for batch in found:
        assert sum(1 for _ in records.read(batch.data)) == batch.count


@given(events, st.integers(0, 4), st.data())
def test_a_flipped_bit_is_caught(sent: list[Record], codec: int, data: st.DataObject) -> None:
    batch = bytearray(built(*sent, codec=codec))
    # The base offset and the leader epoch are the broker's: their bits are no part of what is checked, nor kept.
    places = [*range(8, 12), *range(16, len(batch))]
    bit = data.draw(st.integers(0, 8 * len(places) - 1))
    batch[places[bit // 8]] ^= 1 << bit % 8
    with pytest.raises(CorruptBatch):
        parse(bytes(batch))


def test_several_batches_one_after_another() -> None:
    first, second = built(ONE, codec=1), built(ONE, ONE)
    assert [batch.data for batch in parse(first + second)] == [first, second]
    with pytest.raises(CorruptBatch, match="10 bytes are no record batch"):
        parse(first + second[:10])


@pytest.mark.parametrize(("data", "reason"), [
    (built(ONE)[:40], "cut off in its header"),
    (built(ONE)[:-1], "bytes where"),
    (patched(built(ONE), 57, ">i", 2), "claims 2 records, the last of them 0 after the first"),
    (patched(built(ONE, ONE), 23, ">i", 0), "claims 2 records"),
    (patched(patched(built(ONE), 57, ">i", 2), 23, ">i", 1), "malformed|do not fit"),
    (patched(patched(built(ONE, ONE), 57, ">i", 1), 23, ">i", 0), "unconsumed"),
    (patched(patched(built(ONE), 57, ">i", 2**31 - 1), 23, ">i", 2**31 - 2), "do not fit"),
    (patched(patched(built(ONE), 57, ">i", 0), 23, ">i", -1), "claims 0 records"),
    (patched(built(ONE), 21, ">h", 5), "compression 5 is unknown"),
    (sealed(built(ONE) + b"\x00"), "unconsumed"),
    (sealed(built(ONE)[:61] + b"\xff" * 24), "malformed"),
    (patched(built(ONE), 8, ">i", -1)[:8] + struct.pack(">i", -1) + built(ONE)[12:], "bytes where"),
    (patched(built(ONE, producer=(7, 0, 0)), 53, ">i", -1), "producer 7 sent epoch 0, sequence -1"),
    (patched(built(ONE, producer=(7, 0, 0)), 51, ">h", -1), "producer 7 sent epoch -1"),
    (sealed(built((None, b"x", [("name", b"x")])).replace(b"name", b"\xff\xfe\xfd\xfc")), "malformed.*utf-8"),
    (sealed(built(ONE)[:61] + built(ONE, ONE)[61 + len(built(ONE)) - 61 :]), "not numbered 0 to 0"),
])  # fmt: skip
def test_lies_are_told_apart(data: bytes, reason: str) -> None:
    with pytest.raises(CorruptBatch, match=reason):
        parse(data)


@pytest.mark.parametrize("magic", [0, 1, 3])
def test_other_message_formats(magic: int) -> None:
    data = bytearray(built(ONE))
    data[16] = magic
    with pytest.raises(UnsupportedMagic, match=f"message format {magic}"):
        parse(bytes(data))


@pytest.mark.parametrize("codec", [1, 2, 3, 4])
@pytest.mark.parametrize("spoil", [
    lambda packed: packed[:-3],
    lambda packed: packed[: len(packed) // 2],
    lambda packed: b"",
    lambda packed: b"garbage in a batch whose checksum is right",
    lambda packed: packed[:9] + bytes(30) + packed[39:],
    lambda packed: packed + packed,
    lambda packed: b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01\xff\xff\xff\xff",
])  # fmt: skip
def test_damaged_compression(codec: int, spoil: Callable[[bytes], bytes]) -> None:
    data = built(*[(b"k", b"%d" % n * 40, []) for n in range(50)], codec=codec)
    with pytest.raises(CorruptBatch):
        parse(sealed(data[:61] + spoil(data[61:])))


def test_snappy_with_and_without_java_s_framing() -> None:
    plain = built(*[(b"k", b"%d" % n * 40, []) for n in range(2_000)])[61:]
    framed = b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1)
    for start in range(0, len(plain), 32_768):
        block = bytes(cramjam.snappy.compress_raw(plain[start : start + 32_768]))
        framed += struct.pack(">i", len(block)) + block
    header = patched(built(*[ONE] * 2_000), 21, ">h", 2)[:61]
    for packed in (bytes(cramjam.snappy.compress_raw(plain)), framed):
        (batch,) = parse(sealed(header + packed))
        assert batch.count == sum(1 for _ in records.read(batch.data)) == 2_000


def bomb(codec: int, size: int) -> bytes:
    content = bytes(size)
    if codec == 1:
        return gzip.compress(content, 9)
    if codec == 2:
        block = bytes(cramjam.snappy.compress_raw(content[: 2**20]))
        return b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1) + (struct.pack(">i", len(block)) + block) * (size // 2**20)
    return bytes((cramjam.lz4 if codec == 3 else cramjam.zstd).compress(content))


@pytest.mark.parametrize("codec", [1, 2, 3, 4])
def test_a_bomb_is_not_unpacked(codec: int) -> None:
    data = with_records(codec, 1, bomb(codec, 100 * 2**20))
    tracemalloc.start()
    with pytest.raises(BatchTooLarge, match="unpack to more than"):
        parse(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * records.MAX_UNPACKED + len(data) + 2**21


def test_as_many_records_as_would_not_fit_in_memory_as_amqp() -> None:
    small: Record = (None, None, [])
    data = built(*[small] * 130_000, codec=4)
    with pytest.raises(BatchTooLarge, match="130000 records"):
        parse(data)
    assert parse(built(*[small] * 100_000, codec=4))[0].count == 100_000


def test_an_event_beyond_the_limit_in_a_batch_that_compresses_well() -> None:
    assert parse(built(*[(None, bytes(600_000), [])] * 3, codec=4))[0].count == 3
    with pytest.raises(BatchTooLarge, match="an event of 11000"):
        parse(built((None, bytes(1_100_000), []), codec=4))
    # Headers are what costs the most memory for its size
    with pytest.raises(BatchTooLarge, match="an event of"):
        parse(built((None, None, [("", None)] * 2_000_000), codec=4))


def test_batches_that_end_early_when_they_are_large() -> None:
    content = bytes(cramjam.zstd.compress(built((None, bytes(600_000), []), (None, bytes(600_000), []))[61:-30]))
    with pytest.raises(CorruptBatch):
        parse(with_records(4, 2, content))
    content = bytes(cramjam.zstd.compress(built((None, bytes(1_040_000), []))[61:] + b"\xff" * 20_000))
    with pytest.raises(CorruptBatch):
        parse(with_records(4, 2, content))


def test_bits_that_are_the_broker_s_are_not_taken_over() -> None:
    (batch,) = parse(patched(patched(built(ONE), 21, ">h", 0x7FF8), 12, ">i", 9))
    served = stamped(batch, 5, 6)
    assert struct.unpack_from(">qiibIh", served)[2] == -1
    assert struct.unpack_from(">h", served, 21)[0] == 0x38
    assert (batch.transactional, batch.control) == (True, True)
