"""When an event of an input happened, and up to when all of them are known: time policies, watermarks, event order.

Arrivals go in, partition by partition; rows come out in order of time, with the watermark that released them. Rows of
the same time come by partition, then in the order in which they arrived, however the partitions were interleaved.

A row that waits while the state is saved waits on as what was saved of it: that takes less memory, and is not written
anew with the next state.

Source: https://learn.microsoft.com/azure/stream-analytics/stream-analytics-time-handling and .../event-ordering
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, cast

from local.sql.asa.values import TICKS_PER_SECOND, DateTime, group_key, parse_datetime
from local.stream_analytics import snapshot
from local.stream_analytics.rows import END, START, Evaluate, Row

EARLY_ARRIVAL: Final = 300 * TICKS_PER_SECOND
"""An event that is further ahead of its arrival is dropped; Azure has no setting for it (time handling, "Early")."""

SWEEP: Final = TICKS_PER_SECOND
"""How far time goes before the substreams that had no event are brought along."""


@dataclass(frozen=True)
class Policies:
    """What a job does with events that are out of order or late; of no effect without TIMESTAMP BY. Spans in ticks.

    The defaults are Azure's: `eventsOutOfOrderMaxDelayInSeconds` 0, `eventsLateArrivalMaxDelayInSeconds` 5,
    `eventsOutOfOrderPolicy` Adjust (which covers late events, too).
    """

    out_of_order: int = 0
    late_arrival: int = 5 * TICKS_PER_SECOND
    action: Literal["adjust", "drop"] = "adjust"


Timeline = tuple[Hashable, ...]
"""Whose time it is: () for the whole input, else the partition (PARTITION BY) or the key (TIMESTAMP BY ... OVER)."""


class _Waiting(NamedTuple):
    """A row that waits, or what was saved of it. `number` is of its timeline, so that no rows are ever compared."""

    time: DateTime
    lane: int
    number: int
    row: Row | bytes


def _row(waiting: _Waiting) -> Row:
    row: Row = snapshot.of_line(waiting.row) if isinstance(waiting.row, bytes) else waiting.row
    return row


class Released(NamedTuple):
    """Rows that are in their final place, and the watermark that says so; on one timeline."""

    timeline: Timeline
    waited: list[_Waiting]
    watermark: DateTime

    @property
    def rows(self) -> Iterator[Row]:
        """The rows. Those that were saved are read again one by one, so that few of them are in memory."""
        return map(_row, self.waited)


def _save(heap: list[_Waiting]) -> dict[str, list[Any]]:
    """A heap as it stands, by columns; its rows are lines from now on."""
    lines = snapshot.Lines()
    for place, waiting in enumerate(heap):
        if isinstance(waiting.row, bytes):
            lines.append(waiting.row)
        else:
            lines.append(snapshot.line(waiting.row))
            heap[place] = waiting._replace(row=lines[-1])
    return {
        "times": [int(waiting.time) for waiting in heap],
        "lanes": [waiting.lane for waiting in heap],
        "numbers": [waiting.number for waiting in heap],
        "rows": lines,
    }


def _restore(saved: dict[str, list[Any]]) -> list[_Waiting]:
    columns = zip(map(DateTime, saved["times"]), saved["lanes"], saved["numbers"], saved["rows"], strict=True)
    return [_Waiting(*waiting) for waiting in columns]


class InputOrder:
    """The order of one input's events.

    With `partitioned`, each partition has a timeline of its own; with `over`, each value of those expressions has, and
    the query runs apart on each. Otherwise there is one, and its watermark is the least of the partitions'.

    Args:
        timestamp: the TIMESTAMP BY expression; None takes the time of arrival, to which no policy applies.
        policies: as the job sets them.
        partitions: how many partitions the input has, numbered from 0: a silent one holds the others back.
        partitioned: whether the query says PARTITION BY PartitionId.
        over: the expressions of TIMESTAMP BY ... OVER.

    Raises:
        ValueError: `over` for several partitions that are not kept apart, which Azure refuses as well.
    """

    def __init__(
        self,
        timestamp: Evaluate | None = None,
        policies: Policies | None = None,
        *,
        partitions: int = 1,
        partitioned: bool = False,
        over: Sequence[Evaluate] = (),
    ) -> None:
        if over and partitions > 1 and not partitioned:
            raise ValueError(
                f"TIMESTAMP BY ... OVER: the input has {partitions} partitions; say PARTITION BY PartitionId, too"
            )
        policies = policies or Policies()
        self._timestamp = timestamp
        self._tolerance = policies.out_of_order if timestamp else 0
        self._late = policies.late_arrival if timestamp else 0
        self._drop = policies.action == "drop"
        self._partitioned = partitioned
        self._over = tuple(over)
        # A floor is a watermark of all substreams of a partition, those to come too, and up to where all were lifted.
        self.state: dict[str, Any] = {
            "timelines": {},
            "floors": dict.fromkeys(range(partitions), (START, START)),
            "untimed": 0,
            "early": 0,
            "late": 0,
            "out of order": 0,
        }
        if partitioned:
            for partition in range(partitions):
                if not over:
                    self._open((partition,), (partition,))
        elif not over:
            self._open((), range(partitions))

    @property
    def counts(self) -> Mapping[str, int]:
        """Events so far that had no time, came early, late, or out of order beyond what is tolerated."""
        return {name: self.state[name] for name in ("untimed", "early", "late", "out of order")}

    @property
    def watermark(self) -> DateTime:
        """Up to when all is known, on every timeline; `START` before that is so of any time."""
        return min((timeline["watermark"] for timeline in self.state["timelines"].values()), default=START)

    def oldest(self) -> Iterator[tuple[int, Row]]:
        """Of the rows that have not left yet, the first that came of each partition; of each substream, with `over`."""
        for timeline in self.state["timelines"].values():
            first: dict[int, _Waiting] = {}
            for waiting in timeline["waiting"]:
                found = first.setdefault(waiting.lane, waiting)
                if waiting.number < found.number:
                    first[waiting.lane] = waiting
            yield from ((lane, _row(waiting)) for lane, waiting in first.items())

    def push(self, partition: int, record: Any, arrival: DateTime, meta: Any = None) -> list[Released]:
        """Take an event; give what it settles. Arrivals of a partition come in order.

        Raises:
            KeyError: the input has no such partition.
        """
        row = Row(arrival, (record,), (meta,))
        if self._timestamp is None:
            time: Any = arrival
        else:
            time = self._timestamp(row)
            if type(time) is str:
                time = parse_datetime(time)
            if type(time) is not DateTime:
                self.state["untimed"] += 1
                return []
            if time - arrival > EARLY_ARRIVAL:
                self.state["early"] += 1
                return []
            if arrival - time > self._late:
                self.state["late"] += 1
                if self._drop:
                    return []
                time = arrival - self._late
        key, lane = self._timeline(partition, row)
        timeline = self.state["timelines"][key]
        watermark = timeline["lanes"][lane]
        if time < watermark:
            if self._timestamp is not None:
                self.state["out of order"] += 1
                if self._drop:
                    return []
            time = watermark
        row.time = time if type(time) is DateTime else DateTime(time)
        timeline["count"] += 1
        heapq.heappush(timeline["waiting"], _Waiting(row.time, lane, timeline["count"], row))
        released: list[Released] = []
        if time - self._tolerance > watermark:
            timeline["lanes"][lane] = DateTime(time - self._tolerance) if self._tolerance else row.time
            self._release(key, timeline, released)
        if self._over:
            floor, swept = self.state["floors"][partition]
            if arrival - self._late > floor:
                self.state["floors"][partition] = (DateTime(arrival - self._late), swept)
                if arrival - self._late - swept >= SWEEP:
                    released += self._lift(DateTime(arrival - self._late), partition)
        return released

    def idle(self, now: DateTime, partition: int | None = None) -> list[Released]:
        """Say that it is `now` where events arrive, and that none came in that partition (in any of them).

        What arrives from now on cannot be late by more than the late arrival tolerance, which is a watermark.
        """
        return self._lift(DateTime(now - self._late), partition)

    def finish(self) -> list[Released]:
        """Say that no event will ever come: everything that waits leaves."""
        return self._lift(END, None)

    def save(self) -> dict[str, Any]:
        """The state as `snapshot` takes it, for `restore`."""
        timelines = {
            key: {**timeline, "waiting": _save(timeline["waiting"])}
            for key, timeline in self.state["timelines"].items()
        }
        return {**self.state, "timelines": timelines}

    def restore(self, saved: dict[str, Any]) -> None:
        """Go on from what `save` gave of an input that was read with the same query, policies and partitions."""
        timelines = {
            key: {**timeline, "waiting": _restore(timeline["waiting"])} for key, timeline in saved["timelines"].items()
        }
        self.state = {**saved, "timelines": timelines}

    def follow(self, timeline: Timeline) -> DateTime:
        """Report a timeline that another input of the query has, from now on; give the watermark that it has here."""
        found = self.state["timelines"].get(timeline)
        if found is None:
            partition = cast(int, timeline[0]) if self._partitioned else 0
            found = self._open_substream(timeline, partition)
        watermark: DateTime = found["watermark"]
        return watermark

    def timelines(self) -> list[Timeline]:
        """Those that were seen so far; all there will be, unless the input has substreams."""
        return list(self.state["timelines"])

    def _timeline(self, partition: int, row: Row) -> tuple[Timeline, int]:
        """Where a row belongs, and the lane (what has a watermark of its own) within it."""
        if not self._over:
            return ((partition,) if self._partitioned else ()), partition
        key = tuple(group_key(evaluate(row)) for evaluate in self._over)
        if self._partitioned:
            key = (partition, *key)
        if key not in self.state["timelines"]:
            self._open_substream(key, partition)
        return key, partition

    def _open_substream(self, key: Timeline, partition: int) -> dict[str, Any]:
        timeline = self._open(key, (partition,))
        timeline["lanes"][partition] = timeline["watermark"] = self.state["floors"][partition][0]
        return timeline

    def _open(self, key: Timeline, lanes: Sequence[int]) -> dict[str, Any]:
        timeline = {"lanes": dict.fromkeys(lanes, START), "watermark": START, "waiting": [], "count": 0}
        self.state["timelines"][key] = timeline
        return timeline

    def _lift(self, watermark: DateTime, partition: int | None) -> list[Released]:
        for own, (floor, _) in self.state["floors"].items():
            if partition in (None, own):
                self.state["floors"][own] = (max(floor, watermark), max(floor, watermark))
        released: list[Released] = []
        for key, timeline in self.state["timelines"].items():
            lanes = timeline["lanes"]
            for lane in lanes:
                if partition in (None, lane) and watermark > lanes[lane]:
                    lanes[lane] = watermark
            self._release(key, timeline, released)
        return released

    def _release(self, key: Timeline, timeline: dict[str, Any], released: list[Released]) -> None:
        """Add to `released` what the timeline's watermark lets go, when it moved."""
        watermark = min(timeline["lanes"].values())
        if watermark <= timeline["watermark"]:
            return
        timeline["watermark"] = watermark
        waiting = timeline["waiting"]
        waited = []
        while waiting and waiting[0].time < watermark:
            waited.append(heapq.heappop(waiting))
        released.append(Released(key, waited, watermark))
