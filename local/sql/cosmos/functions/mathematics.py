"""Mathematical functions, and those of 64-bit integers.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/<function>, one page each.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any, Final

from local.sql.cosmos.functions.table import Function, integer, of_numbers
from local.sql.cosmos.values import UNDEFINED


def _log(value: float, base: float = math.e) -> float:
    return math.log10(value) if base == 10 else math.log(value) if base == math.e else math.log(value, base)


def _round(value: float, places: float = 0) -> float:
    """Half away from zero, as decimal notation reads."""
    digits = integer(places)
    if digits is None:
        raise ValueError(places)
    if digits == 0 and type(value) is int:
        return value
    scale = 10.0**digits
    return math.copysign(_half_up(abs(value) * scale) / scale, value)


def _half_up(value: float) -> int:
    """Not by adding a half, which is too much for what is next to one: 0.49999999999999994 + 0.5 is 1."""
    whole = math.floor(value)
    return whole + (value - whole >= 0.5)


def _bin(value: float, size: float = 1) -> float:
    """The multiple of `size` at or below (for a negative size, at or above) `value`."""
    multiple = math.floor(value / size)
    return multiple / (1 / size) if -1 < size < 1 and (1 / size).is_integer() else multiple * size


def _whole(apply: Callable[..., int | None]) -> Callable[..., Any]:
    """A function of 64-bit integers, which wraps around as in C++; undefined for any other number."""

    def call(*values: Any) -> Any:
        whole = [integer(value) for value in values]
        if any(value is None or not -(2**63) <= value < 2**63 for value in whole):
            return UNDEFINED
        result = apply(*whole)
        return UNDEFINED if result is None else (result + 2**63) % 2**64 - 2**63

    return call


def _quotient(left: int, right: int) -> int | None:
    if right == 0:
        return None
    size = abs(left) // abs(right)
    return size if (left < 0) == (right < 0) else -size


def _remainder(left: int, right: int) -> int | None:
    if right == 0:
        return None
    size = abs(left) % abs(right)
    return -size if left < 0 else size


def _shift(apply: Callable[[int, int], int]) -> Callable[[int, int], int | None]:
    """By 0 to 63 bits: C++ leaves what is beyond undefined, and so is it here."""
    return lambda left, right: apply(left, right) if 0 <= right < 64 else None


MATHEMATICS: Final = (
    Function("ABS", 1, 1, of_numbers(abs)),
    Function("ACOS", 1, 1, of_numbers(math.acos)),
    Function("ASIN", 1, 1, of_numbers(math.asin)),
    Function("ATAN", 1, 1, of_numbers(math.atan)),
    Function("ATN2", 2, 2, of_numbers(math.atan2)),
    Function("CEILING", 1, 1, of_numbers(math.ceil)),
    Function("COS", 1, 1, of_numbers(math.cos)),
    Function("COT", 1, 1, of_numbers(lambda value: 1 / math.tan(value))),
    Function("DEGREES", 1, 1, of_numbers(math.degrees)),
    Function("EXP", 1, 1, of_numbers(math.exp)),
    Function("FLOOR", 1, 1, of_numbers(math.floor)),
    Function("LOG", 1, 2, of_numbers(_log)),
    Function("LOG10", 1, 1, of_numbers(math.log10)),
    Function("NUMBERBIN", 1, 2, of_numbers(_bin)),
    Function("PI", 0, 0, lambda: math.pi),
    Function("POWER", 2, 2, of_numbers(math.pow)),
    Function("RADIANS", 1, 1, of_numbers(math.radians)),
    Function("RAND", 0, 0, random.random),
    Function("ROUND", 1, 2, of_numbers(_round)),
    Function("SIGN", 1, 1, of_numbers(lambda value: (value > 0) - (value < 0))),
    Function("SIN", 1, 1, of_numbers(math.sin)),
    Function("SQRT", 1, 1, of_numbers(math.sqrt)),
    Function("SQUARE", 1, 1, of_numbers(lambda value: value * value)),
    Function("TAN", 1, 1, of_numbers(math.tan)),
    Function("TRUNC", 1, 1, of_numbers(math.trunc)),
    Function("INTADD", 2, 2, _whole(lambda left, right: left + right)),
    Function("INTBITAND", 2, 2, _whole(lambda left, right: left & right)),
    Function("INTBITLEFTSHIFT", 2, 2, _whole(_shift(lambda left, right: left << right))),
    Function("INTBITNOT", 1, 1, _whole(lambda value: ~value)),
    Function("INTBITOR", 2, 2, _whole(lambda left, right: left | right)),
    Function("INTBITRIGHTSHIFT", 2, 2, _whole(_shift(lambda left, right: left >> right))),
    Function("INTBITXOR", 2, 2, _whole(lambda left, right: left ^ right)),
    Function("INTDIV", 2, 2, _whole(_quotient)),
    Function("INTMOD", 2, 2, _whole(_remainder)),
    Function("INTMUL", 2, 2, _whole(lambda left, right: left * right)),
    Function("INTSUB", 2, 2, _whole(lambda left, right: left - right)),
)
