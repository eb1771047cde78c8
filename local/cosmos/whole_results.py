"""Results of one piece: DISTINCT, GROUP BY and aggregates, which need all documents before their first row.

All pages are of the result as it was at the first.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from typing import Any

import orjson

from local.cosmos.continuations import WholePosition
from local.cosmos.errors import BadRequest
from local.cosmos.kept_results import KeptResults, KeptRows
from local.cosmos.pages import Page, fitting, row_json
from local.cosmos.slices import Slice, documents
from local.sql.cosmos.select import Select


def whole_page(
    connection: sqlite3.Connection, slice_: Slice, query: Select, results: KeptResults, limit: int,
    start: WholePosition | None,
) -> Page:  # fmt: skip
    """A page of a `query` that does not stream.

    Raises:
        BadRequest: the result that it is a page of is gone, and another has come in its place.
    """
    kept = results.get(start.result) if start else None
    offset = start.offset if start else 0
    if start is not None and isinstance(kept, KeptRows) and _digest(kept.rows[:offset]) == start.digest:
        return _page(kept, start.result, offset, limit, results, 0, 0)
    loading = _Loading(connection, slice_)
    result = KeptRows([row_json(value) for value in query.evaluate(loading)])
    if start is not None and _digest(result.rows[:offset]) != start.digest:
        raise BadRequest(
            "The continuation token has expired: its query (with GROUP BY or DISTINCT) has another result since. "
            "Run the query from its start."
        )
    return _page(result, 0, offset, limit, results, loading.documents, loading.bytes)


def _page(
    result: KeptRows, number: int, offset: int, limit: int, results: KeptResults, loaded: int, loaded_bytes: int
) -> Page:
    page = fitting(result.rows, offset, limit)
    following = offset + len(page)
    if following >= len(result.rows):
        results.forget(number)
        return Page(page, None, loaded, loaded_bytes)
    number = number or results.keep(result)
    return Page(page, WholePosition(number, following, _digest(result.rows[:following])), loaded, loaded_bytes)


def _digest(rows: list[bytes]) -> str:
    found = hashlib.blake2b(digest_size=12)
    for row in rows:
        found.update(row + b"\n")
    return found.hexdigest()


class _Loading:
    """The documents of a slice, counted as they are read."""

    def __init__(self, connection: sqlite3.Connection, slice_: Slice) -> None:
        self._connection = connection
        self._slice = slice_
        self.documents = 0
        self.bytes = 0

    def __iter__(self) -> Iterator[Any]:
        for _, body in documents(self._connection, self._slice):
            self.documents += 1
            self.bytes += len(body)
            yield orjson.loads(body)
