"""Running a query over a container: scan, filter, aggregate or sort, one page at a time.

A scan goes by document number, so a page continues where the last one stopped, whatever was written in between. Runs on
a thread with a read connection of its own: one page sees one state of the container.
"""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson

from local.cosmos.catalog import Container
from local.cosmos.errors import BadRequest
from local.cosmos.partition_key import canonical
from local.sql.select import Select, compare_key
from local.sql.values import UNDEFINED

PAGE_ITEMS = 1000  # without x-ms-max-item-count
PAGE_BYTES = 4 * 1024 * 1024  # https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-request-limits


@dataclass(frozen=True, slots=True)
class Slice:
    """Which documents a request may see: of one partition key, with one id, alive at `now`."""

    container: int
    now: int
    key: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a result: each row as JSON, where the next page starts (None at the end), what it took."""

    rows: list[bytes]
    continuation: str | None
    scanned: int


def narrow(slice_: Slice, query: Select, container: Container) -> Slice:
    """`slice_` narrowed by what the query's WHERE pins down: the id, the partition key."""
    id_ = query.pinned.get(("id",))
    if isinstance(id_, str):
        slice_ = replace(slice_, id=id_)
    paths = container.partition_key.paths
    if slice_.key is None and all(path in query.pinned for path in paths):
        values = [query.pinned[path] for path in paths]
        if not any(isinstance(value, (list, dict)) for value in values):
            slice_ = replace(slice_, key=canonical(values))
    return slice_


def read_page(connection: sqlite3.Connection, slice_: Slice, limit: int, continuation: str | None) -> Page:
    """A page of whole documents, without a query."""
    return _scan(connection, slice_, None, limit, continuation)


def run_page(
    connection: sqlite3.Connection, slice_: Slice, query: Select, limit: int, continuation: str | None
) -> Page:
    """A page of `query`.

    Args:
        limit: rows at most.
        continuation: what the page before returned; None for the first.

    Raises:
        BadRequest: the continuation is not one of ours.
    """
    if not query.has_source:
        value = query.project(None) if query.matches(None) else UNDEFINED
        return Page([] if value is UNDEFINED or query.top == 0 else [orjson.dumps(value)], None, 0)
    if query.is_aggregate:
        return _aggregate(connection, slice_, query)
    if query.ordering:
        return _sorted(connection, slice_, query, limit, continuation)
    return _scan(connection, slice_, query, limit, continuation)


def _documents(connection: sqlite3.Connection, slice_: Slice, after: int = 0) -> Iterator[tuple[int, bytes]]:
    """(number, body) in order of number, after number `after`."""
    table = f"documents_{slice_.container}"
    alive = "(expires IS NULL OR expires > ?)"
    if slice_.key is None and slice_.id is None:
        yield from connection.execute(
            f"SELECT number, body FROM {table} WHERE number > ? AND {alive} ORDER BY number", (after, slice_.now)
        )
        return
    # By the index on (key, id), whose order is not ours: sort the numbers, then fetch body by body.
    terms, values = [alive, "number > ?"], [slice_.now, after]
    for column, value in (("key", slice_.key), ("id", slice_.id)):
        if value is not None:
            terms.append(f"{column} = ?")
            values.append(value)
    numbers = connection.execute(f"SELECT number FROM {table} WHERE {' AND '.join(terms)} ORDER BY number", values)
    for (number,) in numbers.fetchall():
        row = connection.execute(f"SELECT number, body FROM {table} WHERE number = ?", (number,)).fetchone()
        if row is not None:
            yield row


def _scan(
    connection: sqlite3.Connection, slice_: Slice, query: Select | None, limit: int, continuation: str | None
) -> Page:
    token = _read_token(continuation)
    after, left = token.get("after", 0), token.get("left", query.top if query else None)
    most = limit if left is None else min(limit, left)
    rows: list[bytes] = []
    size = scanned = 0
    whole = query is None or query.projects_whole
    for number, body in _documents(connection, slice_, after) if most > 0 else ():
        if len(rows) >= most or size >= PAGE_BYTES:
            if left is not None:
                left -= len(rows)
            done = left == 0
            return Page(rows, None if done else _write_token({"after": after, "left": left}), scanned)
        after = number
        scanned += 1
        if query is not None and not (whole and query.where is None):
            document = orjson.loads(body)
            if not query.matches(document):
                continue
            if not whole:
                value = query.project(document)
                if value is UNDEFINED:
                    continue
                body = orjson.dumps(value)
        rows.append(body)
        size += len(body)
    return Page(rows, None, scanned)


def _aggregate(connection: sqlite3.Connection, slice_: Slice, query: Select) -> Page:
    aggregation = query.aggregation()
    scanned = 0
    for _, body in _documents(connection, slice_):
        scanned += 1
        document = orjson.loads(body)
        if query.matches(document):
            aggregation.add(document)
    value = query.project(aggregation.results())
    return Page([] if value is UNDEFINED else [orjson.dumps(value)], None, scanned)


def _sorted(connection: sqlite3.Connection, slice_: Slice, query: Select, limit: int, continuation: str | None) -> Page:
    offset = _read_token(continuation).get("offset", 0)
    found: list[tuple[tuple[Any, ...], bytes]] = []
    scanned = 0
    for _, body in _documents(connection, slice_):
        scanned += 1
        document = orjson.loads(body)
        if query.matches(document) and (value := query.project(document)) is not UNDEFINED:
            row = body if query.projects_whole else orjson.dumps(value)
            found.append((compare_key(query.order_values(document)), row))
    for position in reversed(range(len(query.ordering))):
        found.sort(key=lambda row, at=position: row[0][at], reverse=query.ordering[position].descending)
    rows = [row for _, row in found[: query.top]]
    page = rows[offset : offset + limit]
    following = offset + len(page)
    more = following < len(rows) and page
    return Page(page, _write_token({"offset": following}) if more else None, scanned)


def _write_token(state: dict[str, int | None]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(state)).decode()


def _read_token(text: str | None) -> dict[str, Any]:
    if not text:
        return {}
    try:
        state = orjson.loads(base64.urlsafe_b64decode(text))
    except ValueError:
        state = None
    if not isinstance(state, dict) or not all(value is None or type(value) is int for value in state.values()):
        raise BadRequest("Invalid Continuation Token")
    return state
