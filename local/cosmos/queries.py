"""Running a query over a container, one page at a time: which way a query goes, and the ways that keep nothing.

A scan goes by document number, so a page continues where the last one stopped, whatever was written in between. Runs on
a thread with a read connection of its own: one page sees one state of the container.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import orjson

from local.cosmos.continuations import OrderPosition, Position, ScanPosition, WholePosition, invalid
from local.cosmos.kept_results import KeptResults
from local.cosmos.ordered_results import ordered_page
from local.cosmos.pages import PAGE_BYTES, Page, row_json
from local.cosmos.slices import Slice, documents
from local.cosmos.whole_results import whole_page
from local.sql.cosmos.select import Select
from local.sql.cosmos.values import UNDEFINED


def read_page(connection: sqlite3.Connection, slice_: Slice, limit: int, start: Position | None) -> Page:
    """A page of whole documents, without a query."""
    return _scan(connection, slice_, None, limit, start)


def run_page(
    connection: sqlite3.Connection, slice_: Slice, query: Select, results: KeptResults, limit: int,
    start: Position | None,
) -> Page:  # fmt: skip
    """A page of `query`.

    Args:
        results: where results wait for their next page.
        limit: rows at most.
        start: where the page starts; None for the first.

    Raises:
        BadRequest: no page of this query starts there.
    """
    if not query.has_source:
        return Page([row_json(value) for value in query.evaluate(())], None, 0, 0)
    if query.is_aggregate and query.is_plain and not query.offset and query.most is None:
        return _aggregate(connection, slice_, query)
    if not query.streams:
        if not isinstance(start, WholePosition | None):
            raise invalid()
        return whole_page(connection, slice_, query, results, limit, start)
    if query.ordering:
        if not isinstance(start, OrderPosition | None):
            raise invalid()
        return ordered_page(connection, slice_, query, results, limit, start)
    return _scan(connection, slice_, query, limit, start)


def _scan(
    connection: sqlite3.Connection, slice_: Slice, query: Select | None, limit: int, start: Position | None
) -> Page:
    if start is None:
        start = ScanPosition(0, skip=query.offset, left=query.most) if query else ScanPosition(0)
    if not isinstance(start, ScanPosition):
        raise invalid()
    rows: list[bytes] = []
    skip, left = start.skip, start.left
    size = loaded = loaded_bytes = 0
    if left == 0:
        return Page(rows, None, 0, 0)
    for number, body in documents(connection, slice_, start.number - 1):
        found = (body,) if query is None else _rows(query, body)
        if found:
            loaded += 1
            loaded_bytes += len(body)
        for place, row in enumerate(found):
            if number == start.number and place < start.row:
                continue
            if skip:
                skip -= 1
                continue
            if len(rows) == left:
                return Page(rows, None, loaded, loaded_bytes)
            if len(rows) == limit or (rows and size + len(row) > PAGE_BYTES):
                left = None if left is None else left - len(rows)
                return Page(rows, ScanPosition(number, place, 0, left), loaded, loaded_bytes)
            rows.append(row)
            size += len(row)
        if len(rows) == left:
            break
    return Page(rows, None, loaded, loaded_bytes)


def _rows(query: Select, body: bytes) -> Iterable[bytes]:
    """The rows that one document gives, as JSON."""
    if query.projects_whole:
        return (body,) if query.where is None or query.matches(orjson.loads(body)) else ()
    values = map(query.project, query.rows(orjson.loads(body)))
    return [row_json(value) for value in values if value is not UNDEFINED]


def _aggregate(connection: sqlite3.Connection, slice_: Slice, query: Select) -> Page:
    aggregation = query.aggregation()
    add, matches, load = aggregation.add, query.matches, orjson.loads
    loaded = loaded_bytes = 0
    for _, body in documents(connection, slice_):
        document = load(body)
        if matches(document):
            add(document)
            loaded += 1
            loaded_bytes += len(body)
    value = query.project(aggregation.results())
    return Page([] if value is UNDEFINED else [row_json(value)], None, loaded, loaded_bytes)
