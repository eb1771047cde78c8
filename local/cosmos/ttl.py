"""Time to live: a container's default, a document's own, and when that makes a document expire.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/time-to-live. Without a default the feature is off, and a
document's own `ttl` means nothing. -1 is for ever.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from local.cosmos.errors import BadRequest

_MAXIMUM = 2_147_483_647


def default_of(container: dict[str, Any]) -> int | None:
    """`defaultTtl` of a container's body, in seconds; None when it has none; raises `BadRequest`."""
    return _valid(container.get("defaultTtl"), "defaultTtl")


def own_of(document: dict[str, Any]) -> int | None:
    """`ttl` of a document, in seconds; None when it has none (null is no way to say that); raises `BadRequest`."""
    return _valid(document["ttl"], "ttl", nullable=False) if "ttl" in document else None


def expiry(default: int | None, own: int | None, changed: int) -> int | None:
    """The second at which a document last changed at `changed` expires; None for never."""
    if default is None:
        return None
    seconds = default if own is None else own
    return None if seconds < 0 else changed + seconds


def reschedule(connection: sqlite3.Connection, container: int, default: int | None) -> None:
    """Set every document's expiry anew, after the default of `container` changed."""
    if default is None:
        connection.execute(f"UPDATE documents_{container} SET expires = NULL WHERE expires IS NOT NULL")
        return
    connection.execute(
        f"UPDATE documents_{container} SET expires = CASE WHEN coalesce(ttl, ?1) < 0 THEN NULL "
        "ELSE ts + coalesce(ttl, ?1) END",
        (default,),
    )


def sweep(connection: sqlite3.Connection, container: int, now: int, limit: int) -> int:
    """Delete up to `limit` documents that have expired by `now`; returns how many."""
    numbers = [
        row[0]
        for row in connection.execute(
            f"SELECT number FROM documents_{container} WHERE expires <= ? ORDER BY expires LIMIT ?", (now, limit)
        )
    ]
    for table, column in ((f"unique_keys_{container}", "document"), (f"documents_{container}", "number")):
        connection.executemany(f"DELETE FROM {table} WHERE {column} = ?", ((number,) for number in numbers))
    return len(numbers)


def _valid(value: Any, name: str, *, nullable: bool = True) -> int | None:
    if value is None and nullable:
        return None
    if type(value) is not int or value == 0 or not -1 <= value <= _MAXIMUM:
        raise BadRequest(
            f"The input {name} '{value}' is invalid. Ensure to provide a nonzero positive integer less than or equal "
            f"to '{_MAXIMUM}', or -1 which means never expire."
        )
    return value
