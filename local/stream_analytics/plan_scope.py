"""What the names in a query stand for, once it is known which sources a row has and in which slots they are.

`RowScope` is of rows before GROUP BY, `GroupScope` of those after it. Both are given to `compile_expression`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from local.sql.asa import catalog
from local.sql.asa.errors import InvalidQuery, NotRunLocally, Position, QueryError, UnknownName
from local.sql.asa.expressions import compile_expression
from local.sql.asa.tree import Call, Expression, Literal, Path, folded
from local.sql.asa.values import field
from local.stream_analytics.rows import Evaluate, Row

_STEPS: Final = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")  # [User].[a.name] or EventHub.Offset

Meaning = tuple[int, tuple[str, ...]]
"""A slot, and the names of the members to take there."""


@dataclass(frozen=True)
class Slot:
    """A source of a row, as a query's names see it.

    Attributes:
        name: What the query calls it.
        index: Its place in `Row.sources`.
        columns: The names of its columns, when the query itself says what they are (a step without `*`).
        metadata: Whether it is an input, of which GetMetadataPropertyValue() can tell.
        applied: Whether it is what APPLY gave: its columns are never meant without its name.
    """

    name: str
    index: int
    columns: tuple[str, ...] | None = None
    metadata: bool = False
    applied: bool = False


def member(index: int, names: Sequence[str]) -> Evaluate:
    """The closure that takes members of a slot, one within the other."""
    if not names:
        return lambda row: row.sources[index]
    first, *rest = names

    def column(row: Row) -> Any:
        record = row.sources[index]
        try:
            return record[first]
        except (KeyError, TypeError):
            return field(record, first)

    read: Evaluate = column
    for name in rest:
        read = _of(read, name)
    return read


def _of(read: Evaluate, name: str) -> Evaluate:
    return lambda row: field(read(row), name)


class RowScope:
    """The names of rows whose slots are sources.

    Args:
        slots: The sources, in the order of the query.
        looked_back: By their `key`, where the values of analytic functions are: a slot that holds a tuple, an index.
        absent: Sources of the query that these rows do not have: to name one is an error, and no column.
    """

    def __init__(
        self,
        slots: Sequence[Slot],
        looked_back: Mapping[Any, tuple[int, int]] | None = None,
        absent: Sequence[str] = (),
    ) -> None:
        self.slots = tuple(slots)
        self._by_name = {slot.name.lower(): slot for slot in slots}
        self._looked_back = looked_back or {}
        self._absent = frozenset(name.lower() for name in absent)

    def slot(self, name: str) -> Slot | None:
        """The source that is called `name`."""
        return self._by_name.get(name.lower())

    def meaning(self, path: Path) -> Meaning:
        """What a path stands for; raises `QueryError` when that cannot be said."""
        first, *rest = path.names
        if rest and (slot := self.slot(first)) is not None:
            self._check_column(path.at, slot, rest[0])
            return slot.index, tuple(name.lower() for name in rest)
        if rest and first.lower() in self._absent:
            raise NotRunLocally(path.at, f"{first}.{rest[0]} here, where rows are of one source,")
        slot = self._of_unqualified(path)
        self._check_column(path.at, slot, first)
        return slot.index, tuple(name.lower() for name in path.names)

    def source(self, path: Path) -> Slot:
        """The source that a path is of; raises `QueryError` as `meaning` does."""
        index, _ = self.meaning(path)
        return next(slot for slot in self.slots if slot.index == index)

    def _of_unqualified(self, path: Path) -> Slot:
        candidates = [slot for slot in self.slots if not slot.applied]
        if len(candidates) > 1:
            name = path.names[0].lower()
            having = [slot for slot in candidates if slot.columns is None or name in _folded(slot.columns)]
            candidates = having if len(having) == 1 else candidates
        if len(candidates) > 1 and self.slot(path.names[0]) is not None:
            raise InvalidQuery(
                path.at, f"{path.names[0]} is a source, and no value here: DATEDIFF of sources is for ON, between ANDs"
            )
        if len(candidates) > 1:
            names = " or ".join(f"{slot.name}.{path.names[0]}" for slot in candidates)
            raise InvalidQuery(path.at, f"{path.names[0]} could be of several sources: write {names}")
        return candidates[0]

    @staticmethod
    def _check_column(at: Position, slot: Slot, name: str) -> None:
        if slot.columns is not None and name.lower() not in _folded(slot.columns):
            raise UnknownName(at, f"{slot.name} has no column {name}; it has: {', '.join(slot.columns)}")

    def path(self, path: Path) -> Evaluate:
        """As `expressions.Scope` wants it."""
        index, names = self.meaning(path)
        return member(index, path.names[-len(names) :] if names else ())

    def key(self, node: Expression) -> Any:
        """What is equal for nodes that mean the same in this scope."""
        return folded(node, self.meaning)

    def special(self, node: Expression) -> Evaluate | None:
        """As `expressions.Scope` wants it: System.Timestamp(), metadata, and what analytic functions gave."""
        if not isinstance(node, Call):
            return None
        upper = node.name.upper()
        if upper == catalog.TIMESTAMP:
            return _time
        if upper == catalog.WINDOW:
            raise InvalidQuery(node.at, f"{node.name}() is of groups, and there is no GROUP BY")
        if upper == catalog.METADATA:
            return self._metadata(node)
        if catalog.looks_back(node):
            try:
                slot, index = self._looked_back[looked_back_key(node)]
            except KeyError:
                raise InvalidQuery(node.at, f"{node.name}() cannot look back from here") from None
            return lambda row: row.sources[slot][index]
        return None

    def _metadata(self, call: Call) -> Evaluate:
        source, name = call.arguments
        assert isinstance(source, Path)
        assert isinstance(name, Literal)
        slot = self.slot(source.names[0])
        if slot is None or not slot.metadata:
            raise UnknownName(source.at, f"{call.name}() is of an input of this FROM; {source.names[0]} is none")
        steps = [bracketed or plain for bracketed, plain in _STEPS.findall(str(name.value))]
        index = slot.index

        def read(row: Row) -> Any:
            found = row.metas[index] if index < len(row.metas) else None
            for step in steps:
                found = field(found, step)
            return found

        return read


def looked_back_key(call: Call) -> Any:
    """What is equal for two calls of analytic functions that are written the same."""
    return folded(call)


def _folded(names: Sequence[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


def _time(row: Row) -> Any:
    return row.time


def _window(row: Row) -> Any:
    """Without Windows() it has no identity."""
    return {"Id": row.sources[2] if len(row.sources) > 2 else None}


class GroupScope:
    """The names of a group: its keys and aggregates, and of nothing else.

    Args:
        rows: The scope of the rows that are grouped.
        keys: Where the value of each expression of GROUP BY is, by its key in `rows`.
        aggregates: Where the value of each aggregate is, by its key in `rows`.
        aliases: What HAVING may call by the name that SELECT gives it, by that name in lower case.
    """

    def __init__(
        self,
        rows: RowScope,
        keys: Mapping[Any, int],
        aggregates: Mapping[Any, int],
        aliases: Mapping[str, Expression] | None = None,
    ) -> None:
        self._rows = rows
        self._keys = keys
        self._aggregates = aggregates
        self._aliases = aliases or {}

    def special(self, node: Expression) -> Evaluate | None:
        """As `expressions.Scope` wants it: what is a key or an aggregate is read, and not computed again."""
        upper = node.name.upper() if isinstance(node, Call) else ""
        if upper == catalog.TIMESTAMP:
            return _time
        if upper == catalog.WINDOW:
            return _window
        key = self._key(node)
        if isinstance(node, Call) and catalog.is_aggregate(node):
            place = self._aggregates[key]
            return lambda row: row.sources[1][place]
        index = self._keys.get(key)
        if index is not None:
            return _members(index, ())
        if isinstance(node, Call) and (upper == catalog.METADATA or catalog.looks_back(node)):
            raise InvalidQuery(node.at, f"{upper}() is neither in GROUP BY nor in an aggregate")
        return None

    def path(self, path: Path) -> Evaluate:
        """As `expressions.Scope` wants it: a member of a key, or a name that SELECT gives."""
        for length in range(len(path.names) - 1, 0, -1):
            index = self._keys.get(self._key(Path(path.at, path.names[:length])))
            if index is not None:
                return _members(index, path.names[length:])
        alias = self._aliases.get(path.names[0].lower()) if len(path.names) == 1 else None
        if alias is not None:
            return compile_expression(alias, GroupScope(self._rows, self._keys, self._aggregates))
        self._rows.meaning(path)
        raise InvalidQuery(path.at, f"{'.'.join(path.names)} is neither in GROUP BY nor in an aggregate")

    def _key(self, node: Expression) -> Any:
        try:
            return self._rows.key(node)
        except QueryError:
            return None


def _members(index: int, names: Sequence[str]) -> Evaluate:
    def read(row: Row) -> Any:
        found = row.sources[0][index]
        for name in names:
            found = field(found, name)
        return found

    return read
