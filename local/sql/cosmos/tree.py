"""What a query says, as data: one class per construct of the language. `grammar` makes it, the compiler reads it.

Trees compare by what they say (c.a is c["a"]), which is how an item of SELECT is found among those of GROUP BY.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, get_args


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant. `kind` keeps 1 and true apart, which Python would call equal."""

    value: Any
    kind: type


@dataclass(frozen=True, slots=True)
class Parameter:
    """`@name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Name:
    """A source's alias."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """`base.name`, `base["name"]`, `base[0]`, `base[expression]`."""

    base: Expression
    step: Expression


@dataclass(frozen=True, slots=True)
class Unary:
    """`NOT x`, `-x`, `+x`, `~x`."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and an operator in between."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Logical:
    """A chain of ANDs, or of ORs: SDKs write a thousand of them, too deep to recurse into."""

    operator: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Conditional:
    """`test ? yes : no`."""

    test: Expression
    yes: Expression
    no: Expression


@dataclass(frozen=True, slots=True)
class In:
    """`value IN (choice, ...)`."""

    value: Expression
    choices: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """`value BETWEEN low AND high`."""

    value: Expression
    low: Expression
    high: Expression


@dataclass(frozen=True, slots=True)
class Like:
    """`value LIKE pattern [ESCAPE "character"]`."""

    value: Expression
    pattern: Expression
    escape: str | None


@dataclass(frozen=True, slots=True)
class Call:
    """`name(argument, ...)`, the name in capitals; `written` as the query has it."""

    name: str
    arguments: tuple[Expression, ...]
    written: str


@dataclass(frozen=True, slots=True)
class ObjectOf:
    """`{"name": value, ...}`."""

    members: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """`[item, ...]`."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Subquery:
    """`(SELECT ...)`, `EXISTS(SELECT ...)` or `ARRAY(SELECT ...)`; `use` is "", EXISTS or ARRAY."""

    use: str
    query: Query


Expression: TypeAlias = (
    Literal | Parameter | Name | Member | Unary | Binary | Logical | Conditional | In | Between | Like | Call | ObjectOf
    | ArrayOf | Subquery
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a SELECT list."""

    value: Expression
    alias: str | None


@dataclass(frozen=True, slots=True)
class Source:
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
class Order:
    """One item of ORDER BY."""

    value: Expression
    descending: bool


@dataclass(frozen=True, slots=True)
class Query:
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


_NODES: Final = (*get_args(Expression), Query, Item, Source, Order)


def children(node: Any) -> Iterator[Any]:
    """The nodes right under `node`, those of its subqueries too."""
    for name in node.__slots__:
        part = getattr(node, name)
        if isinstance(part, tuple):
            yield from _nodes(part)
        elif isinstance(part, _NODES):
            yield part


def _nodes(parts: tuple[Any, ...]) -> Iterator[Any]:
    for part in parts:
        if isinstance(part, _NODES):
            yield part
        elif isinstance(part, tuple):
            yield from _nodes(part)


def depth(node: Any) -> int:
    """How many nodes lie one under the other, found without recursion."""
    deepest, waiting = 0, [(node, 1)]
    while waiting:
        found, level = waiting.pop()
        deepest = max(deepest, level)
        waiting.extend((child, level + 1) for child in children(found))
    return deepest
