"""The SELECT list: from a row to the record that goes on.

Of columns with the same name the leftmost stays: that is documented for those of `*`, and two that are written out are
an error. A column without a name has that of its last member, or of its function; Azure's own choice for functions is
not documented, and there is none for other expressions, so those want an alias.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from local.sql.asa.errors import InvalidQuery, QueryError, UnknownName
from local.sql.asa.expressions import Scope, compile_expression
from local.sql.asa.tree import Call, Expression, Member, Path, Projection, Star
from local.stream_analytics.plan_scope import RowScope, Slot, member
from local.stream_analytics.rows import Evaluate, Row

Project = Callable[[Row], dict[str, Any]]


def column_name(item: Projection) -> str:
    """What the column of a projection is called; raises `InvalidQuery` when it needs an alias."""
    if item.alias is not None:
        return item.alias
    value: Expression = item.value
    if isinstance(value, Path):
        return value.names[-1]
    if isinstance(value, Member) and isinstance(value.step, str):
        return value.step
    if isinstance(value, Call):
        return value.name.rpartition(".")[2]
    raise InvalidQuery(item.at, "a column that is computed wants a name: ... AS name")


def project(
    items: Sequence[Projection | Star], rows: RowScope, values: Scope
) -> tuple[Project, tuple[str, ...] | None]:
    """Compile a SELECT list.

    Args:
        items: The list.
        rows: What `*` is of.
        values: What the expressions are compiled in: `rows`, or the scope of its groups.

    Returns:
        The projection, and the names of its columns when the query says what they are.

    Raises:
        QueryError: a column has no name, two have the same, or an expression means nothing.
    """
    named: set[str] = set()
    parts: list[tuple[str, Evaluate] | Callable[[Row], Iterable[tuple[str, Any]]]] = []
    columns: list[str] | None = []
    for item in items:
        if isinstance(item, Star):
            pairs, known = _star(item, rows)
            parts.append(pairs)
            columns = columns + list(known) if columns is not None and known is not None else None
            continue
        name = column_name(item)
        if name.lower() in named:
            raise InvalidQuery(item.at, f"two columns are called {name}; give one an alias")
        named.add(name.lower())
        parts.append((name, compile_expression(item.value, values)))
        if columns is not None:
            columns.append(name)
    return _assemble(parts, items, rows), None if columns is None else _distinct(columns)


def _assemble(parts: Sequence[Any], items: Sequence[Projection | Star], rows: RowScope) -> Project:
    pairs = [part for part in parts if type(part) is tuple]
    if len(pairs) == len(parts):
        return lambda row: {name: evaluate(row) for name, evaluate in pairs}
    first = items[0]
    if len(items) == 1 and isinstance(first, Star) and not first.prefix and len(rows.slots) == 1:
        return whole(rows)

    def build(row: Row) -> dict[str, Any]:
        return _record(
            pair for part in parts for pair in (((part[0], part[1](row)),) if type(part) is tuple else part(row))
        )

    return build


def _record(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The columns as a record; of those with the same name, the first."""
    record: dict[str, Any] = {}
    taken: set[str] = set()
    for name, value in pairs:
        lowered = name.lower()
        if lowered not in taken:
            taken.add(lowered)
            record[name] = value
    return record


def whole(rows: RowScope) -> Project:
    """All columns of all sources: the event itself, where there is one source."""
    if len(rows.slots) == 1:
        index = rows.slots[0].index

        def event(row: Row) -> dict[str, Any]:
            record = row.sources[index]
            return record if type(record) is dict else {}

        return event
    pairs = _columns_of(rows.slots)
    return lambda row: _record(pairs(row))


def _star(star: Star, rows: RowScope) -> tuple[Callable[[Row], Iterable[tuple[str, Any]]], Sequence[str] | None]:
    if not star.prefix:
        sources: Sequence[Slot] = rows.slots
    else:
        slot = rows.slot(star.prefix[0])
        if slot is None or len(star.prefix) > 1:
            return _record_star(star, rows), None
        sources = (slot,)
    known: list[str] | None = []
    for source in sources:
        known = known + list(source.columns) if known is not None and source.columns is not None else None
    return _columns_of(sources), known


def _columns_of(sources: Sequence[Slot]) -> Callable[[Row], Iterable[tuple[str, Any]]]:
    """All columns of sources. One that has no row (LEFT JOIN, OUTER APPLY) has nulls, if the query says its columns."""
    nothing = [(source.index, dict.fromkeys(source.columns or ())) for source in sources]

    def pairs(row: Row) -> Iterable[tuple[str, Any]]:
        for index, nulls in nothing:
            record = row.sources[index]
            yield from (nulls if record is None else record).items()

    return pairs


def _record_star(star: Star, rows: RowScope) -> Callable[[Row], Iterable[tuple[str, Any]]]:
    try:
        index, names = rows.meaning(Path(star.at, star.prefix))
    except QueryError as error:
        if len(star.prefix) == 1 and isinstance(error, InvalidQuery):
            raise UnknownName(
                star.at, f"{star.prefix[0]}.*: no source of this FROM is called {star.prefix[0]}"
            ) from None
        raise
    read = member(index, star.prefix[-len(names) :])

    def pairs(row: Row) -> Iterable[tuple[str, Any]]:
        record = read(row)
        return record.items() if type(record) is dict else ()

    return pairs


def _distinct(columns: Sequence[str]) -> tuple[str, ...]:
    first: dict[str, str] = {}
    for name in columns:
        first.setdefault(name.lower(), name)
    return tuple(first.values())
