"""The aggregates of a window: each adds rows one at a time, and joins what two parts of a window came to.

What an aggregate has so far is a plain value that is never changed, only replaced: `add` and `merge` give a new one, so
that a part may be in several windows at once. Nulls do not count, but for COUNT(*) and what collects.

Source: https://learn.microsoft.com/stream-analytics-query/aggregate-functions-azure-stream-analytics
"""

from __future__ import annotations

from typing import Any

from local.stream_analytics.rows import Row


class Aggregate:
    """One aggregate function of the query, with its argument."""

    start: Any = None
    """What it has before the first row."""

    def add(self, so_far: Any, row: Row) -> Any:
        """What it has after one row more."""
        raise NotImplementedError

    def merge(self, earlier: Any, later: Any) -> Any:
        """What it has of both: the rows of `earlier` came first."""
        raise NotImplementedError

    def result(self, so_far: Any) -> Any:
        """The function's value."""
        return so_far


class CountRows(Aggregate):
    """COUNT(*)."""

    start = 0

    def add(self, so_far: Any, row: Row) -> Any:
        return so_far + 1

    def merge(self, earlier: Any, later: Any) -> Any:
        return earlier + later
