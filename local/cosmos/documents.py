"""Documents in the file: create, read, upsert, replace, delete, each a plain function inside a transaction.

Nothing here knows HTTP or the loop. The same functions serve single requests and the operations of a batch.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

import orjson

from local.cosmos import identifiers, ttl
from local.cosmos.catalog import Catalog, Container
from local.cosmos.charges import create_charge, read_charge, replace_charge
from local.cosmos.errors import BadRequest, Conflict, NotFound, OwnerNotFound, PreconditionFailed, TooLarge
from local.sql.cosmos.values import MAXIMUM_LEVELS, is_deeper

MAXIMUM_BYTES = 2 * 1024 * 1024  # https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits


@dataclass(frozen=True, slots=True)
class Document:
    """A stored document: its JSON, system properties included, and what the headers say about it.

    `charge` is what reading or writing it took, in request units.
    """

    number: int
    etag: str
    lsn: int
    body: bytes
    charge: float


@dataclass(frozen=True, slots=True)
class Partition:
    """Documents of one partition key, at one moment."""

    catalog: Catalog
    container: Container
    key: str
    now: int

    def read(self, connection: sqlite3.Connection, id_: str) -> Document:
        """Raises `NotFound`, also for a document that has expired."""
        document = self.find(connection, id_)
        if document is None:
            raise NotFound()
        return document

    def find(self, connection: sqlite3.Connection, id_: str) -> Document | None:
        if self.container.dropped:
            raise OwnerNotFound()
        row = connection.execute(
            f"SELECT number, etag, lsn, body FROM documents_{self.container.number} "
            "WHERE key = ? AND id = ? AND (expires IS NULL OR expires > ?)",
            (self.key, id_, self.now),
        ).fetchone()
        if row is None:
            return None
        number, etag, lsn, body = row
        return Document(number, etag, lsn, body, read_charge(len(body)))

    def create(self, connection: sqlite3.Connection, body: dict[str, Any]) -> Document:
        """Raises `Conflict` when the id is taken, `BadRequest` and `TooLarge` for the body."""
        id_ = self._checked(body)
        if self._current(connection, id_) is not None:
            raise Conflict("Entity with the specified id already exists in the system.")
        return self._insert(connection, id_, body)

    def upsert(
        self, connection: sqlite3.Connection, body: dict[str, Any], if_match: str | None = None
    ) -> tuple[Document, bool]:
        """The document, and whether it is new. `if_match` counts only when it replaces one."""
        id_ = self._checked(body)
        current = self._current(connection, id_)
        if current is None:
            return self._insert(connection, id_, body), True
        _check_match(current[1], if_match)
        return self._update(connection, current[0], id_, body), False

    def replace(
        self, connection: sqlite3.Connection, id_: str, body: dict[str, Any], if_match: str | None = None
    ) -> Document:
        """Raises `NotFound`, `PreconditionFailed`, `BadRequest` and `TooLarge`."""
        new_id = self._checked(body)
        current = self._current(connection, id_)
        if current is None:
            raise NotFound()
        _check_match(current[1], if_match)
        if new_id != id_ and self._current(connection, new_id) is not None:
            raise Conflict("Entity with the specified id already exists in the system.")
        return self._update(connection, current[0], new_id, body)

    def delete(self, connection: sqlite3.Connection, id_: str, if_match: str | None = None) -> float:
        """Delete a document; returns the charge.

        Raises:
            NotFound: it is not there.
            PreconditionFailed: it is another version.
        """
        current = self._current(connection, id_)
        if current is None:
            raise NotFound()
        _check_match(current[1], if_match)
        body = self._body(connection, current[0])
        self._remove(connection, current[0])
        self.catalog.take_lsn(self.container)
        return create_charge(len(body), self.container.index_terms.count(orjson.loads(body)))

    def delete_all(self, connection: sqlite3.Connection) -> None:
        """Delete every document of the partition."""
        n = self.container.number
        connection.execute(f"DELETE FROM unique_keys_{n} WHERE key = ?", (self.key,))
        connection.execute(f"DELETE FROM documents_{n} WHERE key = ?", (self.key,))
        self.catalog.take_lsn(self.container)

    def _checked(self, body: Any) -> str:
        if self.container.dropped:
            raise OwnerNotFound()
        if type(body) is not dict:
            raise BadRequest("The input content is invalid: a document must be a JSON object.")
        id_ = identifiers.check_id(body.get("id"), document=True)
        self.container.partition_key.check(body, self.key)
        return id_

    def _current(self, connection: sqlite3.Connection, id_: str) -> tuple[int, str] | None:
        """(number, etag) of what is there; a document that has expired is removed on the way."""
        row = connection.execute(
            f"SELECT number, etag, expires FROM documents_{self.container.number} WHERE key = ? AND id = ?",
            (self.key, id_),
        ).fetchone()
        if row is None:
            return None
        if row[2] is not None and row[2] <= self.now:
            self._remove(connection, row[0])
            return None
        return row[0], row[1]

    def _insert(self, connection: sqlite3.Connection, id_: str, body: dict[str, Any]) -> Document:
        number = self.catalog.take_number(self.container)
        document, own_ttl, expires = self._complete(number, body, None)
        connection.execute(
            f"INSERT INTO documents_{self.container.number} (number, key, id, lsn, etag, ts, ttl, expires, body) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (number, self.key, id_, document.lsn, document.etag, self.now, own_ttl, expires, document.body),
        )
        self._claim_unique_keys(connection, number, body)
        return document

    def _update(self, connection: sqlite3.Connection, number: int, id_: str, body: dict[str, Any]) -> Document:
        document, own_ttl, expires = self._complete(number, body, self._body(connection, number))
        connection.execute(
            f"UPDATE documents_{self.container.number} SET id = ?, lsn = ?, etag = ?, ts = ?, ttl = ?, expires = ?, "
            "body = ? WHERE number = ?",
            (id_, document.lsn, document.etag, self.now, own_ttl, expires, document.body, number),
        )
        if self.container.unique_keys:
            connection.execute(f"DELETE FROM unique_keys_{self.container.number} WHERE document = ?", (number,))
            self._claim_unique_keys(connection, number, body)
        return document

    def _remove(self, connection: sqlite3.Connection, number: int) -> None:
        connection.execute(f"DELETE FROM documents_{self.container.number} WHERE number = ?", (number,))
        if self.container.unique_keys:
            connection.execute(f"DELETE FROM unique_keys_{self.container.number} WHERE document = ?", (number,))

    def _body(self, connection: sqlite3.Connection, number: int) -> bytes:
        sql = f"SELECT body FROM documents_{self.container.number} WHERE number = ?"
        body: bytes = connection.execute(sql, (number,)).fetchone()[0]
        return body

    def _complete(
        self, number: int, body: dict[str, Any], old: bytes | None
    ) -> tuple[Document, int | None, int | None]:
        """(the document with its system properties, its own ttl, its expiry); `old` is what it takes the place of."""
        container = self.container
        own_ttl = ttl.own_of(body)
        lsn = self.catalog.take_lsn(container)
        etag = identifiers.etag(lsn, self.now)
        rid = identifiers.document_rid(container.database.number, container.number, number)
        body["_rid"] = rid
        body["_self"] = f"{container.self_link}docs/{rid}/"
        body["_etag"] = etag
        body["_attachments"] = "attachments/"
        body["_ts"] = self.now
        text = _json(body)
        if len(text) > MAXIMUM_BYTES:
            raise TooLarge()
        terms = container.index_terms
        if old is None:
            charge = create_charge(len(text), terms.count(body))
        else:
            charge = replace_charge(len(old), len(text), terms.changed(orjson.loads(old), body))
        document = Document(number, etag, lsn, text, charge)
        return document, own_ttl, ttl.expiry(container.default_ttl, own_ttl, self.now)

    def _claim_unique_keys(self, connection: sqlite3.Connection, number: int, body: dict[str, Any]) -> None:
        for position, paths in enumerate(self.container.unique_keys):
            value = orjson.dumps([_at(body, path) for path in paths]).decode()
            try:
                connection.execute(
                    f"INSERT INTO unique_keys_{self.container.number} (key, position, value, document) "
                    "VALUES (?, ?, ?, ?)",
                    (self.key, position, value, number),
                )
            except sqlite3.IntegrityError:
                raise Conflict(
                    "Unique index constraint violation: a document of this partition has the same unique key."
                ) from None


def _json(body: dict[str, Any]) -> bytes:
    try:
        text = orjson.dumps(body)
        too_deep = text.count(b"[") + text.count(b"{") > MAXIMUM_LEVELS and is_deeper(body)  # the count is cheap
    except TypeError:  # more than orjson writes
        too_deep = True
    if too_deep:
        raise BadRequest(f"The input content is invalid: it is nested more than {MAXIMUM_LEVELS} levels deep.")
    return text


def _check_match(etag: str, if_match: str | None) -> None:
    if if_match is not None and if_match not in ("*", etag):
        raise PreconditionFailed()


def _at(body: dict[str, Any], path: tuple[str, ...]) -> Any:
    """The value at `path`; absent counts as null, as in the service's unique keys."""
    value: Any = body
    for step in path:
        value = value.get(step) if type(value) is dict else None
    return value
