"""JSON values as a query sees them: undefined beside null, comparison only within a type, and one order over all.

Python's own operators would get this wrong: `True == 1`, `None < 1` raises, and absent has no value at all.
Source of the rules: Azure Cosmos DB for NoSQL, query language, "Equality and comparison operators" and "ORDER BY"; see
`equal` for what the service does in another way.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final


class Undefined:
    """The value of what is not there. There is one, `UNDEFINED`; test it with `is`."""

    _only: Undefined | None = None

    def __new__(cls) -> Undefined:
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __repr__(self) -> str:
        return "undefined"

    def __bool__(self) -> bool:
        return False


UNDEFINED: Final = Undefined()

# The order of types in ORDER BY, MIN and MAX (and what makes two values comparable: the same number here).
UNDEFINED_RANK, NULL_RANK, BOOLEAN_RANK, NUMBER_RANK, STRING_RANK, ARRAY_RANK, OBJECT_RANK = range(7)
RANK: Final[dict[type, int]] = {
    Undefined: UNDEFINED_RANK,
    type(None): NULL_RANK,
    bool: BOOLEAN_RANK,
    int: NUMBER_RANK,
    float: NUMBER_RANK,
    str: STRING_RANK,
    list: ARRAY_RANK,
    dict: OBJECT_RANK,
}
NUMBERS: Final = frozenset((int, float))
MAXIMUM_LEVELS: Final = 128
"""Of arrays and objects in each other: https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits."""


def number(value: Any) -> Any:
    """The result of arithmetic as a JSON number: a double beyond 2^53, undefined when it is not finite, 3 for 3.0."""
    if type(value) is int:
        return value if -(2**53) <= value <= 2**53 else float(value)
    if not math.isfinite(value):
        return UNDEFINED
    return int(value) if value.is_integer() and -(2**53) <= value <= 2**53 else value


def same(left: Any, right: Any) -> bool:
    """Deep equality of two JSON values, in which true is not 1."""
    rank = RANK[type(left)]
    if rank != RANK[type(right)]:
        return False
    if rank == ARRAY_RANK:
        return len(left) == len(right) and all(map(same, left, right))
    if rank == OBJECT_RANK:
        return left.keys() == right.keys() and all(same(value, right[name]) for name, value in left.items())
    return bool(left == right)


def equal(left: Any, right: Any) -> bool | Undefined:
    """`left = right`: undefined if one of them is, false across types.

    The documentation's table has undefined across types, the engine has not: != null is how SDKs ask for values that
    are there (tests of EF Core against it), and the offline engine of the .NET SDK's tests does the same for all types.
    """
    return same(left, right) if left is not UNDEFINED and right is not UNDEFINED else UNDEFINED


def unequal(left: Any, right: Any) -> bool | Undefined:
    """`left != right`: undefined if one of them is, true across types."""
    result = equal(left, right)
    return UNDEFINED if result is UNDEFINED else not result


def ordered(holds: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool | Undefined]:
    """A comparison (`<`, `>=`, ...) within null, booleans, numbers or strings; undefined for everything else."""

    def compare(left: Any, right: Any) -> bool | Undefined:
        rank = RANK[type(left)]
        if rank == UNDEFINED_RANK or rank >= ARRAY_RANK or rank != RANK[type(right)]:
            return UNDEFINED
        if rank == NULL_RANK:
            return holds(0, 0)
        return holds(left, right)

    return compare


def is_deeper(value: Any, levels: int = MAXIMUM_LEVELS) -> bool:
    """Whether arrays and objects are nested in each other more than `levels` deep in `value`."""
    waiting = [value]
    for _ in range(levels + 1):
        waiting = [item for item in waiting if type(item) is dict or type(item) is list]
        if not waiting:
            return False
        waiting = [part for item in waiting for part in (item.values() if type(item) is dict else item)]
    return True


def sort_key(value: Any) -> tuple[Any, ...]:
    """A key under which any JSON values sort: undefined, null, false, true, numbers, strings, arrays, objects."""
    rank = RANK[type(value)]
    if rank == ARRAY_RANK:
        return (rank, [sort_key(item) for item in value])
    if rank == OBJECT_RANK:
        return (rank, [(name, sort_key(item)) for name, item in sorted(value.items())])
    return (rank,) if rank <= NULL_RANK else (rank, value)


def identity(value: Any) -> Any:
    """What `same` values have in common, and no others: a key for dictionaries and sets (1 is 1.0, but not true)."""
    rank = RANK[type(value)]
    if rank == STRING_RANK:
        return value
    if rank == ARRAY_RANK:
        return (rank, *map(identity, value))
    if rank == OBJECT_RANK:
        return (rank, frozenset((name, identity(item)) for name, item in value.items()))
    return (rank, value)
