"""What a query says, as data: one class per construct of the language. `grammar` makes it, the compiler reads it.

Trees compare by what they say (c.a is c["a"]), which is how an item of SELECT is found among those of GROUP BY.
"""

from __future__ import annotations

from dataclasses import dataclass

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
)

__all__ = [
    "ArrayOf", "Between", "Binary", "Call", "Case", "Connective", "Expression", "In", "Item", "Like", "Literal",
    "Member", "Name", "Node", "Not", "ObjectOf", "Order", "Parameter", "Query", "Source", "Subquery", "Unary",
    "children", "depth",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parameter(Expression):
    """`@name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Name(Expression):
    """A source's alias."""

    name: str


@dataclass(frozen=True, slots=True)
class Member(Expression):
    """`base.name`, `base["name"]`, `base[0]`, `base[expression]`."""

    base: Expression
    step: Expression


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """`name(argument, ...)`, the name in capitals; `written` as the query has it."""

    name: str
    arguments: tuple[Expression, ...]
    written: str


@dataclass(frozen=True, slots=True)
class ObjectOf(Expression):
    """`{"name": value, ...}`."""

    members: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, slots=True)
class ArrayOf(Expression):
    """`[item, ...]`."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Subquery(Expression):
    """`(SELECT ...)`, `EXISTS(SELECT ...)` or `ARRAY(SELECT ...)`; `use` is "", EXISTS or ARRAY."""

    use: str
    query: Query


@dataclass(frozen=True, slots=True)
class Item(Node):
    """One item of a SELECT list."""

    value: Expression
    alias: str | None


@dataclass(frozen=True, slots=True)
class Source(Node):
    """One source of FROM or JOIN.

    Attributes:
        base: the name that its path starts from, or a subquery.
        steps: the rest of its path.
        alias: what the query calls it; None for a subquery without one.
        iterates: `alias IN base`: one row per element.
    """

    base: str | Query
    steps: tuple[str | int, ...]
    alias: str | None
    iterates: bool


@dataclass(frozen=True, slots=True)
class Order(Node):
    """One item of ORDER BY."""

    value: Expression
    descending: bool


@dataclass(frozen=True, slots=True)
class Query(Node):
    """`SELECT ...`; `value` is VALUE's expression, and without it and without `items` the query is SELECT *."""

    distinct: bool
    top: Expression | None
    value: Expression | None
    items: tuple[Item, ...]
    sources: tuple[Source, ...]
    where: Expression | None
    groups: tuple[Expression, ...]
    orders: tuple[Order, ...]
    offset: Expression | None
    limit: Expression | None

    @property
    def is_star(self) -> bool:
        return self.value is None and not self.items
