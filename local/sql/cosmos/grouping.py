"""GROUP BY and aggregates: rows in, one row per group out, of the group's keys and its aggregates' results.

Without GROUP BY, aggregates make one group of everything, which is there even if nothing is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from local.sql.compiler import Evaluate
from local.sql.cosmos import tree
from local.sql.cosmos.aggregates import AGGREGATES, Accumulator
from local.sql.cosmos.errors import InvalidQuery, UnsupportedConstruct, WrongArguments
from local.sql.cosmos.expressions import compile_expression
from local.sql.cosmos.scope import Scope
from local.sql.cosmos.values import identity


@dataclass(frozen=True, slots=True)
class Grouped:
    """The names in the SELECT list of a query that groups: its rows are lists of keys, then of aggregates' results.

    Attributes:
        inner: the names inside of an aggregate's argument.
        keys: the GROUP BY expressions, by which the SELECT list may say them again.
    """

    inner: Scope
    keys: tuple[tree.Expression, ...]
    kinds: list[str] = field(default_factory=list)
    arguments: list[Evaluate] = field(default_factory=list)

    @property
    def parameters(self) -> Mapping[str, Any]:
        return self.inner.parameters

    @property
    def now(self) -> int:
        return self.inner.now

    def source(self, name: str) -> Evaluate:
        self.inner.source(name)
        allowed = "an aggregate function or the GROUP BY clause" if self.keys else "an aggregate function"
        raise InvalidQuery(
            f"Property reference '{name}' is invalid in the select list because it is not contained in {allowed}."
        )

    def computed(self, name: str) -> Mapping[str, Evaluate]:
        return self.inner.computed(name)

    def special(self, node: tree.Expression) -> Evaluate | None:
        if node in self.keys:
            return itemgetter(self.keys.index(node))
        if not isinstance(node, tree.Call) or node.name not in AGGREGATES:
            return None
        if len(node.arguments) != 1:
            raise WrongArguments(node.name, 1, 1)
        slot = len(self.keys) + len(self.kinds)
        self.kinds.append(node.name)
        self.arguments.append(compile_expression(node.arguments[0], self.inner))
        return itemgetter(slot)

    def rows_scope(self) -> Scope:
        raise UnsupportedConstruct("a subquery beside aggregates or GROUP BY")


class Aggregation:
    """The running aggregates of one group."""

    def __init__(self, kinds: Iterable[str], arguments: Iterable[Evaluate]) -> None:
        self._pairs: list[tuple[Accumulator, Evaluate]] = [
            (AGGREGATES[kind](), argument) for kind, argument in zip(kinds, arguments, strict=True)
        ]

    def add(self, row: Any) -> None:
        """Take one row that matched."""
        for accumulator, argument in self._pairs:
            accumulator.add(argument(row))

    def results(self) -> list[Any]:
        return [accumulator.result() for accumulator, _ in self._pairs]


@dataclass(frozen=True, slots=True)
class Grouping:
    """How a query groups: what its groups are told apart by (nothing: one group), and its aggregates."""

    keys: tuple[Evaluate, ...]
    kinds: tuple[str, ...]
    arguments: tuple[Evaluate, ...]

    def aggregation(self) -> Aggregation:
        return Aggregation(self.kinds, self.arguments)

    def groups(self, rows: Iterable[Any]) -> Iterator[list[Any]]:
        """One row per group, in the order in which the groups appear."""
        if not self.keys:
            aggregation = self.aggregation()
            for row in rows:
                aggregation.add(row)
            yield aggregation.results()
            return
        found: dict[Any, tuple[list[Any], Aggregation]] = {}
        for row in rows:
            values = [key(row) for key in self.keys]
            name = tuple(map(identity, values))
            if name not in found:
                found[name] = (values, self.aggregation())
            found[name][1].add(row)
        for values, aggregation in found.values():
            yield values + aggregation.results()


def check_keys(keys: Iterable[tree.Expression]) -> None:
    """Raise `InvalidQuery` unless each of the GROUP BY expressions may be one.

    Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/group-by: no subqueries, no aggregates, and at
    least one property in each.
    """
    for key in keys:
        nodes = list(_walk(key))
        if any(isinstance(node, tree.Subquery) for node in nodes):
            raise InvalidQuery("Subqueries are not allowed in the GROUP BY clause.")
        if has_aggregate(key):
            raise InvalidQuery("Aggregate functions are not allowed in the GROUP BY clause.")
        if not any(isinstance(node, tree.Name) for node in nodes):
            raise InvalidQuery("Each GROUP BY expression must contain at least one property reference.")


def has_aggregate(node: tree.Expression) -> bool:
    """Whether an aggregate is called in `node`, its subqueries apart."""
    return any(isinstance(found, tree.Call) and found.name in AGGREGATES for found in _walk(node))


def _walk(node: tree.Expression) -> Iterator[Any]:
    """`node` and what is in it, but not inside of its subqueries."""
    waiting: list[Any] = [node]
    while waiting:
        found = waiting.pop()
        yield found
        if not isinstance(found, tree.Subquery):
            waiting.extend(tree.children(found))
