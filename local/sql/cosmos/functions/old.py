"""The functions a query may call, by name. Each takes evaluated arguments and returns a value or undefined.

An argument of the wrong type makes the result undefined; only the type-checking functions see undefined themselves.
Source: Azure Cosmos DB for NoSQL, query language, one page per function.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.sql.errors import WrongArguments
from local.sql.values import NUMBERS, UNDEFINED, number, same


@dataclass(frozen=True, slots=True)
class Function:
    """A function: how many arguments it takes, and what it computes."""

    name: str
    least: int
    most: int
    apply: Callable[..., Any]


def check_arguments(function: Function, count: int) -> None:
    """Raise `WrongArguments` unless `function` takes `count` arguments."""
    if not function.least <= count <= function.most:
        raise WrongArguments(function.name, function.least, function.most)


def _is(*types: type) -> Callable[[Any], bool]:
    return lambda value: type(value) in types


def _is_integer(value: Any) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())


def _of_text(apply: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda value: apply(value) if type(value) is str else UNDEFINED


def _of_number(apply: Callable[[float], Any]) -> Callable[[Any], Any]:
    def call(value: Any) -> Any:
        if type(value) not in NUMBERS:
            return UNDEFINED
        try:
            return number(apply(value))
        except (ValueError, OverflowError):
            return UNDEFINED

    return call


def _of_two_texts(test: Callable[[str, str], bool]) -> Callable[..., Any]:
    """CONTAINS and its kin: two strings, and an optional boolean that makes the test case-insensitive."""

    def call(text: Any, part: Any, ignore_case: Any = False) -> Any:
        if type(text) is not str or type(part) is not str or type(ignore_case) is not bool:
            return UNDEFINED
        return test(text.lower(), part.lower()) if ignore_case else test(text, part)

    return call


def _round(value: float) -> float:
    """Half away from zero."""
    return value if type(value) is int else math.copysign(1, value) * math.floor(abs(value) + 0.5)


def _concat(*texts: Any) -> Any:
    return "".join(texts) if all(type(text) is str for text in texts) else UNDEFINED


def _substring(text: Any, start: Any, length: Any) -> Any:
    if type(text) is not str or not _is_integer(start) or not _is_integer(length):
        return UNDEFINED
    first = max(int(start), 0)
    return text[first : first + max(int(length), 0)]


def _left(text: Any, length: Any) -> Any:
    return text[: max(int(length), 0)] if type(text) is str and _is_integer(length) else UNDEFINED


def _right(text: Any, length: Any) -> Any:
    if type(text) is not str or not _is_integer(length):
        return UNDEFINED
    return text[-int(length) :] if length > 0 else ""


def _replace(text: Any, old: Any, new: Any) -> Any:
    if not all(type(part) is str for part in (text, old, new)):
        return UNDEFINED
    return text.replace(old, new) if old else text


def _index_of(text: Any, part: Any, start: Any = 0) -> Any:
    if type(text) is not str or type(part) is not str or not _is_integer(start):
        return UNDEFINED
    return text.find(part, max(int(start), 0))


def _array_contains(array: Any, wanted: Any, partial: Any = False) -> Any:
    if type(array) is not list or wanted is UNDEFINED or type(partial) is not bool:
        return UNDEFINED if type(array) is not list else False
    if partial and type(wanted) is dict:
        return any(
            type(item) is dict and all(name in item and same(item[name], value) for name, value in wanted.items())
            for item in array
        )
    return any(same(item, wanted) for item in array)


def _power(base: Any, exponent: Any) -> Any:
    if type(base) not in NUMBERS or type(exponent) not in NUMBERS:
        return UNDEFINED
    try:
        return math.pow(base, exponent)
    except (ValueError, OverflowError):
        return UNDEFINED


FUNCTIONS: dict[str, Function] = {
    function.name: function
    for function in (
        Function("IS_DEFINED", 1, 1, lambda value: value is not UNDEFINED),
        Function("IS_NULL", 1, 1, lambda value: value is None),
        Function("IS_BOOL", 1, 1, _is(bool)),
        Function("IS_NUMBER", 1, 1, _is(int, float)),
        Function("IS_INTEGER", 1, 1, _is_integer),
        Function("IS_STRING", 1, 1, _is(str)),
        Function("IS_ARRAY", 1, 1, _is(list)),
        Function("IS_OBJECT", 1, 1, _is(dict)),
        Function("IS_PRIMITIVE", 1, 1, _is(str, bool, int, float, type(None))),
        Function("LOWER", 1, 1, _of_text(str.lower)),
        Function("UPPER", 1, 1, _of_text(str.upper)),
        Function("LENGTH", 1, 1, _of_text(len)),
        Function("TRIM", 1, 1, _of_text(str.strip)),
        Function("LTRIM", 1, 1, _of_text(str.lstrip)),
        Function("RTRIM", 1, 1, _of_text(str.rstrip)),
        Function("REVERSE", 1, 1, _of_text(lambda text: text[::-1])),
        Function("CONTAINS", 2, 3, _of_two_texts(lambda text, part: part in text)),
        Function("STARTSWITH", 2, 3, _of_two_texts(str.startswith)),
        Function("ENDSWITH", 2, 3, _of_two_texts(str.endswith)),
        Function("STRINGEQUALS", 2, 3, _of_two_texts(str.__eq__)),
        Function("CONCAT", 2, 200, _concat),
        Function("SUBSTRING", 3, 3, _substring),
        Function("LEFT", 2, 2, _left),
        Function("RIGHT", 2, 2, _right),
        Function("REPLACE", 3, 3, _replace),
        Function("INDEX_OF", 2, 3, _index_of),
        Function("ABS", 1, 1, _of_number(abs)),
        Function("CEILING", 1, 1, _of_number(math.ceil)),
        Function("FLOOR", 1, 1, _of_number(math.floor)),
        Function("ROUND", 1, 1, _of_number(_round)),
        Function("TRUNC", 1, 1, _of_number(math.trunc)),
        Function("SIGN", 1, 1, _of_number(lambda value: (value > 0) - (value < 0))),
        Function("SQRT", 1, 1, _of_number(math.sqrt)),
        Function("POWER", 2, 2, _power),
        Function("ARRAY_LENGTH", 1, 1, lambda value: len(value) if type(value) is list else UNDEFINED),
        Function("ARRAY_CONTAINS", 2, 3, _array_contains),
    )
}
