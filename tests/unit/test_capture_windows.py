"""When windows close and what their files hold: by time, by size, empty, over restarts, outages and crashes.

A real log and a real progress file; the clock and the storage are the test's.
"""

from __future__ import annotations

import asyncio
import io
import sqlite3
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from types import MethodType
from typing import Any, cast

import fastavro
import pytest

from local.eventhubs import codec, retention
from local.eventhubs import log as log_module
from local.eventhubs.capture import service
from local.eventhubs.capture.progress import Position, Progress
from local.eventhubs.capture.recorder import Context, Recorder
from local.eventhubs.capture.service import Capture
from local.eventhubs.capture.settings import Settings
from local.eventhubs.capture.storage import NameTaken, Storage, StorageUnavailable
from local.eventhubs.config import HubConfig
from local.eventhubs.errors import LogUnavailable
from local.eventhubs.log import Log
from local.eventhubs.message import Event
from local.eventhubs.retention import Limits

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

    def fails(self, where: str, error: BaseException | None = None) -> None:
        self.account.fault = (where, error or StorageUnavailable("down"))


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    world = World(tmp_path, monkeypatch)
    yield world
    await world.crash()


async def test_a_window_closes_when_its_time_is_up(world: World) -> None:
    """GIVEN events in two windows THEN a file for each, named by when it opened, and nothing before its time."""
    await world.send(2)
    world.now += 59.9
    await world.send()
    await world.recorder.advance()
    assert world.account.files() == {}
    world.now += 0.1
    await world.send()
    await world.recorder.advance()
    assert world.account.files() == {"15/47/29.avro": [0, 1, 2]}
    world.now += 60
    await world.recorder.advance()
    assert world.account.files() == {"15/47/29.avro": [0, 1, 2], "15/48/29.avro": [3]}


async def test_a_file_says_when_its_events_were_enqueued(world: World) -> None:
    await world.send()
    world.now += 60
    await world.recorder.advance()
    ((content, metadata),) = world.account.blobs.values()
    assert records(content)[0]["EnqueuedTimeUtc"] == "6/25/2020 3:47:29 PM"
    assert metadata["events"] == "1"


async def test_empty_windows_are_skipped_if_asked_to(world: World) -> None:
    world.now += 200
    await world.recorder.advance()
    assert world.account.files() == {}
    await world.send()
    world.now += 60
    await world.recorder.advance()
    assert world.account.files() == {"15/50/29.avro": [0]}


async def test_empty_windows_are_empty_files_otherwise(world: World) -> None:
    await world.restart(replace(SETTINGS, skip_empty=False))
    world.now += 125
    await world.recorder.advance()
    assert world.account.files() == {"15/47/29.avro": [], "15/48/29.avro": []}


async def test_time_without_the_namespace_makes_no_empty_files(world: World) -> None:
    """GIVEN a laptop that was off for an hour THEN there is no file for each minute of it."""
    keep = replace(SETTINGS, skip_empty=False)
    await world.restart(keep)
    await world.send()
    world.now += 3600
    await world.restart(keep)
    await world.recorder.advance()
    assert world.account.files() == {"15/47/29.avro": [0]}
    world.now += 60
    await world.recorder.advance()
    assert world.account.files() == {"15/47/29.avro": [0], "16/47/29.avro": []}


async def test_a_window_closes_by_size_if_that_comes_first(world: World) -> None:
    """GIVEN more than the size within a second THEN every file has a name of its own, and each event is in one."""
    for _ in range(25):
        await world.send(count=10, size=100_000)
    await world.recorder.advance()
    files = world.account.files()
    assert list(files) == ["15/47/29.avro", "15/47/30.avro"]
    assert [number for numbers in files.values() for number in numbers] == list(range(len(files) * 110))
    assert all(10_400_000 < len(content) < 11_600_000 for content, _ in world.account.blobs.values())
    # A megabyte, and the entry that fills it.
    assert max(world.account.staged) < 2_100_000
    await world.recorder.finish()
    assert [number for numbers in world.account.files().values() for number in numbers] == list(range(250))


