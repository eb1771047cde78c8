"""The aggregates of a window: each adds rows one at a time, and joins what two parts of a window came to.

What an aggregate has of a part is plain data. `add` may change it and gives what there is now; `merge` changes neither
of its two, as a part can be in several windows. Nulls do not count, but for COUNT(*) and what collects rows.

Source: https://learn.microsoft.com/stream-analytics-query/aggregate-functions-azure-stream-analytics
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from bisect import insort
from collections.abc import Sequence
from functools import reduce
from itertools import chain
from operator import itemgetter
from typing import Any

from local.sql.asa.values import GREATEST_BIGINT, LEAST_BIGINT, TYPE_NAMES, DateTime, group_key
from local.stream_analytics.rows import Evaluate, Row


class ArgumentError(TypeError):
    """An aggregate met a value of a type that it does not take; in Azure, that stops the job."""


class Aggregate(ABC):
    """One aggregate function of a query, with its argument."""

    def start(self) -> Any:
        """What it has before the first row."""
        return None

    @abstractmethod
    def add(self, so_far: Any, row: Row) -> Any:
        """What it has with one row more."""

    @abstractmethod
    def merge(self, earlier: Any, later: Any) -> Any:
        """What it has of two parts, the rows of `earlier` having come first."""

    def gather(self, parts: Sequence[Any]) -> Any:
        """What it has of several parts, in order."""
        return reduce(self.merge, parts)

    def result(self, so_far: Any) -> Any:
        """The function's value."""
        return so_far


class Gathering(Aggregate):
    """An aggregate that keeps something of every row, so that what it has of a part grows with it."""

    @abstractmethod
    def gather(self, parts: Sequence[Any]) -> Any:
        """What it has of several parts, in order."""

    def merge(self, earlier: Any, later: Any) -> Any:
        return self.gather((earlier, later))


class _Listing(Gathering):
    """What it keeps of rows is a list."""

    def start(self) -> Any:
        return []

    def gather(self, parts: Sequence[Any]) -> Any:
        return list(chain.from_iterable(parts))


class CountRows(Aggregate):
    """COUNT(*)."""

    def start(self) -> Any:
        return 0

    def add(self, so_far: Any, row: Row) -> Any:
        return so_far + 1

    def merge(self, earlier: Any, later: Any) -> Any:
        return earlier + later


class Count(CountRows):
    """COUNT(expression): the rows for which it is not null."""

    def __init__(self, argument: Evaluate) -> None:
        self._argument = argument

    def add(self, so_far: Any, row: Row) -> Any:
        return so_far if self._argument(row) is None else so_far + 1


class CountDistinct(Gathering):
    """COUNT(DISTINCT expression)."""

    def __init__(self, argument: Evaluate) -> None:
        self._argument = argument

    def start(self) -> Any:
        return {}

    def add(self, so_far: Any, row: Row) -> Any:
        value = self._argument(row)
        if value is not None:
            so_far[group_key(value)] = None
        return so_far

    def gather(self, parts: Sequence[Any]) -> Any:
        return dict.fromkeys(chain.from_iterable(parts))

    def result(self, so_far: Any) -> Any:
        return len(so_far)


class Sum(Aggregate):
    """SUM: bigint while every value is one, else float; null of nothing.

    Its result raises `ArgumentError` when it is a bigint of more than 64 bits, or a float that is not finite.
    """

    def __init__(self, argument: Evaluate) -> None:
        self._argument = argument

    def add(self, so_far: Any, row: Row) -> Any:
        value = _number("SUM", self._argument(row))
        return so_far if value is None else value if so_far is None else so_far + value

    def merge(self, earlier: Any, later: Any) -> Any:
        return later if earlier is None else earlier if later is None else earlier + later

    def result(self, so_far: Any) -> Any:
        if type(so_far) is int and not LEAST_BIGINT <= so_far <= GREATEST_BIGINT:
            raise ArgumentError(f"SUM: {so_far} is beyond bigint; cast its argument to float")
        return _finite("SUM", so_far)


class Avg(Aggregate):
    """AVG, a float; null of nothing."""

    def __init__(self, argument: Evaluate) -> None:
        self._argument = argument

    def start(self) -> Any:
        return 0, 0

    def add(self, so_far: Any, row: Row) -> Any:
        value = _number("AVG", self._argument(row))
        return so_far if value is None else (so_far[0] + 1, so_far[1] + value)

    def merge(self, earlier: Any, later: Any) -> Any:
        return earlier[0] + later[0], earlier[1] + later[1]

    def result(self, so_far: Any) -> Any:
        count, total = so_far
        return _finite("AVG", total / count) if count else None


class Extreme(Aggregate):
    """MIN, or MAX with `greatest`: of numbers, of bits, of datetimes or of strings; null of nothing."""

    def __init__(self, argument: Evaluate, *, greatest: bool) -> None:
        self._argument = argument
        self._greatest = greatest

    def add(self, so_far: Any, row: Row) -> Any:
        value = self._argument(row)
        return so_far if value is None else value if so_far is None else self._better(so_far, value)

    def merge(self, earlier: Any, later: Any) -> Any:
        return later if earlier is None else earlier if later is None else self._better(earlier, later)

    def _better(self, earlier: Any, later: Any) -> Any:
        left, right = _ORDERED.get(type(earlier)), _ORDERED.get(type(later))
        if left is None or left is not right:
            name = "MAX" if self._greatest else "MIN"
            raise ArgumentError(f"{name} cannot order {_type(earlier)} and {_type(later)}")
        return later if (later > earlier if self._greatest else later < earlier) else earlier


