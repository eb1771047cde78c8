"""Capture end to end: clients of both protocols, the namespace as a process, files in Azurite; and what goes wrong."""

from __future__ import annotations

import asyncio
import datetime
import re
import time
import uuid
from pathlib import Path

import pytest
from azure.eventhub import EventData
from confluent_kafka import Producer

import local.azurite
import local.eventhubs
from local.eventhubs.capture.storage import NameTaken, Storage, StorageUnavailable
from tests.integration.azurite_service import Azurite, azurite  # noqa: F401
from tests.integration.capture_service import SIZE_LIMIT, Captured, capture, refused_start  # noqa: F401
from tests.integration.eventhubs_service import HUB, PARTITIONS, Namespace, make_namespace  # noqa: F401
from tests.waiting import PATIENCE, wait_until

# ruff: noqa: F811 (fixtures are imported by name)

NAME = re.compile(rf"emulatorNs1/{HUB}/\d/\d{{4}}/\d\d/\d\d/\d\d/\d\d/\d\d\.avro")
LARGE = "x" * 100_000
# What closes a window by its size.
ENOUGH = SIZE_LIMIT // len(LARGE) + 1


def send(namespace: Namespace, count: int, body: str, partition: str = "0") -> None:
    with namespace.producer() as producer:
        for start in range(0, count, 9 if body is LARGE else 500):
            stop = min(start + (9 if body is LARGE else 500), count)
            producer.send_batch([EventData(body) for _ in range(start, stop)], partition_id=partition)


def test_every_event_of_every_partition_is_captured_once_and_in_order(capture: Captured) -> None:
    namespace = capture.start()
    for partition in range(PARTITIONS):
        send(namespace, 1000 + partition, "a body", str(partition))
    assert capture.sequences() == {}
    assert namespace.child.stop() == 0
    assert capture.sequences() == {str(index): list(range(1000 + index)) for index in range(PARTITIONS)}
    assert all(NAME.fullmatch(name) for name in capture.files())


def test_events_are_captured_with_all_that_came_with_them(capture: Captured) -> None:
    """GIVEN properties of every type that the SDK sends, and a producer over Kafka."""
    namespace = capture.start()
    some = uuid.uuid4()
    event = EventData(b"\x00\xff")
    event.content_type, event.message_id, event.correlation_id = "application/json", "id-1", "c"
    event.properties = {
        "text": "é", "bytes": b"\xff", "int": -5, "float": 1.5, "yes": True, "none": None, "uuid": some,
        "time": datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC),
    }  # fmt: skip
    with namespace.producer() as producer:
        producer.send_batch([event], partition_key="28557")
    kafka = Producer(local.eventhubs.kafka_settings(namespace.kafka_port))
    kafka.produce(HUB, b"from kafka", b"\x00key", partition=3, headers=[("h", b"\xfe"), ("t", b"text")])
    assert kafka.flush(PATIENCE) == 0
    namespace.child.stop()

    (over_amqp,) = (
        record for records in capture.files().values() for record in records if record["Body"] == b"\x00\xff"
    )
    assert over_amqp["SystemProperties"] == {
        "x-opt-partition-key": "28557", "content-type": "application/json", "message-id": "id-1", "correlation-id": "c",
    }  # fmt: skip
    assert over_amqp["Properties"] == {
        "text": "é", "bytes": b"\xff", "int": -5, "float": 1.5, "yes": "true", "none": None,
        "uuid": str(some), "time": 1_795_305_600_000,
    }  # fmt: skip
    (over_kafka,) = (
        record
        for name, records in capture.files().items()
        for record in records
        if "/3/" in name and record["Body"] == b"from kafka"
    )
    assert over_kafka["Properties"] == {"h": b"\xfe", "t": b"text"}
    assert over_kafka["SystemProperties"]["x-opt-kafka-key"] == b"\x00key"
    assert over_kafka["SequenceNumber"] == 0


def test_a_window_that_is_full_is_written_while_the_namespace_runs(capture: Captured) -> None:
    namespace = capture.start()
    send(namespace, ENOUGH, LARGE)
    files = wait_until(capture.files, "a file")
    assert len(files) == 1
    send(namespace, 10, "small")
    namespace.child.stop()
    assert capture.sequences() == {"0": list(range(ENOUGH + 10))}


