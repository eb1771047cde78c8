"""Date and time strings as the query language has them: ISO 8601, in UTC, to the tick of 100 nanoseconds.

An instant is a number of ticks since the Unix epoch, negative before it.
Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/is-datetime (what is read) and .../datetimefromparts
(what is written: seven digits of a second and a Z, always).
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from typing import Final

SECOND: Final = 10_000_000
DAY: Final = 86_400 * SECOND
_EPOCH: Final = date(1970, 1, 1).toordinal()
_FIRST: Final = (1 - _EPOCH) * DAY  # the year 1
_LAST: Final = (date.max.toordinal() + 1 - _EPOCH) * DAY  # the end of the year 9999
_WRITTEN: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[ T]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,7}))?)?Z?", re.ASCII
)


def parse(text: str) -> int | None:
    """The instant that `text` is, or None."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    return from_parts(year, month, day, hour, minute, second, int((found[7] or "").ljust(7, "0")))


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
    if not _FIRST <= instant < _LAST:
        return None
    seconds, tick = divmod(time_of(instant), SECOND)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{date_of(instant).isoformat()}T{hour:02}:{minute:02}:{second:02}.{tick:07}Z"


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
