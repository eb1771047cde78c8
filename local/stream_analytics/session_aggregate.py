"""GROUP BY over a session window: a row per group when a session ends, that is, when nothing came for a while."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from local.sql.asa.values import DateTime, group_key
from local.stream_analytics.accumulators import Aggregate
from local.stream_analytics.operator import Operator
from local.stream_analytics.rows import Evaluate, Row
from local.stream_analytics.window_aggregate import Grouping
from local.stream_analytics.windows import Session


class SessionAggregate(Operator):
    """GROUP BY keys and a `Session` window.

    Args:
        window: when sessions end.
        keys: what makes groups within a session.
        aggregates: what is computed of each group.
        partition: OVER (PARTITION BY ...) of the window: rows that differ in it are in sessions of their own. Without,
            there is one session for all, whatever the groups.
    """

    def __init__(
        self,
        window: Session,
        keys: Sequence[Evaluate],
        aggregates: Sequence[Aggregate],
        partition: Sequence[Evaluate] = (),
    ) -> None:
        super().__init__()
        self._window = window
        self._grouping = Grouping(keys, aggregates)
        self._partition = tuple(partition)
        # "open" says which session of "sessions", by serial number, takes rows; "ends" is a heap of when each may end.
        self.restore({"open": {}, "sessions": {}, "ends": [], "serial": 0})

    def push(self, row: Row, port: int = 0) -> Iterable[Row]:
        state = self.state
        same: Hashable = tuple([group_key(evaluate(row)) for evaluate in self._partition])
        serial = state["open"].get(same)
        if serial is None or row.time > self._end(state["sessions"][serial]):
            serial = state["open"][same] = state["serial"] = state["serial"] + 1
            state["sessions"][serial] = {"of": same, "start": row.time, "last": row.time, "groups": {}}
            heapq.heappush(state["ends"], (self._end(state["sessions"][serial]), serial))
        session = state["sessions"][serial]
        session["last"] = row.time
        self._grouping.add(session["groups"], row)
        return ()

    def advance(self, watermark: DateTime) -> Iterable[Row]:
        state = self.state
        ends, sessions = state["ends"], state["sessions"]
        while ends and ends[0][0] < watermark:
            expected, serial = heapq.heappop(ends)
            end = self._end(sessions[serial])
            if end > expected:
                heapq.heappush(ends, (end, serial))
                continue
            session = sessions.pop(serial)
            if state["open"].get(session["of"]) == serial:
                del state["open"][session["of"]]
            yield from self._grouping.rows(end, session["groups"])

    def _end(self, session: dict[str, Any]) -> DateTime:
        return self._window.end(session["start"], session["last"])
