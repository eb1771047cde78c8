"""Computed properties: what a container gives its documents in queries without keeping it, each by a query of its own.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/computed-properties.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from local.sql.compiler import Evaluate
from local.sql.cosmos import tree
from local.sql.cosmos.errors import InvalidQuery, SqlError
from local.sql.cosmos.expressions import compile_expression
from local.sql.cosmos.functions.dates import STATIC
from local.sql.cosmos.functions.spatial import SPATIAL
from local.sql.cosmos.grammar import parse
from local.sql.cosmos.scope import Definitions, Scope
from local.sql.tree import walk

_MOST: Final = 20
_SYSTEM: Final = frozenset(("id", "_rid", "_self", "_etag", "_attachments", "_ts"))
_NOT_ALLOWED: Final = frozenset(
    (
        *("AGO", "GETCURRENTDATETIME", "GETCURRENTTICKS", "GETCURRENTTIMESTAMP", "NOW", "RAND"),
        *STATIC,
        *(function.name for function in SPATIAL),
    )
)


@lru_cache(maxsize=64)
def compile_computed(definitions: Definitions) -> Mapping[str, Evaluate]:
    """The closure from a document to each property's value, by name.

    Args:
        definitions: (name, query) of each.

    Raises:
        SqlError: a query is none, or not one that a property can have; it says which.
    """
    names = [name for name, _ in definitions]
    if len(names) > _MOST:
        raise InvalidQuery(f"A container has at most {_MOST} computed properties, not {len(names)}.")
    for name in names:
        if not name or name in _SYSTEM or names.count(name) > 1:
            raise InvalidQuery(f"'{name}' cannot be the name of a computed property: it is empty, taken, or reserved.")
    return {name: _compile(name, text) for name, text in definitions}


def _compile(name: str, text: str) -> Evaluate:
    try:
        query = parse(text)
        if (why := _wrong(query)) is not None:
            raise InvalidQuery(why)
        assert query.value is not None
        alias = str(query.sources[0].alias)
        return compile_expression(query.value, Scope({}, 0, names={alias: 0}, bare=True, paths={alias: ()}))
    except SqlError as error:
        raise InvalidQuery(f"The query of the computed property '{name}' is invalid. {error}") from None


def _wrong(query: tree.Query) -> str | None:
    """What a query has that a computed property's cannot have."""
    if query.value is None:
        return "It must be a SELECT VALUE."
    sources = query.sources
    if len(sources) != 1 or not isinstance(sources[0].base, str) or sources[0].steps or sources[0].iterates:
        return "It must be FROM the container alone."
    clauses = {
        "DISTINCT": query.distinct, "TOP": query.top, "WHERE": query.where, "GROUP BY": query.groups,
        "ORDER BY": query.orders, "OFFSET LIMIT": query.offset,
    }  # fmt: skip
    for clause, part in clauses.items():
        if part:
            return f"It cannot have {clause}."
    for node in walk(query.value):
        if isinstance(node, tree.Subquery):
            return "It cannot have subqueries."
        if isinstance(node, tree.Call) and node.name in _NOT_ALLOWED:
            return f"It cannot call {node.written}."
    return None
