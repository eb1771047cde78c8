"""IS_DEFINED and its kin: the functions that see undefined themselves and answer with a boolean, always.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/is-array and the pages beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from local.sql.cosmos.functions.dates import parse
from local.sql.cosmos.functions.table import Function, integer
from local.sql.cosmos.values import NUMBERS, UNDEFINED


def _is(*types: type) -> Callable[[Any], bool]:
    return lambda value: type(value) in types


def _is_integer(value: Any) -> bool:
    """A 64-bit integer; beyond 2^53 a number is the double next to it."""
    found = integer(value)
    return found is not None and -(2**63) <= found <= 2**63


def _is_date_time(value: Any) -> bool:
    return type(value) is str and parse(value) is not None


TYPES: Final = (
    Function("IS_ARRAY", 1, 1, _is(list)),
    Function("IS_BOOL", 1, 1, _is(bool), "IS_BOOLEAN"),
    Function("IS_DATETIME", 1, 1, _is_date_time),
    Function("IS_DEFINED", 1, 1, lambda value: value is not UNDEFINED),
    Function("IS_FINITE_NUMBER", 1, 1, lambda value: type(value) in NUMBERS and math.isfinite(value)),
    Function("IS_INTEGER", 1, 1, _is_integer),
    Function("IS_NULL", 1, 1, lambda value: value is None),
    Function("IS_NUMBER", 1, 1, _is(int, float)),
    Function("IS_OBJECT", 1, 1, _is(dict)),
    Function("IS_PRIMITIVE", 1, 1, _is(str, bool, int, float, type(None))),
    Function("IS_STRING", 1, 1, _is(str)),
)
