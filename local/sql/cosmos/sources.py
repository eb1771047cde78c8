"""FROM and JOIN: from one row to the rows that its sources make of it.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/from and .../join: a path that is not there makes no
row, `x IN path` one row per element of an array, several sources the cross product of theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from local.sql.cosmos import tree
from local.sql.cosmos.errors import InvalidQuery
from local.sql.cosmos.expressions import composed, read_steps
from local.sql.cosmos.scope import Scope
from local.sql.cosmos.values import UNDEFINED

if TYPE_CHECKING:
    from local.sql.cosmos.block import Block

Expand = Callable[[Any], Iterable[Any]]
"""From a row to rows."""


def check_aliases(sources: tuple[tree.Source, ...]) -> None:
    """Raise `InvalidQuery` if two sources of one FROM have the same name."""
    seen: set[str] = set()
    for source in sources:
        if source.alias in seen:
            raise InvalidQuery(f"The input alias '{source.alias}' is specified more than once in the FROM clause.")
        if source.alias is not None:
            seen.add(source.alias)


def bind(source: tree.Source, scope: Scope, block: Block | None) -> tuple[Expand, Scope]:
    """The rows that `source` makes of a row of `scope`, and their scope.

    Args:
        block: the source's subquery, compiled in `scope`; None if it is a path.
    """
    values, path = _subquery_values(block, source) if block is not None else _path_values(source, scope)

    def expand(row: Any) -> Iterable[Any]:
        return [(*row, value) for value in values(row)]

    return expand, scope.bound(source.alias, path)


def joined(first: Expand | None, second: Expand) -> Expand:
    """The rows that `second` makes of each of those of `first`."""
    if first is None:
        return second

    def expand(row: Any) -> Iterable[Any]:
        for found in first(row):
            yield from second(found)

    return expand


def _subquery_values(block: Block, source: tree.Source) -> tuple[Expand, None]:
    if source.iterates:
        return (lambda row: elements(block.values((row,)))), None
    return (lambda row: block.values((row,))), None


def elements(values: Iterable[Any]) -> Iterable[Any]:
    """The elements of those of `values` that are arrays."""
    for value in values:
        if type(value) is list:
            yield from value


def _path_values(source: tree.Source, scope: Scope) -> tuple[Expand, tuple[str | int, ...] | None]:
    base = CONTAINER if scope.unbound else str(source.base)
    read, start, steps = scope.source(base), scope.paths.get(base), source.steps
    computed = scope.computed(base).get(str(steps[0])) if steps else None
    if computed is not None:
        read, start, steps = composed(read, computed), None, steps[1:]
    read = read_steps(read, steps)
    if source.iterates:
        return (lambda row: value if type(value := read(row)) is list else ()), None
    path = None if start is None else (*start, *source.steps)
    return (lambda row: () if (value := read(row)) is UNDEFINED else (value,)), path


CONTAINER = ""
"""The name of the document in a scope without sources: one that no query can say."""
