"""Spans of time that a query writes: `unit, number` in windows, DURATION and the bounds of a join.

Source of the units: https://learn.microsoft.com/stream-analytics-query/tumbling-window-azure-stream-analytics and
.../lag-azure-stream-analytics
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from local.sql.asa.dates import PARTS, SPANS
from local.sql.asa.errors import WrongArguments
from local.sql.asa.tree import Call, Expression, Literal, Path, Unary
from local.sql.asa.values import TICKS_PER_DAY

WINDOW_UNITS: Final = ("day", "hour", "minute", "second", "millisecond", "microsecond")
"""Of windows and ISFIRST, by the tables of their pages."""
UNITS: Final = ("week", *WINDOW_UNITS)
"""Of LIMIT DURATION and ON, which take what DATEDIFF takes: these are of a fixed length."""
_LONGEST: Final = 36_525 * TICKS_PER_DAY


def duration_of(call: Call, arguments: tuple[Expression, ...], units: Collection[str] = WINDOW_UNITS) -> int:
    """The span of `unit, number`, in ticks.

    Raises:
        WrongArguments: the unit is none of `units`, or the number is not whole and more than 0.
    """
    span = signed_span_of(call, arguments, units)
    if span <= 0 or type(constant_number(arguments[1])) is not int:
        raise WrongArguments(arguments[1].at, f"{call.name}() takes a whole number of more than 0")
    return span


def signed_span_of(call: Call, arguments: tuple[Expression, ...], units: Collection[str] = WINDOW_UNITS) -> int:
    """As `duration_of`, for spans that may be 0 or negative."""
    if len(arguments) != 2:
        raise WrongArguments(call.at, f"{call.name}() takes a unit of time and a number")
    unit, number = arguments
    part = PARTS.get(unit.names[0].lower()) if isinstance(unit, Path) and len(unit.names) == 1 else None
    if part is None or part not in units:
        raise WrongArguments(unit.at, f"{call.name}() takes as unit one of {', '.join(units)}")
    value = constant_number(number)
    if value is None:
        raise WrongArguments(number.at, f"{call.name}() takes a constant number")
    span = value * SPANS[part]
    if abs(span) > _LONGEST:
        raise WrongArguments(number.at, f"{call.name}() of more than a hundred years")
    return int(span)


def constant_number(node: Expression) -> int | float | None:
    """The number that a literal is, with or without a sign."""
    if isinstance(node, Unary) and node.sign in "+-":
        value = constant_number(node.operand)
        return None if value is None else -value if node.sign == "-" else value
    if isinstance(node, Literal) and isinstance(node.value, int | float):
        return node.value
    return None
