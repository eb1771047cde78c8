"""The bytes of a body into events. Pure.

A body is one JSON object, an array of them, or several one after the other, as line-delimited JSON is. What is none of
these is a deserialisation error: Azure counts and drops such an event, and so do we.
https://learn.microsoft.com/azure/stream-analytics/data-errors#inputdeserializererrorinvaliddata
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

from local.sql.asa.values import GREATEST_BIGINT, LEAST_BIGINT

MAX_DEPTH: Final = 100
"""Levels of objects and arrays; Cosmos DB takes 128, and what comes deeper than that is no event."""

_SPACE = re.compile(r"[ \t\r\n]*")
_STRUCTURE = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)


class DeserializationError(ValueError):
    """A body that is no event; the message says why."""


def decode(body: bytes) -> tuple[list[dict[str, Any]], list[str]]:
    """The events of a body, and why other elements of it are none.

    Raises:
        DeserializationError: nothing of it can be read.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DeserializationError(f"no UTF-8 text ({error.reason} at byte {error.start})") from None
    if (depth := _depth(text)) > MAX_DEPTH:
        raise DeserializationError(f"nested {depth} deep, and {MAX_DEPTH} is the most")
    events: list[dict[str, Any]] = []
    errors: list[str] = []
    for value in _values(text):
        elements = value if type(value) is list else [value]
        for number, element in enumerate(elements):
            if type(element) is dict:
                events.append(element)
            else:
                at = f"element {number} of an array" if type(value) is list else "the body"
                errors.append(f"{at} is JSON, but no object")
    return events, errors


def _values(text: str) -> list[Any]:
    values: list[Any] = []
    halves = _ESCAPED_SURROGATE.search(text) is not None
    at = _SPACE.match(text, 0).end()  # type: ignore[union-attr]  # it matches nothing, too
    if at == len(text):
        raise DeserializationError("empty")
    while at < len(text):
        try:
            value, at = _DECODER.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise DeserializationError(f"no JSON: {error.msg} at character {error.pos}") from None
        except ValueError as error:
            raise DeserializationError(str(error)) from None
        if type(value) is not dict and type(value) is not list and values:
            raise DeserializationError(f"no JSON: more than one value, and {json.dumps(value)[:20]} is no object")
        values.append(_without_halves(value) if halves else value)
        at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
    return values


def _depth(text: str) -> int:
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


def _without_halves(value: Any) -> Any:
    """Half of a surrogate pair (`"\\ud800"`) is JSON, but no text that UTF-8 could carry on."""
    if type(value) is str:
        return _SURROGATE.sub("\ufffd", value)
    if type(value) is list:
        return [_without_halves(item) for item in value]
    if type(value) is dict:
        return {_SURROGATE.sub("\ufffd", name): _without_halves(member) for name, member in value.items()}
    return value


_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=_constant)
