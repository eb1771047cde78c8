"""The rows of the last while, aggregated, as rows come and go: a queue of two stacks of partial aggregates.

A row costs a few merges however many there are: what is behind is merged once when the front runs out, and leaving is
a pop. Only what gathers rows is put together when it is asked for, from each row's own: parts of it would hold each row
as often as there are rows after it. A queue is plain data, as all that an operator remembers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from local.stream_analytics.accumulators import Aggregate, Gathering
from local.stream_analytics.windows import expires

Queue = dict[str, Any]


def empty() -> Queue:
    """A queue without rows."""
    return {
        "back": [],  # (time, its aggregates), oldest first
        "back total": None,
        "front": [],  # (time, aggregates of it and all after it in the front, its own if some gather), oldest last
    }


def is_empty(queue: Queue) -> bool:
    """Whether no row is there."""
    return not queue["back"] and not queue["front"]


def newest(queue: Queue, otherwise: int) -> int:
    """The time of the last row."""
    rows = queue["back"][-1:] or queue["front"][:1]
    return rows[0][0] if rows else otherwise


class Recent:
    """What is computed of a queue.

    Args:
        aggregates: of its rows.
        span: for how many ticks a row stays.
    """

    def __init__(self, aggregates: Sequence[Aggregate], span: int) -> None:
        self._aggregates = tuple(aggregates)
        self._span = span
        self._gathers = any(isinstance(aggregate, Gathering) for aggregate in aggregates)

    def enter(self, queue: Queue, time: int, own: list[Any]) -> None:
        """Add a row, no older than those that are there; `own` is what each aggregate has of it alone."""
        queue["back"].append((time, own))
        queue["back total"] = own if queue["back total"] is None else self._merge(queue["back total"], own)

    def leave(self, queue: Queue, now: int) -> None:
        """Drop the rows whose time is over."""
        back, front = queue["back"], queue["front"]
        while True:
            while front and expires(front[-1][0], self._span) <= now:
                front.pop()
            if front or not back:
                return
            total = None
            for time, own in reversed(back):
                total = own if total is None else self._merge(own, total)
                front.append((time, total, own if self._gathers else None))
            back.clear()
            queue["back total"] = None

    def total(self, queue: Queue) -> list[Any] | None:
        """What each aggregate has of all rows; None without rows."""
        merged: list[Any] | None = queue["back total"]
        if queue["front"]:
            before: list[Any] = queue["front"][-1][1]
            merged = before if merged is None else self._merge(before, merged)
        if merged is None or not self._gathers:
            return merged
        rows = [own for _, _, own in reversed(queue["front"])] + [own for _, own in queue["back"]]
        return [
            aggregate.gather([own[index] for own in rows]) if isinstance(aggregate, Gathering) else merged[index]
            for index, aggregate in enumerate(self._aggregates)
        ]

    def _merge(self, earlier: list[Any], later: list[Any]) -> list[Any]:
        return [
            None if isinstance(aggregate, Gathering) else aggregate.merge(earlier[index], later[index])
            for index, aggregate in enumerate(self._aggregates)
        ]
