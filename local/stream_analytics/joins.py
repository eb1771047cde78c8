"""JOIN of two streams, whose rows are near each other in time.

A joined row has the left side's sources, then the right side's, and its time is the later of the two: the first moment
at which the pair could be known. A row that a LEFT JOIN finds no match for leaves at the last moment at which one could
have come.

Source: https://learn.microsoft.com/stream-analytics-query/join-azure-stream-analytics and
.../system-timestamp-stream-analytics ("Resulting event timestamp")
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from local.sql.asa.values import DateTime, group_key
from local.stream_analytics.operator import Operator
from local.stream_analytics.rows import START, Evaluate, Row

LEFT, RIGHT = 0, 1


@dataclass(frozen=True)
class Bounds:
    """How far apart two rows may be: DATEDIFF(unit, left, right) BETWEEN least AND most, in ticks, both included.

    In a JOIN, DATEDIFF is the time that elapsed, exactly: BETWEEN 0 AND 15 minutes matches "no more than 15 minutes
    later", and not what is within 15 changes of the clock's minute, as DATEDIFF counts them in a SELECT.
    """

    least: int
    most: int

    def __post_init__(self) -> None:
        if self.least > self.most:
            raise ValueError(f"no rows are at least {self.least} and at most {self.most} ticks apart")


class StreamJoin(Operator):
    """JOIN ... ON of two streams; port `LEFT` takes the left one, `RIGHT` the right one.

    Args:
        bounds: DATEDIFF(unit, left, right).
        condition: the rest of ON, on the joined row; None for nothing more.
        left_keys: what the equalities of ON compare, on a row of the left side ...
        right_keys: ... and on one of the right side, in the same order. A null matches nothing.
        outer: a LEFT JOIN.
        left_width: how many sources a left row has ...
        right_width: ... and a right one.
        left_time: the time that `bounds` are counted from, when that is not the row's own: a row that was joined
            before has the time of its later part, and DATEDIFF may name the other.
        left_lag: how far that may lie behind the row's own, in ticks.
    """

    ports = 2

    def __init__(
        self,
        bounds: Bounds,
        condition: Evaluate | None = None,
        *,
        left_keys: Sequence[Evaluate] = (),
        right_keys: Sequence[Evaluate] = (),
        outer: bool = False,
        left_width: int = 1,
        right_width: int = 1,
        left_time: Evaluate | None = None,
        left_lag: int = 0,
    ) -> None:
        super().__init__()
        self._bounds = bounds
        self._condition = condition
        self._keys = (tuple(left_keys), tuple(right_keys))
        self._outer = outer
        self._width = left_width
        self._nothing = (None,) * right_width
        self._left_time = left_time
        self._left_lag = left_lag
        # Rows wait for the watermark in "waiting". Those it passed are kept by key, (number, time, row), as long as a
        # match may come. "due" are the left rows of a LEFT JOIN, by when they leave unless they are "matched".
        self.restore({"waiting": [], "count": 0, "left": {}, "right": {}, "due": [], "matched": {}, "swept": START})

    def push(self, row: Row, port: int = 0) -> Iterable[Row]:
        self.state["count"] += 1
        heapq.heappush(self.state["waiting"], (row.time, port, self.state["count"], row))
        return ()

    def advance(self, watermark: DateTime) -> Iterable[Row]:
        waiting, due = self.state["waiting"], self.state["due"]
        while True:
            row_time = waiting[0][0] if waiting else watermark
            due_time = due[0][0] if due else watermark
            if row_time >= watermark and due_time >= watermark:
                break
            if row_time <= due_time:
                _, port, number, row = heapq.heappop(waiting)
                yield from self._from_left(row, number) if port == LEFT else self._from_right(row, number)
            else:
                time, number, row = heapq.heappop(due)
                if not self.state["matched"].pop(number, False):
                    yield self._joined(DateTime(time), row, None)
        if watermark - self.state["swept"] > self._bounds.most - self._bounds.least + self._left_lag:
            self.state["swept"] = watermark
            self._sweep(watermark)

    def _from_left(self, row: Row, number: int) -> Iterator[Row]:
        time = row.time if self._left_time is None else self._left_time(row)
        if self._outer:
            heapq.heappush(self.state["due"], (max(row.time, time + self._bounds.most), number, row))
        key = self._key(row, LEFT)
        if key is None:
            return
        for _, right_time, right in self.state["right"].get(key, ()):
            if self._bounds.least <= right_time - time <= self._bounds.most:
                yield from self._pair(number, row, right)
        if time + self._bounds.most >= row.time:
            self.state["left"].setdefault(key, []).append((number, time, row))

    def _from_right(self, row: Row, number: int) -> Iterator[Row]:
        key = self._key(row, RIGHT)
        if key is None:
            return
        for left_number, time, left in self.state["left"].get(key, ()):
            if self._bounds.least <= row.time - time <= self._bounds.most:
                yield from self._pair(left_number, left, row)
        # Left rows of the same time have come before it: only for later ones does it have to stay.
        if self._bounds.least < self._left_lag:
            self.state["right"].setdefault(key, []).append((number, row.time, row))

    def _pair(self, number: int, left: Row, right: Row) -> Iterator[Row]:
        joined = self._joined(max(left.time, right.time), left, right)
        if self._condition is None or self._condition(joined) is True:
            if self._outer:
                self.state["matched"][number] = True
            yield joined

    def _joined(self, time: DateTime, left: Row, right: Row | None) -> Row:
        metas = left.metas
        if right is not None and right.metas:
            metas = (*metas, *(None,) * (self._width - len(metas)), *right.metas)
        return Row(time, left.sources + (self._nothing if right is None else right.sources), metas)

    def _key(self, row: Row, port: int) -> Hashable | None:
        values = [evaluate(row) for evaluate in self._keys[port]]
        return None if None in values else tuple(map(group_key, values))

    def _sweep(self, watermark: int) -> None:
        """Forget what no row can match that is still to come."""
        for side, reach in (("left", self._bounds.most), ("right", self._left_lag - self._bounds.least)):
            kept = self.state[side]
            for key in list(kept):
                rows = [entry for entry in kept[key] if entry[1] + reach >= watermark]
                if rows:
                    kept[key] = rows
                else:
                    del kept[key]
