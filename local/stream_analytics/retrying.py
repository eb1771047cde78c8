"""Doing again what failed because something is away: a job waits, and says so when that begins and ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from local.stream_analytics.errors import JobError

_LOG = logging.getLogger("local.stream_analytics")

_FIRST_WAIT: Final = 0.25
_LONGEST_WAIT: Final = 10.0
"""Seconds before something that failed is tried again; twice as long each time, up to the longest."""


async def again(action: Callable[[], Awaitable[object]], failure: type[JobError], then: str) -> None:
    """Do it until it does not fail that way, with longer and longer pauses.

    Args:
        action: what to do. Its failures are logged.
        failure: how it may fail.
        then: what is logged once it does not fail any more: what is back, and what comes of it.
    """
    wait, failed = _FIRST_WAIT, 0
    while True:
        try:
            await action()
        except failure as error:
            failed += 1
            _LOG.warning("%s; trying again in %.1f s", error, wait)
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)
        else:
            if failed:
                _LOG.warning("%s (after %d failed attempts)", then, failed)
            return
