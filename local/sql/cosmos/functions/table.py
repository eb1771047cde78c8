"""What a function is, and the guards that most of them share: an argument of the wrong type makes undefined."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from local.sql.cosmos.errors import WrongArguments
from local.sql.cosmos.values import NUMBERS, UNDEFINED, number

MANY: Final = 200
"""The most arguments of a function that takes any number of them; a bound of ours."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function: how many arguments it takes, by what steps, what it computes, and what else it may be called."""

    name: str
    least: int
    most: int
    apply: Callable[..., Any]
    also: str | None = None
    step: int = 1


def check_arguments(function: Function, count: int) -> None:
    """Raise `WrongArguments` unless `function` takes `count` arguments."""
    if count not in range(function.least, function.most + 1, function.step):
        raise WrongArguments(function.name, function.least, function.most)


def integer(value: Any) -> int | None:
    """`value` as an integer if it is a whole number, else None."""
    if type(value) is int:
        return value
    return int(value) if type(value) is float and value.is_integer() else None


def of_text(apply: Callable[[str], Any]) -> Callable[[Any], Any]:
    """A function of one string."""
    return lambda value: apply(value) if type(value) is str else UNDEFINED


def of_numbers(apply: Callable[..., Any]) -> Callable[..., Any]:
    """A function of numbers to a number; undefined where there is none, or no finite one."""

    def call(*values: Any) -> Any:
        if not all(type(value) in NUMBERS for value in values):
            return UNDEFINED
        try:
            return number(apply(*values))
        except (ValueError, OverflowError, ZeroDivisionError):
            return UNDEFINED

    return call
