"""Reference data, and JOIN ... ON of a stream with it.

Reference data is a sequence of tables, each in effect from a time on until the next one is: a row of the stream is
joined with the one in effect at its own time, whenever it comes. A file that stands still is a sequence of one.

Source: https://learn.microsoft.com/azure/stream-analytics/stream-analytics-use-reference-data and
https://learn.microsoft.com/stream-analytics-query/reference-data-join-azure-stream-analytics
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from local.sql.asa.values import DateTime, group_key
from local.stream_analytics.operator import Operator
from local.stream_analytics.rows import START, Evaluate, Row

Keys = tuple[Evaluate, ...]
"""What the equalities of ON compare, on a row whose one source is a row of the table."""


class Table:
    """Rows that are found by their keys; each join of a query has one index, however many partitions it runs on."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self.rows = tuple(rows)
        self._indexes: dict[Keys, dict[Hashable, list[Mapping[str, Any]]]] = {}

    def matching(self, keys: Keys, values: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        """The rows whose `keys` are `values`; a null is equal to nothing."""
        if None in values:
            return ()
        index = self._indexes.get(keys)
        if index is None:
            index = self._indexes[keys] = self._index(keys)
        return index.get(tuple(map(group_key, values)), ())

    def _index(self, keys: Keys) -> dict[Hashable, list[Mapping[str, Any]]]:
        index: dict[Hashable, list[Mapping[str, Any]]] = {}
        for record in self.rows:
            values = [evaluate(Row(START, (record,))) for evaluate in keys]
            if None not in values:
                index.setdefault(tuple(map(group_key, values)), []).append(record)
        return index


class ReferenceData:
    """The tables that are held, by the time from which each is in effect.

    Args:
        rows: those of a table that is in effect always; None for none yet.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]] | None = None) -> None:
        self._times: list[DateTime] = []
        self._tables: list[Table] = []
        if rows is not None:
            self.put(START, rows)

    def put(self, effective: DateTime, rows: Iterable[Mapping[str, Any]]) -> None:
        """Hold a table, in effect from `effective` on; of two from the same time on, the one that was put last is."""
        place = bisect_right(self._times, effective)
        self._times.insert(place, effective)
        self._tables.insert(place, Table(rows))

    def at(self, time: DateTime) -> Table:
        """The table in effect; before the first one, that one: a job does not start before it has some.

        Raises:
            LookupError: there is none at all.
        """
        if not self._tables:
            raise LookupError("reference data is read before there is any")
        return self._tables[max(0, bisect_right(self._times, time) - 1)]

    def forget(self, before: DateTime) -> None:
        """Let go of the tables that are in effect at no time from `before` on."""
        stale = max(0, bisect_right(self._times, before) - 1)
        del self._times[:stale], self._tables[:stale]

    def __len__(self) -> int:
        return len(self._tables)


class ReferenceJoin(Operator):
    """JOIN ... ON of a stream and reference data; the stream's rows keep their time.

    Args:
        data: the reference data.
        condition: the rest of ON, on the joined row; None for nothing more.
        stream_keys: what the equalities of ON compare, on a row of the stream ...
        table_keys: ... and on a row whose one source is a row of the table, in the same order. A null matches nothing.
        outer: a LEFT JOIN.
    """

    def __init__(
        self,
        data: ReferenceData,
        condition: Evaluate | None = None,
        *,
        stream_keys: Keys = (),
        table_keys: Keys = (),
        outer: bool = False,
    ) -> None:
        super().__init__()
        self._data = data
        self._condition = condition
        self._stream_keys = stream_keys
        self._table_keys = table_keys
        self._outer = outer

    def push(self, row: Row, port: int = 0) -> Iterable[Row]:
        found = self._data.at(row.time).matching(self._table_keys, [evaluate(row) for evaluate in self._stream_keys])
        joined = [row.with_source(record) for record in found]
        if self._condition is not None:
            joined = [pair for pair in joined if self._condition(pair) is True]
        return joined or ([row.with_source(None)] if self._outer else [])
