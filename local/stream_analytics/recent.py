"""The rows of the last while, aggregated, as rows come and go: a queue of two stacks of partial aggregates.

A row costs a few merges however many there are: what is behind is merged once when the front runs out, and leaving is
a pop. A queue is plain data, as all that an operator remembers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.stream_analytics.windows import expires

Queue = dict[str, Any]
Merge = Callable[[list[Any], list[Any]], list[Any]]
"""From the aggregates of earlier rows and those of later ones to those of all."""


def empty() -> Queue:
    """A queue without rows."""
    return {
        "back": [],  # (time, aggregates), oldest first
        "back total": None,
        "front": [],  # (time, aggregates of it and all after it in the front), oldest last
    }


def is_empty(queue: Queue) -> bool:
    """Whether no row is there."""
    return not queue["back"] and not queue["front"]


def enter(queue: Queue, time: int, aggregates: list[Any], merge: Merge) -> None:
    """Add a row, no older than those that are there."""
    queue["back"].append((time, aggregates))
    queue["back total"] = aggregates if queue["back total"] is None else merge(queue["back total"], aggregates)


def leave(queue: Queue, now: int, span: int, merge: Merge) -> None:
    """Drop the rows that are not of the last `span` any more."""
    back, front = queue["back"], queue["front"]
    while True:
        while front and expires(front[-1][0], span) <= now:
            front.pop()
        if front or not back:
            return
        total = None
        for time, aggregates in reversed(back):
            total = aggregates if total is None else merge(aggregates, total)
            front.append((time, total))
        back.clear()
        queue["back total"] = None


def total(queue: Queue, merge: Merge) -> list[Any] | None:
    """The aggregates of all rows; None without rows."""
    behind: list[Any] | None = queue["back total"]
    if not queue["front"]:
        return behind
    before: list[Any] = queue["front"][-1][1]
    return before if behind is None else merge(before, behind)


def newest(queue: Queue, otherwise: int) -> int:
    """The time of the last row."""
    rows = queue["back"][-1:] or queue["front"][:1]
    return rows[0][0] if rows else otherwise
