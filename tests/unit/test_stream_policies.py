"""Which time an event gets, which events are dropped, and up to when everything is known."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.sql.asa.values import DateTime, field
from local.stream_analytics.accumulators import CountRows
from local.stream_analytics.operator import Node
from local.stream_analytics.rows import END, Row
from local.stream_analytics.watermark import InputOrder, Policies, Released, Timeline
from local.stream_analytics.window_aggregate import HoppingAggregate
from local.stream_analytics.windows import tumbling
from tests.unit.streams import MINUTE, SECOND, at, clock, name

TIME = name("time")


def times(released: list[Released]) -> list[str]:
    return [clock(row.time) for _, rows, _ in released for row in rows]


def watermark(released: list[Released]) -> str:
    return clock(released[-1].watermark)


def push(order: InputOrder, time: str, arrival: str | None = None, partition: int = 0, **more: Any) -> list[Released]:
    return order.push(partition, {"time": "2021-10-26T" + time, **more}, at(arrival or time))


# https://learn.microsoft.com/azure/stream-analytics/event-ordering, "Adjust or Drop events": event time and arrival.
# One edition says that the tolerance is 8 s; the results are those of 5 s.
EXAMPLE = [
    ("00:10:00", "00:10:40"),
    ("00:10:30", "00:10:41"),
    ("00:10:42", "00:10:42"),
    ("00:10:38", "00:10:43"),
    ("00:10:35", "00:10:45"),
]


def test_the_documented_example_of_the_policies() -> None:
    order = InputOrder(TIME, Policies(out_of_order=5 * SECOND, late_arrival=15 * SECOND))
    rows = [row for time, arrival in EXAMPLE for each in push(order, time, arrival) for row in each.rows]
    rows += [row for each in order.finish() for row in each.rows]

    adjusted = {field(row.record, "time")[11:]: clock(row.time) for row in rows}
    assert adjusted == {
        "00:10:00": "00:10:25",
        "00:10:30": "00:10:30",
        "00:10:42": "00:10:42",
        "00:10:38": "00:10:38",
        "00:10:35": "00:10:37",
    }
    assert rows == sorted(rows, key=lambda row: row.time)
    assert order.counts == {"untimed": 0, "early": 0, "late": 1, "out of order": 1}


def test_the_documented_example_when_the_policy_is_to_drop() -> None:
    order = InputOrder(TIME, Policies(out_of_order=5 * SECOND, late_arrival=15 * SECOND, action="drop"))
    released = [each for time, arrival in EXAMPLE for each in push(order, time, arrival)]
    assert times(released + order.finish()) == ["00:10:30", "00:10:38", "00:10:42"]


def test_the_watermark_trails_the_greatest_time_by_the_tolerance() -> None:
    order = InputOrder(TIME, Policies(out_of_order=10 * SECOND))
    assert watermark(push(order, "00:01:00")) == "00:00:50"
    assert push(order, "00:00:55") == []
    assert times(push(order, "00:01:10")) == ["00:00:55"]
    assert times(push(order, "00:01:11")) == ["00:01:00"]


def test_rows_at_the_watermark_wait_since_more_of_that_time_may_come() -> None:
    order = InputOrder(TIME)
    assert times(push(order, "00:00:01")) == []
    assert times(push(order, "00:00:01")) == []
    assert times(push(order, "00:00:02")) == ["00:00:01", "00:00:01"]


@pytest.mark.parametrize(("ahead", "kept"), [("00:05:00", 1), ("00:05:01", 0)])
def test_an_event_more_than_five_minutes_early_is_dropped(ahead: str, kept: int) -> None:
    order = InputOrder(TIME)
    push(order, ahead, "00:00:00")
    assert (len(times(order.finish())), order.counts["early"]) == (kept, 1 - kept)


@pytest.mark.parametrize("time", [None, "yesterday", 12, True, {}])
def test_an_event_without_a_time_is_dropped(time: Any) -> None:
    order = InputOrder(TIME)
    assert order.push(0, {"time": time}, at("00:00:00")) == []
    assert (times(order.finish()), order.counts["untimed"]) == ([], 1)


def test_without_timestamp_by_arrival_is_the_time_and_no_policy_applies() -> None:
    order = InputOrder(None, Policies(out_of_order=5 * SECOND, late_arrival=0, action="drop"))
    assert watermark(push(order, "never", "00:00:01")) == "00:00:01"
    assert times(push(order, "never", "00:00:02")) == ["00:00:01"]
    assert watermark(order.idle(at("00:00:10"))) == "00:00:10"
    push(order, "never", "00:00:09")  # behind what an idle input was taken to have reached: not lost
    assert times(order.finish()) == ["00:00:10"]
    assert not any(order.counts.values())


def test_the_slowest_partition_holds_the_others_back() -> None:
    order = InputOrder(TIME, partitions=2)
    assert push(order, "00:00:05", partition=0) == []
    released = push(order, "00:00:03", partition=1)
    assert (watermark(released), times(released)) == ("00:00:03", [])
    assert times(push(order, "00:00:09", partition=1)) == ["00:00:03"]
    assert times(order.finish()) == ["00:00:05", "00:00:09"]


def test_a_silent_partition_goes_on_with_the_arrival_time_less_the_late_arrival_tolerance() -> None:
    order = InputOrder(TIME, Policies(late_arrival=20 * SECOND), partitions=2)
    push(order, "00:00:05", partition=0)
    assert order.idle(at("00:00:24"), partition=1) != []
    assert times(order.idle(at("00:00:25"), partition=1)) == []
    push(order, "00:00:08", partition=0)
    assert times(order.idle(at("00:00:26"), partition=1)) == ["00:00:05"]


def test_an_unknown_partition_is_an_error() -> None:
    with pytest.raises(KeyError):
        push(InputOrder(TIME, partitions=2), "00:00:01", partition=2)


def test_partition_by_keeps_the_partitions_apart() -> None:
    order = InputOrder(TIME, partitions=2, partitioned=True)
    push(order, "00:00:05", partition=0)
    released = push(order, "00:00:06", partition=0)
    assert [(each.timeline, clock(each.watermark)) for each in released] == [((0,), "00:00:06")]
    assert times(released) == ["00:00:05"]
    assert {each.timeline for each in order.finish()} == {(0,), (1,)}


# https://learn.microsoft.com/azure/stream-analytics/stream-analytics-stream-analytics-query-patterns, "Process events
# with independent time": toll 2 is five seconds behind toll 1, toll 3 ten.
TOLLS = [
    ("00:00:01", 1),
    ("00:00:05", 1),
    ("00:00:01", 2),
    ("00:00:04", 2),
    ("00:00:10", 1),
    ("00:00:03", 3),
    ("00:00:11", 2),
    ("00:00:07", 3),
]


def test_substreams_have_a_time_of_their_own() -> None:
    order = InputOrder(TIME, Policies(late_arrival=60 * SECOND), over=[name("toll")])
    released = [each for time, toll in TOLLS for each in push(order, time, "00:00:11", toll=toll)]
    kept = [(each.timeline, clock(row.time)) for each in [*released, *order.finish()] for row in each.rows]
    assert sorted(kept) == sorted(((toll,), time) for time, toll in TOLLS)
    for toll in (1, 2, 3):
        own = [time for timeline, time in kept if timeline == (toll,)]
        assert own == sorted(own)
    assert order.counts["out of order"] == 0


def test_windows_of_substreams_count_apart() -> None:
    """The same example, counted: TUMBLINGWINDOW(second, 5), TollId."""
    order = InputOrder(TIME, Policies(late_arrival=60 * SECOND), over=[name("toll")])
    counts: dict[Timeline, Node] = {}
    counted: list[Row] = []

    def feed(released: list[Released]) -> None:
        for each in released:
            node = counts.get(each.timeline)
            if node is None:
                node = counts[each.timeline] = Node(
                    HoppingAggregate(tumbling(5 * SECOND), [name("toll")], [CountRows()])
                )
                node.rows = counted
            for row in each.rows:
                node.push(row)
            node.advance(each.watermark)

    for time, toll in TOLLS:
        feed(push(order, time, "00:00:11", toll=toll))
    feed(order.finish())
    found = [(row.sources[0][0], row.sources[1][0]) for row in counted]
    assert found[:2] == [(1, 2), (2, 2)]
    assert sorted(found) == sorted([(1, 2), (2, 2), (1, 1), (3, 1), (2, 1), (3, 1)])


def test_a_substream_is_never_further_behind_than_the_late_arrival_tolerance() -> None:
    order = InputOrder(TIME, Policies(late_arrival=10 * SECOND), over=[name("toll")])
    push(order, "00:00:01", toll=1)
    released = push(order, "00:00:30", toll=2)
    assert [(each.timeline, clock(each.watermark)) for each in released] == [((2,), "00:00:30"), ((1,), "00:00:20")]
    assert times(released) == ["00:00:01"]


def test_an_input_follows_the_substreams_of_another() -> None:
    order = InputOrder(TIME, Policies(late_arrival=10 * SECOND), over=[name("toll")])
    push(order, "00:00:30", toll=2)
    assert clock(order.follow((1,))) == "00:00:20"
    assert ((1,), []) in [(each.timeline, list(each.rows)) for each in push(order, "00:00:40", toll=2)]


def test_substreams_over_partitions_that_are_not_kept_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="say PARTITION BY PartitionId"):
        InputOrder(TIME, partitions=2, over=[name("toll")])


ARRIVALS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40)), max_size=40)


@given(ARRIVALS, st.integers(0, 10), st.randoms(use_true_random=False))
def test_the_order_is_the_same_however_partitions_are_interleaved(
    arrivals: list[tuple[int, int]], tolerance: int, rng: random.Random
) -> None:
    def order_of(arrivals: list[tuple[int, int, int]]) -> list[tuple[int, int]]:
        order = InputOrder(TIME, Policies(tolerance * SECOND, 60 * SECOND), partitions=3)
        released = []
        for partition, second, number in arrivals:
            released += order.push(partition, {"time": DateTime(second * SECOND), "number": number}, DateTime(MINUTE))
        released += order.finish()
        return [(row.time, row.record["number"]) for each in released for row in each.rows]

    numbered = [(partition, second, number) for number, (partition, second) in enumerate(arrivals)]
    lanes = [[each for each in numbered if each[0] == partition] for partition in range(3)]
    turns = [partition for partition, lane in enumerate(lanes) for _ in lane]
    rng.shuffle(turns)
    shuffled = [lanes[partition].pop(0) for partition in turns]

    assert order_of(shuffled) == order_of(numbered)


@given(ARRIVALS, st.integers(0, 10))
def test_no_row_comes_behind_a_watermark_and_none_is_lost(arrivals: list[tuple[int, int]], tolerance: int) -> None:
    order = InputOrder(TIME, Policies(tolerance * SECOND, 60 * SECOND), partitions=3)
    passed, numbers = 0, Counter[int]()
    released: list[Released] = []
    for number, (partition, second) in enumerate(arrivals):
        released += order.push(partition, {"time": DateTime(second * SECOND), "number": number}, DateTime(MINUTE))
    for each in [*released, *order.finish()]:
        rows: list[Row] = list(each.rows)
        assert all(passed <= row.time < each.watermark for row in rows)
        assert rows == sorted(rows, key=lambda row: row.time)
        passed = each.watermark
        numbers.update(row.record["number"] for row in rows)
    assert passed == END
    assert numbers == Counter(range(len(arrivals)))
