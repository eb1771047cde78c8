"""LAG, LAST, ISFIRST and moving aggregates: the documentation's examples, and their edges."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.sql.asa.errors import EvaluationError, Position
from local.sql.asa.values import DateTime
from local.stream_analytics.accumulators import Avg, Extreme, Sum
from local.stream_analytics.analytic import Analytic, Analytics, IsFirst, Lag, Moving
from local.stream_analytics.rows import END, Row
from tests.unit.streams import MINUTE, SECOND, at, clock, event, name, number, run

PATTERNS = "https://learn.microsoft.com/azure/stream-analytics/stream-analytics-stream-analytics-query-patterns"
HOUR = 60 * MINUTE


def values(function: Analytic, rows: list[Row]) -> list[Any]:
    return [row.sources[-1][0] for row in run(Analytics([function]), rows)]


# --- the documentation's examples


def test_lag_finds_a_change() -> None:
    """PATTERNS, "Calculation over past events": WHERE LAG(Make, 1) OVER (LIMIT DURATION(minute, 1)) <> Make."""
    rows = [event("00:00:01", make="Make1"), event("00:00:02", make="Make2")]
    assert values(Lag(name("make"), MINUTE), rows) == [None, "Make1"]


def test_lag_finds_two_in_a_row() -> None:
    """PATTERNS, "Correlate events in a stream"."""
    cars = [("Make1", "ABC-123"), ("Make1", "AAA-999"), ("Make2", "DEF-987"), ("Make1", "GHI-345")]
    rows = [event(f"00:00:0{second}", make=make, plate=plate) for second, (make, plate) in enumerate(cars, 1)]
    functions = [Lag(name(column), 90 * SECOND) for column in ("make", "plate")]
    found = [
        (row.record["plate"], plate)
        for row in run(Analytics(functions), rows)
        for make, plate in [row.sources[-1]]
        if make == row.record["make"]
    ]
    assert found == [("AAA-999", "ABC-123")]


CARS = [
    ("00:00:05", "DXE 5291", "Make1"),
    ("00:02:17", "YZK 5704", "Make3"),
    ("00:05:01", "RMV 8282", "Make1"),
    ("00:06:00", "YHN 6970", "Make2"),
    ("00:09:31", "VFE 1616", "Make2"),
    ("00:12:02", "QYF 9358", "Make1"),
    ("00:13:45", "MDR 6128", "Make4"),
]


@pytest.mark.parametrize(
    ("partition", "plates"),
    [
        ([], ["DXE 5291", "QYF 9358"]),
        ([name("make")], ["DXE 5291", "YZK 5704", "YHN 6970", "QYF 9358", "MDR 6128"]),
    ],
)
def test_is_first_of_ten_minutes(partition: Any, plates: list[str]) -> None:
    """PATTERNS, "Retrieve the first event in a window"."""
    rows = [event(time, plate=plate, make=make) for time, plate, make in CARS]
    found = run(Analytics([IsFirst(10 * MINUTE, partition)]), rows)
    assert [row.record["plate"] for row in found if row.sources[-1] == (1,)] == plates


def test_last_finds_the_start_of_a_feature() -> None:
    """PATTERNS, "Detect the duration between events"."""
    rows = [event("00:00:01", user="u", event="start"), event("00:00:08", user="u", event="end")]
    started: Any = lambda row: row.record["event"] == "start"  # noqa: E731
    start = Lag(lambda row: row.time, HOUR, offset=0, partition=[name("user")], when=started)
    assert [clock(found) for found in values(start, rows)] == ["00:00:01", "00:00:01"]


def test_lag_finds_how_long_a_condition_held() -> None:
    """PATTERNS, "Detect the duration of a condition": two steps, the second looking for the last good weight."""
    weights = [2000, 25000, 26000, 25000, 26000, 25000, 26000, 2000]
    rows = [event(f"00:00:0{second}", weight=weight) for second, weight in enumerate(weights, 1)]
    previous = run(Analytics([Lag(lambda r: r.time, 24 * HOUR), Lag(name("weight"), 24 * HOUR)]), rows)

    def was_good(row: Row) -> bool | None:
        weight = row.sources[1][1]
        return None if weight is None else bool(weight < 20000)

    fault = Lag(lambda row: row.time, 24 * HOUR, when=was_good)
    found = [
        (clock(row.sources[2][0]), clock(row.sources[1][0]))
        for row in run(Analytics([fault]), previous)
        if row.record["weight"] < 20000 and (row.sources[1][1] or 0) > 20000
    ]
    assert found == [("00:00:02", "00:00:07")]


# --- edges


def test_a_row_leaves_the_duration_when_as_much_time_has_gone() -> None:
    rows = [event("00:00:00", value=1), event("00:01:00", value=2), event("00:01:59", value=3)]
    assert values(Lag(number, MINUTE), rows) == [None, None, 2]


def test_the_default_is_taken_from_the_row_at_hand() -> None:
    rows = [event("00:00:01", value=1, other="x"), event("00:00:02", value=None, other="y"), event("00:00:03", value=3)]
    assert values(Lag(number, MINUTE, default=name("other")), rows) == ["x", 1, None]
    assert values(Lag(number, MINUTE, offset=2, default=name("other")), rows) == ["x", "y", 1]


def test_when_keeps_rows_from_being_seen_but_not_from_looking() -> None:
    rows = [event(f"00:00:0{second}", value=value) for second, value in enumerate([5, None, None, 7])]
    known: Any = lambda row: number(row) is not None  # noqa: E731
    assert values(Lag(number, MINUTE, when=known), rows) == [None, 5, 5, 5]
    assert values(Lag(number, MINUTE, offset=0, when=known), rows) == [5, 5, 5, 7]


def test_a_condition_that_is_null_is_not_true() -> None:
    rows = [event("00:00:01", value=1), event("00:00:02", value=2)]
    assert values(Lag(number, MINUTE, when=lambda _: None), rows) == [None, None]
    assert values(IsFirst(MINUTE, when=lambda _: None), rows) == [0, 0]


def test_is_first_counts_only_what_it_sees() -> None:
    rows = [event(f"00:00:0{second}", value=value) for second, value in enumerate([10, 60, 70], 1)]
    assert values(IsFirst(MINUTE, when=lambda row: number(row) > 50), rows) == [0, 1, 0]


def test_an_interval_of_is_first_ends_with_its_last_moment() -> None:
    rows = [event("00:10:00"), event("00:10:01"), event("00:20:00"), event("00:20:01")]
    assert values(IsFirst(10 * MINUTE), rows) == [1, 1, 0, 1]


def test_partitions_do_not_see_each_other() -> None:
    rows = [event(f"00:00:0{second}", key=key, value=second) for second, key in enumerate("aabba", 1)]
    assert values(Lag(number, MINUTE, partition=[name("key")]), rows) == [None, 1, None, 3, 2]


def test_keys_that_are_never_seen_again_are_forgotten() -> None:
    operator = Analytics([Lag(number, MINUTE, partition=[name("key")]), IsFirst(MINUTE, [name("key")])])
    for second in range(50):
        operator.push(event(DateTime(at("00:00:00") + second * SECOND), key=second, value=1))
    operator.advance(at("00:00:50"))
    assert [len(history) for history in operator.state["histories"]] == [50, 50]
    operator.advance(END)
    assert operator.state["histories"] == [{}, {}]


@pytest.mark.parametrize("span", [0, -5])
def test_a_duration_of_nothing_is_refused(span: int) -> None:
    with pytest.raises(ValueError, match="looks back for more than nothing"):
        Lag(number, span)


# --- against brute force

ROWS = st.lists(st.tuples(st.integers(0, 30), st.sampled_from("ab"), st.none() | st.integers(0, 9)), max_size=25)


@given(ROWS, st.integers(1, 12), st.integers(0, 3))
def test_lag_is_what_looking_back_finds(data: list[tuple[int, str, int | None]], span: int, offset: int) -> None:
    data.sort(key=lambda each: each[0])
    rows = [event(DateTime(time), key=key, value=value) for time, key, value in data]
    expected = []
    for place, (now, key, _) in enumerate(data):
        seen = [(time, value) for time, own, value in data[: place + (offset == 0)] if own == key and value is not None]
        back = max(offset, 1)
        found = seen[-back] if len(seen) >= back else None
        expected.append(found[1] if found is not None and now - span < found[0] else -1)
    function = Lag(
        number, span, offset=offset, default=lambda _: -1, partition=[name("key")], when=lambda r: number(r) is not None
    )
    assert values(function, rows) == expected


# --- moving aggregates

PLACE = Position("q", 1, 8)


def test_the_average_of_the_last_five_minutes() -> None:
    """https://learn.microsoft.com/stream-analytics-query/over-azure-stream-analytics, first example; figures ours."""
    average = Moving(PLACE, Avg(name("temperature")), 5 * MINUTE, [name("id")])
    rows = [
        event("00:00:00", id="a", temperature=10), event("00:01:00", id="b", temperature=70),
        event("00:02:00", id="a", temperature=20), event("00:05:00", id="a", temperature=30),
        event("00:20:00", id="a", temperature=1),
    ]  # fmt: skip
    assert values(average, rows) == [10.0, 70.0, 15.0, 25.0, 1.0]


