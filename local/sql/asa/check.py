"""What must hold of a script before an event is read: the names of its steps, inputs and outputs, and its clauses.

What needs the columns of a source (grouping, the bounds of a join) is refused by the planner, at the same time: when a
job is loaded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from local.sql.asa import catalog
from local.sql.asa.check_expressions import Place, check_condition, check_rows_call, check_value
from local.sql.asa.errors import InvalidQuery, NotStreamAnalytics, QuerySyntaxError, UnknownName
from local.sql.asa.tree import Apply, Call, Expression, Join, Literal, Query, Script, Select, Source, Star, depth

_DEEPEST: Final = 150
DEFAULT_OUTPUT: Final = "output"

_WHERE = Place("WHERE", analytic=True)
_ON = Place("ON")
_KEY = Place("GROUP BY", analytic=True)
_HAVING = Place("HAVING", aggregates=True)
_SELECT = Place("SELECT", aggregates=True, analytic=True, window=True)
_FILTER = Place("HAVING without GROUP BY", analytic=True)
_TIME = Place("TIMESTAMP BY", timed=False)
_PARTITION = Place("PARTITION BY")


def check(
    script: Script, *, inputs: Collection[str], references: Collection[str], outputs: Collection[str] | None
) -> None:
    """Check a whole script.

    Args:
        script: What `grammar.parse` made of it.
        inputs: The names of the streams that there are.
        references: The names of the reference data.
        outputs: The names of the outputs; None for any.

    Raises:
        QueryError: for the first thing that is wrong.
    """
    streams, tables = _Names(inputs), _Names(references)
    for step in script.steps:
        if step.name in streams:
            raise InvalidQuery(step.at, f"a step or an input is called {step.name} already")
        if step.name in tables:
            raise InvalidQuery(step.at, f"reference data is called {step.name} already")
        _check_query(step.query, streams, tables)
        for select in selects_of(step.query):
            if select.into is not None:
                raise InvalidQuery(select.into.at, "INTO is of a query; a step is read by its name")
        streams.add(step.name)
    for query in script.queries:
        _check_query(query, streams, tables)
        first = selects_of(query)[0]
        name = first.into.name if first.into else DEFAULT_OUTPUT
        if outputs is not None and name not in _Names(outputs):
            at = first.into.at if first.into else first.at
            why = "" if first.into else ", which a query without INTO writes to"
            raise UnknownName(at, f"no output {name}{why}; there are: {_listed(outputs)}")


def selects_of(query: Query) -> tuple[Select, ...]:
    """The SELECTs of a query: one, or those of a UNION."""
    return (query,) if isinstance(query, Select) else query.queries


class _Names:
    """Names without case."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = list(names)
        self._folded = {name.lower() for name in self.names}

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._folded

    def add(self, name: str) -> None:
        self.names.append(name)
        self._folded.add(name.lower())


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _check_query(query: Query, streams: _Names, tables: _Names) -> None:
    for select in selects_of(query):
        if depth(select) > _DEEPEST:
            raise QuerySyntaxError(select.at, "nested too deeply")
        _check_sources(select, streams, tables)
        for item in select.projections:
            if isinstance(item, Star):
                _check_star(item, select)
            else:
                check_value(item.value, _SELECT)
        if select.where is not None:
            check_condition(select.where, _WHERE)
        for key in select.group:
            if not _is_window(key):
                check_value(key, _KEY)
        if select.having is not None:
            check_condition(select.having, _HAVING if select.group else _FILTER)


def _check_star(star: Star, select: Select) -> None:
    if select.group:
        raise InvalidQuery(star.at, "* has columns that are not in GROUP BY")
    if not star.prefix and any(isinstance(part, Join) for part in select.joins):
        instead = f"name the columns, or a source and all of its, as in {select.source.known_as}.*"
        raise NotStreamAnalytics(star.at, "SELECT * of a JOIN", instead)


def _check_sources(select: Select, streams: _Names, tables: _Names) -> None:
    known: list[str] = []
    for place, part in enumerate((select.source, *select.joins)):
        if isinstance(part, Apply):
            check_rows_call(part.call)
            name, at = part.alias, part.at
        else:
            source = part.source if isinstance(part, Join) else part
            _check_source(source, streams, tables, first=place == 0)
            if isinstance(part, Join) and part.on is not None:
                check_condition(part.on, _ON)
            elif isinstance(part, Join) and source.name not in tables:
                raise InvalidQuery(
                    part.at, f"CROSS JOIN is with reference data; {source.name} is a stream, and joined ON a DATEDIFF"
                )
            name, at = source.known_as, source.at
        if name in _Names(known):
            raise InvalidQuery(at, f"two sources are called {name}; give one an alias")
        known.append(name)


def _check_source(source: Source, streams: _Names, tables: _Names, first: bool) -> None:
    if source.name in tables:
        if first:
            raise InvalidQuery(
                source.at, f"{source.name} is reference data: it can be joined, and a stream is to be first"
            )
        if source.timestamp is not None or source.partition:
            raise InvalidQuery(source.at, f"{source.name} is reference data: it has no time and no partitions")
    elif source.name not in streams:
        raise UnknownName(
            source.at, f"no input or step {source.name}; there are: {_listed(streams.names + tables.names)}"
        )
    if source.timestamp is not None:
        check_value(source.timestamp, _TIME)
        if isinstance(source.timestamp, Literal):
            raise InvalidQuery(source.timestamp.at, "TIMESTAMP BY takes the time of an event from the event")
    for key in source.over:
        check_value(key, _TIME)
    for key in source.partition:
        check_value(key, _PARTITION)


def _is_window(node: Expression) -> bool:
    return isinstance(node, Call) and (node.name.upper() in catalog.WINDOWS or node.name.upper() == catalog.SEVERAL)
