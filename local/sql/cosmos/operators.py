"""What operators compute, on values: arithmetic and bits. Comparison is in `local.sql.cosmos.values`.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/bitwise-operators ("the same behavior as bitwise
operators in JavaScript": on 32 bits) and .../keywords.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, Final

from local.sql.cosmos.values import NUMBERS, UNDEFINED, number

_32_BITS: Final = 0xFFFFFFFF


def arithmetic(apply: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """`apply` on two numbers; undefined on anything else, and where there is no finite result."""

    def compute(left: Any, right: Any) -> Any:
        if type(left) not in NUMBERS or type(right) not in NUMBERS:
            return UNDEFINED
        try:
            return number(apply(left, right))
        except (ZeroDivisionError, OverflowError, ValueError):
            return UNDEFINED

    return compute


def _remainder(left: float, right: float) -> float:
    """The sign is the dividend's, as in JavaScript."""
    size = abs(left) % abs(right)
    return -size if left < 0 else size


def signed32(value: float) -> int:
    """A number as JavaScript's bitwise operators see it: its whole part, cut to 32 bits with a sign."""
    bits = math.trunc(value) & _32_BITS
    return bits - (1 << 32) if bits >> 31 else bits


def _bits(apply: Callable[[int, int], int]) -> Callable[[Any, Any], Any]:
    return arithmetic(lambda left, right: signed32(apply(signed32(left), signed32(right))))


def _concatenate(left: Any, right: Any) -> Any:
    return left + right if type(left) is str and type(right) is str else UNDEFINED


BINARY: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": arithmetic(operator.add),
    "-": arithmetic(operator.sub),
    "*": arithmetic(operator.mul),
    "/": arithmetic(operator.truediv),
    "%": arithmetic(_remainder),
    "&": _bits(operator.and_),
    "|": _bits(operator.or_),
    "^": _bits(operator.xor),
    "<<": _bits(lambda left, right: left << (right & 31)),
    ">>": _bits(lambda left, right: left >> (right & 31)),
    ">>>": arithmetic(lambda left, right: (signed32(left) & _32_BITS) >> (signed32(right) & 31)),
    "||": _concatenate,
}


def _negate(value: Any) -> Any:
    return -value if type(value) in NUMBERS else UNDEFINED


def _plus(value: Any) -> Any:
    return value if type(value) in NUMBERS else UNDEFINED


def _complement(value: Any) -> Any:
    return ~signed32(value) if type(value) in NUMBERS else UNDEFINED


UNARY: Final[dict[str, Callable[[Any], Any]]] = {"-": _negate, "+": _plus, "~": _complement}
