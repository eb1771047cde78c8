"""Waiting for what a service will do in its own time: on a condition, with a deadline, never for a fixed time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 20.0, every: float = 0.02) -> Any:
    """Poll until `condition` is true; its value. Fails the test, naming `what`, when time is up."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds:.0f} s: {what}")
        time.sleep(every)
    return value


async def until(condition: Callable[[], Any], what: str, seconds: float = 20.0) -> Any:
    """`wait_until` for coroutines; `condition` may be one, too."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if isinstance(value, Awaitable):
            value = await value
        if value:
            return value
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds:.0f} s: {what}")
        await asyncio.sleep(0.02)
