"""A compiled SELECT over one source: filter, project, order and aggregate as closures, and what the WHERE pins down.

It evaluates; it does not read. Whoever has the documents streams them through `matches`, then `project` (or
`aggregate`), in the order of `sort_key` when there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from local.sql.aggregates import AGGREGATES, Accumulator
from local.sql.cosmos_dialect import SelectValue, parse
from local.sql.errors import InvalidQuery, QuerySyntaxError, UnresolvedIdentifier, UnsupportedConstruct, WrongArguments
from local.sql.expressions import Evaluate, compile_expression, constant, only, operands_of, path_of
from local.sql.values import UNDEFINED, sort_key

_CLAUSES = {
    "distinct": "DISTINCT",
    "group": "GROUP BY",
    "having": "HAVING",
    "offset": "OFFSET LIMIT",
    "joins": "JOIN",
    "with_": "WITH",
    "laterals": "LATERAL",
    "windows": "WINDOW",
}


@dataclass(frozen=True, slots=True)
class Ordering:
    """One item of ORDER BY: the path, its value, its direction."""

    path: tuple[str | int, ...]
    value: Evaluate
    descending: bool


@dataclass(frozen=True, slots=True)
class _Row:
    """The scope of a query over one source: the row is the document itself."""

    alias: str | None
    parameters: Mapping[str, Any]

    def source(self, name: str) -> Evaluate:
        if name != self.alias:
            raise UnresolvedIdentifier(name)
        return _itself

    def call(self, name: str, arguments: list[exp.Expression]) -> Evaluate | None:
        if name in AGGREGATES:
            raise InvalidQuery(f"Aggregate function {name} is only allowed in the SELECT list.")
        return None


@dataclass(frozen=True, slots=True)
class _Aggregated:
    """The scope of a SELECT list with aggregates: the row is the list of their results."""

    inner: _Row
    arguments: list[Evaluate] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)

    @property
    def parameters(self) -> Mapping[str, Any]:
        return self.inner.parameters

    def source(self, name: str) -> Evaluate:
        self.inner.source(name)
        raise InvalidQuery(
            f"Property reference '{name}' is invalid in the select list because it is not contained in an aggregate "
            "function."
        )

    def call(self, name: str, arguments: list[exp.Expression]) -> Evaluate | None:
        if name not in AGGREGATES:
            return None
        if len(arguments) != 1:
            raise WrongArguments(name, 1, 1)
        slot = len(self.kinds)
        self.kinds.append(name)
        self.arguments.append(compile_expression(arguments[0], self.inner))
        return lambda results: results[slot]


class Aggregation:
    """The running aggregates of one execution."""

    def __init__(self, kinds: Iterable[str], arguments: list[Evaluate]) -> None:
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
class Select:
    """A compiled query.

    Attributes:
        pinned: path -> constants, for every path that the WHERE requires to equal one of them (a superset of what
            matches: whoever reads documents may narrow by it, and `where` still decides).
        top: how many rows at most, None without TOP.
        ordering: the ORDER BY items, empty without.
        has_source: False without FROM: the query has one row, whatever is stored.
        projects_whole: the projection is the row itself, as in SELECT *.
    """

    where: Evaluate | None
    pinned: Mapping[tuple[str | int, ...], list[Any]]
    top: int | None
    ordering: tuple[Ordering, ...]
    has_source: bool
    projects_whole: bool
    _project: Evaluate
    _kinds: tuple[str, ...] = ()
    _arguments: tuple[Evaluate, ...] = ()

    @property
    def is_aggregate(self) -> bool:
        return bool(self._kinds)

    def matches(self, row: Any) -> bool:
        return self.where is None or self.where(row) is True

    def project(self, row: Any) -> Any:
        """The row's value in the result; `UNDEFINED` when the result has none for it."""
        return self._project(row)

    def order_values(self, row: Any) -> list[Any]:
        return [item.value(row) for item in self.ordering]

    def aggregation(self) -> Aggregation:
        return Aggregation(self._kinds, list(self._arguments))


def compare_key(values: list[Any]) -> tuple[Any, ...]:
    """The sort key of one row's ORDER BY values, all ascending (a descending sort reverses it)."""
    return tuple(map(sort_key, values))


def compile_select(text: str, parameters: Mapping[str, Any]) -> Select:
    """Compile a Cosmos DB for NoSQL query.

    Args:
        text: the query.
        parameters: values by name, with the `@`.

    Raises:
        SqlError: it does not parse, means nothing, or uses what this engine does not evaluate.
    """
    try:
        return _compile(parse(text), parameters)
    except RecursionError:
        raise QuerySyntaxError("too deeply nested") from None


