"""STRINGTO... and TOSTRING: between values and their JSON.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/stringtonumber and the pages beside it: whitespace
around the value is no matter, what is no JSON value of the wanted type is undefined.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import orjson

from local.sql.cosmos.functions.table import Function
from local.sql.cosmos.values import NUMBERS, UNDEFINED, is_deeper, number


def _read(*types: type) -> Callable[[Any], Any]:
    def call(text: Any) -> Any:
        if type(text) is not str:
            return UNDEFINED
        try:
            value = orjson.loads(text)
        except ValueError:
            return UNDEFINED
        if type(value) not in types or is_deeper(value):
            return UNDEFINED
        return number(value) if type(value) in NUMBERS else value

    return call


def to_text(value: Any) -> Any:
    """`value` as TOSTRING writes it: a string as it is, everything else as JSON without spaces."""
    if value is UNDEFINED:
        return UNDEFINED
    if type(value) is str:
        return value
    if type(value) is float and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return _json(value)


def _json(value: Any) -> str:
    if type(value) is list:
        return f"[{','.join(map(_json, value))}]"
    if type(value) is dict:
        return f"{{{','.join(f'{_json(name)}:{_json(item)}' for name, item in value.items())}}}"
    if type(value) in NUMBERS:
        return _number(value)
    return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    """As JavaScript writes numbers: 3 for 3.0, 1e-7, and up to 1e21 the digits that tell a double from all others."""
    if type(value) is int:
        value = float(value) if abs(value) > 2**53 else value
    digits = repr(value).removesuffix(".0")
    if "e" not in digits:
        return "0" if digits == "-0" else digits
    mantissa, _, exponent = digits.partition("e")
    power = int(exponent)
    if -7 < power < 21:
        return format(Decimal(digits), "f")
    return f"{mantissa}e{power:+d}"


CONVERSIONS: Final = (
    Function("STRINGTOARRAY", 1, 1, _read(list), "STRING_TO_ARRAY"),
    Function("STRINGTOBOOLEAN", 1, 1, _read(bool), "STRING_TO_BOOLEAN"),
    Function("STRINGTONULL", 1, 1, _read(type(None)), "STRING_TO_NULL"),
    Function("STRINGTONUMBER", 1, 1, _read(int, float), "STRING_TO_NUMBER"),
    Function("STRINGTOOBJECT", 1, 1, _read(dict), "STRING_TO_OBJECT"),
    Function("TOSTRING", 1, 1, to_text, "TO_STRING"),
)
