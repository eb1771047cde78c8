"""When a timer fires: NCRONTAB with six fields (seconds first), or a time span between runs.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
Times are UTC, as in Azure unless WEBSITE_TIME_ZONE is set, which Flex Consumption does not take.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from local.functions.timespan import parse_timespan

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = (("second", 0, 59), ("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 6))
_ITEM = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>\d+))?")
_HORIZON_YEARS = 9
"""29 February is at most eight years away; past that the expression names no date at all."""


@dataclass(frozen=True)
class Interval:
    """A run every so many seconds."""

    seconds: float

    def next_after(self, moment: datetime) -> datetime:
        return moment + timedelta(seconds=self.seconds)


@dataclass(frozen=True)
class Cron:
    """Six sets of the values at which a run happens."""

    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def next_after(self, moment: datetime) -> datetime:
        """The first run strictly after `moment`, in its time zone.

        Raises:
            ValueError: no such date exists (30 February).
        """
        moment = moment.replace(microsecond=0) + timedelta(seconds=1)
        horizon = moment.year + _HORIZON_YEARS
        while moment.year < horizon:
            if moment.month not in self.months:
                moment = (moment.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0)
            elif moment.day not in self.days or moment.isoweekday() % 7 not in self.weekdays:
                moment = moment.replace(hour=0, minute=0, second=0) + timedelta(days=1)
            elif moment.hour not in self.hours:
                moment = moment.replace(minute=0, second=0) + timedelta(hours=1)
            elif moment.minute not in self.minutes:
                moment = moment.replace(second=0) + timedelta(minutes=1)
            elif moment.second not in self.seconds:
                moment += timedelta(seconds=1)
            else:
                return moment
        raise ValueError("the schedule names no date that exists")


Schedule = Interval | Cron


def parse_schedule(text: str) -> Schedule:
    """A schedule from `{second} {minute} {hour} {day} {month} {day-of-week}` or `HH:MM:SS`.

    Raises:
        ValueError: neither of the two; the message says which part is wrong.
    """
    if ":" in text and " " not in text.strip():
        seconds = parse_timespan(text.strip())
        if seconds <= 0:
            raise ValueError(f"schedule {text!r}: the time between runs must be more than zero")
        return Interval(seconds)
    fields = text.split()
    if len(fields) == 5:  # the host takes five fields too, and runs at second 0
        fields.insert(0, "0")
    if len(fields) != len(_FIELDS):
        raise ValueError(
            f"schedule {text!r} has {len(fields)} fields; write six ({{second}} {{minute}} {{hour}} {{day}} {{month}} "
            "{day-of-week}, as in '0 */5 * * * *'), or a time span HH:MM:SS"
        )
    cron = Cron(*(_field(field, *limits, text) for field, limits in zip(fields, _FIELDS, strict=True)))
    cron.next_after(datetime(2024, 1, 1))
    return cron


def _field(field: str, name: str, lowest: int, highest: int, text: str) -> frozenset[int]:
    values: set[int] = set()
    for item in field.split(","):
        match = _ITEM.fullmatch(item)
        if match is None or match["step"] == "0":
            raise ValueError(f"schedule {text!r}: {item!r} is not a {name}")
        first, last, step = match["first"], match["last"], int(match["step"] or 1)
        if first == "*":
            start, end = lowest, highest
        else:
            start = _value(first, name, text)
            end = _value(last, name, text) if last else (highest if match["step"] else start)
        if not (lowest <= start <= end <= highest) or (first == "*" and last):
            raise ValueError(f"schedule {text!r}: {item!r} is not within the {name}s {lowest}-{highest}")
        values.update(range(start, end + 1, step))
    return frozenset(values)


def _value(text: str, name: str, schedule: str) -> int:
    if text.isdecimal():
        return int(text)
    names = {"month": _MONTHS, "weekday": _DAYS}.get(name, ())
    for position, candidate in enumerate(names):
        if len(text) >= 3 and text.lower()[:3] == candidate:
            return position + (1 if name == "month" else 0)
    raise ValueError(f"schedule {schedule!r}: {text!r} is not a {name}")
