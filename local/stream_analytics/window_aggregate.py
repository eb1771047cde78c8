"""GROUP BY over a tumbling, hopping or snapshot window: a row per group that has rows, when its window ends.

Rows are added to panes, the parts that windows have in common, once each; a window is the merge of its panes. A group's
place among the rows of its window is that of its first row.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

from local.sql.asa.values import DateTime, group_key
from local.stream_analytics.accumulators import Aggregate
from local.stream_analytics.operator import Operator
from local.stream_analytics.rows import END, START, Evaluate, Row
from local.stream_analytics.windows import Hopping

Groups = dict[Hashable, tuple[tuple[Any, ...], list[Any]]]
"""By what makes a group the same: its keys, and what each aggregate has so far."""


class Grouping:
    """GROUP BY without its window: what makes groups, and what is computed of each."""

    def __init__(self, keys: Sequence[Evaluate], aggregates: Sequence[Aggregate]) -> None:
        self.keys = tuple(keys)
        self.aggregates = tuple(aggregates)
        self._indexed = tuple(enumerate(aggregates))

    def key(self, row: Row) -> tuple[tuple[Any, ...], Hashable]:
        """The keys of a row, and what is equal for rows of the same group."""
        keys = self.keys
        if len(keys) == 1:
            value = keys[0](row)
            return (value,), group_key(value)
        values = tuple([evaluate(row) for evaluate in keys])
        return values, tuple(map(group_key, values))

    def add(self, groups: Groups, row: Row) -> None:
        """Add a row to the group that it belongs to."""
        values, same = self.key(row)
        group = groups.get(same)
        if group is None:
            group = groups[same] = (values, [aggregate.start() for aggregate in self.aggregates])
        so_far = group[1]
        for index, aggregate in self._indexed:
            so_far[index] = aggregate.add(so_far[index], row)

    def alone(self, row: Row) -> list[Any]:
        """What each aggregate has of one row."""
        return [aggregate.add(aggregate.start(), row) for aggregate in self.aggregates]

    def merge(self, parts: Sequence[Groups]) -> Groups:
        """The groups of consecutive parts of a window."""
        if len(parts) == 1:
            return parts[0]
        found: dict[Hashable, list[tuple[tuple[Any, ...], list[Any]]]] = {}
        for part in parts:
            for same, group in part.items():
                found.setdefault(same, []).append(group)
        return {
            same: (
                groups[0][0],
                [aggregate.gather([so_far[index] for _, so_far in groups]) for index, aggregate in self._indexed],
            )
            for same, groups in found.items()
        }

    def results(self, so_far: list[Any]) -> tuple[Any, ...]:
        """The values of the aggregates."""
        return tuple([aggregate.result(so_far[index]) for index, aggregate in self._indexed])

    def rows(self, end: DateTime, groups: Groups) -> Iterator[Row]:
        """The rows of a window that ends."""
        for values, so_far in groups.values():
            yield Row(end, (values, self.results(so_far)))


class HoppingAggregate(Operator):
    """GROUP BY keys and a `Hopping` window (tumbling and snapshot windows are such, too)."""

    def __init__(self, window: Hopping, keys: Sequence[Evaluate], aggregates: Sequence[Aggregate]) -> None:
        super().__init__()
        self._window = window
        self._grouping = Grouping(keys, aggregates)
        self.restore({"panes": {}, "ended": START})

    def restore(self, state: dict[str, Any]) -> None:
        self.state = state
        self._panes: dict[int, Groups] = state["panes"]
        self._pane_end = self._pane_start = 0
        self._pane: Groups = {}
        self._due = self._next_end()

    def push(self, row: Row, port: int = 0) -> Iterable[Row]:
        if not self._pane_start < row.time <= self._pane_end:
            self._pane_end = self._window.pane_end(row.time)
            self._pane_start = self._pane_end - self._window.pane
            self._pane = self._panes.setdefault(self._pane_end, {})
            self._due = self._next_end()
        self._grouping.add(self._pane, row)
        return ()

    def advance(self, watermark: DateTime) -> Iterable[Row]:
        return self._end_windows(watermark) if self._due < watermark else ()

    def _end_windows(self, watermark: DateTime) -> Iterator[Row]:
        while (end := self._due) < watermark:
            self.state["ended"] = end
            parts = list(self._parts(end - self._window.size, end))
            if parts:
                yield from self._grouping.rows(DateTime(end), self._grouping.merge(parts))
            self._forget(end + self._window.hop - self._window.size)
            self._due = self._next_end()

    def _next_end(self) -> int:
        """The end of the first window that has not ended and has a pane; beyond all time when no pane is left."""
        if not self._panes:
            return END + 1
        return max(self._window.first_end(next(iter(self._panes))), int(self.state["ended"]) + self._window.hop)

    def _parts(self, start: int, end: int) -> Iterator[Groups]:
        """The panes in `(start, end]`; they are in order of time, as rows are."""
        for pane_end, groups in self._panes.items():
            if pane_end > end:
                return
            if pane_end > start:
                yield groups

    def _forget(self, time: int) -> None:
        """Drop the panes that end at `time` or before."""
        while self._panes and (oldest := next(iter(self._panes))) <= time:
            del self._panes[oldest]
