"""One SELECT as closures, whether it is the query itself or nested in another: sources, filter, groups, projection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

from local.sql.compiler import Evaluate
from local.sql.cosmos import tree
from local.sql.cosmos.errors import InvalidQuery
from local.sql.cosmos.expressions import compile_expression, constant
from local.sql.cosmos.grouping import Grouped, Grouping, check_keys, has_aggregate
from local.sql.cosmos.scope import Names, Scope
from local.sql.cosmos.sources import Expand, bind, check_aliases, elements, joined
from local.sql.cosmos.values import UNDEFINED, identity


@dataclass(frozen=True, slots=True)
class Block:
    """A compiled SELECT, without ORDER BY, TOP, OFFSET and LIMIT, which only the outermost may have.

    Attributes:
        scope: the names in its WHERE and, unless it groups, in its SELECT list.
        expand: the rows that FROM makes of a row of the scope it is nested in; None: that row alone.
        grouping: None unless it has aggregates or GROUP BY.
        prior: the subquery of its FROM, if that needs all documents to give its first row.
        is_single: it has at most one row for each row of the scope it is nested in.
    """

    scope: Scope
    expand: Expand | None
    where: Evaluate | None
    project: Evaluate
    grouping: Grouping | None
    distinct: bool
    prior: Block | None
    prior_iterates: bool
    is_single: bool

    @property
    def streams(self) -> bool:
        """Whether what it makes of a row depends on that row alone."""
        return self.grouping is None and not self.distinct and self.prior is None

    def rows(self, base: Any) -> Iterable[Any]:
        """The rows that a row of the scope around it gives, filtered."""
        where = self.where
        if self.expand is None:
            return (base,) if where is None or where(base) is True else ()
        if where is None:
            return self.expand(base)
        return [row for row in self.expand(base) if where(row) is True]

    def all_rows(self, bases: Iterable[Any]) -> Iterator[Any]:
        """The rows that all of `bases` give."""
        if self.prior is not None:
            values: Iterable[Any] = self.prior.values(bases)
            bases = ((None, value) for value in (elements(values) if self.prior_iterates else values))
        for base in bases:
            yield from self.rows(base)

    def values(self, bases: Iterable[Any]) -> Iterator[Any]:
        """The values of its result over `bases`, rows of the scope around it."""
        rows: Iterable[Any] = self.all_rows(bases)
        if self.grouping is not None:
            rows = self.grouping.groups(rows)
        return self.projected(rows)

    def projected(self, rows: Iterable[Any]) -> Iterator[Any]:
        """The defined values of `rows`, each once if the query is DISTINCT."""
        seen: set[Any] | None = set() if self.distinct else None
        for row in rows:
            value = self.project(row)
            if value is UNDEFINED:
                continue
            if seen is not None:
                name = identity(value)
                if name in seen:
                    continue
                seen.add(name)
            yield value


def compile_block(query: tree.Query, scope: Scope) -> Block:
    """Compile a subquery in `scope`.

    Raises:
        SqlError: a name or a construct in it means nothing there.
    """
    for part, name in (
        (query.orders, "'ORDER BY' is"),
        (query.top, "'TOP' is"),
        (query.offset, "'OFFSET LIMIT' clause is"),
    ):
        if part:
            raise InvalidQuery(f"{name} not supported in subqueries.")
    return compile_clauses(query, scope.opened())


def compile_clauses(query: tree.Query, scope: Scope) -> Block:
    """Compile FROM, WHERE, GROUP BY and SELECT of `query` in `scope`; a bare scope has the only source already."""
    check_aliases(query.sources)
    check_keys(query.groups)
    single = not scope.unbound
    expand: Expand | None = None
    prior: Block | None = None
    for source in () if scope.bare else query.sources:
        inner = compile_block(source.base, scope) if isinstance(source.base, tree.Query) else None
        single = single and not source.iterates and (inner is None or inner.is_single)
        if inner is not None and scope.unbound and not inner.streams:
            prior, scope = inner, scope.bound(source.alias, None)
            continue
        more, scope = bind(source, scope, inner)
        expand = joined(expand, more)
    scope = replace(scope, unbound=False)
    where = compile_expression(query.where, scope) if query.where is not None else None
    selected = [item.value for item in query.items] if query.value is None else [query.value]
    if not query.groups and not any(map(has_aggregate, selected)):
        project, grouping = _projection(query, scope), None
    else:
        grouped = Grouped(scope, query.groups)
        project = _projection(query, grouped)
        keys = tuple(compile_expression(key, scope) for key in query.groups)
        grouping = Grouping(keys, tuple(grouped.kinds), tuple(grouped.arguments))
    return Block(
        scope=scope,
        expand=expand,
        where=where,
        project=project,
        grouping=grouping,
        distinct=query.distinct,
        prior=prior,
        prior_iterates=prior is not None and query.sources[0].iterates,
        is_single=single or (grouping is not None and not query.groups),
    )


def _projection(query: tree.Query, names: Names) -> Evaluate:
    if query.value is not None:
        return compile_expression(query.value, names)
    if query.is_star:
        return _star(query, names)
    members = list(_members(query.items, names))
    written = [name for name, _ in members]
    if len(set(written)) < len(written):
        twice = next(name for name in written if written.count(name) > 1)
        raise InvalidQuery(f"Cannot use the same alias '{twice}' for more than one member of the SELECT list.")

    def project(row: Any) -> Any:
        return {name: value for name, read in members if (value := read(row)) is not UNDEFINED}

    return project


def _star(query: tree.Query, names: Names) -> Evaluate:
    if not query.sources:
        raise InvalidQuery("'SELECT *' is not valid if FROM clause is omitted.")
    if len(query.sources) > 1:
        raise InvalidQuery("'SELECT *' is only valid with a single input set.")
    alias = query.sources[0].alias
    return itemgetter(names.rows_scope().width - 1) if alias is None else names.source(alias)


def _members(items: Iterable[tree.Item], names: Names) -> Iterator[tuple[str, Evaluate]]:
    """(name, value) of each item: its alias, the last step of its path, or $1, $2, ... for what has no name."""
    unnamed = 0
    for item in items:
        name: Any = item.alias
        if name is None and isinstance(item.value, tree.Name):
            name = item.value.name
        elif name is None and isinstance(item.value, tree.Member):
            name = constant(item.value.step, names)
        if not isinstance(name, str):
            unnamed += 1
            name = f"${unnamed}"
        yield name, compile_expression(item.value, names)
