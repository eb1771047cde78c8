"""GROUP BY over a sliding window: a row per group whenever a row enters the last `size` of it or leaves them.

A group's window is a queue of two stacks of partial aggregates, so that a row costs a few merges however many there
are: what is behind is merged once when the front runs out, and leaving is a pop.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Hashable, Iterable, Sequence
from operator import itemgetter
from typing import Any

from local.sql.asa.values import DateTime
from local.stream_analytics.accumulators import Aggregate
from local.stream_analytics.operator import Operator
from local.stream_analytics.rows import Evaluate, Row
from local.stream_analytics.window_aggregate import Grouping
from local.stream_analytics.windows import Sliding, expires


class SlidingAggregate(Operator):
    """GROUP BY keys and a `Sliding` window. A window without rows gives none."""

    def __init__(self, window: Sliding, keys: Sequence[Evaluate], aggregates: Sequence[Aggregate]) -> None:
        super().__init__()
        self._size = window.size
        self._grouping = Grouping(keys, aggregates)
        self.restore({"groups": {}, "changes": [], "count": 0})

    def push(self, row: Row, port: int = 0) -> Iterable[Row]:
        state = self.state
        values, same = self._grouping.key(row)
        group = state["groups"].get(same)
        if group is None:
            group = state["groups"][same] = {
                "coming": [],  # (time, number, keys, aggregates) of rows that no watermark has passed
                "back": [],  # (time, aggregates), oldest first
                "back total": None,
                "front": [],  # (time, aggregates of it and all after it in the front), oldest last
                "keys": values,
                "first": 0,  # the number of the row since which it was never empty
            }
        state["count"] += 1
        if not group["coming"] or group["coming"][-1][0] != row.time:
            heapq.heappush(state["changes"], (row.time, 2 * state["count"], same))
            heapq.heappush(state["changes"], (expires(row.time, self._size), 2 * state["count"] + 1, same))
        group["coming"].append((row.time, state["count"], values, self._grouping.alone(row)))
        return ()

    def advance(self, watermark: DateTime) -> Iterable[Row]:
        changes, groups = self.state["changes"], self.state["groups"]
        while changes and changes[0][0] < watermark:
            now = changes[0][0]
            changed: dict[Hashable, None] = {}
            while changes and changes[0][0] == now:
                changed[heapq.heappop(changes)[2]] = None
            found = []
            for same in changed:
                group = groups[same]
                total = self._slide(group, now)
                if total is not None:
                    found.append((group["first"], group["keys"], total))
                elif not group["coming"]:
                    del groups[same]
            for _, keys, total in sorted(found, key=itemgetter(0)):
                yield Row(DateTime(now), (keys, self._grouping.results(total)))

    def _slide(self, group: dict[str, Any], now: int) -> list[Any] | None:
        """Let rows of the group in and out, and aggregate the rest; None when nothing is left."""
        merge = self._grouping.merge_aggregates
        coming, back, front = group["coming"], group["back"], group["front"]
        self._leave(group, now)
        entered = bisect_right(coming, now, key=itemgetter(0))
        if entered and not front and not back:
            _, group["first"], group["keys"], _ = coming[0]
        for time, _, _, aggregates in coming[:entered]:
            back.append((time, aggregates))
            group["back total"] = aggregates if group["back total"] is None else merge(group["back total"], aggregates)
        del coming[:entered]
        behind: list[Any] | None = group["back total"]
        if not front:
            return behind
        before: list[Any] = front[-1][1]
        return before if behind is None else merge(before, behind)

    def _leave(self, group: dict[str, Any], now: int) -> None:
        """Drop the rows that have left the window."""
        back, front = group["back"], group["front"]
        while True:
            while front and expires(front[-1][0], self._size) <= now:
                front.pop()
            if front or not back:
                return
            total = None
            for time, aggregates in reversed(back):
                total = aggregates if total is None else self._grouping.merge_aggregates(aggregates, total)
                front.append((time, total))
            back.clear()
            group["back total"] = None