async def test_a_file_that_ends_with_a_block_sends_no_empty_one(world: World) -> None:
    """GIVEN events that fill a block each, and together more than is kept back."""
    await world.send(count=11, size=100_000)
    await world.recorder.finish()
    assert len(world.account.staged) == 1
    assert world.account.files() == {"15/47/29.avro": list(range(11))}


async def test_a_size_reached_over_several_looks_counts_together(world: World) -> None:
    for _ in range(2):
        await world.send(count=60, size=100_000)
        await world.recorder.advance()
    assert list(world.account.files()) == ["15/47/29.avro"]


async def test_the_window_after_one_closed_by_size_opens_then(world: World) -> None:
    await world.send(count=110, size=100_000)
    world.now += 20
    await world.recorder.advance()
    await world.send()
    world.now += 59
    await world.recorder.advance()
    assert list(world.account.files()) == ["15/47/29.avro"]
    world.now += 1
    await world.recorder.advance()
    assert list(world.account.files()) == ["15/47/29.avro", "15/47/49.avro"]


async def test_a_stop_writes_the_open_window(world: World) -> None:
    await world.send(3)
    await world.recorder.finish()
    assert world.account.files() == {"15/47/29.avro": [0, 1, 2]}
    await world.restart()
    await world.send()
    await world.recorder.finish()
    assert world.account.files() == {"15/47/29.avro": [0, 1, 2], "15/47/30.avro": [3]}


async def test_capture_begins_when_it_is_switched_on(world: World) -> None:
    """GIVEN events from before THEN they are not captured, as in Azure."""
    world.progress.forget_others([])
    await world.send(5)
    await world.restart()
    await world.send()
    await world.recorder.finish()
    assert world.account.files() == {"15/47/29.avro": [5]}


async def test_a_killed_namespace_goes_on_in_the_same_window(world: World) -> None:
    await world.send(2)
    world.now += 10
    await world.restart()
    await world.send(2)
    world.now += 50
    await world.recorder.advance()
    assert world.account.files() == {"15/47/29.avro": [0, 1, 2, 3]}


async def test_windows_of_before_a_kill_are_written_after_it_as_they_would_have_been(world: World) -> None:
    for _ in range(3):
        await world.send()
        world.now += 60
    await world.restart()
    await world.recorder.advance()
    assert world.account.files() == {"15/47/29.avro": [0], "15/48/29.avro": [1], "15/49/29.avro": [2]}


@pytest.mark.parametrize("where", ["stage", "commit", "response"])
async def test_a_kill_while_a_file_is_written_repeats_nothing_and_loses_nothing(world: World, where: str) -> None:
    """GIVEN a crash before, at, or just after the moment the blob appears, and more events since."""
    await world.send(3)
    world.now += 60
    world.fails(where, Crash())
    with pytest.raises(Crash):
        await world.recorder.advance()
    world.account.fault = None
    await world.restart()
    await world.send(2)
    await world.recorder.advance()
    await world.recorder.finish()
    assert world.account.files() == {"15/47/29.avro": [0, 1, 2], "15/48/29.avro": [3, 4]}


@pytest.mark.parametrize("where", ["stage", "commit", "response"])
async def test_an_outage_delays_files_and_changes_none(world: World, where: str) -> None:
    world.fails(where)
    for _ in range(3):
        await world.send(2)
        world.now += 60
        with pytest.raises(StorageUnavailable):
            await world.recorder.advance()
    world.account.fault = None
    await world.recorder.advance()
    assert world.account.files() == {"15/47/29.avro": [0, 1], "15/48/29.avro": [2, 3], "15/49/29.avro": [4, 5]}


async def test_a_size_window_that_failed_is_written_when_storage_is_back(world: World) -> None:
    await world.send(count=110, size=100_000)
    world.fails("stage")
    with pytest.raises(StorageUnavailable):
        await world.recorder.advance()
    world.account.fault = None
    await world.recorder.advance()
    assert len(world.account.files()["15/47/29.avro"]) == 110


