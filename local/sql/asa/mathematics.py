"""The mathematical functions and the operators + - * / %.

A bigint with a bigint is a bigint: a quotient drops its fraction, and what does not fit in 64 bits is an error. With a
float it is a float. Division by zero and what is no real number are errors, as in T-SQL.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, Inexact, Overflow, localcontext
from typing import Any, Final

from local.sql.asa.values import GREATEST_BIGINT, LEAST_BIGINT


class Undefined(Exception):
    """A computation that has no result; its text says why."""


def checked(value: int | float) -> int | float:
    """`value`, unless it is out of the range of its type."""
    if type(value) is int:
        if LEAST_BIGINT <= value <= GREATEST_BIGINT:
            return value
        raise Undefined("the result does not fit in a bigint")
    if math.isfinite(value):
        return value
    raise Undefined("the result does not fit in a float")


def add(left: Any, right: Any) -> Any:
    return checked(left + right)


def subtract(left: Any, right: Any) -> Any:
    return checked(left - right)


def multiply(left: Any, right: Any) -> Any:
    return checked(left * right)


def divide(left: Any, right: Any) -> Any:
    if right == 0:
        raise Undefined("division by zero")
    if type(left) is int and type(right) is int:
        quotient = abs(left) // abs(right)
        return checked(quotient if (left < 0) == (right < 0) else -quotient)
    return checked(left / right)


def remainder(left: Any, right: Any) -> Any:
    """The sign is the dividend's."""
    if right == 0:
        raise Undefined("division by zero")
    if type(left) is int and type(right) is int:
        size = abs(left) % abs(right)
        return -size if left < 0 else size
    return checked(math.fmod(left, right))


def absolute(value: int | float) -> int | float:
    return checked(abs(value))


def ceiling(value: int | float) -> int | float:
    return value if type(value) is int else float(math.ceil(value))


def floor(value: int | float) -> int | float:
    return value if type(value) is int else float(math.floor(value))


def sign(value: int | float) -> int | float:
    return type(value)((value > 0) - (value < 0))


def _real(compute: Callable[..., float]) -> Callable[..., float]:
    def apply(*values: float) -> float:
        try:
            return float(checked(compute(*values)))
        except OverflowError:
            raise Undefined("the result does not fit in a float") from None
        except (ValueError, ZeroDivisionError):
            raise Undefined("it has no result") from None

    return apply


exp = _real(math.exp)
_real_power = _real(math.pow)
sqrt = _real(math.sqrt)
square = _real(lambda value: value * value)

_MOST_BITS: Final = 64


def power(value: int | float, exponent: int | float) -> int | float:
    """Of the type of `value`: a bigint drops its fraction."""
    if type(value) is float:
        return _real_power(value, float(exponent))
    if type(exponent) is int and exponent >= 0:
        if abs(value) > 1 and exponent > _MOST_BITS:
            raise Undefined("the result does not fit in a bigint")
        return checked(int(value) ** exponent)
    return checked(int(_real_power(float(value), float(exponent))))


_MOST_DIGITS: Final = 400  # more than a float's largest exponent


def round_half_up(value: int | float, length: int) -> int | float:
    """To `length` decimals, or, when it is negative, digits before the point; halves go away from zero."""
    length = max(-_MOST_DIGITS, min(length, _MOST_DIGITS))
    with localcontext() as context:
        context.prec = 2 * _MOST_DIGITS + 20
        context.traps[Inexact] = False
        context.traps[Overflow] = False
        rounded = Decimal(repr(value)).quantize(Decimal(1).scaleb(-length), rounding=ROUND_HALF_UP)
    return checked(int(rounded) if type(value) is int else float(rounded))
