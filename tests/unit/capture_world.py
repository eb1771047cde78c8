"""A real log that is captured, with real progress; the account is in memory, and the clock is the test's."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import fastavro
import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from local.eventhubs import codec
from local.eventhubs import log as log_module
from local.eventhubs.capture.progress import Progress
from local.eventhubs.capture.recorder import Context, Recorder
from local.eventhubs.capture.settings import Settings
from local.eventhubs.capture.storage import NameTaken, Storage, StorageUnavailable
from local.eventhubs.config import HubConfig
from local.eventhubs.kafka.batch import parse
from local.eventhubs.log import Log
from local.eventhubs.message import Event

HUBS = [HubConfig("dev", 1, ("$Default",)), HubConfig("other", 1, ("$Default",))]
FORMAT = "{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}"
SETTINGS = Settings("dev", 60, 10_485_760, True, "capture", FORMAT)
# 2020-06-25 15:47:29 UTC
START = 1_593_100_049


class Crash(BaseException):
    """The process is gone."""


@dataclass
class Account:
    """Blobs in memory, and what goes wrong with them.

    Attributes:
        blobs: content and metadata by name.
        fault: raised by the next requests: `stage`, `commit`, or `response` (the commit is done, the answer is lost).
    """

    blobs: dict[str, tuple[bytes, dict[str, str]]] = field(default_factory=dict)
    fault: tuple[str, BaseException] | None = None
    staged: list[int] = field(default_factory=list)

    async def __aenter__(self) -> Account:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def blob(self, container: str, name: str) -> Upload:
        return Upload(self, f"{container}/{name}")

    def fail(self, where: str) -> None:
        if self.fault and self.fault[0] == where:
            raise self.fault[1]

    def files(self) -> dict[str, list[int]]:
        """The sequence numbers in each file, by the last part of its name."""
        return {
            name.removeprefix("capture/ns/dev/0/2020/06/25/"): [record["SequenceNumber"] for record in records(content)]
            for name, (content, _) in sorted(self.blobs.items())
        }


@dataclass
class Upload:
    account: Account
    name: str
    parts: list[bytes] = field(default_factory=list)

    async def stage(self, data: bytes) -> None:
        self.account.fail("stage")
        assert data, "Azure refuses an empty block"
        self.account.staged.append(len(data))
        self.parts.append(data)

    async def commit(self, metadata: dict[str, str]) -> None:
        self.account.fail("commit")
        found = self.account.blobs.setdefault(self.name, (b"".join(self.parts), metadata))
        if found[1] != metadata:
            raise NameTaken(self.name)
        assert found[0] == b"".join(self.parts), "what is written again must be the same"
        self.account.fail("response")


def records(content: bytes) -> list[Any]:
    return list(fastavro.reader(io.BytesIO(content)))


class World:
    """A log, an account and a clock, through as many runs as a test wants."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self.account = Account()
        self.now = float(START)
        monkeypatch.setattr(log_module, "_now", lambda: int(self.now * 1000))
        self.start()

    def start(self, settings: Settings = SETTINGS) -> None:
        self.log = Log(self.directory / "eventhubs.db", HUBS)
        self.partition = self.log.hubs["dev"][0]
        self.progress = Progress(self.directory / "capture.db")
        context = Context(self.log, "ns", cast(Storage, self.account), self.progress, lambda: self.now)
        self.recorder = Recorder(context, settings, self.partition)

    async def crash(self) -> None:
        """As kill -9 does it: what is on disk is all that is left."""
        self.progress.close()
        await self.log.close()

    async def restart(self, settings: Settings = SETTINGS) -> None:
        await self.crash()
        self.start(settings)

    async def send(self, count: int = 1, size: int = 10) -> None:
        done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        event = Event(b"", b"", 0, b"\x00\x53\x75" + codec.binary(b"x" * size))
        self.log.append(self.partition, [event] * count, done.set_result)
        assert not isinstance(await done, Exception)

    async def send_over_kafka(self, count: int) -> None:
        """Events in one record batch."""
        builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 2**31 - 1)
        for number in range(count):
            builder.append(number, 1, None, b"value", [])
        (batch,) = parse(bytes(builder.build()))
        done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self.log.append_batch(self.partition, batch, done.set_result)
        assert not isinstance(await done, Exception)

    def fails(self, where: str, error: BaseException | None = None) -> None:
        self.account.fault = (where, error or StorageUnavailable("down"))


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    world = World(tmp_path, monkeypatch)
    yield world
    await world.crash()
