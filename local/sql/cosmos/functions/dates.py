"""Date and time functions.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/datetimeadd and the pages beside it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, Final

from local.sql import instants
from local.sql.cosmos.functions.table import Function, integer
from local.sql.cosmos.values import UNDEFINED
from local.sql.instants import DAY, SECOND

_NAMES: Final = {
    "year": ("year", "yyyy", "yy"),
    "month": ("month", "mm", "m"),
    "day": ("day", "dd", "d"),
    "hour": ("hour", "hh"),
    "minute": ("minute", "mi", "n"),
    "second": ("second", "ss", "s"),
    "millisecond": ("millisecond", "ms"),
    "microsecond": ("microsecond", "mcs"),
    "nanosecond": ("nanosecond", "ns"),
}
_PARTS: Final = {written: part for part, names in _NAMES.items() for written in names}
_NANOSECONDS: Final = {  # in one of each part that always has the same length
    "day": DAY * 100, "hour": 3600 * SECOND * 100, "minute": 60 * SECOND * 100, "second": SECOND * 100,
    "millisecond": 10**6, "microsecond": 10**3, "nanosecond": 1,
}  # fmt: skip
_READ: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[ T]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,7}))?)?Z?", re.ASCII
)
_BEFORE_BINS: Final = instants.from_parts(1601, 1, 1, 0, 0, 0, 0) or 0


def now() -> int:
    """The current instant."""
    return time.time_ns() // 100


def parse(text: str) -> int | None:
    """The instant that `text` is, or None. Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/is-datetime."""
    found = _READ.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    return instants.from_parts(year, month, day, hour, minute, second, int((found[7] or "").ljust(7, "0")))


def _instant(value: Any) -> int | None:
    return parse(value) if type(value) is str else None


def _part(value: Any) -> str | None:
    return _PARTS.get(value) if type(value) is str else None


def _or_undefined(value: Any) -> Any:
    return UNDEFINED if value is None else value


def _add(part: Any, count: Any, date_time: Any) -> Any:
    return _moved(part, integer(count), _instant(date_time))


def _now(part: Any = "day", count: Any = 0) -> Any:
    return _moved(part, integer(count), now())


def _ago(part: Any, count: Any) -> Any:
    many = integer(count)
    return _moved(part, None if many is None else -many, now())


def _moved(part: Any, many: int | None, instant: int | None) -> Any:
    name = _part(part)
    if name is None or many is None or instant is None:
        return UNDEFINED
    if name in _NANOSECONDS:
        moved: int | None = (instant * 100 + many * _NANOSECONDS[name]) // 100
    else:
        moved = instants.add_months(instant, many * 12 if name == "year" else many)
    return UNDEFINED if moved is None else _or_undefined(instants.write(moved))


def _bin(date_time: Any, part: Any, size: Any = 1, origin: Any = "1970-01-01T00:00:00.0000000Z") -> Any:
    instant, name, count, start = _instant(date_time), _part(part), integer(size), _instant(origin)
    if instant is None or name not in _NANOSECONDS or count is None or count <= 0:
        return UNDEFINED
    if start is None or start < _BEFORE_BINS:
        return UNDEFINED
    length = _NANOSECONDS[name] * count
    return _or_undefined(instants.write(start + (instant - start) * 100 // length * length // 100))


def _difference(part: Any, start: Any, end: Any) -> Any:
    """How many boundaries of the part lie in between, not how much time."""
    name, first, last = _part(part), _instant(start), _instant(end)
    if name is None or first is None or last is None:
        return UNDEFINED
    if name in _NANOSECONDS:
        length = _NANOSECONDS[name]
        return last * 100 // length - first * 100 // length
    from_, to = instants.date_of(first), instants.date_of(last)
    years = to.year - from_.year
    return years if name == "year" else years * 12 + to.month - from_.month


def _from_parts(*parts: Any) -> Any:
    whole = [integer(part) for part in parts]
    if any(part is None for part in whole):
        return UNDEFINED
    numbers = [part for part in whole if part is not None]
    year, month, day, hour, minute, second, tick = numbers + [0] * (7 - len(numbers))
    instant = instants.from_parts(year, month, day, hour, minute, second, tick)
    return UNDEFINED if instant is None else _or_undefined(instants.write(instant))


def _read_part(part: Any, date_time: Any) -> Any:
    name, instant = _part(part), _instant(date_time)
    if name is None or instant is None:
        return UNDEFINED
    day, ticks = instants.date_of(instant), instants.time_of(instant)
    match name:
        case "year" | "month" | "day":
            return getattr(day, name)
        case "hour":
            return ticks // (3600 * SECOND)
        case "minute" | "second":
            return ticks * 100 // _NANOSECONDS[name] % 60
    return ticks % SECOND * 100 // _NANOSECONDS[name]


def _of_date_time(apply: Callable[[int], Any]) -> Callable[[Any], Any]:
    def call(date_time: Any) -> Any:
        instant = _instant(date_time)
        return UNDEFINED if instant is None else apply(instant)

    return call


def _to_date_time(ticks: int) -> Callable[[Any], Any]:
    def call(count: Any) -> Any:
        whole = integer(count)
        return UNDEFINED if whole is None else _or_undefined(instants.write(whole * ticks))

    return call


_MILLISECOND: Final = SECOND // 1000

STATIC: Final[dict[str, Callable[[int], Any]]] = {
    "GETCURRENTDATETIMESTATIC": instants.write,
    "GETCURRENTTICKSSTATIC": int,
    "GETCURRENTTIMESTAMPSTATIC": lambda instant: instant // _MILLISECOND,
}
"""The functions that answer with the time of the whole query, given that."""

DATES: Final = (
    Function("AGO", 2, 2, _ago),
    Function("DATETIMEADD", 3, 3, _add),
    Function("DATETIMEBIN", 2, 4, _bin),
    Function("DATETIMEDIFF", 3, 3, _difference),
    Function("DATETIMEFROMPARTS", 3, 7, _from_parts),
    Function("DATETIMEPART", 2, 2, _read_part),
    Function("DATETIMETOTICKS", 1, 1, _of_date_time(int)),
    Function("DATETIMETOTIMESTAMP", 1, 1, _of_date_time(lambda instant: instant // _MILLISECOND)),
    Function("DAY", 1, 1, lambda value: _read_part("day", value)),
    Function("GETCURRENTDATETIME", 0, 0, lambda: instants.write(now())),
    Function("GETCURRENTTICKS", 0, 0, now),
    Function("GETCURRENTTIMESTAMP", 0, 0, lambda: now() // _MILLISECOND),
    Function("MONTH", 1, 1, lambda value: _read_part("month", value)),
    Function("NOW", 0, 2, _now, step=2),
    Function("TICKSTODATETIME", 1, 1, _to_date_time(1)),
    Function("TIMESTAMPTODATETIME", 1, 1, _to_date_time(_MILLISECOND)),
    Function("YEAR", 1, 1, lambda value: _read_part("year", value)),
)