class Spread(Aggregate):
    """VAR and STDEV of a sample, VARP and STDEVP of all; null of too few values (two, or one).

    Args:
        argument: what is aggregated.
        root: a standard deviation rather than a variance.
        sample: n - 1 values are free rather than n.
    """

    def __init__(self, argument: Evaluate, *, root: bool, sample: bool) -> None:
        self._argument = argument
        self._root = root
        self._name = "STDEV" if root else "VAR"
        self._taken = 1 if sample else 0

    def start(self) -> Any:
        return 0, 0.0, 0.0

    def add(self, so_far: Any, row: Row) -> Any:
        value = _number(self._name, self._argument(row))
        return so_far if value is None else self.merge(so_far, (1, float(value), 0.0))

    def merge(self, earlier: Any, later: Any) -> Any:
        # Chan's update of count, mean and sum of squared distances: sums of squares would cancel to nothing.
        (count, mean, squares), (more, other_mean, other_squares) = earlier, later
        if not count or not more:
            return later if more else earlier
        total = count + more
        apart = other_mean - mean
        return total, mean + apart * more / total, squares + other_squares + apart * apart * count * more / total

    def result(self, so_far: Any) -> Any:
        count, _, squares = so_far
        if count <= self._taken:
            return None
        variance = squares / (count - self._taken)
        return _finite(self._name, math.sqrt(variance) if self._root else variance)


class Percentile(_Listing):
    """PERCENTILE_CONT, or PERCENTILE_DISC with `discrete`: the value that a share of the values does not exceed.

    Continuous interpolates between the two nearest values; discrete gives the first value that suffices.
    """

    def __init__(self, share: float, argument: Evaluate, *, descending: bool = False, discrete: bool = False) -> None:
        self._share = share
        self._argument = argument
        self._descending = descending
        self._discrete = discrete

    def add(self, so_far: Any, row: Row) -> Any:
        value = _number("PERCENTILE", self._argument(row))
        if value is not None:
            so_far.append(value)
        return so_far

    def result(self, so_far: Any) -> Any:
        if not so_far:
            return None
        values = sorted(so_far, reverse=self._descending)
        if self._discrete:
            return values[max(0, math.ceil(self._share * len(values)) - 1)]
        place = self._share * (len(values) - 1)
        below = math.floor(place)
        between = values[below] + (place - below) * (values[min(below + 1, len(values) - 1)] - values[below])
        return _finite("PERCENTILE_CONT", between)


class Collect(_Listing):
    """Collect(expression): all values of the window, nulls too, in order of time."""

    def __init__(self, argument: Evaluate) -> None:
        self._argument = argument

    def add(self, so_far: Any, row: Row) -> Any:
        so_far.append(self._argument(row))
        return so_far

    def result(self, so_far: Any) -> Any:
        return list(so_far)


class CollectTop(Aggregate):
    """CollectTop(count, expression) OVER (ORDER BY ...): the first values of that order, with their ranks from 1.

    Rows that are equal in it stay in order of time. Null is the least value.

    Args:
        count: how many.
        argument: what is collected of a row.
        order: the ORDER BY expressions, and whether each is descending; of numbers and datetimes, as documented.
    """

    def __init__(self, count: int, argument: Evaluate, order: Sequence[tuple[Evaluate, bool]]) -> None:
        self._count = count
        self._argument = argument
        self._order = tuple(order)

    def start(self) -> Any:
        return []

    def add(self, so_far: Any, row: Row) -> Any:
        place = tuple([_place(evaluate(row), descending) for evaluate, descending in self._order])
        if len(so_far) < self._count or place < so_far[-1][0]:
            insort(so_far, (place, self._argument(row)), key=itemgetter(0))
            del so_far[self._count :]
        return so_far

    def merge(self, earlier: Any, later: Any) -> Any:
        return sorted(earlier + later, key=itemgetter(0))[: self._count]

    def result(self, so_far: Any) -> Any:
        return [{"rank": rank, "value": value} for rank, (_, value) in enumerate(so_far, 1)]


class TopOne(CollectTop):
    """TopOne(expression) OVER (ORDER BY ...): the first value of that order."""

    def __init__(self, argument: Evaluate, order: Sequence[tuple[Evaluate, bool]]) -> None:
        super().__init__(1, argument, order)

    def result(self, so_far: Any) -> Any:
        return so_far[0][1] if so_far else None


_ORDERED: dict[type, str] = {
    int: "number",
    float: "number",
    bool: "bit",
    DateTime: "datetime",
    str: "nvarchar(max)",
}
"""What MIN and MAX take; types of the same name compare."""


def _number(function: str, value: Any) -> Any:
    kind = type(value)
    if kind is int or kind is float or value is None:
        return value
    raise ArgumentError(f"{function} takes bigint and float, not {_type(value)}")


def _finite(function: str, value: Any) -> Any:
    """A result, unless it is one that JSON cannot say."""
    if type(value) is float and not math.isfinite(value):
        raise ArgumentError(f"{function}: the result does not fit in a float")
    return value


def _place(value: Any, descending: bool) -> tuple[int, Any]:
    """What sorts like `value`."""
    if value is None:
        return (1, 0) if descending else (-1, 0)
    if type(value) not in (int, float, DateTime):
        raise ArgumentError(f"ORDER BY takes bigint, float and datetime, not {_type(value)}")
    return 0, -value if descending else value


def _type(value: Any) -> str:
    return TYPE_NAMES.get(type(value), type(value).__name__)
