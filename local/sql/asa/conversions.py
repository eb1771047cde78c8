"""What becomes what: CAST and TRY_CAST, and the conversions that happen unasked.

Unasked, only what loses nothing: bigint to float, bit to bigint or float, and a text to datetime where a datetime is
wanted. All else needs a CAST; where the language would stop the job, these raise `Mismatch`.

Sources: https://learn.microsoft.com/stream-analytics-query/data-types-azure-stream-analytics and, for a text as a
datetime, https://learn.microsoft.com/azure/stream-analytics/stream-analytics-compatibility-level (1.1). What they leave
open (a float to bigint drops the fraction, a bit reads 'true') follows T-SQL.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any, Final

from local.sql.asa.values import (
    GREATEST_BIGINT,
    LEAST_BIGINT,
    TYPE_NAMES,
    DateTime,
    as_datetime,
    format_datetime,
    to_json,
)  # fmt: skip

_WHOLE = re.compile(r"\s*[+-]?[0-9]+\s*")
_FLOAT = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")
_BITS: Final = {"true": True, "false": False, "1": True, "0": False}


class Mismatch(Exception):
    """A value that is not, and does not become, what is wanted."""

    def __init__(self, value: Any, wanted: str) -> None:
        super().__init__(f"{shown(value)} is no {wanted}")


def shown(value: Any) -> str:
    """A value as an error shows it: short, with its type."""
    text = json.dumps(to_json(value), ensure_ascii=False, default=str)
    text = text if len(text) <= 40 else text[:39] + "…"
    return f"{text} ({TYPE_NAMES[type(value)]})" if value is not None else "NULL"


def bigint(value: Any) -> int:
    """A whole number as it is, a bit as 0 or 1."""
    if type(value) is int:
        return value
    if type(value) is bool:
        return int(value)
    raise Mismatch(value, "bigint")


def number(value: Any) -> int | float:
    """A bigint or a float as it is, a bit as 0 or 1."""
    if type(value) is int or type(value) is float:
        return value
    if type(value) is bool:
        return int(value)
    raise Mismatch(value, "bigint or float")


def real(value: Any) -> float:
    """Any number as a float."""
    return float(number(value))


def text(value: Any) -> str:
    """A text as it is."""
    if type(value) is str:
        return value
    raise Mismatch(value, "nvarchar(max)")


def datetime(value: Any) -> DateTime:
    """A datetime as it is, an ISO 8601 text read."""
    found = as_datetime(value)
    if found is None:
        raise Mismatch(value, "datetime")
    return found


def record(value: Any) -> dict[str, Any]:
    """A record as it is."""
    if type(value) is dict:
        return value
    raise Mismatch(value, "record")


def array(value: Any) -> list[Any]:
    """An array as it is."""
    if type(value) is list:
        return value
    raise Mismatch(value, "array")


def anything(value: Any) -> Any:
    """Whatever it is."""
    return value


def _cast_bigint(value: Any) -> int:
    if type(value) is float and math.isfinite(value):
        found = math.trunc(value)
    elif type(value) is str and _WHOLE.fullmatch(value):
        found = int(value) if len(value) < 100 else LEAST_BIGINT - 1
    else:
        found = bigint(value)
    if not LEAST_BIGINT <= found <= GREATEST_BIGINT:
        raise Mismatch(value, "bigint")
    return found


def _cast_float(value: Any) -> float:
    found = float(value) if type(value) is str and _FLOAT.fullmatch(value) else real(value)
    if not math.isfinite(found):
        raise Mismatch(value, "float")
    return found


def _cast_text(value: Any) -> str:
    kind = type(value)
    if kind is str:
        return str(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is DateTime:
        return format_datetime(value)
    if kind is float:  # as .NET writes a double: 3, 0.1, 1E+20
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value).upper()
    if kind is int:
        return str(value)
    return json.dumps(to_json(value), ensure_ascii=False, separators=(",", ":"))


def _cast_bit(value: Any) -> bool:
    if type(value) in (bool, int, float):
        return bool(value)
    if type(value) is str and value.strip().lower() in _BITS:
        return _BITS[value.strip().lower()]
    raise Mismatch(value, "bit")


CASTS: Final[dict[str, Callable[[Any], Any]]] = {
    "bigint": _cast_bigint,
    "float": _cast_float,
    "nvarchar(max)": _cast_text,
    "datetime": datetime,
    "bit": _cast_bit,
    "record": record,
    "array": array,
}
"""By the name of the type, the function of CAST; none of them is given NULL."""
