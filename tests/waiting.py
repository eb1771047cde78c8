"""Waiting for what a service will do in its own time: on a condition, with a deadline, never for a fixed time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

PATIENCE = 60.0
"""Seconds after which a test gives up on what should come soon. While it comes, they cost nothing."""


def wait_until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE, every: float = 0.02) -> Any:
    """Poll until `condition` is true; its value. Fails the test, naming `what`, when time is up."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds:.0f} s: {what}")
        time.sleep(every)
    return value


async def until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
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
