"""Continuation tokens: where the next page of a feed or a query starts, bound to the request they came from.

A token holds a place, not a state of the service: it stays good when documents come, change and go, and after a
restart. A page starts after the last row of the one before: by document number in a scan, by the values of ORDER BY and
then the number in an ordered result. A result that is one piece (GROUP BY, DISTINCT) has no such places: its pages are
of the result as it was at the first, which is kept for a while. When that is gone, it is computed again, and continued
only if it starts with the very rows that were returned.
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import astuple, dataclass
from typing import Any, TypeAlias

import orjson

from local.cosmos.errors import BadRequest
from local.sql.cosmos.values import UNDEFINED

# Clients read headers of 8 KB; what sorts by longer values than this is continued as long as its result is kept.
_VALUES_BYTES = 3000


@dataclass(frozen=True, slots=True)
class ScanPosition:
    """In a scan.

    Attributes:
        number: of the document that the page starts at, or after it if that is gone.
        row: which of its rows is the first (JOIN makes several).
        skip: how many rows OFFSET still leaves out.
        left: how many rows TOP or LIMIT still allows; None for any number.
    """

    number: int
    row: int = 0
    skip: int = 0
    left: int | None = None


@dataclass(frozen=True, slots=True)
class OrderPosition:
    """In an ordered result: after the row with these values of ORDER BY.

    Attributes:
        result: the result's number among the kept ones.
        offset: how many of its rows were returned.
        left: how many rows TOP or LIMIT still allows; None for any number.
        values: of ORDER BY, each in a list that is empty for undefined; None if they are too long for a token.
        number: of the document.
        row: which of the document's rows it is.
    """

    result: int
    offset: int
    left: int | None
    values: list[list[Any]] | None
    number: int
    row: int


@dataclass(frozen=True, slots=True)
class WholePosition:
    """In a result of one piece.

    Attributes:
        result: the result's number among the kept ones.
        offset: how many of its rows were returned.
        digest: of those rows.
    """

    result: int
    offset: int
    digest: str


Position: TypeAlias = ScanPosition | OrderPosition | WholePosition
_KINDS: dict[str, type[Position]] = {"s": ScanPosition, "o": OrderPosition, "w": WholePosition}
_TAGS = {kind: tag for tag, kind in _KINDS.items()}


def wrapped(values: list[Any]) -> list[list[Any]] | None:
    """`values` of ORDER BY as a token holds them; None if they are too long for one."""
    wrapped_values = [[] if value is UNDEFINED else [value] for value in values]
    return wrapped_values if len(orjson.dumps(wrapped_values)) <= _VALUES_BYTES else None


def unwrapped(values: list[list[Any]]) -> list[Any]:
    """What `wrapped` was given."""
    return [value[0] if value else UNDEFINED for value in values]


def encode(position: Position, request: bytes) -> str:
    """A token for `position` in the results of `request`: whatever tells it from others."""
    state = [zlib.crc32(request), _TAGS[type(position)], *astuple(position)]
    return base64.urlsafe_b64encode(orjson.dumps(state)).decode()


def decode(token: str | None, request: bytes) -> Position | None:
    """The position in `token`; None without one.

    Raises:
        BadRequest: it is not a token of ours, or of another request.
    """
    if not token:
        return None
    try:
        crc, tag, *fields = orjson.loads(base64.b64decode(token, altchars=b"-_", validate=True))
        if crc == zlib.crc32(request) and _FIELDS[tag](*fields):
            return _KINDS[tag](*fields)
    except (ValueError, TypeError, KeyError):
        pass
    raise invalid()


def invalid() -> BadRequest:
    """What a token that does not fit its request is answered with."""
    return BadRequest("Invalid Continuation Token")


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _is_limit(value: object) -> bool:
    return value is None or _is_count(value)


def _are_values(values: object) -> bool:
    return values is None or (
        isinstance(values, list) and all(isinstance(value, list) and len(value) <= 1 for value in values)
    )


_FIELDS: dict[str, Any] = {
    "s": lambda number, row, skip, left: all(map(_is_count, (number, row, skip))) and _is_limit(left),
    "o": lambda result, offset, left, values, number, row: (
        all(map(_is_count, (result, offset, number, row))) and _is_limit(left) and _are_values(values)
    ),
    "w": lambda result, offset, digest: _is_count(result) and _is_count(offset) and isinstance(digest, str),
}
