"""The functions of datetimes. Weeks begin on Sunday, and week 1 is the one with January 1, as T-SQL has it by default.

Source of the parts and their abbreviations: https://learn.microsoft.com/stream-analytics-query/datepart-azure-stream-analytics
"""

from __future__ import annotations

import calendar
import datetime
from typing import Any, Final

from local.sql.asa.mathematics import Undefined
from local.sql.asa.values import GREATEST_DATETIME, LEAST_DATETIME, TICKS_PER_DAY, TICKS_PER_SECOND, DateTime

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

_EPOCH: Final = datetime.date(1970, 1, 1).toordinal()
_MONTHS_OF: Final = {"year": 12, "quarter": 3, "month": 1}


def _date(value: DateTime) -> datetime.date:
    return datetime.date.fromordinal(int(value) // TICKS_PER_DAY + _EPOCH)


def _ticks(date: datetime.date) -> int:
    return (date.toordinal() - _EPOCH) * TICKS_PER_DAY


def part(name: str, value: DateTime) -> int:
    """DATEPART."""
    date, ticks = _date(value), int(value) % TICKS_PER_DAY
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
        return calendar.month_name[_date(value).month]
    if part_name == "weekday":
        return calendar.day_name[_date(value).weekday()]
    return str(part(part_name, value))


def difference(part_name: str, start: DateTime, end: DateTime) -> int:
    """DATEDIFF: how many boundaries of the part are crossed, not how much time passes."""
    months = _MONTHS_OF.get(part_name)
    if months is not None:
        first, last = _date(start), _date(end)
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
    date = _date(value)
    month = date.year * 12 + date.month - 1 + count * months
    year = month // 12
    if not 1 <= year <= 9999:
        raise Undefined("the result is no datetime of the years 1 to 9999")
    last = calendar.monthrange(year, month % 12 + 1)[1]
    moved = datetime.date(year, month % 12 + 1, min(date.day, last))
    return _checked(_ticks(moved) + int(value) % TICKS_PER_DAY)


def from_parts(year: int, month: int, day: int, hour: int, minute: int, second: int, millisecond: int) -> DateTime:
    """DATETIMEFROMPARTS."""
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60 and 0 <= millisecond < 1000):
        raise Undefined("there is no such time of day")
    try:
        date = datetime.date(year, month, day)
    except (ValueError, OverflowError):
        raise Undefined("there is no such day") from None
    seconds = hour * 3600 + minute * 60 + second
    return DateTime(_ticks(date) + seconds * TICKS_PER_SECOND + millisecond * SPANS["millisecond"])


def _checked(ticks: int) -> DateTime:
    if LEAST_DATETIME <= ticks <= GREATEST_DATETIME:
        return DateTime(ticks)
    raise Undefined("the result is no datetime of the years 1 to 9999")
