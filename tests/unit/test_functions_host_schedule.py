"""Timer schedules: six-field NCRONTAB and time spans, against dates worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.functions.schedule import Cron, parse_schedule

SUNDAY = datetime(2026, 11, 22, 9, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("* * * * * *", "2026-11-22T09:00:01"),
        ("0 * * * * *", "2026-11-22T09:01:00"),
        ("0 */5 * * * *", "2026-11-22T09:05:00"),
        ("0 0 * * * *", "2026-11-22T10:00:00"),
        ("0 30 9 * * *", "2026-11-22T09:30:00"),
        ("0 30 8 * * *", "2026-11-23T08:30:00"),
        ("0 30 9 * * 1-5", "2026-11-23T09:30:00"),
        ("0 30 9 * Jan Mon", "2027-01-04T09:30:00"),
        ("0 0 0 1 1 *", "2027-01-01T00:00:00"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("0 5,8,10 9 * * *", "2026-11-22T09:05:00"),
        ("15/20 0 9 * * *", "2026-11-22T09:00:15"),
        ("*/5 * * * *", "2026-11-22T09:05:00"),
        ("01:30:00", "2026-11-22T10:30:00"),
    ],
)
def test_next_run(expression: str, expected: str) -> None:
    assert parse_schedule(expression).next_after(SUNDAY) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "expression",
    ["", "* * *", "60 * * * * *", "* * 24 * * *", "* * * 0 * *", "* * * * 13 *", "0 0 0 30 2 *", "a * * * * *",
     "*/0 * * * * *", "9-5 * * * * *", "00:00:00", "1:2", "* * * * * Fun"],
)  # fmt: skip
def test_refuses_what_names_no_time(expression: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_schedule(expression)


@given(
    st.integers(0, 59), st.integers(0, 59), st.integers(0, 23),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
)  # fmt: skip
def test_a_daily_run_is_the_next_such_moment(second: int, minute: int, hour: int, now: datetime) -> None:
    schedule = parse_schedule(f"{second} {minute} {hour} * * *")
    assert isinstance(schedule, Cron)
    moments = [now]
    for _ in range(3):
        moments.append(schedule.next_after(moments[-1]))
    assert all((run.hour, run.minute, run.second) == (hour, minute, second) for run in moments[1:])
    assert timedelta() < moments[1] - now <= timedelta(days=1)
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(moments[1:]))
