"""The tree of a script: what `grammar` makes of the text, and everything that a query may hold.

The types are the allow-list. A construct that has no type here cannot get past the parser, and nothing in a query is
read and then dropped. Positions do not count when two nodes are compared; spelling of names does (see `folded`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from local.sql.asa.errors import Position


@dataclass(frozen=True, slots=True)
class Node:
    """Anything with a place in the text: where it begins."""

    at: Position = field(compare=False)


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A number, a text or NULL."""

    value: int | float | str | None


@dataclass(frozen=True, slots=True)
class Path(Node):
    """A name, or names with dots between: column, source.column, column.member, ..."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Member(Node):
    """`base.name` or `base[0]`, where the base is no plain path."""

    base: Expression
    step: str | int


@dataclass(frozen=True, slots=True)
class Over(Node):
    """OVER (PARTITION BY ... ORDER BY ... LIMIT DURATION(unit, n) WHEN ...)."""

    partition: tuple[Expression, ...]
    order: tuple[tuple[Expression, bool], ...]  # (what, descending)
    limit: Call | None
    when: Expression | None


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A call of anything: a function, an aggregate, a window. `name` is as written, with its dots."""

    name: str
    arguments: tuple[Expression, ...] = ()
    distinct: bool = False
    star: bool = False
    over: Over | None = None


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """-x, +x or ~x."""

    sign: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """Two operands and + - * / % & | ^ or a comparison between."""

    sign: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Connective(Node):
    """Operands with AND, or with OR, between."""

    word: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not(Node):
    operand: Expression


@dataclass(frozen=True, slots=True)
class IsNull(Node):
    operand: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class Like(Node):
    operand: Expression
    pattern: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class In(Node):
    operand: Expression
    choices: tuple[Expression, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class Between(Node):
    operand: Expression
    low: Expression
    high: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class Case(Node):
    """CASE [operand] WHEN ... THEN ... [ELSE ...] END."""

    operand: Expression | None
    branches: tuple[tuple[Expression, Expression], ...]
    default: Expression | None


@dataclass(frozen=True, slots=True)
class Cast(Node):
    """CAST or, with `attempt`, TRY_CAST."""

    operand: Expression
    type: str
    attempt: bool


Expression = (
    Literal | Path | Member | Call | Unary | Binary | Connective | Not | IsNull | Like | In | Between | Case | Cast
)


@dataclass(frozen=True, slots=True)
class Star(Node):
    """`*`, or `prefix.*`."""

    prefix: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Projection(Node):
    """One expression of a SELECT list, and its name if it was given one."""

    value: Expression
    alias: str | None


@dataclass(frozen=True, slots=True)
class Source(Node):
    """An input or a step in FROM or JOIN, and how its events are timed and partitioned."""

    name: str
    alias: str | None
    timestamp: Expression | None = None
    over: tuple[Expression, ...] = ()
    partition: tuple[Expression, ...] = ()

    @property
    def known_as(self) -> str:
        """The name that the rest of the query calls it by."""
        return self.alias or self.name


@dataclass(frozen=True, slots=True)
class Join(Node):
    """[INNER] JOIN or LEFT [OUTER] JOIN ... ON."""

    source: Source
    left: bool
    on: Expression


@dataclass(frozen=True, slots=True)
class Apply(Node):
    """CROSS APPLY or OUTER APPLY of a function that gives rows."""

    call: Call
    alias: str
    outer: bool


@dataclass(frozen=True, slots=True)
class Output(Node):
    """INTO name."""

    name: str


@dataclass(frozen=True, slots=True)
class Select(Node):
    projections: tuple[Projection | Star, ...]
    into: Output | None
    source: Source
    joins: tuple[Join | Apply, ...]
    where: Expression | None
    group: tuple[Expression, ...]
    having: Expression | None


@dataclass(frozen=True, slots=True)
class Union(Node):
    """Queries with UNION between: all their rows."""

    queries: tuple[Select, ...]


Query = Select | Union


@dataclass(frozen=True, slots=True)
class Step(Node):
    """One `name AS (query)` of WITH."""

    name: str
    query: Query


@dataclass(frozen=True, slots=True)
class Script:
    """A whole query text: steps, and queries that write to outputs."""

    steps: tuple[Step, ...]
    queries: tuple[Query, ...]


def children(node: Node) -> Iterator[Node]:
    """The nodes directly in `node`, in the order of the text."""
    for part in dataclasses.fields(node):
        yield from _nodes(getattr(node, part.name))


def _nodes(value: Any) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif type(value) is tuple:
        for item in value:
            yield from _nodes(item)


def walk(node: Node) -> Iterator[Node]:
    """`node` and every node under it, in the order of the text."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        yield found
        waiting.extend(reversed(list(children(found))))


def depth(node: Node) -> int:
    """How many nodes are under each other at most."""
    deepest = 0
    waiting = [(node, 1)]
    while waiting:
        found, level = waiting.pop()
        deepest = max(deepest, level)
        waiting.extend((child, level + 1) for child in children(found))
    return deepest


def folded(value: Any, resolved: Callable[[Path], Any] | None = None) -> Any:
    """A part of a tree as plain data that is equal for parts that say the same; names are compared without case.

    Args:
        value: A node, or what a node holds.
        resolved: What a path stands for, if it can be said in several ways.
    """
    if isinstance(value, Path) and resolved is not None:
        return (Path, resolved(value))
    if isinstance(value, Literal):
        return (Literal, type(value.value), value.value)
    if isinstance(value, Node):
        parts = (part for part in dataclasses.fields(value) if part.compare)
        return (type(value), *(folded(getattr(value, part.name), resolved) for part in parts))
    if type(value) is tuple:
        return tuple(folded(item, resolved) for item in value)
    return value.lower() if type(value) is str else value
