"""Which rows are in which windows, and when each gives its rows: the documentation's examples, and brute force."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.sql.asa.values import TICKS_PER_DAY, DateTime
from local.stream_analytics import snapshot
from local.stream_analytics.accumulators import (
    Aggregate,
    Avg,
    Collect,
    CountDistinct,
    CountRows,
    Extreme,
    Percentile,
    TopOne,
)
from local.stream_analytics.flow import Filter, Project
from local.stream_analytics.operator import Operator
from local.stream_analytics.rows import Row
from local.stream_analytics.session_aggregate import SessionAggregate
from local.stream_analytics.sliding_aggregate import SlidingAggregate
from local.stream_analytics.window_aggregate import HoppingAggregate
from local.stream_analytics.windows import ORIGIN, SNAPSHOT, Hopping, Session, Sliding, tumbling
from tests.unit.streams import MINUTE, SECOND, at, clock, event, name, number, run

PATTERNS = "https://learn.microsoft.com/azure/stream-analytics/stream-analytics-stream-analytics-query-patterns"
WINDOWS = "https://learn.microsoft.com/azure/stream-analytics/stream-analytics-window-functions"


def ends(rows: list[Row]) -> list[tuple[Any, ...]]:
    """The end of the window, the keys, the aggregates."""
    return [(clock(row.time), *row.sources[0], *row.sources[1]) for row in rows]


def own_time(row: Row) -> Any:
    return row.time


# --- the documentation's examples


def test_tumbling_counts_per_make() -> None:
    """PATTERNS, "Data aggregation over time"."""
    cars = [event("00:00:01", make="Make1"), event("00:00:02", make="Make1"), event("00:00:04", make="Make2")]
    counted = run(HoppingAggregate(tumbling(10 * SECOND), [name("make")], [CountRows()]), cars)
    assert ends(counted) == [("00:00:10", "Make1", 2), ("00:00:10", "Make2", 1)]


def test_tumbling_counts_distinct_makes() -> None:
    """PATTERNS, "Count unique values": the row at :02 is in the window that ends there."""
    seen = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 2)]
    cars = [event(f"00:00:0{second}", make=f"Make{make}") for second, make in seen]
    counted = run(HoppingAggregate(tumbling(2 * SECOND), [], [CountDistinct(name("make"))]), cars)
    assert ends(counted) == [("00:00:02", 2), ("00:00:04", 1)]


def test_hopping_gives_the_last_event_every_five_seconds() -> None:
    """PATTERNS, "Periodically output values", the first ten rows."""
    points = ["14:01:00", "14:01:05", "14:01:10", "14:01:15", "14:01:30", "14:01:35"]
    values = [event(at(time), time=at(time), value=value) for value, time in enumerate(points, 1)]
    last = TopOne(lambda row: row.record, [(name("time"), True)])
    rows = run(HoppingAggregate(Hopping(300 * SECOND, 5 * SECOND), [], [last]), values)
    assert [(end, clock(top["time"]), top["value"]) for end, top in ends(rows[:10])] == [
        ("14:01:00", "14:01:00", 1),
        ("14:01:05", "14:01:05", 2),
        ("14:01:10", "14:01:10", 3),
        ("14:01:15", "14:01:15", 4),
        ("14:01:20", "14:01:15", 4),
        ("14:01:25", "14:01:15", 4),
        ("14:01:30", "14:01:30", 5),
        ("14:01:35", "14:01:35", 6),
        ("14:01:40", "14:01:35", 6),
        ("14:01:45", "14:01:35", 6),
    ]
    assert clock(rows[-1].time) == "14:06:30"


def test_sliding_with_at_least_three_rows() -> None:
    """WINDOWS, "Sliding window": the row at :10 is not in the window that ends at :20."""
    tweets = [event(f"10:15:{second}", topic="Streaming") for second in (10, 12, 15, 15, 27)]
    windows = SlidingAggregate(Sliding(10 * SECOND), [name("topic")], [CountRows()])
    assert ends(run([windows, Filter(lambda row: row.sources[1][0] >= 3)], tweets)) == [
        ("10:15:15", "Streaming", 4),
        ("10:15:20", "Streaming", 3),
    ]


def test_a_row_leaves_a_sliding_window_as_long_after_it_came_as_the_window_is() -> None:
    """https://learn.microsoft.com/stream-analytics-query/sliding-window-azure-stream-analytics, as it was in 2017."""
    rows = [event(f"00:00:{second}", name=each) for second, each in ((34, "A"), (38, "B"), (42, "C"))]
    assert ends(run(SlidingAggregate(Sliding(5 * SECOND), [], [Collect(name("name"))]), rows)) == [
        ("00:00:34", ["A"]),
        ("00:00:38", ["A", "B"]),
        ("00:00:39", ["B"]),
        ("00:00:42", ["B", "C"]),
        ("00:00:43", ["C"]),
    ]


