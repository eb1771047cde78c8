"""Pages: what one answer holds of a result, and how much fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from local.cosmos.continuations import Position
from local.cosmos.errors import BadRequest

PAGE_ITEMS = 1000  # without x-ms-max-item-count
PAGE_BYTES = 4 * 1024 * 1024  # https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-request-limits


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a result.

    Attributes:
        rows: each as JSON.
        following: where the next page starts; None at the end.
        loaded: how many documents it took.
        loaded_bytes: their size.
    """

    rows: list[bytes]
    following: Position | None
    loaded: int
    loaded_bytes: int


def row_json(value: Any) -> bytes:
    """One row of a query's result; raises `BadRequest` if the query built it of more levels than can be written."""
    try:
        return orjson.dumps(value)
    except TypeError:  # 254 levels
        raise BadRequest("The query's result is nested too deeply.") from None


def fitting(rows: Sequence[bytes], offset: int, limit: int) -> list[bytes]:
    """The rows from `offset` on that make one page: at most `limit`, and no more bytes than fit, but at least one."""
    page: list[bytes] = []
    size = 0
    for row in rows[offset : offset + limit]:
        size += len(row)
        if page and size > PAGE_BYTES:
            break
        page.append(row)
    return page
