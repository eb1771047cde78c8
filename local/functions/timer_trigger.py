"""Timers: one task each, firing when the schedule says.

The real host keeps a timer's status in a blob and holds a lease on it, so that of several instances one runs it and a
run missed while all were down happens late. Here every host runs its own timers, and a run is past due when this
process could not start it in time (the laptop slept).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime

from local.functions.bindings import Function, TimerTrigger
from local.functions.errors import SettingsError
from local.functions.invocation import Invoker
from local.functions.messages import Data, Input
from local.functions.schedule import parse_schedule
from local.functions.settings import resolve

LATE = 1.0
"""Seconds after its time from which a run counts as past due."""


class TimerListener:
    """Fires one function.

    Raises:
        SettingsError: the schedule's setting is missing, or what it holds is not a schedule.
    """

    def __init__(self, function: Function, invoker: Invoker, environment: Mapping[str, str]) -> None:
        trigger = function.trigger
        assert isinstance(trigger, TimerTrigger)
        try:
            self._schedule = parse_schedule(resolve(trigger.schedule, environment, f"function {function.name}"))
        except ValueError as error:
            raise SettingsError(f"function {function.name}: {error}") from error
        self._function, self._trigger, self._invoker = function, trigger, invoker
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._last: datetime | None = None

    async def start(self) -> None:
        """Begin to wait for the first time; with run_on_startup, fire now."""
        self._task = asyncio.create_task(self._run())

    async def stop(self, seconds: float) -> bool:
        """Fire no more; wait for a run at hand for `seconds`. Returns whether it ended."""
        self._stopping.set()
        if self._task is None:
            return True
        _, left = await asyncio.wait((self._task,), timeout=seconds)
        return not left

    async def _run(self) -> None:
        if self._trigger.run_on_startup:
            await self._fire(past_due=False)
        while not self._stopping.is_set():
            planned = self._schedule.next_after(datetime.now(UTC))
            while (left := (planned - datetime.now(UTC)).total_seconds()) > 0:
                try:
                    async with asyncio.timeout(left):
                        await self._stopping.wait()
                    return
                except TimeoutError:
                    continue
            await self._fire(past_due=-left > LATE)

    async def _fire(self, *, past_due: bool) -> None:
        now = datetime.now(UTC)
        given = self._input(now, past_due)
        self._last = now
        await self._invoker.invoke_with_retries(
            self._function, lambda: given, self._stopping, reason=f"Timer fired at {now.isoformat()}"
        )

    def _input(self, now: datetime, past_due: bool) -> Input:
        info = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": {
                "Last": (self._last or datetime.min.replace(tzinfo=UTC)).isoformat(),
                "Next": self._schedule.next_after(now).isoformat(),
                "LastUpdated": now.isoformat(),
            },
            "IsPastDue": past_due,
        }
        return Input(Data("json", json.dumps(info)))
