"""The tree of a script: what `grammar` makes of the text, and everything that a query may hold beside the expressions
that both dialects have.

Spelling of names counts when two nodes are compared (see `folded`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.sql.tree import (
    Between,
    Binary,
    Case,
    Connective,
    Expression,
    In,
    Like,
    Literal,
    Node,
    Not,
    Unary,
    children,
    depth,
    walk,
)

__all__ = [
    "Apply", "Between", "Binary", "Call", "Case", "Cast", "Connective", "Expression", "In", "IsNull", "Join", "Like",
    "Literal", "Member", "Node", "Not", "Output", "Over", "Path", "Projection", "Query", "Script", "Select", "Source",
    "Star", "Step", "Unary", "Union", "children", "depth", "folded", "walk",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Path(Expression):
    """A name, or names with dots between: column, source.column, column.member, ..."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Member(Expression):
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
class Call(Expression):
    """A call of anything: a function, an aggregate, a window. `name` is as written, with its dots.

    A `star` stands before the arguments.
    """

    name: str
    arguments: tuple[Expression, ...] = ()
    distinct: bool = False
    star: bool = False
    over: Over | None = None


@dataclass(frozen=True, slots=True)
class IsNull(Expression):
    """operand IS NULL."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Cast(Expression):
    """CAST or, with `attempt`, TRY_CAST."""

    operand: Expression
    type: str
    attempt: bool


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
    """An input or a step in FROM or JOIN, and how its events are timed and partitioned (into how many `shards`)."""

    name: str
    alias: str | None
    timestamp: Expression | None = None
    over: tuple[Expression, ...] = ()
    partition: tuple[Expression, ...] = ()
    shards: Literal | None = None

    @property
    def known_as(self) -> str:
        """The name that the rest of the query calls it by."""
        return self.alias or self.name


@dataclass(frozen=True, slots=True)
class Join(Node):
    """[INNER] JOIN or LEFT [OUTER] JOIN ... ON, or CROSS JOIN, which has no ON."""

    source: Source
    left: bool
    on: Expression | None


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


def folded(value: Any, resolved: Callable[[Path], Any] | None = None) -> Any:
    """A part of a tree as plain data that is equal for parts that say the same; names are compared without case.

    Args:
        value: A node, or what a node holds.
        resolved: What a path stands for, if it can be said in several ways.
    """
    if isinstance(value, Path) and resolved is not None:
        return (Path, resolved(value))
    if isinstance(value, Literal):
        return (Literal, value.kind, value.value)
    if isinstance(value, Node):
        parts = (part for part in dataclasses.fields(value) if part.compare)
        return (type(value), *(folded(getattr(value, part.name), resolved) for part in parts))
    if type(value) is tuple:
        return tuple(folded(item, resolved) for item in value)
    return value.lower() if type(value) is str else value
