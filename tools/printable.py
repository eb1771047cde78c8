"""What producers sent, as a person or a program may read it: nothing that a terminal obeys, no JSON that cannot be
written again.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

# A terminal obeys these; a body of several lines, and its tabs, are shown as they are.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_BODY_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# orjson reads 1,024 levels and writes 254, one of which is the line that the value is put in.
_SHALLOW = 253


def line(text: str) -> str:
    """`text` on one line, its control characters as escapes."""
    return _CONTROLS.sub(_escape, text)


def block(text: str) -> str:
    """`text` with its lines and tabs, its other control characters as escapes."""
    return _BODY_CONTROLS.sub(_escape, text)


def json_value(body: bytes) -> Any:
    """What a JSON body says.

    Raises:
        ValueError: it is not JSON, or nested deeper than could be written as part of a line of JSON.
    """
    value = orjson.loads(body)
    if body.count(b"[") + body.count(b"{") > _SHALLOW:
        try:
            orjson.dumps([value])
        except orjson.JSONEncodeError as error:
            raise ValueError(f"nested too deeply: {error}") from None
    return value


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
