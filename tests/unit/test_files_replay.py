"""store_files under all that repeats: crashes at any call, batches cut anew, stages that ran twice, two owners."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence

import orjson
import pytest
from azure.core.exceptions import ServiceRequestError
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.sinks.files import Files, LostOwnership
from shared.sinks.ledger import Entry, Mark
from tests.unit.lake import Lake

Event = list[Entry]


def entry(sequence: int, lane: str, origin: int, folder: str, *, entered: int = 0, enqueued: int = 0) -> Entry:
    line = orjson.dumps({"lane": lane, "origin": origin})
    return Entry(sequence, enqueued, lane, Mark(origin, (0,), entered), folder, line)


def hub(shape: Sequence[tuple[str, int, str]], first: int = 0, enqueued: int = 1000) -> list[Event]:
    """One event a record: lane, origin and folder of each."""
    return [
        [entry(first + number, lane, origin, folder, entered=origin, enqueued=enqueued + number)]
        for number, (lane, origin, folder) in enumerate(shape)
    ]


async def write(files: Files, batch: Sequence[Event]) -> int:
    return await files.write("enriched", "2", [line for event in batch for line in event])


def new_process(lake: Lake) -> Files:
    return Files(lambda: lake)


def expected(events: Sequence[Event]) -> list[bytes]:
    return sorted({line.line for event in events for line in event})


def distinct(lane: str, origins: range) -> list[tuple[str, int, str]]:
    return [(lane, origin, f"kind={lane}/hour={origin % 3:02}") for origin in origins]


async def test_one_file_per_invocation_and_folder() -> None:
    lake = Lake()
    assert await write(new_process(lake), hub(distinct("a", range(6)), first=418)) == 6
    assert sorted(lake.files) == [
        f"kind=a/hour=0{hour}/enriched-2-000000000418-000000000423-1000.jsonl" for hour in range(3)
    ]
    assert lake.files["kind=a/hour=00/enriched-2-000000000418-000000000423-1000.jsonl"] == (
        b'{"lane":"a","origin":0}\n{"lane":"a","origin":3}\n'
    )


async def test_the_same_batch_again_changes_nothing() -> None:
    lake, events = Lake(), hub(distinct("a", range(6)))
    await write(new_process(lake), events)
    files = dict(lake.files)
    await write(new_process(lake), events)  # its checkpoint was lost, and so was the process
    assert lake.files == files


@pytest.mark.parametrize("cut", [1, 3, 5, 6, 9])
async def test_a_replay_that_is_cut_anew_leaves_each_line_once(cut: int) -> None:
    lake, events = Lake(), hub(distinct("a", range(9)))
    await write(new_process(lake), events[:6])
    after = new_process(lake)
    await write(after, events[:cut])
    await write(after, events[cut:]) if events[cut:] else None
    assert sorted(lake.lines()) == expected(events)


async def test_a_clock_that_steps_back_hides_no_batch_that_was_begun() -> None:
    # GIVEN a hub whose clock was set back between two batches, and a crash before a file of the second was written
    lake, events = Lake(), hub(distinct("a", range(3)), enqueued=1050) + hub(distinct("a", range(3, 6)), first=3)
    files = new_process(lake)
    await write(files, events[:3])
    lake.fail_at(2)
    with pytest.raises(ServiceRequestError, match="stored _ledger"):
        await write(files, events[3:])
    lake.on_call = lambda _: None

    # WHEN the first comes again, too, for its checkpoint was not written
    await write(new_process(lake), events)
    assert sorted(lake.lines()) == expected(events)


async def test_records_that_a_stage_upstream_sent_twice_are_written_once() -> None:
    lake = Lake()
    once = distinct("a", range(5))
    events = hub(once + once[2:] + [("a", 5, "kind=a/hour=02")])
    files = new_process(lake)
    await write(files, events[:4])
    await write(files, events[4:])
    assert sorted(lake.lines()) == expected(events)


async def test_lanes_go_on_apart() -> None:
    lake = Lake()
    events = hub([("a", 7, "x"), ("b", 2, "x"), ("a", 8, "x"), ("b", 3, "x"), ("b", 2, "x"), ("a", 7, "x")])
    await write(new_process(lake), events)
    assert sorted(lake.lines()) == expected(events)


async def test_several_records_of_one_origin_are_told_apart() -> None:
    lake = Lake()
    lines = [Entry(1, 0, "a", Mark(7, element, 0), "x", str(element).encode()) for element in [(0, 0), (0, 1), (1,)]]
    assert await new_process(lake).write("dead-letters", "0", lines) == 3


async def test_an_entry_hub_that_was_created_anew_counts_from_zero_and_loses_nothing() -> None:
    files = new_process(Lake())
    await write(files, [[entry(0, "a", 500, "x", entered=100)]])
    assert await write(files, [[entry(1, "a", 0, "x", entered=200)]]) == 1


async def test_a_consumed_hub_that_was_created_anew_overwrites_no_file() -> None:
    lake = Lake()
    await write(new_process(lake), hub(distinct("a", range(3)), enqueued=1000))
    await write(new_process(lake), hub(distinct("a", range(3, 6)), enqueued=9000))
    assert len(lake.lines()) == 6


async def test_an_owner_that_lost_the_partition_is_stopped_before_it_writes_a_file() -> None:
    lake, events = Lake(), hub(distinct("a", range(9)))
    old, new = new_process(lake), new_process(lake)
    await write(old, events[:3])
    await write(new, events[3:9])
    files = dict(lake.files)
    with pytest.raises(LostOwnership):
        await write(old, events[3:5])
    assert lake.files == files
    assert await write(old, events[3:5]) == 0  # its retry looks the ledger up again
    assert lake.files == files


async def test_a_batch_that_its_owner_is_still_writing_is_begun_again_by_one_of_the_two() -> None:
    # GIVEN a successor whose ledger is stored, and its file too, but who has not said so yet
    lake, events = Lake(), hub(distinct("a", range(9)))
    old, new = new_process(lake), new_process(lake)
    await write(old, events[:3])
    meanwhile: list[asyncio.Task[int]] = []

    def stored(what: str) -> None:
        if what.startswith("stored kind=") and not meanwhile:
            meanwhile.append(asyncio.create_task(write(new_process(lake), events[3:5])))

    lake.on_call = stored
    with pytest.raises(LostOwnership):  # WHEN the one that lost the partition takes that for a crash
        await write(new, events[3:9])
    assert await meanwhile[0] == 2
    lake.on_call = lambda _: None

    # THEN the successor checkpoints nothing of which files were deleted: its retry writes them again
    await write(new, events[3:9])
    assert sorted(lake.lines()) == expected(events)


async def test_the_ledger_is_stored_before_any_file() -> None:
    lake = Lake()
    await write(new_process(lake), hub(distinct("a", range(3))))
    assert lake.calls[:3] == [
        "get _ledger/enriched/2.json",
        "put _ledger/enriched/2.json",
        "stored _ledger/enriched/2.json",
    ]


SHAPES = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy")), min_size=1, max_size=14)


@given(SHAPES, st.integers(0, 2**32), st.data())
@settings(max_examples=400)
async def test_every_line_stands_exactly_once_whatever_crashes(
    shape: list[tuple[str, str]], seed: int, data: st.DataObject
) -> None:
    """GIVEN a hub with repeats from upstream, whose clock steps back, WHEN the writer crashes at random calls, restarts
    from its checkpoint and cuts its batches at random, THEN each line stands once."""
    choose = random.Random(seed)
    origins = dict.fromkeys("ab", 0)
    log: list[tuple[str, int, str]] = []
    folders: dict[tuple[str, int], str] = {}
    for lane, folder in shape:
        origins[lane] += 1
        folders[lane, origins[lane]] = folder
        log.append((lane, origins[lane], folder))
        if choose.random() < 0.2:  # the stage upstream runs again from a little earlier
            back = max(1, origins[lane] - choose.randrange(4))
            log += [(lane, origin, folders[lane, origin]) for origin in range(back, origins[lane] + 1)]
    events, late = hub(log), 0
    for number, event in enumerate(events):  # the clock of the hub may be set back
        late += choose.choice((0, 0, 0, 40))
        events[number] = [line._replace(enqueued=line.enqueued - late) for line in event]
    lake, crashes = Lake(), 0
    files, position, checkpoint = new_process(lake), 0, 0
    while checkpoint < len(events):
        batch = events[position : position + choose.randint(1, 6)]
        if crashes < 12 and data.draw(st.booleans()):
            crashes += 1
            lake.fail_at(choose.randint(1, 12))
        try:
            await write(files, batch)
            position += len(batch)
            # The checkpoint may lag, lose a batch, or stay behind when the partition moves.
            if choose.random() < 0.7 or position == len(events):
                checkpoint = position
            restart = choose.random() < 0.2
        except ServiceRequestError:
            restart = choose.random() < 0.5  # else the host tries the same events again, in the same process
        lake.on_call = lambda _: None
        if restart:
            files, position = new_process(lake), checkpoint
    assert sorted(lake.lines()) == expected(events)


@given(st.integers(0, 2**32))
@settings(max_examples=400)
async def test_no_line_is_lost_while_two_workers_own_a_partition(seed: int) -> None:
    """GIVEN a worker that tries a batch again and again, not knowing that it lost the partition, WHEN its successor
    goes on from the checkpoint with batches cut otherwise, their requests in any order, THEN no line is missing."""
    choose = random.Random(seed)
    events = hub(distinct("a", range(choose.randint(2, 14))))
    lake, checkpoint = Lake(), choose.randrange(len(events))
    old = new_process(lake)
    if checkpoint:
        await write(old, events[:checkpoint])
    in_hand = events[checkpoint : checkpoint + choose.randint(1, 6)]

    async def turn() -> None:
        for _ in range(choose.choice((1, 1, 2, 3, 15))):
            await asyncio.sleep(0)

    async def until_through(files: Files, batch: Sequence[Event], tries: int) -> None:
        for _ in range(tries):
            with contextlib.suppress(LostOwnership):
                await write(files, batch)
                return

    async def succeed() -> None:
        files, position = new_process(lake), checkpoint
        while position < len(events):
            batch = events[position : position + choose.randint(1, 6)]
            await until_through(files, batch, 100)
            position += len(batch)

    lake.turn = turn
    await asyncio.gather(until_through(old, in_hand, choose.randint(1, 4)), succeed())
    assert {*lake.lines()} == {*expected(events)}
