"""What the queries of both dialects are made of: the nodes of expressions, and how a tree is walked.

A dialect adds nodes of its own. The types are the allow-list: a construct that has no type cannot get past a grammar,
and nothing in a query is read and then dropped. Nodes compare by what they say, and not by where they say it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Position(NamedTuple):
    """Where in a query: line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Node:
    """Anything with a place in the text: where it begins."""

    at: Position = field(compare=False)


@dataclass(frozen=True, slots=True)
class Expression(Node):
    """A value, or a condition."""


@dataclass(frozen=True, slots=True)
class Literal(Expression):
    """A constant. `kind` keeps 1, 1.0 and true apart, which Python would call equal."""

    value: Any
    kind: type = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", type(self.value))


@dataclass(frozen=True, slots=True)
class Unary(Expression):
    """-x, +x or ~x."""

    sign: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary(Expression):
    """Two operands, and an operator or a comparison between."""

    sign: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Connective(Expression):
    """Operands with AND, or with OR, between: SDKs write a thousand of them, too deep to recurse into."""

    word: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not(Expression):
    """NOT x, and what NOT LIKE, NOT IN and NOT BETWEEN are."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Like(Expression):
    """operand LIKE pattern [ESCAPE 'character']."""

    operand: Expression
    pattern: Expression
    escape: str | None


@dataclass(frozen=True, slots=True)
class In(Expression):
    """operand IN (choice, ...)."""

    operand: Expression
    choices: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Between(Expression):
    """operand BETWEEN low AND high."""

    operand: Expression
    low: Expression
    high: Expression


@dataclass(frozen=True, slots=True)
class Case(Expression):
    """CASE [operand] WHEN ... THEN ... [ELSE ...] END, and test ? yes : no."""

    operand: Expression | None
    branches: tuple[tuple[Expression, Expression], ...]
    default: Expression | None


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
    """How many nodes are under each other at most, found without recursion."""
    deepest = 0
    waiting = [(node, 1)]
    while waiting:
        found, level = waiting.pop()
        deepest = max(deepest, level)
        waiting.extend((child, level + 1) for child in children(found))
    return deepest
