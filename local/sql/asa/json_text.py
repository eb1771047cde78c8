"""JSON as the values of a query: the bodies of events, and what JSON_PARSE makes of a text. Pure.

What a value cannot hold (a whole number beyond a bigint, NaN) is no JSON here.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

from local.sql.asa.values import GREATEST_BIGINT, LEAST_BIGINT

MAX_DEPTH: Final = 100
"""Levels of objects and arrays; Cosmos DB takes 128, and what comes deeper than that is no event."""

_STRUCTURE = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_record(text: Any) -> dict[str, Any] | None:
    """JSON_PARSE: the record that a text says; None for whatever says none.

    Source: https://learn.microsoft.com/stream-analytics-query/json-parse-azure-stream-analytics
    """
    if type(text) is not str or depth(text) > MAX_DEPTH:
        return None
    try:
        value = DECODER.decode(text)
    except ValueError:
        return None
    return mend_surrogates(value, text) if type(value) is dict else None


def depth(text: str) -> int:
    """How deep a text nests, cheaply for those that cannot nest deep."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return 0
    depth = most = 0
    for mark in _STRUCTURE.finditer(text):
        if mark[0] in "[{":
            depth += 1
            most = max(most, depth)
        elif mark[0] in "]}":
            depth -= 1
    return most


def mend_surrogates(value: Any, text: str) -> Any:
    """`value` of `text` without halves of surrogate pairs: `"\\ud800"` is JSON, and no text that UTF-8 can carry."""
    return _without_halves(value) if _ESCAPED_SURROGATE.search(text) else value


def _without_halves(value: Any) -> Any:
    if type(value) is str:
        return _SURROGATE.sub("\ufffd", value)
    if type(value) is list:
        return [_without_halves(item) for item in value]
    if type(value) is dict:
        return {_SURROGATE.sub("\ufffd", name): _without_halves(member) for name, member in value.items()}
    return value


def _constant(text: str) -> NoReturn:
    raise ValueError(f"no JSON: {text}")


def _integer(text: str) -> int:
    if len(text) > 20 or not LEAST_BIGINT <= (value := int(text)) <= GREATEST_BIGINT:
        raise ValueError(f"{text[:25]} does not fit in a bigint")
    return value


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:25]} does not fit in a float")
    return value


DECODER: Final = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=_constant)
"""Raises `ValueError` for what a value cannot hold, `json.JSONDecodeError` for what is no JSON at all."""
