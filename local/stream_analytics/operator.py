"""What every operator of a query is, and how they are chained so that time holds through all of them.

A *watermark* W on an edge promises that every row still to come has a time >= W. Everything follows from that: a row is
in its final place once its time is < W, a window is complete once its end is < W. Rows travel an edge in order of time,
and all that were promised come before the watermark that passes them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from local.sql.asa.values import DateTime
from local.stream_analytics.rows import START, Row


class Operator(ABC):
    """Rows and watermarks in, rows out. What it remembers is `state`, plain data that `restore` takes back.

    `state` holds None, bool, int, float, str, DateTime, Row and dict, list and tuple of them, so that
    `local.stream_analytics.snapshot` can write it. What the query says (closures) is given to `__init__`, not state.
    """

    ports: int = 1
    """How many inputs it has."""

    state: dict[str, Any]

    def __init__(self) -> None:
        self.state = {}

    @abstractmethod
    def push(self, row: Row, port: int = 0) -> Iterable[Row]:
        """Take one row of an input; give the rows that are settled by it."""

    def advance(self, watermark: DateTime) -> Iterable[Row]:
        """Take a watermark that holds on every input; give the rows that are settled by it, in order of time."""
        return ()

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state` that was saved by an operator made with the same arguments."""
        self.state = state


class Node:
    """An operator and where its rows go: the nodes of a query make a graph, whose sources are pushed into.

    A node advances when the least watermark of its ports does, and passes that on.
    """

    def __init__(self, operator: Operator) -> None:
        self.operator = operator
        self.watermarks: list[DateTime] = [START] * operator.ports
        self.watermark = START
        self.targets: list[tuple[Node, int]] = []
        self.rows: list[Row] | None = None

    def to(self, target: Node, port: int = 0) -> Node:
        """Send the rows to a port of `target`, and return it."""
        self.targets.append((target, port))
        return target

    def collect(self) -> list[Row]:
        """The list that the rows are put in from now on: the caller takes them out."""
        self.rows = []
        return self.rows

    def push(self, row: Row, port: int = 0) -> None:
        """Take a row of a port, and pass on what becomes of it."""
        for out in self.operator.push(row, port):
            self._emit(out)

    def advance(self, watermark: DateTime, port: int = 0) -> None:
        """Take the watermark of a port; one that is not ahead is ignored."""
        if watermark <= self.watermarks[port]:
            return
        self.watermarks[port] = watermark
        least = watermark if len(self.watermarks) == 1 else min(self.watermarks)
        if least <= self.watermark:
            return
        self.watermark = least
        for out in self.operator.advance(least):
            self._emit(out)
        for target, target_port in self.targets:
            target.advance(least, target_port)

    def save(self) -> dict[str, Any]:
        """Everything that a restart needs of this node, and of none beside it."""
        return {"watermarks": self.watermarks, "watermark": self.watermark, "state": self.operator.state}

    def restore(self, saved: dict[str, Any]) -> None:
        """Go on from what `save` gave."""
        self.watermarks = saved["watermarks"]
        self.watermark = saved["watermark"]
        self.operator.restore(saved["state"])

    def _emit(self, row: Row) -> None:
        if self.rows is not None:
            self.rows.append(row)
        for target, port in self.targets:
            target.push(row, port)
