"""The windows of GROUP BY: which rows they hold, and when they end.

Every window is `(start, end]`: a row at the start is not in it, one at the end is. What Azure does not document is
decided here, in one place each: `ORIGIN`, `expires`, and the three rules of `Session.end`.

Source: https://learn.microsoft.com/stream-analytics-query/windowing-azure-stream-analytics
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from local.sql.asa.values import LEAST_DATETIME, DateTime

ORIGIN: Final = LEAST_DATETIME
"""Where windows of a size that does not divide a day are counted from: 0001-01-01T00:00:00Z, the zero of .NET's clock.

Documented is only that "every window automatically aligns itself to the zeroth hour". It was a Monday, so windows of
seven days run from Monday to Monday.
"""


def expires(time: int, span: int) -> int:
    """When a row of `time` is no longer within the last `span`: from that moment on, itself included.

    Holds for SlidingWindow and LIMIT DURATION alike, and makes the sliding window `(start, end]` like the others. Its
    page said so in 2017, row by row: with 5 s and rows at 34, 38 and 42, windows end at 34, 38, 39 "because A exited
    the window", 42 and 43. The example of the windowing page has it so, too (10 s; rows at :10, :12, :15, :15; three of
    them at :20). Only one of the query patterns still counts a row that is as old as its window is long.
    """
    return time + span


@dataclass(frozen=True)
class Hopping:
    """HoppingWindow: windows of `size` that end every `hop`, moved by `offset`. Spans in ticks."""

    size: int
    hop: int
    offset: int = 0

    def __post_init__(self) -> None:
        if self.size <= 0 or self.hop <= 0:
            raise ValueError(f"a window's size and hop are more than nothing, not {self.size} and {self.hop} ticks")

    @property
    def pane(self) -> int:
        """The longest span that every window is a whole number of."""
        return math.gcd(self.size, self.hop)

    def pane_end(self, time: int) -> int:
        """The end of the pane that holds `time`."""
        return self._round_up(time, self.pane)

    def first_end(self, time: int) -> int:
        """The end of the first window that ends at `time` or later."""
        return self._round_up(time, self.hop)

    def _round_up(self, time: int, step: int) -> int:
        return time + (ORIGIN + self.offset - time) % step


def tumbling(size: int, offset: int = 0) -> Hopping:
    """TumblingWindow: every row is in exactly one."""
    return Hopping(size, size, offset)


SNAPSHOT: Final = tumbling(1)
"""GROUP BY System.Timestamp(): the rows of one moment. Beside a window, it is but a key."""


@dataclass(frozen=True)
class Sliding:
    """SlidingWindow: the last `size` ticks, looked at whenever a row enters or leaves them."""

    size: int


@dataclass(frozen=True)
class Session:
    """SessionWindow: rows that are no more than `timeout` apart; checked for its length every `max_duration`. Ticks."""

    timeout: int
    max_duration: int

    def end(self, start: int, last: int) -> DateTime:
        """When a session ends whose first and last rows so far are at `start` and `last`; a row at the end extends it.

        It ends `timeout` after the last row, or at the first checkpoint (a multiple of `max_duration`) at which it is
        longer than `max_duration`: so it may last for up to twice that, as documented. Undocumented is that a row
        exactly at the timeout still counts, and that at a checkpoint exactly `max_duration` is not yet too long.
        """
        too_long = start + self.max_duration + 1
        checkpoint = too_long + (ORIGIN - too_long) % self.max_duration
        return DateTime(min(last + self.timeout, checkpoint))


Window = Hopping | Sliding | Session
