"""The operators that remember nothing but what waits: WHERE, HAVING, SELECT, Windows(), UNION and APPLY."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from typing import Any

from local.sql.asa.values import DateTime
from local.stream_analytics.operator import Operator
from local.stream_analytics.rows import Evaluate, Row


class Filter(Operator):
    """WHERE or HAVING: the rows for which the condition is true, and not null."""

    def __init__(self, condition: Evaluate) -> None:
        super().__init__()
        self._condition = condition

    def push(self, row: Row, port: int = 0) -> Iterable[Row]:
        return (row,) if self._condition(row) is True else ()


class Project(Operator):
    """SELECT: a row of one source, the record that the projection gives. Time and the first source's metadata stay."""

    def __init__(self, projection: Callable[[Row], dict[str, Any]]) -> None:
        super().__init__()
        self._projection = projection

    def push(self, row: Row, port: int = 0) -> Iterable[Row]:
        return (Row(row.time, (self._projection(row),), row.metas[:1]),)


class Identify(Operator):
    """Windows(): each row with the identity of its window as its last source."""

    def __init__(self, identity: str | None) -> None:
        super().__init__()
        self._identity = identity

    def push(self, row: Row, port: int = 0) -> Iterable[Row]:
        return (row.with_source(self._identity),)


class Union(Operator):
    """UNION: the rows of several streams in order of time; of the same time, in the order of the streams.

    Args:
        ports: how many streams.
    """

    def __init__(self, ports: int) -> None:
        super().__init__()
        self.ports = ports
        self.restore({"waiting": [], "count": 0})

    def push(self, row: Row, port: int = 0) -> Iterable[Row]:
        self.state["count"] += 1
        heapq.heappush(self.state["waiting"], (row.time, port, self.state["count"], row))
        return ()

    def advance(self, watermark: DateTime) -> Iterable[Row]:
        waiting = self.state["waiting"]
        while waiting and waiting[0][0] < watermark:
            yield heapq.heappop(waiting)[3]


class Apply(Operator):
    """CROSS APPLY of what gives several values for a row: a row for each, the value as its last source.

    Args:
        values: what is applied, GetArrayElements or GetRecordProperties; None is no values.
        outer: OUTER APPLY: a row without values stays, with None for one.
    """

    def __init__(self, values: Evaluate, *, outer: bool = False) -> None:
        super().__init__()
        self._values = values
        self._outer = outer

    def push(self, row: Row, port: int = 0) -> Iterable[Row]:
        values = self._values(row) or ((None,) if self._outer else ())
        return [row.with_source(value) for value in values]
