"""The values of a Stream Analytics query: seven types, one null, and how each is written out.

bigint is int, float is float, nvarchar(max) is str, bit is bool, record is dict, array is list, and datetime is
`DateTime`. A missing field and null are the same: None. Always test with `type(value) is ...`: to Python a bool and a
`DateTime` are ints, to a query they are not.

Source: https://learn.microsoft.com/stream-analytics-query/data-types-azure-stream-analytics
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Hashable
from functools import lru_cache
from typing import Any, Final

from local.sql import instants

TICKS_PER_SECOND: Final = instants.SECOND
TICKS_PER_DAY: Final = instants.DAY
_EPOCH_DAY: Final = datetime.date(1970, 1, 1).toordinal()
_DATETIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?"
    r"\s?(?:([Zz])|([+-])([0-9]{2})(?::?([0-9]{2}))?)?)?"
)

LEAST_BIGINT: Final = -(2**63)
GREATEST_BIGINT: Final = 2**63 - 1


class DateTime(int):
    """A datetime: 100 ns ticks since 1970-01-01T00:00:00Z. Sums and differences of it are plain ints."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"DateTime({format_datetime(self)!r})"


LEAST_DATETIME: Final = DateTime(instants.FIRST)
GREATEST_DATETIME: Final = DateTime(instants.LAST)

TYPE_NAMES: Final[dict[type, str]] = {
    int: "bigint",
    float: "float",
    str: "nvarchar(max)",
    bool: "bit",
    DateTime: "datetime",
    dict: "record",
    list: "array",
}


def parse_datetime(text: str) -> DateTime | None:
    """Read an ISO 8601 datetime; without an offset it is UTC. None when `text` is not one.

    Digits beyond the seventh of a second are dropped, as a tick cannot hold them.
    """
    found = _DATETIME.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, _, sign, offset_hours, offset_minutes = found.groups()
    days = _days(year, month, day)
    if days is None:
        return None
    if hour is None:
        return DateTime(days * TICKS_PER_DAY)
    if hour > "23" or minute > "59" or (second or "") > "59":
        return None
    seconds = int(hour) * 3600 + int(minute) * 60 + int(second or 0)
    if sign:
        if offset_hours > "14" or (offset_minutes or "") > "59":
            return None
        offset = int(offset_hours) * 3600 + int(offset_minutes or 0) * 60
        seconds += offset if sign == "-" else -offset
    ticks = days * TICKS_PER_DAY + seconds * TICKS_PER_SECOND
    if fraction:
        ticks += int(fraction[:7].ljust(7, "0"))
    return DateTime(ticks) if LEAST_DATETIME <= ticks <= GREATEST_DATETIME else None


def as_datetime(value: Any) -> DateTime | None:
    """A datetime as it is, a text read; None for anything else."""
    if type(value) is DateTime:
        return value
    return parse_datetime(value) if type(value) is str else None


@lru_cache(maxsize=64)
def _days(year: str, month: str, day: str) -> int | None:
    try:
        return datetime.date(int(year), int(month), int(day)).toordinal() - _EPOCH_DAY
    except ValueError:
        return None


def format_datetime(value: DateTime) -> str:
    """As the service writes it: 2019-10-07T00:03:55.0000000Z."""
    written = instants.write(value)
    if written is None:
        raise ValueError(f"{int(value)} ticks are no datetime of the years 1 to 9999")
    return written


def field(record: Any, name: str) -> Any:
    """The member `name` of a record in any case, the exact spelling first; None when there is none.

    Of two members that differ by case alone, the one that is spelled as in the query is meant, or else the first.
    """
    if type(record) is not dict:
        return None
    try:
        return record[name]
    except KeyError:
        folded = name.lower()
        for own, value in record.items():
            if own.lower() == folded:
                return value
        return None


def to_json(value: Any) -> Any:
    """`value` as JSON has it: every datetime a string. What holds none is returned as it is, not copied."""
    kind = type(value)
    if kind is DateTime:
        return format_datetime(value)
    if kind is dict:
        written = {name: to_json(member) for name, member in value.items()}
        return value if all(written[name] is member for name, member in value.items()) else written
    if kind is list:
        items = [to_json(item) for item in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    return value


def group_key(value: Any) -> Hashable:
    """What is equal for two values exactly when GROUP BY, PARTITION BY and DISTINCT take them for the same.

    1 and 1.0 are the same; 1 and true, and a datetime and its text, are not.
    """
    kind = type(value)
    if kind is str or kind is int or kind is float or value is None:
        return value  # type: ignore[no-any-return]
    if kind is bool or kind is DateTime:
        return kind, int(value)
    if kind is dict:
        return dict, tuple(sorted((name, group_key(member)) for name, member in value.items()))
    return list, tuple(map(group_key, value))


def dump(value: dict[str, Any]) -> str:
    """One output record as one line of JSON, without the line's end."""
    return json.dumps(to_json(value), ensure_ascii=False, separators=(",", ":"))
