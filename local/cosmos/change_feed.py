"""The change feed: documents in the order in which they last changed, from an LSN, a time or now on.

LatestVersion mode: a document is there once, as it is now, at its last change; what is deleted or has expired is not.
The place of a reader is the LSN in the etag of its last answer, so it holds across restarts of either side.
Source: https://learn.microsoft.com/azure/cosmos-db/nosql/change-feed-modes and
https://learn.microsoft.com/rest/api/cosmos-db/list-documents (If-Modified-Since is "ignored when If-None-Match is
specified": .../common-cosmosdb-rest-request-headers).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from local.cosmos.errors import BadRequest
from local.cosmos.slices import Slice, changes

_INCREMENTAL = "incremental feed"
_FULL_FIDELITY = "full-fidelity feed"


@dataclass(frozen=True, slots=True)
class Start:
    """Where to read from.

    Attributes:
        after: the LSN of the last change that the reader has; None for all that has happened until now.
        since: the second from which on changes count; None for any.
    """

    after: int | None
    since: int | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """One page: documents as JSON, and the LSN up to which the reader has everything with it."""

    rows: list[bytes]
    lsn: int

    @property
    def etag(self) -> str:
        return f'"{self.lsn}"'


def start_of(headers: Mapping[str, str]) -> Start:
    """Where the headers of a change feed request ask to start.

    Raises:
        BadRequest: they ask for another mode, or name no place.
    """
    mode = headers.get("a-im", "")
    if mode.lower() == _FULL_FIDELITY:
        raise BadRequest(
            "Unsupported: the change feed in mode AllVersionsAndDeletes. The local service keeps the latest version of "
            "each document alone; read the feed in mode LatestVersion."
        )
    if mode.lower() != _INCREMENTAL:
        raise BadRequest(f"The A-IM header {mode[:40]!r} is invalid: a change feed is asked for by 'Incremental feed'.")
    etag = headers.get("if-none-match")
    if etag is None:
        return Start(0, _second(headers.get("if-modified-since")))
    if etag == "*":
        return Start(None)
    digits = etag.strip('"')
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise BadRequest(f"The If-None-Match header {etag[:40]!r} is invalid: it is no etag of this change feed.")
    return Start(int(digits))


def _second(since: str | None) -> int | None:
    """The second in an If-Modified-Since header, which counts only without an etag."""
    try:
        return None if since is None else int(parsedate_to_datetime(since).timestamp())
    except (ValueError, TypeError, OverflowError):
        raise BadRequest("The If-Modified-Since header is invalid: it must be an RFC 1123 date.") from None


def read(connection: sqlite3.Connection, slice_: Slice, start: Start, limit: int, most_bytes: int) -> Changes:
    """A page of at most `limit` changes, and of `most_bytes` unless one is larger.

    Raises:
        BadRequest: the reader has changes that this container has not: it reads another that had the same name.
    """
    (lsn,) = connection.execute("SELECT lsn FROM containers WHERE number = ?", (slice_.container.number,)).fetchone()
    if start.after is None:
        return Changes([], lsn)
    if start.after > lsn:
        raise BadRequest(
            f"The If-None-Match header names change {start.after}, and the last here is {lsn}: the container was made "
            "anew since. Read the change feed from its start."
        )
    rows: list[bytes] = []
    size, last = 0, start.after
    for place, body in changes(connection, slice_, start.after, start.since):
        if len(rows) >= limit or (rows and size + len(body) > most_bytes):
            return Changes(rows, last)
        last = place
        rows.append(b'%b,"_lsn":%d}' % (body[:-1], place))
        size += len(body)
    return Changes(rows, lsn)
