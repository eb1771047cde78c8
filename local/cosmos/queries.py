"""Running a query over a container: scan, filter, aggregate or sort, one page at a time.

A scan goes by document number, so a page continues where the last one stopped, whatever was written in between. Runs on
a thread with a read connection of its own: one page sees one state of the container.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

import orjson

from local.cosmos.continuations import Position
from local.cosmos.slices import Slice, documents
from local.cosmos.sorted_results import SortedResults
from local.sql.select import Select, compare_key
from local.sql.values import UNDEFINED

PAGE_ITEMS = 1000  # without x-ms-max-item-count
PAGE_BYTES = 4 * 1024 * 1024  # https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-request-limits


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a result: each row as JSON, where the next page starts (None at the end), what it took."""

    rows: list[bytes]
    following: Position | None
    scanned: int


def read_page(connection: sqlite3.Connection, slice_: Slice, limit: int, start: Position | None) -> Page:
    """A page of whole documents, without a query."""
    return _scan(connection, slice_, None, limit, start)


def run_page(
    connection: sqlite3.Connection, slice_: Slice, query: Select, results: SortedResults, limit: int,
    start: Position | None,
) -> Page:  # fmt: skip
    """A page of `query`.

    Args:
        results: where sorted results wait for their next page.
        limit: rows at most.
        start: where the page starts; None for the first.
    """
    if not query.has_source:
        return Page([orjson.dumps(value) for value in query.evaluate(())], None, 0)
    if query.is_aggregate and query.is_plain and query.top is None and query.limit is None:
        return _aggregate(connection, slice_, query)
    if query.ordering or not query.streams or not query.is_plain or query.limit is not None:
        return _sorted(connection, slice_, query, results, limit, start or Position())
    return _scan(connection, slice_, query, limit, start)


def _scan(
    connection: sqlite3.Connection, slice_: Slice, query: Select | None, limit: int, start: Position | None
) -> Page:
    after = start.after if start else 0
    left = start.left if start else query.top if query else None
    most = limit if left is None else min(limit, left)
    rows: list[bytes] = []
    size = scanned = 0
    whole = query is None or query.projects_whole
    for number, body in documents(connection, slice_, after) if most > 0 else ():
        if len(rows) >= most or size >= PAGE_BYTES:
            left = None if left is None else left - len(rows)
            return Page(rows, None if left == 0 else Position(after, left), scanned)
        after = number
        scanned += 1
        row = body
        if query is not None and not (whole and query.where is None):
            document = orjson.loads(body)
            if not query.matches(document):
                continue
            if not whole:
                value = query.project(document)
                if value is UNDEFINED:
                    continue
                row = orjson.dumps(value)
        rows.append(row)
        size += len(row)
    return Page(rows, None, scanned)


def _aggregate(connection: sqlite3.Connection, slice_: Slice, query: Select) -> Page:
    aggregation = query.aggregation()
    scanned = 0
    for _, body in documents(connection, slice_):
        scanned += 1
        document = orjson.loads(body)
        if query.matches(document):
            aggregation.add(document)
    value = query.project(aggregation.results())
    return Page([] if value is UNDEFINED else [orjson.dumps(value)], None, scanned)


def _sorted(
    connection: sqlite3.Connection, slice_: Slice, query: Select, results: SortedResults, limit: int, start: Position
) -> Page:
    number, scanned = start.result, 0
    rows = results.get(number) if number else None
    if rows is None:
        rows, scanned = _sort(connection, slice_, query)
        number = results.keep(rows) if len(rows) > start.offset + limit else 0
    page = _fitting(rows, start.offset, limit)
    following = start.offset + len(page)
    if following < len(rows):
        return Page(page, Position(offset=following, result=number), scanned)
    results.forget(number)
    return Page(page, None, scanned)


def _sort(connection: sqlite3.Connection, slice_: Slice, query: Select) -> tuple[list[bytes], int]:
    """(all rows in order, how many documents that took)."""
    if not query.streams or not query.is_plain or query.limit is not None:
        bodies = [body for _, body in documents(connection, slice_)]
        return [orjson.dumps(value) for value in query.evaluate(map(orjson.loads, bodies))], len(bodies)
    found: list[tuple[tuple[Any, ...], bytes]] = []
    scanned = 0
    enough = None if query.top is None else 2 * query.top + 1000
    for _, body in documents(connection, slice_):
        scanned += 1
        document = orjson.loads(body)
        if query.matches(document) and (value := query.project(document)) is not UNDEFINED:
            row = body if query.projects_whole else orjson.dumps(value)
            found.append((compare_key(query.order_values(document)), row))
            if len(found) == enough:
                found = _in_order(found, query)
    return [row for _, row in _in_order(found, query)], scanned


def _in_order(found: list[tuple[tuple[Any, ...], bytes]], query: Select) -> list[tuple[tuple[Any, ...], bytes]]:
    for position in reversed(range(len(query.ordering))):

        def keyed(row: tuple[tuple[Any, ...], bytes], at: int = position) -> Any:
            return row[0][at]

        found.sort(key=keyed, reverse=query.ordering[position].descending)
    return found[: query.top]


def _fitting(rows: list[bytes], offset: int, limit: int) -> list[bytes]:
    """The rows from `offset` on that make one page."""
    page: list[bytes] = []
    size = 0
    for row in rows[offset : offset + limit]:
        page.append(row)
        size += len(row)
        if size >= PAGE_BYTES:
            break
    return page