def test_session_per_user() -> None:
    """PATTERNS, "Session Windows"."""
    clicks = [("00:00:00", 0), ("00:00:20", 0), ("00:00:55", 1), ("00:01:10", 0), ("00:01:15", 1)]
    rows = [event(time, user=user) for time, user in clicks]
    least, most = Extreme(own_time, greatest=False), Extreme(own_time, greatest=True)
    window = Session(MINUTE, 60 * MINUTE)
    sessions = run(SessionAggregate(window, [name("user")], [least, most], [name("user")]), rows)
    assert [(user, clock(first), clock(last)) for _, user, first, last in ends(sessions)] == [
        (0, "00:00:00", "00:01:10"),
        (1, "00:00:55", "00:01:15"),
    ]
    assert [clock(row.time) for row in sessions] == ["00:02:10", "00:02:15"]


def test_session_ends_a_timeout_after_its_last_row() -> None:
    """WINDOWS, "Session window": the first of its rows, of which the page gives the input."""
    tweets = [event(f"10:15:{second:02}", topic="Streaming") for second in (1, 4, 13)]
    rows = run(SessionAggregate(Session(5 * SECOND, 10 * SECOND), [name("topic")], [CountRows()]), tweets)
    assert ends(rows)[0] == ("10:15:09", "Streaming", 2)


def test_snapshot_and_tumbling_average_without_repeats() -> None:
    """PATTERNS, "Remove duplicate events in a window"."""
    readings = [("00:00:01", 1, 50), ("00:00:01", 1, 50), ("00:00:01", 2, 40)]
    readings += [("00:00:05", 1, 60), ("00:00:05", 2, 50), ("00:00:10", 1, 100)]
    rows = [event(time, device=device, value=value) for time, device, value in readings]
    distinct = HoppingAggregate(SNAPSHOT, [number, name("device")], [CountDistinct(own_time)])
    step = Project(lambda row: {"value": row.sources[0][0], "device": row.sources[0][1]})
    average = HoppingAggregate(tumbling(5 * MINUTE), [name("device")], [Avg(number)])
    assert ends(run([distinct, step, average], rows)) == [("00:05:00", 1, 70), ("00:05:00", 2, 45)]


def test_an_offset_takes_the_start_in_and_leaves_the_end_out() -> None:
    """https://learn.microsoft.com/stream-analytics-query/tumbling-window-azure-stream-analytics, "offsetsize"."""
    window = tumbling(60 * MINUTE, offset=-SECOND // 1000)
    rows = run(HoppingAggregate(window, [], [CountRows()]), [event("12:00:00"), event("12:59:00"), event("13:00:00")])
    assert [(row.time, row.sources[1][0]) for row in rows] == [
        (at("2021-10-26T12:59:59.999Z"), 2),
        (at("2021-10-26T13:59:59.999Z"), 1),
    ]


def test_what_the_panes_of_a_window_gathered_is_put_together_once() -> None:
    """Pane by pane, a window of an hour that hops by a second would copy its rows 3600 times."""
    calls: list[int] = []

    class Counted(Collect):
        def gather(self, parts: Sequence[Any]) -> Any:
            calls.append(len(parts))
            return super().gather(parts)

    rows = [event(f"00:00:{second}", value=second) for second in range(10, 20)]
    windows = ends(run(HoppingAggregate(Hopping(5 * SECOND, SECOND), [], [Counted(number)]), rows))
    assert windows[4] == ("00:00:14", [10, 11, 12, 13, 14])
    assert len(windows) == 14
    assert len(calls) <= len(windows)


# --- what is not documented, and held in one place


def test_windows_of_seven_days_run_from_monday_to_monday() -> None:
    assert DateTime(tumbling(7 * TICKS_PER_DAY).first_end(at("2021-10-26T10:00:00Z"))) == at("2021-11-01T00:00:00Z")


def test_a_row_at_the_timeout_extends_its_session() -> None:
    sessions = SessionAggregate(Session(5 * SECOND, 60 * SECOND), [], [CountRows()])
    assert ends(run(sessions, [event("00:00:01"), event("00:00:06"), event("00:00:12")])) == [
        ("00:00:11", 2),
        ("00:00:17", 1),
    ]


def test_a_session_ends_at_the_first_checkpoint_at_which_it_is_too_long() -> None:
    sessions = SessionAggregate(Session(5 * SECOND, 10 * SECOND), [], [CountRows()])
    rows = [event(f"00:00:{second:02}") for second in range(3, 30, 3)]
    # Checked at :10 (7 s), :20 (17 s: too long), :30 (9 s, begun at :21), and over by then.
    assert ends(run(sessions, rows)) == [("00:00:20", 6), ("00:00:32", 3)]


def test_groups_share_a_session_that_is_not_partitioned() -> None:
    rows = [event("00:00:01", key="a"), event("00:00:05", key="b"), event("00:00:08", key="a")]
    sessions = SessionAggregate(Session(5 * SECOND, 60 * SECOND), [name("key")], [CountRows()])
    assert ends(run(sessions, rows)) == [("00:00:13", "a", 2), ("00:00:13", "b", 1)]


def test_keys_group_by_value_and_not_by_type() -> None:
    rows = [event("00:00:01", key=key) for key in (1, 1.0, True, "1", None)]
    counted = run(HoppingAggregate(tumbling(SECOND), [name("key")], [CountRows()]), rows)
    assert [(row.sources[0][0], row.sources[1][0]) for row in counted] == [(1, 2), (True, 1), ("1", 1), (None, 1)]


@pytest.mark.parametrize("size", [0, -1])
def test_a_window_without_a_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="more than nothing"):
        tumbling(size)


