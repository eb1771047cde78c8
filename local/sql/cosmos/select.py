"""A compiled query as a service runs it.

It evaluates; it does not read. Whoever has the documents does one of two things:

- `streams`: what a document gives depends on it alone. Take `rows(document)` of each, each `project`ed (undefined is
  no row of the result), in the order of `order_values` if there is an `ordering`, after `offset` and up to `most`.
- else (aggregates, GROUP BY, DISTINCT, a FROM subquery with one of these): `evaluate` all documents at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from local.sql.compiler import Evaluate
from local.sql.cosmos import tree
from local.sql.cosmos.block import Block, compile_clauses
from local.sql.cosmos.computed import compile_computed
from local.sql.cosmos.errors import InvalidQuery, QuerySyntaxError, UnsupportedConstruct
from local.sql.cosmos.expressions import compile_expression, constant, path_of
from local.sql.cosmos.functions.dates import STATIC, now
from local.sql.cosmos.functions.table import integer
from local.sql.cosmos.grammar import parse
from local.sql.cosmos.grouping import Aggregation
from local.sql.cosmos.pins import Path, document_path, pins
from local.sql.cosmos.scope import Definitions, Scope, itself
from local.sql.cosmos.sources import CONTAINER
from local.sql.cosmos.values import sort_key
from local.sql.tree import walk

_MOST_JOINS: Final = 10  # https://learn.microsoft.com/azure/cosmos-db/concepts-limits#sql-query-limits


@dataclass(frozen=True, slots=True)
class Ordering:
    """One item of ORDER BY: the path, its value, its direction."""

    path: Path
    value: Evaluate
    descending: bool


@dataclass(frozen=True, slots=True)
class Select:
    """A compiled query.

    Attributes:
        pinned: path -> constants, for every path that the WHERE requires to equal one of them (a superset of what
            matches: whoever reads documents may narrow by it, and `where` still decides).
        offset: how many rows of the result to leave out; 0 without OFFSET.
        most: how many rows at most after these, by TOP or LIMIT; None without.
        ordering: the ORDER BY items, empty without.
        has_source: False without FROM: the query has one row, whatever is stored.
        is_plain: the only source is the container: a document is its own row, if it `matches`.
        projects_whole: the projection is the document itself, as in SELECT *.
        projects_value: it is SELECT VALUE, whose rows may be any value.
        streams: see the module.
        is_timed: it was compiled with the time (GETCURRENT...STATIC): compile it anew for each execution.
    """

    pinned: Mapping[Path, list[Any]]
    offset: int
    most: int | None
    ordering: tuple[Ordering, ...]
    has_source: bool
    is_plain: bool
    projects_whole: bool
    projects_value: bool
    is_timed: bool
    _block: Block

    @property
    def where(self) -> Evaluate | None:
        return self._block.where

    @property
    def streams(self) -> bool:
        return self._block.streams

    @property
    def is_aggregate(self) -> bool:
        """It has aggregates, without GROUP BY: one row in all."""
        return self._block.grouping is not None and not self._block.grouping.keys

    def matches(self, document: Any) -> bool:
        """Whether `document`, were it the only one, gives a row."""
        if self.is_plain:
            return self._block.where is None or self._block.where(document) is True
        return any(True for _ in self.evaluate((document,)))

    def rows(self, document: Any) -> Iterable[Any]:
        """The rows that `document` gives: itself, or what FROM and JOIN make of it, as far as WHERE lets it pass."""
        return self._block.rows(self._base(document))

    def project(self, row: Any) -> Any:
        """The row's value in the result; `UNDEFINED` when the result has none for it."""
        return self._block.project(row)

    def order_values(self, row: Any) -> list[Any]:
        return [item.value(row) for item in self.ordering]

    def aggregation(self) -> Aggregation:
        """The running aggregates of a query that `is_aggregate`: `project` its results."""
        if self._block.grouping is None:
            raise TypeError("the query has no aggregates")
        return self._block.grouping.aggregation()

    def evaluate(self, documents: Iterable[Any]) -> Iterator[Any]:
        """The whole result over `documents`, in its order."""
        bases = map(self._base, documents) if self.has_source else iter((None,))
        if self.ordering:
            rows = list(self._block.all_rows(bases))
            for position in reversed(range(len(self.ordering))):
                item = self.ordering[position]
                rows.sort(key=lambda row, value=item.value: sort_key(value(row)), reverse=item.descending)  # type: ignore[misc]
            values = self._block.projected(rows)
        else:
            values = self._block.values(bases)
        return islice(values, self.offset, None if self.most is None else self.offset + self.most)

    def _base(self, document: Any) -> Any:
        return document if self._block.scope.bare else (document,)


