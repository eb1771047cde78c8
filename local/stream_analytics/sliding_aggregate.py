"""GROUP BY over a sliding window: a row per group whenever a row enters the last `size` of it or leaves them.

A group's window is a queue of two stacks of partial aggregates, so that a row costs a few merges however many there
are: what is behind is merged once when the front runs out, and leaving is a pop.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Iterable, Sequence
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
        self.restore({"groups": {}, "changes": [], "serial": 0})

    def push(self, row: Row, port: int = 0) -> Iterable[Row]:
        values, same = self._grouping.key(row)
        group = self.state["groups"].get(same)
        if group is None:
            self.state["serial"] += 1
            group = self.state["groups"][same] = {
                "keys": values,
                "serial": self.state["serial"],
                "coming": [],  # (time, aggregates) of rows that the watermark has not passed
                "back": [],  # (time, aggregates), oldest first
                "back total": None,
                "front": [],  # (time, aggregates of it and all after it in the front), oldest last
            }
        if not group["coming"] or group["coming"][-1][0] != row.time:
            for change in (row.time, expires(row.time, self._size)):
                heapq.heappush(self.state["changes"], (change, group["serial"], same))
        group["coming"].append((row.time, self._grouping.alone(row)))
        return ()

    def advance(self, watermark: DateTime) -> Iterable[Row]:
        changes, groups = self.state["changes"], self.state["groups"]
        done = None
        while changes and changes[0][0] < watermark:
            change = heapq.heappop(changes)
            group = groups.get(change[2])
            if change == done or group is None:
                continue
            done = change
            total = self._slide(group, change[0])
            if total is not None:
                yield Row(DateTime(change[0]), (group["keys"], self._grouping.results(total)))
            elif not group["coming"]:
                del groups[change[2]]

    def _slide(self, group: dict[str, Any], now: int) -> list[Any] | None:
        """Let rows of the group in and out, and aggregate the rest; None when nothing is left."""
        merge = self._grouping.merge_aggregates
        coming, back, front = group["coming"], group["back"], group["front"]
        entered = bisect_right(coming, now, key=itemgetter(0))
        for time, aggregates in coming[:entered]:
            back.append((time, aggregates))
            group["back total"] = aggregates if group["back total"] is None else merge(group["back total"], aggregates)
        del coming[:entered]
        while True:
            while front and expires(front[-1][0], self._size) <= now:
                front.pop()
            if front or not back:
                break
            total = None
            for time, aggregates in reversed(back):
                total = aggregates if total is None else merge(aggregates, total)
                front.append((time, total))
            back.clear()
            group["back total"] = None
        if not front:
            return None
        total = front[-1][1]
        return total if group["back total"] is None else merge(total, group["back total"])