# --- against brute force: times in ticks, keys among three


def stream(times: list[tuple[int, str]]) -> list[Row]:
    return [Row(DateTime(ORIGIN + 1000 + time), ({"key": key, "value": (time, key)},)) for time, key in sorted(times)]


ROWS = st.lists(st.tuples(st.integers(0, 60), st.sampled_from("abc")), max_size=30).map(stream)
SPANS = st.integers(1, 15)


def collected(operator: Operator, rows: list[Row]) -> list[tuple[int, str, list[Any]]]:
    out = run(operator, rows)
    assert [row.time for row in out] == sorted(row.time for row in out)
    return sorted((row.time - ORIGIN - 1000, row.sources[0][0], row.sources[1][0]) for row in out)


def by_key(rows: list[Row]) -> dict[str, list[int]]:
    found = defaultdict(list)
    for row in rows:
        found[row.record["key"]].append(row.time - ORIGIN - 1000)
    return found


def within(times: list[int], key: str, start: int, end: int) -> list[tuple[int, str]]:
    return [(time, key) for time in times if start < time <= end]


@given(ROWS, SPANS, SPANS, st.integers(-20, 20))
def test_hopping_holds_what_is_in_each_window(rows: list[Row], size: int, hop: int, offset: int) -> None:
    expected = [
        (end, key, within(times, key, end - size, end))
        for key, times in by_key(rows).items()
        for end in range(-50, 150)
        if (end + 1000 - offset) % hop == 0 and within(times, key, end - size, end)
    ]
    window = HoppingAggregate(Hopping(size, hop, offset), [name("key")], [Collect(number)])
    assert collected(window, rows) == sorted(expected)


@given(ROWS, SPANS, st.integers(1, 4))
def test_every_row_is_in_one_tumbling_window_and_in_size_over_hop_hopping_ones(
    rows: list[Row], hop: int, times: int
) -> None:
    counted = run(HoppingAggregate(Hopping(hop * times, hop), [name("key")], [CountRows()]), rows)
    assert sum(row.sources[1][0] for row in counted) == len(rows) * times


@given(ROWS, SPANS)
def test_sliding_looks_whenever_a_row_enters_or_leaves(rows: list[Row], size: int) -> None:
    expected = [
        (moment, key, within(times, key, moment - size, moment))
        for key, times in by_key(rows).items()
        for moment in {*times, *(time + size for time in times)}
        if within(times, key, moment - size, moment)
    ]
    assert collected(SlidingAggregate(Sliding(size), [name("key")], [Collect(number)]), rows) == sorted(expected)


@pytest.mark.parametrize(
    "gathering", [Collect(number), CountDistinct(number), Percentile(0.5, number)], ids=lambda each: type(each).__name__
)
def test_a_sliding_window_keeps_each_row_once(gathering: Aggregate) -> None:
    def remembered(rows: int) -> int:
        window = SlidingAggregate(Sliding(rows), [], [gathering, CountRows()])
        for moment in range(rows):
            window.push(event(DateTime(moment), value=moment))
        found = list(window.advance(DateTime(rows + 1)))
        assert found[-1].sources[1][1] == rows - 1
        return sum(map(len, snapshot.dumps(window.state)))

    assert remembered(800) < 5 * remembered(200)


@given(ROWS, SPANS, SPANS)
def test_session_goes_on_moment_by_moment(rows: list[Row], timeout: int, longest: int) -> None:
    expected = []
    for key, times in by_key(rows).items():
        start = last = None
        content: list[tuple[int, str]] = []
        for moment in range(150):
            if start is not None and last is not None:
                too_long = (moment - 1 + 1000) % longest == 0 and moment - 1 - start > longest
                if too_long or moment - 1 == last + timeout:
                    expected.append((moment - 1, key, content))
                    start = last = None
                    content = []
            if moment in times:
                start = moment if start is None else start
                last = moment
                content += [(moment, key)] * times.count(moment)
    sessions = SessionAggregate(Session(timeout, longest), [name("key")], [Collect(number)], [name("key")])
    assert collected(sessions, rows) == sorted(expected)
