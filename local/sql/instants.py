"""Instants, as both dialects count them: ticks of 100 nanoseconds since the Unix epoch, negative before it, in UTC.

Both write them with seven digits of a second and a Z, always
(https://learn.microsoft.com/azure/cosmos-db/nosql/query/datetimefromparts). What they read is their own business.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from functools import lru_cache
from typing import Final

SECOND: Final = 10_000_000
DAY: Final = 86_400 * SECOND
_EPOCH: Final = date(1970, 1, 1).toordinal()
FIRST: Final = (1 - _EPOCH) * DAY
"""The start of the year 1."""
LAST: Final = (date.max.toordinal() + 1 - _EPOCH) * DAY - 1
"""The last tick of the year 9999."""


def from_parts(year: int, month: int, day: int, hour: int, minute: int, second: int, tick: int) -> int | None:
    """The instant of these parts, or None if there is no such."""
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60 and 0 <= tick < SECOND):
        return None
    try:
        days = date(year, month, day).toordinal() - _EPOCH
    except (ValueError, OverflowError):
        return None
    return days * DAY + ((hour * 60 + minute) * 60 + second) * SECOND + tick


def write(instant: int) -> str | None:
    """`instant` as text, or None beyond the years 1 to 9999."""
    if not FIRST <= instant <= LAST:
        return None
    seconds, tick = divmod(time_of(instant), SECOND)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{_written(instant // DAY)}T{hour:02}:{minute:02}:{second:02}.{tick:07}Z"


@lru_cache(maxsize=64)
def _written(days: int) -> str:
    return date.fromordinal(days + _EPOCH).isoformat()


def date_of(instant: int) -> date:
    """The day of `instant`."""
    return date.fromordinal(instant // DAY + _EPOCH)


def time_of(instant: int) -> int:
    """The ticks since the start of its day."""
    return instant % DAY


def add_months(instant: int, months: int) -> int | None:
    """`instant` so many months later; the last day of a month that has no such day."""
    start = date_of(instant)
    count = start.year * 12 + start.month - 1 + months
    year, month = divmod(count, 12)
    if not date.min.year <= year <= date.max.year:
        return None
    day = date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))
    return (day.toordinal() - _EPOCH) * DAY + time_of(instant)
