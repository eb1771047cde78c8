"""JOIN: which rows meet, when what they make of it is known, and what finds nobody."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.sql.asa.values import DateTime
from local.stream_analytics.accumulators import Extreme
from local.stream_analytics.flow import Project, Union
from local.stream_analytics.joins import LEFT, RIGHT, Bounds, StreamJoin
from local.stream_analytics.operator import Node
from local.stream_analytics.rows import END, Row
from local.stream_analytics.window_aggregate import HoppingAggregate
from local.stream_analytics.windows import tumbling
from tests.unit.streams import MINUTE, clock, event, name, number, run

PATTERNS = "https://learn.microsoft.com/azure/stream-analytics/stream-analytics-stream-analytics-query-patterns"
JOIN = "https://learn.microsoft.com/stream-analytics-query/join-azure-stream-analytics"
TIMESTAMP = "https://learn.microsoft.com/stream-analytics-query/system-timestamp-stream-analytics"
KEY = [name("key")]


def join(operator: StreamJoin, left: list[Row], right: list[Row]) -> list[Row]:
    node = Node(operator)
    out = node.collect()
    for port, rows in ((LEFT, left), (RIGHT, right)):
        for row in rows:
            node.push(row, port)
        node.advance(END, port)
    return out


def pairs(rows: list[Row]) -> list[tuple[Any, ...]]:
    return [(clock(row.time), *(source and source["id"] for source in row.sources)) for row in rows]


# --- the documentation's examples


def test_a_pair_has_the_later_time_and_a_row_without_a_match_the_last_at_which_it_could_come() -> None:
    """TIMESTAMP, "LEFT OUTER JOIN": ON DATEDIFF(minute, input1, input2) BETWEEN -2 AND 10."""
    left = [event("00:10:00", id="a"), event("01:00:00", id="b")]
    right = [event("00:08:00", id=1), event("00:20:00", id=2), event("00:07:59", id=3), event("00:20:01", id=4)]
    joined = join(StreamJoin(Bounds(-2 * MINUTE, 10 * MINUTE), outer=True), left, sorted(right, key=lambda r: r.time))
    assert pairs(joined) == [("00:10:00", "a", 1), ("00:20:00", "a", 2), ("01:10:00", "b", None)]


def test_vehicles_that_did_not_leave_within_fifteen_minutes() -> None:
    """JOIN, the LEFT OUTER JOIN of toll booths: a vehicle that leaves after 15 minutes is one that did not leave."""
    entered = [event("00:00:00", id=1, key="A"), event("00:01:00", id=2, key="B"), event("00:02:00", id=3, key="C")]
    left = [event("00:15:00", id=1, key="A"), event("00:16:01", id=2, key="B")]
    bounds = Bounds(0, 15 * MINUTE)
    joined = join(StreamJoin(bounds, left_keys=KEY, right_keys=KEY, outer=True), entered, left)
    assert [pair for pair in pairs(joined) if pair[2] is None] == [("00:16:00", 2, None), ("00:17:00", 3, None)]


def test_the_last_car_of_each_ten_minutes() -> None:
    """PATTERNS, "Return the last event in a window": a stream joined with the windows made of it."""
    cars = ["00:00:05", "00:02:17", "00:05:01", "00:06:00", "00:09:31", "00:12:02", "00:13:45"]
    rows = [event(time, id=place) for place, time in enumerate(cars)]
    window = HoppingAggregate(tumbling(10 * MINUTE), [], [Extreme(lambda row: row.time, greatest=True)])
    last = run([window, Project(lambda row: {"id": "window", "last": row.sources[1][0]})], rows)
    # Input.Time is the time of the row: here of the left source, which a joined row has lost to the window's.
    stamped = [Row(row.time, ({**row.record, "time": row.time},)) for row in rows]
    joined = join(
        StreamJoin(Bounds(0, 10 * MINUTE), lambda row: row.sources[0]["time"] == row.sources[1]["last"]), stamped, last
    )
    assert pairs(joined) == [("00:10:00", 4, "window"), ("00:20:00", 6, "window")]


# --- edges


def test_nulls_match_nothing_and_other_types_do_not_either() -> None:
    left = [event("00:00:01", id=id, key=key) for id, key in enumerate([None, 1, "1", True])]
    right = [event("00:00:01", id=id, key=key) for id, key in enumerate([None, 1.0])]
    joined = join(StreamJoin(Bounds(0, 0), left_keys=KEY, right_keys=KEY, outer=True), left, right)
    assert [pair[1:] for pair in pairs(joined)] == [(1, 1), (0, None), (2, None), (3, None)]


def test_what_only_fails_the_rest_of_on_is_no_match() -> None:
    left, right = [event("00:00:01", id=1, value=5)], [event("00:00:01", id=2, value=6)]
    for condition, expected in ((True, 2), (False, None), (None, None)):
        joined = join(StreamJoin(Bounds(0, 0), lambda _, is_met=condition: is_met, outer=True), left, right)
        assert [pair[2] for pair in pairs(joined)] == [expected]


def test_three_streams_with_bounds_from_the_first() -> None:
    """JOIN, "When joining three or more tables": errors between the start and the end of a transaction."""
    start, end = [event("00:00:00", id="start")], [event("00:00:05", id="end")]
    errors = [event(f"00:00:0{second}", id=second) for second in (1, 4, 6)]
    ended = [row.with_source(row.time) for row in join(StreamJoin(Bounds(0, 50_000_000)), start, end)]
    started = [Row(row.time, (*row.sources, start[0].time)) for row in ended]
    joined = join(
        StreamJoin(
            Bounds(0, 50_000_000),
            lambda row: row.sources[4]["id"] < 5,
            left_width=4,
            left_time=lambda row: row.sources[3],
            left_lag=50_000_000,
        ),
        started,
        errors,
    )
    assert [(clock(row.time), row.sources[4]["id"]) for row in joined] == [("00:00:05", 1), ("00:00:05", 4)]


def test_the_metadata_of_each_source_stays_in_its_place() -> None:
    left = [Row(event("00:00:01").time, ({"id": 1}, ("lag",)), ("left",))]
    right = [Row(event("00:00:01").time, ({"id": 2},), ("right",))]
    (joined,) = join(StreamJoin(Bounds(0, 0), left_width=2), left, right)
    assert joined.sources == ({"id": 1}, ("lag",), {"id": 2})
    assert joined.metas == ("left", None, "right")


def test_bounds_that_nothing_meets_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 and at most 0"):
        Bounds(1, 0)


def test_rows_are_forgotten_when_nothing_can_meet_them_any_more() -> None:
    operator = StreamJoin(Bounds(-5, 5), left_keys=KEY, right_keys=KEY, outer=True)
    for time in range(1000):
        operator.push(event(DateTime(time), key=time % 7), LEFT)
        operator.push(event(DateTime(time), key=time % 5), RIGHT)
        list(operator.advance(DateTime(time)))
    kept = sum(len(rows) for side in ("left", "right") for rows in operator.state[side].values())
    assert kept <= 2 * 2 * 11
    list(operator.advance(END))
    assert not any(operator.state[name] for name in ("left", "right", "due", "matched", "waiting"))


def test_a_union_is_in_order_of_time_and_then_of_its_streams() -> None:
    union = Node(Union(2))
    out = union.collect()
    for port, seconds in ((1, (1, 2, 3)), (0, (2, 3, 4))):
        for second in seconds:
            union.push(event(f"00:00:0{second}", id=port), port)
    union.advance(event("00:00:03").time, 0)
    assert out == []
    union.advance(event("00:00:04").time, 1)
    assert pairs(out) == [("00:00:01", 1), ("00:00:02", 0), ("00:00:02", 1)]
    union.advance(END, 0)
    assert [pair[1] for pair in pairs(out)] == [1, 0, 1, 0, 1]
    union.advance(END, 1)
    assert [pair[1] for pair in pairs(out)] == [1, 0, 1, 0, 1, 0]


# --- against brute force

SIDE = st.lists(st.tuples(st.integers(0, 25), st.sampled_from([1, 2, None])), max_size=15)


@given(SIDE, SIDE, st.integers(-8, 8), st.integers(0, 10), st.booleans())
def test_a_join_finds_the_pairs_that_looking_at_all_of_them_finds(
    left: list[tuple[int, Any]], right: list[tuple[int, Any]], least: int, width: int, outer: bool
) -> None:
    most = least + width
    expected: list[Any] = []
    for place, (time, key) in enumerate(sorted(left, key=lambda each: each[0])):
        met = [
            (max(time, other), place, other_place)
            for other_place, (other, other_key) in enumerate(sorted(right, key=lambda each: each[0]))
            if key is not None and key == other_key and least <= other - time <= most
        ]
        expected += met or ([(max(time, time + most), place, None)] if outer else [])

    def rows(side: list[tuple[int, Any]]) -> list[Row]:
        ordered = sorted(side, key=lambda each: each[0])
        return [event(DateTime(time), key=key, value=place) for place, (time, key) in enumerate(ordered)]

    operator = StreamJoin(Bounds(least, most), left_keys=KEY, right_keys=KEY, outer=outer)
    joined = join(operator, rows(left), rows(right))
    found = [(int(row.time), number(row), row.sources[1] and row.sources[1]["value"]) for row in joined]
    assert [each[0] for each in found] == sorted(each[0] for each in found)
    assert sorted(found, key=repr) == sorted(expected, key=repr)


LATE = st.lists(st.tuples(st.integers(0, 25), st.integers(0, 6)), max_size=15)


@given(LATE, st.lists(st.integers(0, 30), max_size=15), st.integers(-8, 8), st.integers(0, 10))
def test_bounds_may_be_counted_from_before_the_row(
    left: list[tuple[int, int]], right: list[int], least: int, width: int
) -> None:
    most = least + width
    left, right = sorted(left), sorted(right)
    expected = []
    for place, (time, behind) in enumerate(left):
        met = [
            (max(time, other), place, other_place)
            for other_place, other in enumerate(right)
            if least <= other - (time - behind) <= most
        ]
        expected += met or [(max(time, time - behind + most), place, None)]

    operator = StreamJoin(
        Bounds(least, most),
        outer=True,
        left_time=lambda row: row.time - row.record["behind"],
        left_lag=6,
    )
    rows = [(event(DateTime(time), value=place, behind=behind), LEFT) for place, (time, behind) in enumerate(left)]
    rows += [(event(DateTime(time), value=place), RIGHT) for place, time in enumerate(right)]
    joined: list[Row] = []
    for row, port in sorted(rows, key=lambda each: each[0].time):
        joined += operator.advance(row.time)
        joined += operator.push(row, port)
    joined += operator.advance(END)
    found = [(int(row.time), number(row), row.sources[1] and row.sources[1]["value"]) for row in joined]
    assert sorted(found, key=repr) == sorted(expected, key=repr)