def test_a_namespace_that_is_killed_repeats_nothing_and_loses_nothing(capture: Captured) -> None:
    """GIVEN kill -9 after Azurite has the file and before the namespace knows, and again with an open window."""
    namespace = capture.start()
    capture.gate.swallow = b"comp=blocklist"
    send(namespace, ENOUGH, LARGE)
    assert capture.gate.swallowed.wait(PATIENCE)
    namespace.child.kill()
    (first,) = capture.files()
    capture.gate.swallow = None
    namespace.start()
    send(namespace, 20, "small")
    namespace.child.kill()
    namespace.start()
    send(namespace, 20, "small")
    namespace.child.stop()
    assert capture.sequences() == {"0": list(range(ENOUGH + 40))}
    assert first in capture.files()


def test_a_namespace_that_is_killed_before_its_file_is_there_writes_it_later(capture: Captured) -> None:
    namespace = capture.start()
    capture.gate.open = False
    send(namespace, ENOUGH, LARGE)
    wait_until(lambda: "not captured from event 0 on" in namespace.child.log_tail(), "a failed attempt")
    namespace.child.kill()
    namespace.start()
    assert capture.files() == {}
    capture.gate.open = True
    namespace.child.stop()
    assert capture.sequences() == {"0": list(range(ENOUGH))}


def test_storage_that_is_down_for_a_while_holds_up_nothing_but_files(capture: Captured) -> None:
    namespace = capture.start()
    capture.gate.open = False
    send(namespace, ENOUGH, LARGE)
    wait_until(lambda: "not captured" in namespace.child.log_tail(), "a failed attempt")
    started = time.monotonic()
    send(namespace, 10, "small")
    assert time.monotonic() - started < 10
    assert capture.files() == {}
    capture.gate.open = True
    wait_until(capture.files, "the file")
    namespace.child.stop()
    assert capture.sequences() == {"0": list(range(ENOUGH + 10))}


def test_a_stop_without_storage_is_prompt_and_loses_nothing(capture: Captured) -> None:
    namespace = capture.start()
    send(namespace, 10, "small")
    capture.gate.open = False
    started = time.monotonic()
    assert namespace.child.stop() == 0
    assert time.monotonic() - started < 8
    capture.gate.open = True
    namespace.start()
    namespace.child.stop()
    assert capture.sequences() == {"0": list(range(10))}


async def test_a_blob_of_another_is_never_overwritten(azurite: Azurite, capture: Captured) -> None:
    async with Storage(azurite.connection_string) as storage:
        for metadata, content in (({"first": "0"}, b"ours"), ({"first": "0"}, b"ours")):
            upload = storage.blob(capture.container, "a/b.avro")
            await upload.stage(content)
            await upload.commit(metadata)
        other = storage.blob(capture.container, "a/b.avro")
        await other.stage(b"another")
        with pytest.raises(NameTaken, match=r"a/b\.avro"):
            await other.commit({"first": "5"})
        found = storage._service.get_blob_client(capture.container, "a/b.avro")
        assert await (await found.download_blob()).readall() == b"ours"


async def test_partitions_that_are_first_to_a_container_make_it_once(azurite: Azurite, capture: Captured) -> None:
    async with Storage(azurite.connection_string) as storage:
        uploads = [storage.blob(capture.container, f"{index}.avro") for index in range(8)]
        await asyncio.gather(*(upload.stage(b"x") for upload in uploads))
        await asyncio.gather(*(upload.commit({}) for upload in uploads))


async def test_an_account_that_refuses_is_said_so(capture: Captured) -> None:
    key = "AccountKey=" + "A" * 86 + "=="
    wrong = re.sub("AccountKey=[^;]+", key, local.azurite.connection_string(capture.azurite.blob_port))
    async with Storage(wrong) as storage:
        with pytest.raises(StorageUnavailable, match="authenticate the request"):
            await storage.blob(capture.container, "x").stage(b"x")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--capture", "infra/capture.json"], "go together"),
        (["--capture-storage", "x"], "go together"),
        (["--capture", "nowhere.json", "--capture-storage", "x"], "nowhere.json: cannot be read"),
        (["--capture", "infra/capture.json", "--capture-storage", "x"], "the storage that captured files go to"),
    ],
)
def test_options_that_make_no_sense_are_one_line(options: list[str], message: str, tmp_path: Path) -> None:
    assert message in refused_start(tmp_path, options)
