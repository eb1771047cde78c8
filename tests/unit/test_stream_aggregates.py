"""What each aggregate makes of a window: its value, its type, nulls, and that parts of a window merge."""

from __future__ import annotations

import math
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.sql.asa.values import DateTime
from local.stream_analytics.accumulators import (
    Aggregate,
    ArgumentError,
    Avg,
    Collect,
    CollectTop,
    Count,
    CountDistinct,
    CountRows,
    Extreme,
    Percentile,
    Spread,
    Sum,
    TopOne,
)
from local.stream_analytics.rows import Row
from tests.unit.streams import event, name, number

MIN, MAX = Extreme(number, greatest=False), Extreme(number, greatest=True)
VAR, VARP = Spread(number, root=False, sample=True), Spread(number, root=False, sample=False)
STDEV, STDEVP = Spread(number, root=True, sample=True), Spread(number, root=True, sample=False)


def aggregate(function: Aggregate, values: list[Any]) -> Any:
    so_far = function.start()
    for value in values:
        so_far = function.add(so_far, event("00:00:00", value=value))
    return function.result(so_far)


@pytest.mark.parametrize(
    ("function", "values", "expected"),
    [
        (CountRows(), [1, None, "x"], 3),
        (Count(number), [1, None, "x"], 2),
        (CountDistinct(number), [1, 1.0, True, "1", None, [1], [1], {"a": 1}], 5),
        (Sum(number), [1, 2, None], 3),
        (Sum(number), [1, 2.5], 3.5),
        (Avg(number), [1, 2, None], 1.5),
        (Avg(number), [50, 60, 100], 70.0),
        (MIN, [3, None, 1.5, 2], 1.5),
        (MAX, ["b", "c", "a"], "c"),
        (MAX, [DateTime(5), DateTime(7)], DateTime(7)),
        (VAR, [1, 2, 4], statistics.variance([1, 2, 4])),
        (VARP, [1, 2, 4], statistics.pvariance([1, 2, 4])),
        (STDEV, [1, 2, 4], statistics.stdev([1, 2, 4])),
        (STDEVP, [1, 2, 4], statistics.pstdev([1, 2, 4])),
        (Percentile(0.5, number), [4, 1, 3, 2, None], 2.5),
        (Percentile(0.5, number, discrete=True), [4, 1, 3, 2], 2),
        (Percentile(0.25, number, descending=True, discrete=True), [4, 1, 3, 2], 4),
        (Percentile(1, number), [4, 1], 4),
        (Percentile(0, number, discrete=True), [4, 1], 1),
        (Collect(number), [2, None, 1], [2, None, 1]),
    ],
)
def test_the_value_of_an_aggregate(function: Aggregate, values: list[Any], expected: Any) -> None:
    result = aggregate(function, values)
    assert result == pytest.approx(expected) if isinstance(expected, float) else result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize("function", [Sum(number), Avg(number), MIN, MAX, VARP, STDEVP, Percentile(0.5, number)])
def test_nothing_but_nulls_is_null(function: Aggregate) -> None:
    assert aggregate(function, [None, None]) is None


@pytest.mark.parametrize("function", [VAR, STDEV])
def test_one_value_has_no_spread_as_a_sample(function: Aggregate) -> None:
    assert aggregate(function, [3]) is None


def test_a_spread_does_not_cancel_far_from_zero() -> None:
    assert aggregate(VARP, [1e9 + each for each in (4, 7, 13, 16)]) == pytest.approx(22.5)


