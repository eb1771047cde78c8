"""Date and time functions: the examples of the documentation, the edges of the calendar, and what the clock says.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/<function>; None is undefined, left out of the results.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.sql import instants
from local.sql.cosmos.functions.dates import parse
from local.sql.cosmos.select import compile_select

JULY = "'2020-07-03T00:00:00.0000000'"
EIGHTH = "'2021-01-08T18:35:00.0000000'"
PAST = "'2019-02-04T16:00:00.0000000', '2018-03-05T05:00:00.0000000'"
FUTURE = "'2018-03-05T05:00:00.0000000', '2019-02-04T16:00:00.0000000'"
MAY = "'2016-05-29T08:30:00.1301617'"
EXAMPLES: dict[str, Any] = {
    f"DateTimeAdd('yyyy', 1, {JULY})": "2021-07-03T00:00:00.0000000Z",
    f"DateTimeAdd('mm', 1, {JULY})": "2020-08-03T00:00:00.0000000Z",
    f"DateTimeAdd('dd', 1, {JULY})": "2020-07-04T00:00:00.0000000Z",
    f"DateTimeAdd('hh', 1, {JULY})": "2020-07-03T01:00:00.0000000Z",
    f"DateTimeAdd('yyyy', -1, {JULY})": "2019-07-03T00:00:00.0000000Z",
    f"DateTimeAdd('mm', -1, {JULY})": "2020-06-03T00:00:00.0000000Z",
    f"DateTimeAdd('hh', -1, {JULY})": "2020-07-02T23:00:00.0000000Z",
    f"DateTimeAdd('ss', 5 * -5, {JULY})": "2020-07-02T23:59:35.0000000Z",
    f"DateTimeAdd('ns', 350, {JULY})": "2020-07-03T00:00:00.0000003Z",
    f"DateTimeAdd('diffDays', 1, {JULY})": None,
    f"DateTimeAdd('dd', 1.5, {JULY})": None,
    "DateTimeAdd('month', 1, '2024-01-31T12:00:00')": "2024-02-29T12:00:00.0000000Z",
    "DateTimeAdd('month', -2, '2024-01-31')": "2023-11-30T00:00:00.0000000Z",
    "DateTimeAdd('year', 1, '2024-02-29')": "2025-02-28T00:00:00.0000000Z",
    "DateTimeAdd('year', 9000, '2024-02-29')": None,
    "DateTimeAdd('day', 1, '9999-12-31')": None,
    "DateTimeAdd('day', 1, 'yesterday')": None,
    f"DateTimeBin({EIGHTH}, 'dd')": "2021-01-08T00:00:00.0000000Z",
    f"DateTimeBin({EIGHTH}, 'hh')": "2021-01-08T18:00:00.0000000Z",
    f"DateTimeBin({EIGHTH}, 'ss')": "2021-01-08T18:35:00.0000000Z",
    f"DateTimeBin({EIGHTH}, 'hh', 5)": "2021-01-08T15:00:00.0000000Z",
    f"DateTimeBin({EIGHTH}, 'dd', 7)": "2021-01-07T00:00:00.0000000Z",
    f"DateTimeBin({EIGHTH}, 'dd', 7, '1601-01-01T00:00:00.0000000')": "2021-01-04T00:00:00.0000000Z",
    f"DateTimeBin({EIGHTH}, 'dd', 7, '1600-12-31T00:00:00.0000000')": None,
    f"DateTimeBin({EIGHTH}, 'dd', 0)": None,
    f"DateTimeBin({EIGHTH}, 'dd', 1.5)": None,
    f"DateTimeBin({EIGHTH}, 'mm')": None,
    f"DateTimeDiff('yyyy', {PAST})": -1,
    f"DateTimeDiff('mm', {PAST})": -11,
    f"DateTimeDiff('diffDays', {PAST})": None,
    f"DateTimeDiff('hh', {PAST})": -8075,
    f"DateTimeDiff('ss', {PAST})": -29070000,
    f"DateTimeDiff('yyyy', {FUTURE})": 1,
    f"DateTimeDiff('mm', {FUTURE})": 11,
    f"DateTimeDiff('hh', {FUTURE})": 8075,
    f"DateTimeDiff('ss', {FUTURE})": 29070000,
    "DateTimeDiff('day', '2024-01-01T23:59:59', '2024-01-02T00:00:00')": 1,
    "DateTimeFromParts(2017, 4, 20)": "2017-04-20T00:00:00.0000000Z",
    "DateTimeFromParts(2017, 4, 20, 0, 0, 0, 0)": "2017-04-20T00:00:00.0000000Z",
    "DateTimeFromParts(2017, 4, 20, 13, 15, 20, 3456789)": "2017-04-20T13:15:20.3456789Z",
    "DateTimeFromParts(2017, 4, 20, 13, 15)": "2017-04-20T13:15:00.0000000Z",
    "DateTimeFromParts(-2000, -1, -1)": None,
    "DateTimeFromParts(2017, 4, 31)": None,
    f"DateTimePart('yyyy', {MAY})": 2016,
    f"DateTimePart('mm', {MAY})": 5,
    f"DateTimePart('dd', {MAY})": 29,
    f"DateTimePart('hh', {MAY})": 8,
    f"DateTimePart('mi', {MAY})": 30,
    f"DateTimePart('ss', {MAY})": 0,
    f"DateTimePart('ms', {MAY})": 130,
    f"DateTimePart('mcs', {MAY})": 130161,
    f"DateTimePart('ns', {MAY})": 130161700,
    f"DateTimePart('week', {MAY})": None,
    f"YEAR({MAY})": 2016,
    f"MONTH({MAY})": 5,
    f"DAY({MAY})": 29,
    "DateTimeToTicks('2015-05-19T12:00:00.0000000')": 14320368000000000,
    "DateTimeToTimestamp('2020-07-08T17:05:12.345Z')": 1594227912345,
    "TicksToDateTime(15973607943002652)": "2020-08-13T23:19:54.3002652Z",
    "TicksToDateTime(0)": "1970-01-01T00:00:00.0000000Z",
    "TicksToDateTime(-116444736000000000)": "1601-01-01T00:00:00.0000000Z",
    "TicksToDateTime(1e300)": None,
    "TimestampToDateTime(1597360794300)": "2020-08-13T23:19:54.3000000Z",
    "TimestampToDateTime(-11644473600000)": "1601-01-01T00:00:00.0000000Z",
    "TimestampToDateTime('0')": None,
}


@pytest.mark.parametrize(("expression", "expected"), EXAMPLES.items(), ids=EXAMPLES)
def test_documented_examples(expression: str, expected: Any) -> None:
    found = list(compile_select(f"SELECT {expression} AS x", {}).evaluate(()))
    assert found == [{} if expected is None else {"x": expected}]


@given(st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31)), st.integers(0, 9))
def test_what_is_written_reads_back(moment: datetime, tick: int) -> None:
    written = f"{moment.strftime('%Y').zfill(4)}{moment.strftime('-%m-%dT%H:%M:%S.%f')}{tick}Z"
    instant = parse(written)
    assert instant is not None
    assert instants.write(instant) == written
    assert instant // 10 == (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // (moment.resolution)


@given(st.integers(-200, 200), st.dates(min_value=datetime(1000, 1, 1).date()))
def test_months_come_and_go(months: int, day: Any) -> None:
    start = instants.from_parts(day.year, day.month, 1, 1, 2, 3, 4)
    assert start is not None
    moved = instants.add_months(start, months)
    if moved is not None:
        assert instants.add_months(moved, -months) == start


def test_the_current_time_moves_and_that_of_a_query_does_not() -> None:
    text = (
        "SELECT VALUE [GetCurrentDateTime(), GetCurrentTicks(), GetCurrentTimestamp(), GetCurrentDateTimeStatic(), "
        "GetCurrentTicksStatic(), GetCurrentTimestampStatic(), TicksToDateTime(GetCurrentTicksStatic())] FROM c"
    )
    before = time.time_ns() // 100
    select = compile_select(text, {})
    first, *_, last = select.evaluate([{}] * 1000)
    assert first[0] < last[0]
    assert first[1] < last[1]
    assert before // 10_000 <= first[2] <= last[2] <= time.time_ns() // 1_000_000
    assert first[3:] == last[3:]
    assert before <= first[4] <= first[1]
    assert first[5] == first[4] // 10_000
    assert first[6] == first[3]


@pytest.mark.parametrize(
    ("call", "expected"),
    {
        "NOW()": "2024-10-14T14:20:30.6668888Z",
        "NOW('ms', 4)": "2024-10-14T14:20:30.6708888Z",
        "NOW('month', -8)": "2024-02-14T14:20:30.6668888Z",
        "NOW('weeks', 1)": None,
        "NOW('dd', 1.5)": None,
        "NOW('yyyy', 8000)": None,
        "AGO('yyyy', 1)": "2023-10-14T14:20:30.6668888Z",
        "AGO('yyyy', -1)": "2025-10-14T14:20:30.6668888Z",
        "AGO('ss', 30)": "2024-10-14T14:20:00.6668888Z",
        "AGO('dd', 14.0)": "2024-09-30T14:20:30.6668888Z",
        "AGO('yyyy', 2024)": None,
        "AGO('dd', '1')": None,
        "AGO(undefined, 1)": None,
    }.items(),
)
def test_now_and_ago(monkeypatch: pytest.MonkeyPatch, call: str, expected: str | None) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_728_915_630_666_888_800)
    assert list(compile_select(f"SELECT VALUE {call}", {}).evaluate(())) == ([expected] if expected else [])


@pytest.mark.parametrize("call", ["NOW('dd')", "NOW('dd', 1, 2)", "AGO()", "AGO('dd')"])
def test_now_takes_no_arguments_or_two_and_ago_two(call: str) -> None:
    with pytest.raises(ValueError, match="argument"):
        compile_select(f"SELECT VALUE {call}", {})


def test_a_query_with_the_time_of_its_execution_says_so() -> None:
    assert compile_select("SELECT * FROM c WHERE c.t < GetCurrentTicksStatic()", {}).is_timed
    assert compile_select("SELECT VALUE (SELECT VALUE GetCurrentTicksStatic()) FROM c", {}).is_timed
    assert not compile_select("SELECT * FROM c WHERE c.t < GetCurrentTicks()", {}).is_timed