def test_a_row_that_when_hides_sees_the_others() -> None:
    total = Moving(PLACE, Sum(name("n")), MINUTE, when=lambda row: row.record["n"] > 1)
    rows = [event(f"00:00:0{n}", n=n) for n in (1, 2, 3)] + [event("00:00:30", n=1), event("00:01:02", n=0)]
    assert values(total, rows) == [None, 2, 5, 5, 3]


def test_what_it_cannot_order_stops_the_job_where_the_query_says_so() -> None:
    least = Moving(PLACE, Extreme(name("n"), greatest=False), MINUTE)
    with pytest.raises(EvaluationError, match=r"^q:1:8: MIN cannot order bigint and nvarchar"):
        values(least, [event("00:00:01", n=1), event("00:00:02", n="x")])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-9, 9) | st.none(), st.sampled_from("ab")), max_size=60))
def test_moving_aggregates_are_those_of_the_rows_of_the_last_span(steps: list[tuple[int, int | None, str]]) -> None:
    aggregates = (Sum(name("n")), Extreme(name("n"), greatest=False), Extreme(name("n"), greatest=True))
    moving = [Moving(PLACE, aggregate, 4 * SECOND, [name("key")]) for aggregate in aggregates]
    rows: list[Row] = []
    time = at("00:00:00")
    for step, value, key in steps:
        time = DateTime(time + step * SECOND)
        rows.append(event(time, n=value, key=key))
    found = [row.sources[-1] for row in run(Analytics(moving), list(rows))]
    for place, row in enumerate(rows):
        near = [
            other.record["n"]
            for other in rows[: place + 1]
            if other.record["key"] == row.record["key"] and row.time - other.time < 4 * SECOND
        ]
        seen = [value for value in near if value is not None]
        assert found[place] == ((sum(seen), min(seen), max(seen)) if seen else (None, None, None))
