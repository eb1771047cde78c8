"""One cycle of a job: what it took and gave, and how long it goes on taking.

Each makes a file and saves the state, so one that has little to do waits for more; but what it gave waits for its end.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from local.stream_analytics.hub import Inbox

_SPACING: Final = 0.5
"""Seconds between the starts of two cycles that have little to do."""

_LONGEST: Final = 1.0
"""Seconds after which a cycle takes no more, however much there is."""

_STATE_SHARE: Final = 4
"""How many times longer than to save the state took a cycle reads: a large state is not written twice a second."""

_LARGE: Final = 2 * 1024 * 1024
"""Bytes of records from which on a cycle takes no more."""


@dataclass
class Cycle:
    """What a cycle took and gave. `started` is in seconds since 1970."""

    started: float = field(default_factory=time.time)
    events: Counter[str] = field(default_factory=Counter)
    undecoded: Counter[str] = field(default_factory=Counter)
    records: dict[str, list[bytes]] = field(default_factory=dict)
    bytes: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    async def fill(
        self, take: Callable[[Cycle], Awaitable[None]], inbox: Inbox, before: float, state_seconds: float
    ) -> None:
        """Take what there is, and what comes as long as the cycle may wait for more.

        Args:
            take: takes what the inbox has.
            inbox: where more comes.
            before: when the cycle before this one ended its reading, in monotonic seconds.
            state_seconds: how long it took to save the state.
        """
        now = time.monotonic()
        saving = now + _STATE_SHARE * state_seconds
        until, latest = max(before + _SPACING, saving), max(now + _LONGEST, saving)
        while True:
            await take(self)
            now = time.monotonic()
            if self.bytes >= _LARGE or now >= latest:
                return
            try:
                async with asyncio.timeout(max(0.0, until - now)):
                    await inbox.wait()
            except TimeoutError:
                return
