"""LAG, LAST, ISFIRST and moving aggregates: what a row sees of the rows before it.

They are evaluated on a stream before WHERE, JOIN and GROUP BY. What each gave is in a tuple that is added to the row's
sources. Rows of the same time see each other in the order in which they come.

Source: https://learn.microsoft.com/stream-analytics-query/lag-azure-stream-analytics, .../last-..., .../isfirst-...,
.../over-... (aggregates)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from local.sql.asa.errors import EvaluationError, Position
from local.sql.asa.values import DateTime, group_key
from local.stream_analytics import recent
from local.stream_analytics.accumulators import Aggregate, ArgumentError
from local.stream_analytics.operator import Operator
from local.stream_analytics.recent import Recent
from local.stream_analytics.rows import START, Evaluate, Row
from local.stream_analytics.window_aggregate import Grouping
from local.stream_analytics.windows import Hopping, expires, tumbling

History = dict[Hashable, Any]
"""By PARTITION BY key, what a function remembers."""


class Analytic(ABC):
    """An analytic function of a query.

    Args:
        span: how far back it looks, in ticks.
        partition: the PARTITION BY expressions: only rows that are the same in them are seen.
        when: the WHEN condition: only rows for which it is true are seen.
    """

    def __init__(self, span: int, partition: Sequence[Evaluate] = (), when: Evaluate | None = None) -> None:
        if span <= 0:
            raise ValueError(f"an analytic function looks back for more than nothing, not {span} ticks")
        self.span = span
        self._partition = tuple(partition)
        self._when = when

    @abstractmethod
    def evaluate(self, row: Row, history: History) -> Any:
        """The function's value for `row`, which is remembered as well."""

    @abstractmethod
    def newest(self, remembered: Any) -> int:
        """When the last row was seen that is `remembered` of a key."""

    def _key(self, row: Row) -> Hashable:
        return tuple([group_key(evaluate(row)) for evaluate in self._partition])

    def _seen(self, row: Row) -> bool:
        return self._when is None or self._when(row) is True


class Lag(Analytic):
    """LAG(value, offset, default) OVER (... LIMIT DURATION(...)); LAST is the same with an offset of 0.

    Args:
        value: what is taken of the row that is looked up.
        offset: how many rows back: 0 is the row at hand, if WHEN lets it be seen, or else the last one that it did.
        default: evaluated on the row at hand when there is no row so far back, or it is out of the duration.
        span: LIMIT DURATION, in ticks.
        partition: as for `Analytic`.
        when: as for `Analytic`.
    """

    def __init__(
        self,
        value: Evaluate,
        span: int,
        *,
        offset: int = 1,
        default: Evaluate | None = None,
        partition: Sequence[Evaluate] = (),
        when: Evaluate | None = None,
    ) -> None:
        super().__init__(span, partition, when)
        self._value = value
        self._offset = offset
        self._default = default
        self._kept = max(offset, 1)

    def evaluate(self, row: Row, history: History) -> Any:
        key = self._key(row)
        rows: list[tuple[DateTime, Any]] = history.get(key, [])
        seen = self._seen(row)
        if seen and self._offset == 0:
            history[key] = rows = [(row.time, self._value(row))]
        found = rows[-self._kept] if len(rows) >= self._kept else None
        if seen and self._offset > 0:
            rows.append((row.time, self._value(row)))
            del rows[: -self._kept]
            history[key] = rows
        if found is not None and row.time < expires(found[0], self.span):
            return found[1]
        return None if self._default is None else self._default(row)

    def newest(self, remembered: Any) -> int:
        time: int = remembered[-1][0]
        return time


class IsFirst(Analytic):
    """ISFIRST(unit, n) OVER (...): 1 for the first row that is seen in each interval of `span`, else 0.

    The intervals are those of a tumbling window, so `(start, end]` as well.
    """

    def __init__(self, span: int, partition: Sequence[Evaluate] = (), when: Evaluate | None = None) -> None:
        super().__init__(span, partition, when)
        self._intervals: Hopping = tumbling(span)

    def evaluate(self, row: Row, history: History) -> Any:
        if not self._seen(row):
            return 0
        key = self._key(row)
        end = self._intervals.first_end(row.time)
        if history.get(key) == end:
            return 0
        history[key] = end
        return 1

    def newest(self, remembered: Any) -> int:
        time: int = remembered
        return time


class Moving(Analytic):
    """An aggregate of the rows of the last `span`, the one at hand with them if WHEN lets it be seen.

    Args:
        at: where in the query it is, for the error that stops the job.
        aggregate: what it computes.
        span: LIMIT DURATION, in ticks.
        partition: as for `Analytic`.
        when: as for `Analytic`.
    """

    def __init__(
        self,
        at: Position,
        aggregate: Aggregate,
        span: int,
        partition: Sequence[Evaluate] = (),
        when: Evaluate | None = None,
    ) -> None:
        super().__init__(span, partition, when)
        self._at = at
        self._aggregate = aggregate
        self._grouping = Grouping((), (aggregate,))
        self._recent = Recent((aggregate,), span)

    def evaluate(self, row: Row, history: History) -> Any:
        key = self._key(row)
        rows = history.get(key) or recent.empty()
        try:
            if self._seen(row):
                self._recent.enter(rows, row.time, self._grouping.alone(row))
                history[key] = rows
            self._recent.leave(rows, row.time)
            total = self._recent.total(rows)
            return self._aggregate.result(self._aggregate.start() if total is None else total[0])
        except ArgumentError as error:
            raise EvaluationError(self._at, str(error)) from None

    def newest(self, remembered: Any) -> int:
        return recent.newest(remembered, otherwise=START)


class Analytics(Operator):
    """The analytic functions of a SELECT: each row goes on with the tuple of their values as its last source."""

    def __init__(self, functions: Sequence[Analytic]) -> None:
        super().__init__()
        self._functions = tuple(functions)
        self._longest = max((function.span for function in functions), default=0)
        self.restore({"histories": [{} for _ in functions], "swept": START})

    def push(self, row: Row, port: int = 0) -> Iterable[Row]:
        histories = self.state["histories"]
        values = [function.evaluate(row, history) for function, history in zip(self._functions, histories, strict=True)]
        return (row.with_source(tuple(values)),)

    def advance(self, watermark: DateTime) -> Iterable[Row]:
        # Keys that are never seen again would stay forever; looking for them once per span costs next to nothing.
        if watermark - self.state["swept"] > self._longest:
            self.state["swept"] = watermark
            for function, history in zip(self._functions, self.state["histories"], strict=True):
                for key in [
                    key
                    for key, remembered in history.items()
                    if expires(function.newest(remembered), function.span) <= watermark
                ]:
                    del history[key]
        return ()
