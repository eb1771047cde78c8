"""A Kafka connection fed with anything at all: it answers or closes, never fails within, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import io
import struct
import traceback
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import kio.index
import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kio.schema.types import TopicName
from kio.serial import entity_reader, entity_writer
from kio.static.constants import EntityType
from kio.static.primitive import Records, i16, i32, i32Timedelta, i64

from local.eventhubs import entry
from local.eventhubs.config import HubConfig
from local.eventhubs.kafka import connection
from local.eventhubs.kafka.apis import APIS
from local.eventhubs.kafka.batch import parse
from local.eventhubs.kafka.connection import Connection
from local.eventhubs.kafka.groups.coordinator import Groups
from local.eventhubs.kafka.settings import Settings
from local.eventhubs.log import Log
from local.eventhubs.namespace import Namespace
from local.eventhubs.sas import Key

# Turns of the event loop in which a connection does what it can without time passing.
TURNS = 40
CORRELATION = 77


class Transport(asyncio.Transport):
    """What a connection writes to."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 9092), "peername": ("127.0.0.1", 50_000)})
        self.written = b""
        self.closed = False
        self.reading = True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class Broker:
    """A namespace with one hub, and the loop that connections to it run in."""

    def __init__(self, directory: Path) -> None:
        hubs = [HubConfig("hub", 2, ("$Default",))]
        self.log = Log(directory / "eventhubs.db", hubs)
        self.namespace = Namespace(hubs, self.log, Key("name", "key"))
        self.groups = Groups(directory / "kafka-groups.db")
        self.loop = asyncio.new_event_loop()
        self.failures: list[str] = []
        self.loop.set_exception_handler(lambda _, context: self.failures.append(str(context)))

    def close(self) -> None:
        self.loop.run_until_complete(self.groups.close())
        self.loop.run_until_complete(self.log.close())
        self.loop.close()

    def feed(self, *chunks: bytes, plaintext: bool = True) -> Transport:
        """Give a new connection `chunks`, then let it go; what it did."""
        transport = Transport()
        gone: list[Connection] = []

        async def run() -> None:
            served = Connection(self.namespace, self.groups, Settings(plaintext=plaintext), APIS, gone.append)
            served.connection_made(transport)
            for chunk in chunks:
                if transport.closed:
                    break
                served.data_received(chunk)
                for _ in range(TURNS):
                    await asyncio.sleep(0)
            served.connection_lost(None)
            await served.finished()
            assert gone == [served]
            assert served._task is not None
            assert served._task.cancelled() or served._task.exception() is None

        self.loop.run_until_complete(run())
        assert self.failures == []
        for partition in self.log.hubs["hub"]:
            assert not partition._waiting
        return transport

    def check_log(self) -> None:
        """Whatever came, the log holds whole record batches, numbered without a gap."""
        for partition in self.log.hubs["hub"]:
            position = partition.first
            while position < partition.next:
                for found in self.log.read(partition, position):
                    assert found.base == position
                    assert found.format == entry.KAFKA
                    (batch,) = parse(found.body)
                    assert batch.count == found.length
                    position = found.next


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    yield broker
    broker.close()


@pytest.fixture(autouse=True)
def errors_of_ours_fail(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection._LOG, "exception", lambda *_: broker.failures.append(traceback.format_exc()))


def milliseconds(number: int) -> i32Timedelta:
    return i32Timedelta.parse(timedelta(milliseconds=number))


def batch(*values: bytes) -> bytes:
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    for number, value in enumerate(values):
        builder.append(number, 1_000, b"key", value, [("header", b"1")])
    return bytes(builder.build())


BATCH = batch(b"one", b"two")
st.register_type_strategy(TopicName, st.one_of(st.sampled_from(["hub", "HUB", ""]), st.text(max_size=5)))  # type: ignore[arg-type]
for kind, bits in ((i16, 15), (i32, 31), (i64, 63)):
    # Small numbers are what something comes of: partitions, offsets, acknowledgements.
    st.register_type_strategy(kind, st.integers(-1, 2) | st.integers(-(2**bits), 2**bits - 1))  # type: ignore[arg-type]
st.register_type_strategy(Records, st.one_of(st.just(BATCH), st.binary(max_size=80)))  # type: ignore[arg-type]


def frame(request: Any, correlation: int = CORRELATION) -> bytes:
    """The bytes of a request, its size in front."""
    out = io.BytesIO()
    header = request.__header_schema__
    entity_writer(header)(
        out,
        header(
            request_api_key=request.__api_key__, request_api_version=request.__version__, correlation_id=correlation,
            client_id="unit",
        ),
    )  # fmt: skip
    entity_writer(type(request))(out, request)
    return sized(out.getvalue())


def sized(content: bytes) -> bytes:
    return struct.pack(">i", len(content)) + content


def answers(written: bytes) -> list[bytes]:
    """What was written, cut where the sizes say."""
    found = []
    while written:
        (size,) = struct.unpack_from(">i", written)
        assert 4 <= size <= len(written) - 4
        found.append(written[4 : 4 + size])
        written = written[4 + size :]
    return found


SCHEMAS = [
    kio.index.load_request_schema(key, version)
    for key, api in sorted(APIS.items())
    for version in api.versions
    # Produce before version 3, which is refused without kio.
    if (key, version) not in [(0, 0), (0, 1), (0, 2)]
]
REQUEST = st.sampled_from(SCHEMAS).flatmap(st.from_type)
FUZZ = settings(max_examples=200, suppress_health_check=list(HealthCheck))


