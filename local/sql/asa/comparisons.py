"""Comparisons of two values: true, false, or None (unknown), which is what NULL and values of unlike types give.

Numbers and bits compare with each other, texts with texts, letter by letter and with their case; a text beside a
datetime is read as one. Records and arrays do not compare.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

from local.sql.asa.values import DateTime, parse_datetime

_NUMBERS: Final = frozenset((int, float, bool))

Compare = Callable[[Any, Any], bool | None]


def comparison(holds: Callable[[Any, Any], bool]) -> Compare:
    """The three-valued form of a Python operator."""

    def compare(left: Any, right: Any) -> bool | None:
        kind, other = type(left), type(right)
        if kind is other and (kind is str or kind is DateTime):
            return holds(left, right)
        if kind in _NUMBERS and other in _NUMBERS:
            return holds(left, right)
        if kind is str and other is DateTime:
            left = parse_datetime(left)
        elif kind is DateTime and other is str:
            right = parse_datetime(right)
        else:
            return None
        return None if left is None or right is None else holds(left, right)

    return compare


equal: Final = comparison(operator.eq)
COMPARE: Final[dict[str, Compare]] = {
    "=": equal,
    "<>": comparison(operator.ne),
    "<": comparison(operator.lt),
    "<=": comparison(operator.le),
    ">": comparison(operator.gt),
    ">=": comparison(operator.ge),
}
"""By sign."""
