"""Ordered results: rows by the values of ORDER BY, then by document number; a page starts after a place in that order.

What was sorted for one page is kept for the next, and used for it as long as the container has not changed; after a
change the next page is sorted anew, from its place on.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from local.cosmos.continuations import OrderPosition, invalid, unwrapped, wrapped
from local.cosmos.errors import BadRequest
from local.cosmos.kept_results import KeptResult, KeptResults
from local.cosmos.pages import Page, fitting
from local.cosmos.slices import Slice, documents
from local.sql.cosmos.select import Select, compare_key
from local.sql.values import UNDEFINED


@dataclass(frozen=True, slots=True)
class _Place:
    """Of a row in the order: the values of ORDER BY, the document's number, and which of its rows it is."""

    values: list[Any]
    number: int
    row: int


_Entry = tuple[tuple[Any, ...], _Place, bytes]


def ordered_page(
    connection: sqlite3.Connection, slice_: Slice, query: Select, results: KeptResults, limit: int,
    start: OrderPosition | None,
) -> Page:  # fmt: skip
    """A page of a `query` that streams and has an ORDER BY.

    Raises:
        BadRequest: no page of this query starts there.
    """
    state = _state(connection, slice_)
    loaded = loaded_bytes = 0
    if start is None:
        most = query.top if query.limit is None else query.limit
        keep = None if most is None else query.offset + most
        entries, loaded, loaded_bytes = _sort(connection, slice_, query, keep, None)
        result, number, offset = _result(entries[query.offset :], state), 0, 0
    else:
        kept, most = results.get(start.result), start.left
        if kept is not None and (kept.lsn, kept.fresh_until) == state and _is_at(kept, start):
            result, number, offset = kept, start.result, start.offset
        else:
            place = _place(kept, start, query)
            results.forget(start.result)
            entries, loaded, loaded_bytes = _sort(connection, slice_, query, most, place)
            result, number, offset = _result(entries, state), 0, 0
    page = fitting(result.rows, offset, limit)
    following = offset + len(page)
    if following >= len(result.rows):
        results.forget(number)
        return Page(page, None, loaded, loaded_bytes)
    last: _Place = result.places[following - 1]
    left = None if most is None else most - len(page)
    number = number or results.keep(result)
    position = OrderPosition(number, following, left, wrapped(last.values), last.number, last.row)
    return Page(page, position, loaded, loaded_bytes)


def _state(connection: sqlite3.Connection, slice_: Slice) -> tuple[int, int | None]:
    """What is the same again if nothing has changed: the last LSN, and when the next document expires."""
    number = slice_.container.number
    (lsn,) = connection.execute("SELECT lsn FROM containers WHERE number = ?", (number,)).fetchone()
    sql = f"SELECT min(expires) FROM documents_{number} WHERE expires > ?"
    return lsn, connection.execute(sql, (slice_.now,)).fetchone()[0]


def _result(entries: list[_Entry], state: tuple[int, int | None]) -> KeptResult:
    return KeptResult([row for _, _, row in entries], [place for _, place, _ in entries], *state)


def _is_at(kept: KeptResult, start: OrderPosition) -> bool:
    """Whether the last row returned is where `start` says: a number may name another result after a restart."""
    if not 0 < start.offset <= len(kept.places):
        return False
    place: _Place = kept.places[start.offset - 1]
    return (place.number, place.row) == (start.number, start.row) and wrapped(place.values) == start.values


def _place(kept: KeptResult | None, start: OrderPosition, query: Select) -> _Place:
    if start.values is not None:
        if len(start.values) != len(query.ordering):
            raise invalid()
        return _Place(unwrapped(start.values), start.number, start.row)
    if kept is None or not _is_at(kept, start):
        raise BadRequest(
            "The continuation token has expired: the values that its query is ordered by are too long for a token, and "
            "the sorted result is no longer kept. Run the query from its start."
        )
    place: _Place = kept.places[start.offset - 1]
    return place


def _sort(
    connection: sqlite3.Connection, slice_: Slice, query: Select, keep: int | None, after: _Place | None
) -> tuple[list[_Entry], int, int]:
    """(the first `keep` rows after `after`, in order; how many documents that took; their size)."""
    found: list[_Entry] = []
    loaded = loaded_bytes = 0
    follows = None if after is None else _follower(query, after)
    enough = None if keep is None else 2 * keep + 1000
    for number, body in documents(connection, slice_):
        counted = False
        for place, row in enumerate(query.rows(orjson.loads(body))):
            if not counted:
                counted, loaded, loaded_bytes = True, loaded + 1, loaded_bytes + len(body)
            value = query.project(row)
            if value is UNDEFINED:
                continue
            values = query.order_values(row)
            key = compare_key(values)
            if follows is not None and not follows(key, (number, place)):
                continue
            text = body if query.projects_whole else orjson.dumps(value)
            found.append((key, _Place(values, number, place), text))
            if len(found) == enough:
                found = _in_order(found, query)[:keep]
    return _in_order(found, query)[:keep], loaded, loaded_bytes


def _in_order(found: list[_Entry], query: Select) -> list[_Entry]:
    """`found`, whose rows are in order of place, in the order of the query."""
    for position in reversed(range(len(query.ordering))):

        def keyed(entry: _Entry, at: int = position) -> Any:
            return entry[0][at]

        found.sort(key=keyed, reverse=query.ordering[position].descending)
    return found


def _follower(query: Select, after: _Place) -> Callable[[tuple[Any, ...], tuple[int, int]], bool]:
    """Whether a row with this key and this place comes after `after`."""
    least, last = compare_key(after.values), (after.number, after.row)
    directions = [item.descending for item in query.ordering]

    def follows(key: tuple[Any, ...], place: tuple[int, int]) -> bool:
        for value, bound, descending in zip(key, least, directions, strict=True):
            if value != bound:
                return bool(value < bound) if descending else bool(value > bound)
        return place > last

    return follows