@pytest.mark.parametrize("call", [0, 1])
async def test_a_disk_that_is_full_delays_files_and_changes_none(
    world: World, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    """GIVEN progress that cannot be stored: what was decided, or that it is done."""
    await world.send(2)
    world.now += 60
    save, calls = world.progress.save, iter(range(10))

    def full(hub: str, partition: int, position: Position) -> None:
        if next(calls) == call:
            raise sqlite3.OperationalError("database or disk is full")
        save(hub, partition, position)

    monkeypatch.setattr(world.progress, "save", full)
    with pytest.raises(sqlite3.OperationalError):
        await world.recorder.advance()
    await world.send(2)
    await world.recorder.advance()
    await world.recorder.finish()
    assert sorted(number for numbers in world.account.files().values() for number in numbers) == [0, 1, 2, 3]
    await world.restart()
    await world.recorder.finish()
    assert sorted(number for numbers in world.account.files().values() for number in numbers) == [0, 1, 2, 3]


async def test_a_deleted_log_overwrites_nothing(world: World) -> None:
    """GIVEN files of a log that was deleted with its progress, in the same second THEN they stay as they are."""
    await world.send(2)
    await world.recorder.finish()
    before = dict(world.account.blobs)
    await world.crash()
    for file in world.directory.iterdir():
        file.unlink()
    world.start()
    world.now += 0.5
    await world.send(3)
    await world.recorder.finish()
    assert world.account.files() == {"15/47/29.avro": [0, 1], "15/47/30.avro": [0, 1, 2]}
    assert before.items() <= world.account.blobs.items()


async def test_a_new_log_is_captured_from_its_start(world: World) -> None:
    await world.send(2)
    await world.recorder.finish()
    await world.crash()
    for file in world.directory.glob("eventhubs*"):
        file.unlink()
    world.now += 5
    log = Log(world.directory / "eventhubs.db", HUBS)
    world.log, world.partition = log, log.hubs["dev"][0]
    await world.send(3)
    await log.close()
    world.start()
    await world.recorder.finish()
    assert world.account.files() == {"15/47/29.avro": [0, 1], "15/47/34.avro": [0, 1, 2]}


async def test_a_log_that_lost_its_end_is_captured_from_there(world: World) -> None:
    """GIVEN a power failure that took from the log what is captured already."""
    world.progress.save("dev", 0, Position(world.log.created("dev"), 10, START, 12))
    await world.send(4)
    await world.restart()
    await world.send(1)
    await world.recorder.finish()
    assert world.account.files() == {"15/47/30.avro": [4]}


async def test_events_that_retention_took_meanwhile_do_not_hold_up_the_rest(world: World) -> None:
    """GIVEN the namespace without Capture, until events that were in no file yet were dropped."""
    for _ in range(4):
        await world.send()
    world.log.drop(world.partition, 2)
    await world.restart()
    await world.recorder.finish()
    assert world.account.files() == {"15/47/30.avro": [2, 3]}


async def test_a_gap_in_the_log_is_an_error_not_a_gap_in_a_file(world: World) -> None:
    for _ in range(4):
        await world.send()
    world.log.drop(world.partition, 2)
    world.now += 60
    world.partition._hot.clear()
    with pytest.raises(LogUnavailable, match="event 0 is not in the log any more"):
        await world.recorder.advance()


async def test_a_clock_that_was_set_back_does_not_hold_up_capture(world: World) -> None:
    await world.send(2)
    world.now -= 86_400
    await world.send(1)
    await world.recorder.advance()
    world.now += 60
    await world.recorder.advance()
    assert [number for numbers in world.account.files().values() for number in numbers] == [0, 1, 2]


async def test_retention_keeps_what_is_in_no_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN storage that is down, and events beyond every limit THEN they stay, and go once they are captured."""
    capture = Capture(world.log, [SETTINGS], "ns", cast(Storage, world.account), lambda: world.now)
    (recorder,) = capture._recorders.values()
    for _ in range(3):
        await world.send()
    other: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    world.log.append(world.log.hubs["other"][0], [Event(b"", b"", 0, b"\x00\x53\x75\xa0\x00")], other.set_result)
    await other
    world.now += 86_400
    for limits in (Limits(60, 2**40), Limits(2**40, 0)):
        await retention.enforce(world.log, limits, int(world.now * 1000), capture.needed)
        assert (world.partition.first, world.partition.next) == (0, 3)
    assert world.log.hubs["other"][0].empty
    await recorder.finish()
    await retention.enforce(world.log, Limits(60, 2**40), int(world.now * 1000), capture.needed)
    assert world.partition.empty


async def test_a_hub_that_is_switched_off_is_forgotten(world: World) -> None:
    await world.send()
    await world.crash()
    progress = Progress(world.directory / "capture.db")
    progress.forget_others(["other"])
    assert progress.load("dev", 0) is None
    progress.close()
    world.start()
    assert world.recorder.position.next == 1


def test_progress_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "capture.db"
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 9")
    database.close()
    with pytest.raises(LogUnavailable, match="another version"):
        Progress(path)
    path.write_bytes(b"x" * 5000)
    with pytest.raises(LogUnavailable, match="cannot be opened"):
        Progress(path)


async def test_a_stop_does_not_wait_for_storage_for_ever(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN storage that takes a request and never answers THEN the events are left to the next start."""
    monkeypatch.setattr(service, "_STOP_SECONDS", 0.05)

    async def never(_upload: Upload, _data: bytes) -> None:
        await asyncio.Event().wait()

    with monkeypatch.context() as hanging:
        hanging.setattr(Upload, "stage", never)
        async with Capture(world.log, [SETTINGS], "ns", cast(Storage, world.account), lambda: world.now):
            await world.send(2)
    await world.restart()
    await world.recorder.finish()
    assert world.account.files() == {"15/47/29.avro": [0, 1]}


@pytest.mark.parametrize("seed", range(40))
async def test_whatever_happens_every_event_is_in_one_file(world: World, seed: int) -> None:
    """GIVEN any order of events, time, outages, full disks, kills and stops (by seed)."""
    random = Random(seed)
    settings = replace(SETTINGS, skip_empty=bool(seed % 2), size_limit=2_000)
    await world.restart(settings)
    save = Progress.save
    sent = 0
    for _ in range(60):
        action = random.choice(("send", "send", "time", "advance", "advance", "fault", "disk", "kill", "stop"))
        if action == "send":
            count = random.randint(1, 30)
            await world.send(count, random.choice((10, 200)))
            sent += count
        elif action == "time":
            world.now += random.choice((0.3, 5, 61, 500, -30))
        elif action == "fault":
            error: BaseException = random.choice((StorageUnavailable("down"), Crash()))
            world.account.fault = random.choice((None, (random.choice(("stage", "commit", "response")), error)))
        elif action == "disk":
            failures = iter([random.random() < 0.5 for _ in range(3)])

            def full(self: Progress, *arguments: Any, failures: Iterator[bool] = failures) -> None:
                if next(failures, False):
                    raise sqlite3.OperationalError("database or disk is full")
                save(self, *arguments)

            world.progress.save = MethodType(full, world.progress)  # type: ignore[method-assign]
        elif action == "kill":
            await world.restart(settings)
        else:
            try:
                await (world.recorder.advance() if action == "advance" else world.recorder.finish())
            except Crash:
                await world.restart(settings)
            except (StorageUnavailable, sqlite3.Error):
                continue
    world.account.fault = None
    await world.restart(settings)
    await world.recorder.finish()
    captured = [number for numbers in world.account.files().values() for number in numbers]
    assert sorted(captured) == list(range(sent))
    assert captured == sorted(captured), "files are in the order of their names"
