"""Continuation tokens: where the next page of a feed or a query starts, bound to the request they came from."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass

import orjson

from local.cosmos.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page starts.

    Attributes:
        after: the number of the last document that the pages before looked at.
        left: how many rows TOP still allows; None without TOP.
        offset: in a sorted result, how many rows the pages before returned.
        result: the sorted result's name among the `SortedResults`.
    """

    after: int = 0
    left: int | None = None
    offset: int = 0
    result: int = 0


def encode(position: Position, request: bytes) -> str:
    """A token for `position` in the results of the request with body `request`."""
    state = [zlib.crc32(request), position.after, position.left, position.offset, position.result]
    return base64.urlsafe_b64encode(orjson.dumps(state)).decode()


def decode(token: str | None, request: bytes) -> Position | None:
    """The position in `token`; None without one.

    Raises:
        BadRequest: it is not a token of ours, or of another request.
    """
    if not token:
        return None
    try:
        crc, *fields = orjson.loads(base64.b64decode(token, altchars=b"-_", validate=True))
        if crc == zlib.crc32(request) and len(fields) == 4 and all(_is_count(value) for value in fields):
            return Position(*fields)
    except (ValueError, TypeError):
        pass
    raise BadRequest("Invalid Continuation Token")


def _is_count(value: object) -> bool:
    return value is None or (type(value) is int and 0 <= value < 2**63)
