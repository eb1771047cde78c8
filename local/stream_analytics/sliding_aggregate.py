"""GROUP BY over a sliding window: a row per group whenever a row enters the last `size` of it or leaves them."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Hashable, Iterable, Sequence
from operator import itemgetter
from typing import Any

from local.sql.asa.values import DateTime
from local.stream_analytics import recent
from local.stream_analytics.accumulators import Aggregate
from local.stream_analytics.operator import Operator
from local.stream_analytics.recent import Recent
from local.stream_analytics.rows import Evaluate, Row
from local.stream_analytics.window_aggregate import Grouping
from local.stream_analytics.windows import Sliding, expires


class SlidingAggregate(Operator):
    """GROUP BY keys and a `Sliding` window. A window without rows gives none."""

    def __init__(self, window: Sliding, keys: Sequence[Evaluate], aggregates: Sequence[Aggregate]) -> None:
        super().__init__()
        self._size = window.size
        self._grouping = Grouping(keys, aggregates)
        self._recent = Recent(aggregates, window.size)
        self.restore({"groups": {}, "changes": [], "count": 0})

    def push(self, row: Row, port: int = 0) -> Iterable[Row]:
        state = self.state
        values, same = self._grouping.key(row)
        group = state["groups"].get(same)
        if group is None:
            group = state["groups"][same] = {
                "coming": [],  # (time, number, keys, aggregates) of rows that no watermark has passed
                "window": recent.empty(),
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
        coming, window = group["coming"], group["window"]
        self._recent.leave(window, now)
        entered = bisect_right(coming, now, key=itemgetter(0))
        if entered and recent.is_empty(window):
            _, group["first"], group["keys"], _ = coming[0]
        for time, _, _, aggregates in coming[:entered]:
            self._recent.enter(window, time, aggregates)
        del coming[:entered]
        return self._recent.total(window)