def _compile(tree: exp.Select, parameters: Mapping[str, Any]) -> Select:
    for name, part in tree.args.items():
        if part and name not in ("expressions", "from_", "where", "order", "limit"):
            raise UnsupportedConstruct(_CLAUSES.get(name, name.strip("_").upper()))
    scope = _Row(_alias(tree.args.get("from_")), parameters)
    where = tree.args.get("where")
    condition = where and where.this
    aggregated = any(
        isinstance(node, exp.Anonymous) and str(node.this).upper() in AGGREGATES
        for expression in tree.expressions
        for node in expression.walk()
    )
    ordering = tuple(_orderings(tree.args.get("order"), scope))
    top = _top(tree.args.get("limit"), scope)
    slots = _Aggregated(scope)
    project = _projection(tree.expressions, slots if aggregated else scope)
    if aggregated and (ordering or top is not None):
        raise UnsupportedConstruct("ORDER BY with an aggregate" if ordering else "TOP with an aggregate")
    return Select(
        where=compile_expression(condition, scope) if condition is not None else None,
        pinned=_pins(condition, scope) if condition is not None else {},
        top=top,
        ordering=ordering,
        has_source=scope.alias is not None,
        projects_whole=project is _itself,
        _project=project,
        _kinds=tuple(slots.kinds),
        _arguments=tuple(slots.arguments),
    )


def _itself(row: Any) -> Any:
    return row


def _alias(source: exp.From | None) -> str | None:
    if source is None:
        return None
    only(source, "this")
    alias = source.this.args.get("alias")
    return str((alias or source.this.this).name)


def _projection(expressions: list[exp.Expression], scope: _Row | _Aggregated) -> Evaluate:
    if not expressions:
        raise QuerySyntaxError("FROM")
    first = expressions[0]
    if isinstance(first, SelectValue):
        if len(expressions) > 1 or isinstance(first.this, exp.Alias) or first.this is None:
            raise QuerySyntaxError("VALUE")
        return compile_expression(first.this, scope)
    if isinstance(first, exp.Star):
        only(first)
        if len(expressions) > 1:
            raise QuerySyntaxError(",")
        if scope.inner.alias is None if isinstance(scope, _Aggregated) else scope.alias is None:
            raise InvalidQuery("'SELECT *' is not valid if FROM clause is omitted.")
        return _itself
    members = list(_members(expressions, scope))
    names = [name for name, _ in members]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidQuery(f"Cannot use the same alias '{twice}' for more than one member of the SELECT list.")

    def project(row: Any) -> Any:
        return {name: value for name, read in members if (value := read(row)) is not UNDEFINED}

    return project


def _members(expressions: list[exp.Expression], scope: _Row | _Aggregated) -> Iterable[tuple[str, Evaluate]]:
    """(name, value) of each item: its alias, the last step of its path, or $1, $2, ... for what has no name."""
    unnamed = 0
    for node in expressions:
        if isinstance(node, exp.Alias):
            only(node, "this", "alias")
            if not isinstance(node.args["alias"], exp.Identifier):
                raise QuerySyntaxError(node.alias)
            yield node.alias, compile_expression(node.this, scope)
            continue
        path = path_of(node, scope)
        last = path[1][-1] if path and path[1] else path and path[0]
        if not isinstance(last, str):
            unnamed += 1
            last = f"${unnamed}"
        yield last, compile_expression(node, scope)


def _orderings(order: exp.Order | None, scope: _Row) -> Iterable[Ordering]:
    if order is None:
        return
    only(order, "expressions")
    for item in order.expressions:
        if item.args.get("nulls_first") is False and not item.args.get("desc"):
            raise QuerySyntaxError("NULLS")
        path = path_of(item.this, scope)
        if path is None or not path[1]:
            raise InvalidQuery(
                "Unsupported ORDER BY clause. ORDER BY item expression could not be mapped to a document path."
            )
        yield Ordering(path[1], compile_expression(item.this, scope), bool(item.args.get("desc")))


def _top(limit: exp.Limit | None, scope: _Row) -> int | None:
    if limit is None:
        return None
    count = constant(limit.expression, scope) if limit.expression is not None else UNDEFINED
    if type(count) is float and count.is_integer():
        count = int(count)
    if type(count) is not int or count < 0:
        raise InvalidQuery("The TOP count must be a non-negative integer.")
    return count


def _pins(node: exp.Expression, scope: _Row) -> dict[tuple[str | int, ...], list[Any]]:
    """For every path that must equal one of some constants for `node` to hold: the path, and the constants."""
    if isinstance(node, exp.Paren):
        return _pins(node.this, scope)
    if isinstance(node, exp.And):
        pins: dict[tuple[str | int, ...], list[Any]] = {}
        for part in (_pins(operand, scope) for operand in operands_of(node)):
            for path, values in part.items():
                if path not in pins or len(values) < len(pins[path]):
                    pins[path] = values
        return pins
    if isinstance(node, exp.Or):
        branches = [_pins(operand, scope) for operand in operands_of(node)]
        everywhere = [path for path in branches[0] if all(path in branch for branch in branches)]
        return {path: [value for branch in branches for value in branch[path]] for path in everywhere}
    if isinstance(node, exp.In):
        member = path_of(node.this, scope)
        listed = [constant(item, scope) for item in node.expressions]
        if member and member[1] and not any(value is UNDEFINED for value in listed):
            return {member[1]: listed}
    if isinstance(node, exp.EQ):
        for left, right in ((node.this, node.expression), (node.expression, node.this)):
            compared, value = path_of(left, scope), constant(right, scope)
            if compared and compared[1] and value is not UNDEFINED:
                return {compared[1]: [value]}
    return {}
