"""How long a cycle goes on: what it gave waits for its end. And what is said of what a cycle waited for."""

from __future__ import annotations

import asyncio
import time

import pytest

from local.sql.asa.values import DateTime
from local.stream_analytics import cycle as cycles
from local.stream_analytics import retrying
from local.stream_analytics.cycle import Cycle
from local.stream_analytics.errors import OutputError
from local.stream_analytics.hub import Inbox, Quiet

LOOK = Quiet("input", 0, 0, 0, DateTime(0))


class Backlog:
    """An input that has more whenever it is asked."""

    def __init__(self, pause: float = 0.0, size: int = 0) -> None:
        self.inbox = Inbox()
        self.inbox.note([LOOK])
        self.turns = 0
        self._pause = pause
        self._size = size

    async def take(self, cycle: Cycle) -> None:
        self.inbox.take({})
        self.turns += 1
        cycle.bytes += self._size
        await asyncio.sleep(self._pause)
        self.inbox.note([LOOK])


async def test_a_cycle_that_catches_up_ends_in_time_though_it_gave_next_to_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cycles, "_LONGEST", 0.2)
    backlog, began = Backlog(pause=0.001), time.monotonic()
    async with asyncio.timeout(20):
        await Cycle().fill(backlog.take, backlog.inbox, 0.0, 0.0)
    assert time.monotonic() - began >= 0.2
    assert backlog.turns > 1


async def test_it_ends_sooner_once_it_has_given_much() -> None:
    backlog = Backlog(size=600_000)
    await Cycle().fill(backlog.take, backlog.inbox, time.monotonic(), 0.0)
    assert backlog.turns == 4


async def test_it_goes_on_for_longer_when_the_state_takes_long_to_save(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cycles, "_LONGEST", 0.0)
    backlog, began = Backlog(pause=0.001), time.monotonic()
    await Cycle().fill(backlog.take, backlog.inbox, 0.0, 0.05)
    assert time.monotonic() - began >= 0.2


async def test_with_nothing_more_to_take_it_waits_for_its_turn_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cycles, "_LONGEST", 60.0)
    inbox, began = Inbox(), time.monotonic()
    turns = 0

    async def take(cycle: Cycle) -> None:
        nonlocal turns
        turns += 1

    async with asyncio.timeout(20):
        await Cycle().fill(take, inbox, began, 0.0)
    assert (turns, time.monotonic() - began >= 0.5) == (1, True)


async def test_what_was_away_is_named_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(retrying, "_FIRST_WAIT", 0.001)
    answers = iter([OutputError("output adl: away"), OutputError("output adl: still away"), None])

    async def deliver() -> None:
        if (answer := next(answers)) is not None:
            raise answer

    await retrying.again(deliver, OutputError, "output adl: delivered; the job reads on")
    assert [record.getMessage() for record in caplog.records] == [
        "output adl: away; trying again in 0.0 s",
        "output adl: still away; trying again in 0.0 s",
        "output adl: delivered; the job reads on (after 2 failed attempts)",
    ]
    await retrying.again(lambda: asyncio.sleep(0), OutputError, "nothing to say")
    assert len(caplog.records) == 3
