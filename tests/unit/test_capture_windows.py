"""When windows close and what their files hold: by time, by size, empty, over restarts."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from local.eventhubs import retention
from local.eventhubs.capture.progress import Progress
from local.eventhubs.capture.service import Capture
from local.eventhubs.capture.storage import Storage
from local.eventhubs.errors import LogUnavailable
from local.eventhubs.log import Log
from local.eventhubs.message import Event
from local.eventhubs.retention import Limits
from tests.unit.capture_world import HUBS, SETTINGS, World, records, world  # noqa: F401

# ruff: noqa: F811 (fixtures are imported by name)


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


async def test_events_that_retention_took_meanwhile_do_not_hold_up_the_rest(world: World) -> None:
    """GIVEN the namespace without Capture, until events that were in no file yet were dropped."""
    for _ in range(4):
        await world.send()
    world.log.drop(world.partition, 2)
    await world.restart()
    await world.recorder.finish()
    assert world.account.files() == {"15/47/30.avro": [2, 3]}


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
