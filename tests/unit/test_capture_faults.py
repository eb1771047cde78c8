"""What goes wrong around Capture: kills, outages, full disks, a damaged log. Every event is in one file, or waits."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from types import MethodType
from typing import Any, cast

import pytest

from local.eventhubs.capture import recorder, service
from local.eventhubs.capture.progress import Position, Progress
from local.eventhubs.capture.service import Capture
from local.eventhubs.capture.storage import Storage, StorageUnavailable
from local.eventhubs.errors import CorruptBatch, LogUnavailable
from tests.unit.capture_world import SETTINGS, START, Crash, Upload, World, world  # noqa: F401
from tests.waiting import until

# ruff: noqa: F811 (fixtures are imported by name)


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


async def test_a_log_that_lost_its_end_is_captured_from_there(world: World) -> None:
    """GIVEN a power failure that took from the log what is captured already."""
    world.progress.save("dev", 0, Position(world.log.created("dev"), 10, START, 12))
    await world.send(4)
    await world.restart()
    await world.send(1)
    await world.recorder.finish()
    assert world.account.files() == {"15/47/30.avro": [4]}


async def test_a_gap_in_the_log_is_an_error_not_a_gap_in_a_file(world: World) -> None:
    for _ in range(4):
        await world.send()
    world.log.drop(world.partition, 2)
    world.now += 60
    world.partition._hot.clear()
    with pytest.raises(LogUnavailable, match="event 0 is not in the log any more"):
        await world.recorder.advance()


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


async def damage(world: World, base: int) -> bytes:
    """Overwrite the end of the entry that begins at `base`, as a disk may; gives what it was."""
    await world.crash()
    table = f"entries_{world.partition.key}"
    with sqlite3.connect(world.directory / "eventhubs.db") as database:
        ((body,),) = database.execute(f"SELECT body FROM {table} WHERE base = ?", (base,)).fetchall()
    database.close()
    await replace_body(world, base, body[:-1] + b"\x07")
    return bytes(body)


async def replace_body(world: World, base: int, body: bytes) -> None:
    await world.crash()
    with sqlite3.connect(world.directory / "eventhubs.db") as database:
        database.execute(f"UPDATE entries_{world.partition.key} SET body = ? WHERE base = ?", (body, base))
    database.close()
    world.start()


async def test_what_comes_before_the_damage_is_captured_and_nothing_is_left_out(world: World) -> None:
    """GIVEN a record batch that cannot be read THEN its window ends before it; restored, it and the rest are there."""
    await world.send(2)
    await world.send_over_kafka(3)
    await world.send(1)
    whole = await damage(world, 2)
    for _ in range(3):
        with pytest.raises(CorruptBatch, match="stored at offset 2 is damaged"):
            await world.recorder.finish()
        assert world.account.files() == {"15/47/29.avro": [0, 1]}
    assert len(world.account.staged) == 1, "what is captured is not sent again and again"
    await replace_body(world, 2, whole)
    await world.recorder.finish()
    assert world.account.files() == {"15/47/29.avro": [0, 1], "15/47/30.avro": [2, 3, 4, 5]}


async def test_a_range_that_was_decided_before_the_damage_is_not_cut(world: World) -> None:
    """GIVEN a crash between the decision where a file ends and its blob, and damage within THEN it waits, whole."""
    await world.send(2)
    await world.send_over_kafka(3)
    world.fails("commit")
    with pytest.raises(StorageUnavailable):
        await world.recorder.finish()
    world.account.fault = None
    whole = await damage(world, 2)
    with pytest.raises(CorruptBatch):
        await world.recorder.finish()
    assert world.account.files() == {}
    await replace_body(world, 2, whole)
    await world.recorder.finish()
    assert world.account.files() == {"15/47/29.avro": [0, 1, 2, 3, 4]}


async def test_it_is_tried_again_with_pauses_and_said_as_an_error(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(recorder, "_FIRST_WAIT_SECONDS", 0.02)
    monkeypatch.setattr(recorder, "_LONGEST_WAIT_SECONDS", 0.04)
    await world.send_over_kafka(3)
    whole = await damage(world, 0)
    world.now += 60
    stopping = asyncio.Event()
    started = time.monotonic()
    running = asyncio.create_task(world.recorder.run(stopping))
    errors = await until(lambda: [record for record in caplog.records if record.levelno == logging.ERROR][3:], "errors")
    assert time.monotonic() - started >= 0.02 + 0.04 + 0.04
    assert (
        errors[0]
        .getMessage()
        .startswith(
            "hub dev, partition 0: not captured from event 0 on, until the log is restored: the record batch stored at "
        )
    )
    assert not running.done()
    stopping.set()
    await running
    assert world.account.files() == {}
    await replace_body(world, 0, whole)
    await world.recorder.finish()
    assert world.account.files() == {"15/47/29.avro": [0, 1, 2]}
