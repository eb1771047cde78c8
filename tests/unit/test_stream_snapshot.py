"""A query goes on from what was saved of it, wherever that was: nothing is lost, nothing comes twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.sql.asa.values import GREATEST_DATETIME, LEAST_DATETIME, DateTime, group_key
from local.stream_analytics.accumulators import (
    Aggregate,
    Avg,
    Collect,
    CollectTop,
    CountDistinct,
    CountRows,
    Extreme,
    Spread,
    Sum,
)
from local.stream_analytics.analytic import Analytics, IsFirst, Lag
from local.stream_analytics.flow import Apply, Filter, Union
from local.stream_analytics.joins import Bounds, StreamJoin
from local.stream_analytics.operator import Node, Operator
from local.stream_analytics.rows import END, Row
from local.stream_analytics.session_aggregate import SessionAggregate
from local.stream_analytics.sliding_aggregate import SlidingAggregate
from local.stream_analytics.snapshot import Lines, dumps, line, loads, of_line
from local.stream_analytics.watermark import InputOrder, Policies
from local.stream_analytics.window_aggregate import HoppingAggregate
from local.stream_analytics.windows import SNAPSHOT, Hopping, Session, Sliding
from tests.unit.streams import event, name, number, run, run_in_steps

KEYS = [name("key")]
AGGREGATES: list[Aggregate] = [
    CountRows(),
    Sum(number),
    Avg(number),
    Extreme(number, greatest=True),
    Spread(number, root=True, sample=True),
    CountDistinct(number),
    Collect(lambda row: row.record),
    CollectTop(2, lambda row: row.time, [(number, True)]),
]


def known(row: Row) -> bool:
    return number(row) is not None


OPERATORS: dict[str, Callable[[], Operator]] = {
    "hopping": lambda: HoppingAggregate(Hopping(9, 3, 1), KEYS, AGGREGATES),
    "hop over gaps": lambda: HoppingAggregate(Hopping(2, 5), KEYS, AGGREGATES),
    "snapshot": lambda: HoppingAggregate(SNAPSHOT, [name("key"), number], AGGREGATES),
    "sliding": lambda: SlidingAggregate(Sliding(6), KEYS, AGGREGATES),
    "session": lambda: SessionAggregate(Session(3, 8), KEYS, AGGREGATES, KEYS),
    "session of all": lambda: SessionAggregate(Session(3, 8), KEYS, AGGREGATES),
    "analytic": lambda: Analytics(
        [Lag(number, 7, offset=2, partition=KEYS), Lag(number, 5, offset=0, when=known), IsFirst(4, KEYS, known)]
    ),
    "filter": lambda: Filter(known),
    "apply": lambda: Apply(lambda row: [number(row)] * 2 if known(row) else None, outer=True),
}
KEY = st.sampled_from(["a", 1, 1.0, True, None])
EVENTS = st.lists(st.tuples(st.integers(0, 40), KEY, st.none() | st.integers(0, 5)), max_size=25).map(
    lambda events: [
        event(DateTime(time), key=key, value=value) for time, key, value in sorted(events, key=lambda each: each[0])
    ]
)


def save_and_restore(operator: Operator) -> None:
    operator.restore(loads(dumps(operator.state)))


@pytest.mark.parametrize("make", OPERATORS.values(), ids=OPERATORS)
@given(EVENTS)
def test_one_at_a_time_is_all_at_once(make: Callable[[], Operator], rows: list[Row]) -> None:
    assert run_in_steps(make(), rows) == run(make(), rows)


@pytest.mark.parametrize("make", OPERATORS.values(), ids=OPERATORS)
@given(EVENTS)
def test_a_restart_anywhere_is_no_restart(make: Callable[[], Operator], rows: list[Row]) -> None:
    def typed(rows: list[Row]) -> list[str]:
        return [repr(row) for row in rows]

    assert typed(run_in_steps(make(), rows, save_and_restore)) == typed(run(make(), rows))


@pytest.mark.parametrize("make", OPERATORS.values(), ids=OPERATORS)
@given(EVENTS)
def test_rows_leave_in_order_and_never_behind_a_watermark(make: Callable[[], Operator], rows: list[Row]) -> None:
    operator = make()
    passed = DateTime(0)
    for row in rows:
        settled = list(operator.advance(row.time))
        assert all(passed <= each.time < row.time for each in settled)
        passed = row.time
        settled += operator.push(row)
        assert [each.time for each in settled] == sorted(each.time for each in settled)


TWO_STREAMS: dict[str, Callable[[], Operator]] = {
    "join": lambda: StreamJoin(Bounds(-3, 5), left_keys=KEYS, right_keys=KEYS),
    "left join": lambda: StreamJoin(
        Bounds(-3, 5), lambda row: row.time % 2 == 0, left_keys=KEYS, right_keys=KEYS, outer=True
    ),
    "union": lambda: Union(2),
}


@pytest.mark.parametrize("make", TWO_STREAMS.values(), ids=TWO_STREAMS)
@given(EVENTS, EVENTS)
def test_two_streams_in_steps_with_restarts_are_two_streams_at_once(
    make: Callable[[], Operator], left: list[Row], right: list[Row]
) -> None:
    def feed(restart: bool, rows: list[tuple[Row, int]]) -> list[str]:
        node = Node(make())
        out = node.collect()
        for row, port in rows:
            if restart:
                saved = loads(dumps(node.save()))
                node = Node(make())
                node.restore(saved)
                node.rows = out
                node.advance(row.time, port)
            node.push(row, port)
        for port in (0, 1):
            node.advance(END, port)
        return [repr(row) for row in out]

    ports = [(row, 0) for row in left], [(row, 1) for row in right]
    in_time = sorted([*ports[0], *ports[1]], key=lambda each: each[0].time)
    at_once = feed(False, [*ports[1], *ports[0]])
    assert feed(True, in_time) == at_once
    assert feed(True, [*ports[0], *ports[1]]) == at_once


ARRIVALS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40), st.integers(0, 3)), max_size=25)


@given(ARRIVALS, st.sampled_from([[], KEYS]))
def test_an_input_restarts_anywhere(arrivals: list[tuple[int, int, int]], over: Any) -> None:
    def order() -> InputOrder:
        return InputOrder(name("time"), Policies(4, 20), partitions=3, partitioned=bool(over), over=over)

    def released(*, save: bool, restart: bool = False) -> list[str]:
        inputs, out = order(), []
        for turn, (partition, time, key) in enumerate(arrivals):
            if save:
                saved = inputs.save()
            if restart:
                inputs = order()
                inputs.restore(loads(dumps(saved)))
            out += inputs.push(partition, {"time": DateTime(time), "key": key}, DateTime(30 + turn), {"n": turn})
        return [repr((each.timeline, list(each.rows), int(each.watermark))) for each in [*out, *inputs.finish()]]

    undisturbed = released(save=False)
    assert released(save=True) == undisturbed
    assert released(save=True, restart=True) == undisturbed


def test_of_the_rows_that_wait_the_first_of_each_partition_is_told() -> None:
    def oldest(inputs: InputOrder) -> list[tuple[int, int]]:
        return [(partition, row.metas[0]) for partition, row in inputs.oldest()]

    inputs = InputOrder(name("time"), Policies(100, 100), partitions=3)
    for turn, (partition, time) in enumerate([(1, 9), (0, 5), (1, 3), (0, 1), (1, 7)]):
        inputs.push(partition, {"time": DateTime(time)}, DateTime(10 + turn), turn)
    assert oldest(inputs) == [(0, 1), (1, 0)]
    inputs.save()
    assert oldest(inputs) == [(0, 1), (1, 0)]
    inputs.finish()
    assert oldest(inputs) == []


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.integers(LEAST_DATETIME, GREATEST_DATETIME).map(DateTime),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text() | st.just("$"), inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.lists(inner, max_size=3).map(lambda sources: Row(DateTime(5), tuple(sources), ({"PartitionId": 1}, None)))
    ),
    max_leaves=12,
)


@given(VALUES)
def test_a_state_comes_back_as_it_was(value: Any) -> None:
    assert repr(loads(dumps(value))) == repr(value)


@given(st.lists(VALUES, max_size=3), st.lists(VALUES, max_size=3))
def test_so_does_what_was_written_before(first: list[Any], second: list[Any]) -> None:
    state = {"a": [Lines(map(line, first))], "b": (1, Lines(map(line, second)))}
    restored = loads(dumps(state))
    assert restored == state
    assert repr([of_line(each) for each in restored["b"][1]]) == repr(second)


def test_a_state_that_was_cut_is_none() -> None:
    saved = dumps({"rows": Lines([line(1), line(2)])})
    for lines in (saved[:2], saved[:1], [saved[0][:-1], *saved[1:]]):
        with pytest.raises(ValueError, match="line"):
            loads(lines)


@given(st.lists(st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from([DateTime(1), [1], {"a": True}])))
def test_so_do_the_keys_of_groups(values: list[Any]) -> None:
    groups = {group_key(value): value for value in values}
    assert repr(loads(dumps(groups))) == repr(groups)


@pytest.mark.parametrize("value", [object(), {1, 2}, lambda: 1, b"", int])
def test_what_is_no_plain_data_cannot_be_saved(value: Any) -> None:
    with pytest.raises(TypeError, match="it is no plain data"):
        dumps({"state": [value]})