@pytest.mark.parametrize(
    ("function", "values", "message"),
    [
        (Sum(number), ["1"], r"SUM takes bigint and float, not nvarchar\(max\)"),
        (Avg(number), [True], "AVG takes bigint and float, not bit"),
        (STDEV, [DateTime(1)], "STDEV takes bigint and float, not datetime"),
        (Percentile(0.5, number), [[1]], "PERCENTILE takes bigint and float, not array"),
        (MIN, [1, "1"], r"MIN cannot order bigint and nvarchar\(max\)"),
        (MAX, [{}, {}], "MAX cannot order record and record"),
        (Sum(number), [2**63 - 1, 1], "beyond bigint; cast its argument to float"),
        (Sum(number), [1e308, 1e308], "SUM: the result does not fit in a float"),
        (Avg(number), [1e308, 1e308], "AVG: the result does not fit in a float"),
        (VARP, [1e308, -1e308], "VAR: the result does not fit in a float"),
        (STDEV, [1e308, -1e308, 1e308], "STDEV: the result does not fit in a float"),
        (Percentile(0.5, number), [1e308, -1e308], "PERCENTILE_CONT: the result does not fit in a float"),
    ],
)
def test_a_value_that_an_aggregate_does_not_take(function: Aggregate, values: list[Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        aggregate(function, values)


ROWS: list[Row] = [
    event("00:00:00", id=1, a=2, b=5),
    event("00:00:00", id=2, a=1, b=5),
    event("00:00:00", id=3, a=1, b=None),
    event("00:00:00", id=4, a=1, b=7.5),
    event("00:00:00", id=5, a=None, b=1),
]


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        ([(name("a"), False), (name("b"), True)], [5, 4, 2, 3, 1]),
        ([(name("a"), True), (name("b"), False)], [1, 3, 2, 4, 5]),
        ([(name("b"), True)], [4, 1, 2, 5, 3]),
    ],
)
def test_collect_top_ranks_with_null_for_the_least(order: Any, ids: list[int]) -> None:
    for count in range(1, 7):
        function = CollectTop(count, name("id"), order)
        so_far = function.start()
        for row in ROWS:
            so_far = function.add(so_far, row)
        ranked = [{"rank": rank, "value": own} for rank, own in enumerate(ids, 1)]
        assert function.result(so_far) == ranked[:count]


def test_top_one_is_the_record_itself() -> None:
    function = TopOne(lambda row: row.record, [(name("b"), True)])
    so_far = function.start()
    assert function.result(so_far) is None
    for row in ROWS:
        so_far = function.add(so_far, row)
    assert function.result(so_far) == {"id": 4, "a": 1, "b": 7.5}


def test_top_one_orders_numbers_and_datetimes_alone() -> None:
    with pytest.raises(ArgumentError, match=r"ORDER BY takes bigint, float and datetime, not nvarchar\(max\)"):
        aggregate(TopOne(number, [(number, False)]), ["a"])


FUNCTIONS = {
    "COUNT(*)": CountRows(),
    "COUNT": Count(number),
    "COUNT DISTINCT": CountDistinct(number),
    "SUM": Sum(number),
    "AVG": Avg(number),
    "MIN": MIN,
    "MAX": MAX,
    "VAR": VAR,
    "STDEVP": STDEVP,
    "PERCENTILE_CONT": Percentile(0.3, number),
    "Collect": Collect(number),
    "CollectTop": CollectTop(2, number, [(number, True)]),
    "TopOne": TopOne(number, [(number, False)]),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
@given(st.lists(st.none() | st.integers(-9, 9) | st.sampled_from([0.5, -2.25])), st.integers(0, 20), st.integers(0, 20))
def test_parts_of_a_window_merge_to_the_whole(function: Aggregate, values: list[Any], one: int, other: int) -> None:
    def part(values: list[Any]) -> Any:
        so_far = function.start()
        for value in values:
            so_far = function.add(so_far, event("00:00:00", value=value))
        return so_far

    first, second = sorted((one, other))
    parts = [part(values[:first]), part(values[first:second]), part(values[second:])]
    before = repr(parts)
    merged = function.result(function.merge(function.merge(parts[0], parts[1]), parts[2]))
    assert repr(parts) == before
    whole = function.result(part(values))
    assert merged == whole or math.isclose(merged, whole, abs_tol=1e-9)
