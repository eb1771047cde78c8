"""The functions of datetimes. Weeks begin on Sunday, and week 1 is the one with January 1, as T-SQL has it by default.

Source of the parts and their abbreviations: https://learn.microsoft.com/stream-analytics-query/datepart-azure-stream-analytics
"""

from __future__ import annotations

import calendar
from typing import Any, Final

from local.sql import instants
from local.sql.asa.mathematics import Undefined
from local.sql.asa.values import TICKS_PER_DAY, TICKS_PER_SECOND, DateTime

_NAMES: Final = {
    "year": ("yy", "yyyy"),
    "quarter": ("qq", "q"),
    "month": ("mm", "m"),
    "dayofyear": ("dy", "y"),
    "day": ("dd", "d"),
    "week": ("wk", "ww"),
    "weekday": ("dw", "w"),
    "hour": ("hh",),
    "minute": ("mi", "n"),
    "second": ("ss", "s"),
    "millisecond": ("ms",),
    "microsecond": ("mcs",),
}
PARTS: Final = {short: part for part, shorts in _NAMES.items() for short in (part, *shorts)}
"""The parts of a date by any of their names, in lower case."""

SPANS: Final = {
    "week": 7 * TICKS_PER_DAY,
    "day": TICKS_PER_DAY,
    "dayofyear": TICKS_PER_DAY,
    "weekday": TICKS_PER_DAY,
    "hour": 3600 * TICKS_PER_SECOND,
    "minute": 60 * TICKS_PER_SECOND,
    "second": TICKS_PER_SECOND,
    "millisecond": TICKS_PER_SECOND // 1_000,
    "microsecond": TICKS_PER_SECOND // 1_000_000,
}
"""How many ticks the parts of a fixed length have."""

_MONTHS_OF: Final = {"year": 12, "quarter": 3, "month": 1}


def part(name: str, value: DateTime) -> int:
    """DATEPART."""
    date, ticks = instants.date_of(value), instants.time_of(value)
    match name:
        case "year":
            return date.year
        case "quarter":
            return (date.month + 2) // 3
        case "month":
            return date.month
        case "dayofyear":
            return date.timetuple().tm_yday
        case "day":
            return date.day
        case "week":
            return (date.timetuple().tm_yday - 1 + date.replace(month=1, day=1).isoweekday() % 7) // 7 + 1
        case "weekday":
            return date.isoweekday() % 7 + 1
        case "hour":
            return ticks // SPANS["hour"]
        case "minute":
            return ticks // SPANS["minute"] % 60
        case "second":
            return ticks // TICKS_PER_SECOND % 60
    return ticks % TICKS_PER_SECOND // SPANS[name]


def name(part_name: str, value: DateTime) -> str:
    """DATENAME: months and weekdays have names, in English; the rest are numbers."""
    if part_name == "month":
        return calendar.month_name[instants.date_of(value).month]
    if part_name == "weekday":
        return calendar.day_name[instants.date_of(value).weekday()]
    return str(part(part_name, value))


def difference(part_name: str, start: DateTime, end: DateTime) -> int:
    """DATEDIFF: how many boundaries of the part are crossed, not how much time passes."""
    months = _MONTHS_OF.get(part_name)
    if months is not None:
        first, last = instants.date_of(start), instants.date_of(end)
        return (last.year * 12 + last.month - 1) // months - (first.year * 12 + first.month - 1) // months
    span = SPANS[part_name]
    shift = _SUNDAY if part_name == "week" else 0
    return (int(end) - shift) // span - (int(start) - shift) // span


_SUNDAY: Final = 3 * TICKS_PER_DAY  # 1970-01-04


def add(part_name: str, count: Any, value: DateTime) -> DateTime:
    """DATEADD: the fraction of a count is dropped; a day that the month has not becomes its last."""
    count = int(count)
    months = _MONTHS_OF.get(part_name)
    if months is None:
        return _checked(int(value) + count * SPANS[part_name])
    return _checked(instants.add_months(value, count * months))


def from_parts(year: int, month: int, day: int, hour: int, minute: int, second: int, millisecond: int) -> DateTime:
    """DATETIMEFROMPARTS."""
    found = instants.from_parts(year, month, day, hour, minute, second, millisecond * SPANS["millisecond"])
    if found is None:
        raise Undefined("there is no such day or time of day")
    return DateTime(found)


def _checked(ticks: int | None) -> DateTime:
    if ticks is not None and instants.FIRST <= ticks <= instants.LAST:
        return DateTime(ticks)
    raise Undefined("the result is no datetime of the years 1 to 9999")
