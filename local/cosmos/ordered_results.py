"""Ordered results: rows by the values of ORDER BY, then by document number; a page starts after a place in that order.

Sorting keeps no more of a document than its key and number; the rows of a page are read again by number. The order that
was found for one page is kept for the next, and used for it as long as the container has not changed; after a change
the next page is sorted anew, from its place on.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from local.cosmos.continuations import OrderPosition, invalid, unwrapped, wrapped
from local.cosmos.errors import BadRequest
from local.cosmos.kept_results import KeptOrder, KeptResults
from local.cosmos.pages import PAGE_BYTES, Page, row_json
from local.cosmos.slices import Slice, documents
from local.sql.cosmos.select import Select, compare_key
from local.sql.cosmos.values import UNDEFINED

_Entry = tuple[tuple[Any, ...], int, int]
"""Of a row: the sort key of its values, its document's number, and which of the document's rows it is."""


@dataclass(frozen=True, slots=True)
class _Read:
    """The rows of a page: as JSON, how far in the order that is, where the last is, what it is ordered by."""

    rows: list[bytes]
    following: int
    number: int
    place: int
    values: list[Any]
    bytes: int  # of the documents


def ordered_page(
    connection: sqlite3.Connection, slice_: Slice, query: Select, results: KeptResults, limit: int,
    start: OrderPosition | None,
) -> Page:  # fmt: skip
    """A page of a `query` that streams and has an ORDER BY.

    Raises:
        BadRequest: no page of this query starts there.
    """
    state = _state(connection, slice_)
    loaded = number = offset = 0
    if start is None:
        most = query.most
        keep = None if most is None else query.offset + most
        entries, loaded = _sort(connection, slice_, query, keep, None)
        order = _order(entries[query.offset :], state)
    else:
        kept, most = results.get(start.result), start.left
        order_kept = kept if isinstance(kept, KeptOrder) and _is_at(kept, start) else None
        if order_kept is not None and order_kept.state == state:
            order, number, offset = order_kept, start.result, start.offset
        else:
            after = _values(order_kept, start, query)
            entries, loaded = _sort(connection, slice_, query, most, (after, start.number, start.row))
            order = _order(entries, state)
    read = _read(connection, slice_, query, order, offset, limit)
    loaded = loaded or len(read.rows)
    following = read.following
    if following >= len(order.numbers):
        results.forget(number)
        return Page(read.rows, None, loaded, read.bytes)
    number = number or results.keep(order)
    left = None if most is None else most - len(read.rows)
    values = wrapped(read.values)
    if values is None:
        order.long_values[following] = read.values
    position = OrderPosition(number, following, left, values, read.number, read.place)
    return Page(read.rows, position, loaded, read.bytes)


def _state(connection: sqlite3.Connection, slice_: Slice) -> tuple[int, int | None]:
    """The last LSN, and when the next document expires."""
    number = slice_.container.number
    (lsn,) = connection.execute("SELECT lsn FROM containers WHERE number = ?", (number,)).fetchone()
    sql = f"SELECT min(expires) FROM documents_{number} WHERE expires > ?"
    return lsn, connection.execute(sql, (slice_.now,)).fetchone()[0]


def _order(entries: list[_Entry], state: tuple[int, int | None]) -> KeptOrder:
    numbers = array("q", (number for _, number, _ in entries))
    return KeptOrder(numbers, array("i", (place for _, _, place in entries)), state)


def _is_at(kept: KeptOrder, start: OrderPosition) -> bool:
    last = start.offset - 1
    return 0 <= last < len(kept.numbers) and (kept.numbers[last], kept.places[last]) == (start.number, start.row)


def _values(kept: KeptOrder | None, start: OrderPosition, query: Select) -> list[Any]:
    """The values of ORDER BY that the page starts after."""
    if start.values is not None:
        if len(start.values) != len(query.ordering):
            raise invalid()
        return unwrapped(start.values)
    values = kept.long_values.get(start.offset) if kept else None
    if values is None:
        raise BadRequest(
            "The continuation token has expired: the values that its query is ordered by are too long for a token, and "
            "the sorted result is no longer kept. Run the query from its start."
        )
    return values


def _sort(
    connection: sqlite3.Connection, slice_: Slice, query: Select, keep: int | None,
    after: tuple[list[Any], int, int] | None,
) -> tuple[list[_Entry], int]:  # fmt: skip
    """(the first `keep` rows after `after`, in order; how many documents that took)."""
    found: list[_Entry] = []
    loaded = 0
    follows = None if after is None else _follower(query, *after)
    enough = None if keep is None else 2 * keep + 1000
    for number, body in documents(connection, slice_):
        counted = False
        for place, row in enumerate(query.rows(orjson.loads(body))):
            if not counted:
                counted, loaded = True, loaded + 1
            if not query.projects_whole and query.project(row) is UNDEFINED:
                continue
            entry = compare_key(query.order_values(row)), number, place
            if follows is not None and not follows(entry):
                continue
            found.append(entry)
            if len(found) == enough:
                found = _in_order(found, query)[:keep]
    return _in_order(found, query)[:keep], loaded


def _in_order(found: list[_Entry], query: Select) -> list[_Entry]:
    """`found`, whose rows are in order of place, in the order of the query."""
    for position in reversed(range(len(query.ordering))):

        def keyed(entry: _Entry, at: int = position) -> Any:
            return entry[0][at]

        found.sort(key=keyed, reverse=query.ordering[position].descending)
    return found


def _follower(query: Select, values: list[Any], number: int, place: int) -> Callable[[_Entry], bool]:
    """Whether a row comes after the one with these values at this place."""
    least, last = compare_key(values), (number, place)
    directions = [item.descending for item in query.ordering]

    def follows(entry: _Entry) -> bool:
        for value, bound, descending in zip(entry[0], least, directions, strict=True):
            if value != bound:
                return bool(value < bound) if descending else bool(value > bound)
        return entry[1:] > last

    return follows


def _read(
    connection: sqlite3.Connection, slice_: Slice, query: Select, order: KeptOrder, offset: int, limit: int
) -> _Read:
    """The rows from `offset` on that make one page."""
    sql = f"SELECT body FROM documents_{slice_.container.number} WHERE number = ?"
    rows: list[bytes] = []
    number = place = size = loaded_bytes = 0
    last: Any = None
    following = offset
    for at in range(offset, len(order.numbers)):
        if len(rows) == limit:
            break
        (body,) = connection.execute(sql, (order.numbers[at],)).fetchone()
        row = next(islice(query.rows(orjson.loads(body)), order.places[at], None), UNDEFINED)
        value = UNDEFINED if row is UNDEFINED else query.project(row)
        if value is UNDEFINED:
            following = at + 1
            continue  # the query asks for the time, or for a random number: it was a row when it was sorted
        text = body if query.projects_whole else row_json(value)
        if rows and size + len(text) > PAGE_BYTES:
            break
        following = at + 1
        rows.append(text)
        size += len(text)
        loaded_bytes += len(body)
        number, place, last = order.numbers[at], order.places[at], row
    return _Read(rows, following, number, place, query.order_values(last) if rows else [], loaded_bytes)