@FUZZ
@given(request=REQUEST)
def test_any_request_gets_an_answer_of_its_version_or_waits(broker: Broker, request: Any) -> None:
    transport = broker.feed(frame(request))
    broker.check_log()
    for answer in answers(transport.written):
        schema = kio.index.load_response_from_request(request)
        header, size = entity_reader(schema.__header_schema__)(answer, 0)
        assert header.correlation_id == CORRELATION
        _, read = entity_reader(schema)(answer, size)
        assert size + read == len(answer)


@FUZZ
@given(requests=st.lists(REQUEST, min_size=1, max_size=3), data=st.data())
def test_damaged_requests(broker: Broker, requests: list[Any], data: st.DataObject) -> None:
    stream = bytearray(b"".join(map(frame, requests)))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(stream) - 1))
        stream[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(stream)))
    transport = broker.feed(bytes(stream[:cut]), bytes(stream[cut:]), plaintext=data.draw(st.booleans()))
    answers(transport.written)
    broker.check_log()


@FUZZ
@given(
    key=st.sampled_from(sorted(APIS)), version=st.integers(-1, 14), content=st.binary(max_size=200),
    size=st.none() | st.integers(-(2**31), 2**31 - 1), plaintext=st.booleans(),
)  # fmt: skip
def test_random_bytes(
    broker: Broker, key: int, version: int, content: bytes, size: int | None, plaintext: bool
) -> None:
    content = struct.pack(">hhi", key, version, CORRELATION) + content
    stream = sized(content) if size is None else struct.pack(">i", size) + content
    answers(broker.feed(stream, plaintext=plaintext).written)
    broker.check_log()


@FUZZ
@given(content=st.binary(max_size=100), chunks=st.integers(1, 5))
def test_bytes_that_are_nothing(broker: Broker, content: bytes, chunks: int) -> None:
    step = max(len(content) // chunks, 1)
    answers(broker.feed(*(content[at : at + step] for at in range(0, len(content), step))).written)


def test_a_request_may_come_byte_by_byte(broker: Broker) -> None:
    produce = kio.index.load_entity_module("produce", 7, EntityType.request)
    topic = produce.TopicProduceData(name="hub", partition_data=(produce.PartitionProduceData(index=1, records=BATCH),))
    request = frame(
        produce.ProduceRequest(acks=-1, timeout=milliseconds(0), topic_data=(topic,), transactional_id=None)
    )
    transport = broker.feed(*(request[at : at + 1] for at in range(len(request))))
    (answer,) = answers(transport.written)
    # correlation id, topics, "hub", partitions, index, error, offset
    assert struct.unpack_from(">iih3siihq", answer) == (CORRELATION, 1, 3, b"hub", 1, 1, 0, 0)
    assert broker.log.hubs["hub"][1].next == 2


def test_a_log_that_cannot_be_read_is_an_error_code(broker: Broker) -> None:
    # GIVEN an event, and a file that lost where it was
    produce = kio.index.load_entity_module("produce", 7, EntityType.request)
    topic = produce.TopicProduceData(name="hub", partition_data=(produce.PartitionProduceData(index=1, records=BATCH),))
    broker.feed(
        frame(produce.ProduceRequest(acks=-1, timeout=milliseconds(0), topic_data=(topic,), transactional_id=None))
    )
    partition = broker.log.hubs["hub"][1]
    broker.log._database.execute(f"DROP TABLE entries_{partition.key}")
    partition.cool()

    # WHEN it is asked for, by time and by offset
    offsets = kio.index.load_entity_module("list_offsets", 1, EntityType.request)
    wanted = offsets.ListOffsetsPartition(partition_index=1, timestamp=0)
    transport = broker.feed(
        frame(
            offsets.ListOffsetsRequest(
                topics=(offsets.ListOffsetsTopic(name="hub", partitions=(wanted,)),), replica_id=-1
            )
        )
    )
    # THEN it says so: correlation id, topics, "hub", partitions, index, error
    assert struct.unpack_from(">iih3siih", answers(transport.written)[0])[-1] == 56
    fetch = kio.index.load_entity_module("fetch", 4, EntityType.request)
    read = fetch.FetchPartition(partition=1, fetch_offset=0, partition_max_bytes=1)
    transport = broker.feed(
        frame(
            fetch.FetchRequest(
                max_wait=milliseconds(0), min_bytes=1,
                topics=(fetch.FetchTopic(topic="hub", partitions=(read,)),), replica_id=-1,
            )
        )
    )  # fmt: skip
    # correlation id, throttle time, topics, "hub", partitions, index, error
    assert struct.unpack_from(">iiih3siih", answers(transport.written)[0])[-1] == 56


def test_a_client_that_sends_without_end_is_not_read_further(broker: Broker) -> None:
    # GIVEN a request that is being answered, and megabytes behind it
    fetch = kio.index.load_entity_module("fetch", 4, EntityType.request)
    wanted = fetch.FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=1)
    waiting = fetch.FetchRequest(
        max_wait=milliseconds(60_000), min_bytes=1,
        topics=(fetch.FetchTopic(topic="hub", partitions=(wanted,)),), replica_id=-1,
    )  # fmt: skip
    transport = broker.feed(frame(waiting), bytes(2_000_000))
    assert not transport.reading
    assert transport.written == b""


def test_one_that_is_closed_before_it_is_connected(broker: Broker) -> None:
    """asyncio makes the protocol in one turn of the loop and connects it in the next: the service may stop between."""
    transport = Transport()

    async def run() -> None:
        accepted = Connection(broker.namespace, broker.groups, Settings(plaintext=True), APIS, lambda _: None)
        accepted.close()
        accepted.connection_made(transport)
        await accepted.finished()

    broker.loop.run_until_complete(run())
    assert transport.closed
