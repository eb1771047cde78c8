"""The bytes of a body into events. Pure.

A body is one JSON object, an array of them, or several one after the other, as line-delimited JSON is. What is none of
these is a deserialisation error: Azure counts and drops such an event, and so do we.
https://learn.microsoft.com/azure/stream-analytics/data-errors#inputdeserializererrorinvaliddata
"""

from __future__ import annotations

import json
import re
from typing import Any

from local.sql.asa.json_text import DECODER, MAX_DEPTH, depth, mend_surrogates

_SPACE = re.compile(r"[ \t\r\n]*")


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
    if (levels := depth(text)) > MAX_DEPTH:
        raise DeserializationError(f"nested {levels} deep, and {MAX_DEPTH} is the most")
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
    at = _SPACE.match(text, 0).end()  # type: ignore[union-attr]  # it matches nothing, too
    if at == len(text):
        raise DeserializationError("empty")
    while at < len(text):
        try:
            value, at = DECODER.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise DeserializationError(f"no JSON: {error.msg} at character {error.pos}") from None
        except ValueError as error:
            raise DeserializationError(str(error)) from None
        if type(value) is not dict and type(value) is not list and values:
            raise DeserializationError(f"no JSON: more than one value, and {json.dumps(value)[:20]} is no object")
        values.append(value)
        at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
    return mend_surrogates(values, text)  # type: ignore[no-any-return]