def compare_key(values: list[Any]) -> tuple[Any, ...]:
    """The sort key of one row's ORDER BY values, all ascending (a descending sort reverses it)."""
    return tuple(map(sort_key, values))


def compile_select(text: str, parameters: Mapping[str, Any], computed: Definitions = ()) -> Select:
    """Compile a Cosmos DB for NoSQL query.

    Args:
        text: the query.
        parameters: values by name, with the `@`.
        computed: the computed properties of the container.

    Raises:
        SqlError: it does not parse, means nothing, or uses what this engine does not evaluate.
    """
    try:
        return _compile(parse(text), parameters, compile_computed(computed))
    except RecursionError:
        raise QuerySyntaxError("SELECT", "nested too deeply") from None


def _compile(query: tree.Query, parameters: Mapping[str, Any], properties: Mapping[str, Evaluate]) -> Select:
    if sum(max(len(node.sources) - 1, 0) for node in walk(query) if isinstance(node, tree.Query)) > _MOST_JOINS:
        raise InvalidQuery(f"The query exceeds the limit of {_MOST_JOINS} JOINs.")
    is_plain = len(query.sources) == 1 and _is_container(query.sources[0])
    if is_plain:
        alias = str(query.sources[0].alias)
        scope = Scope(parameters, now(), names={alias: 0}, bare=True, paths={alias: ()}, properties=properties)
    elif query.sources:
        places = {CONTAINER: ()}
        scope = Scope(parameters, now(), {CONTAINER: 0}, 1, unbound=True, paths=places, properties=properties)
    else:
        scope = Scope(parameters, now(), bare=True)
    block = compile_clauses(query, scope)
    ordering = _orderings(query, block)
    top, offset, limit = (_count(query, name, scope) for name in ("top", "offset", "limit"))
    if top is not None and limit is not None:
        raise InvalidQuery("TOP and OFFSET LIMIT cannot be in one query.")
    pinned = {path: found for path, found in pins(query.where, block.scope).items() if path[0] not in properties}
    return Select(
        pinned=pinned if block.prior is None else {},
        offset=offset or 0,
        most=top if limit is None else limit,
        ordering=ordering if block.grouping is None else (),  # one row is in order
        has_source=bool(query.sources),
        is_plain=is_plain,
        projects_whole=is_plain and block.project is itself,
        projects_value=query.value is not None,
        is_timed=any(isinstance(node, tree.Call) and node.name in STATIC for node in walk(query)),
        _block=block,
    )


def _is_container(source: tree.Source) -> bool:
    return isinstance(source.base, str) and not source.steps and not source.iterates


def _orderings(query: tree.Query, block: Block) -> tuple[Ordering, ...]:
    first = query.sources[0].alias if query.sources and not query.sources[0].iterates else None
    found = []
    for item in query.orders:
        if block.grouping is not None and block.grouping.keys:
            raise InvalidQuery("'ORDER BY' is not supported in presence of GROUP BY.")
        value = compile_expression(item.value, block.scope)
        read = path_of(item.value, block.scope)
        path = document_path(item.value, block.scope)
        if block.prior is not None:
            raise UnsupportedConstruct("ORDER BY with a FROM subquery that groups")
        if read is not None and read[0] != first:
            raise InvalidQuery("Order-by over correlated collections is not supported.")
        if path is None:
            raise InvalidQuery(
                "Unsupported ORDER BY clause. ORDER BY item expression could not be mapped to a document path."
            )
        found.append(Ordering(path, value, item.descending))
    return tuple(found)


def _count(query: tree.Query, name: str, scope: Scope) -> int | None:
    node = getattr(query, name)
    if node is None:
        return None
    count = integer(constant(node, scope))
    if count is None or count < 0:
        raise InvalidQuery(f"The {name.upper()} count must be a non-negative integer.")
    return count
