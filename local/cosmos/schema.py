"""The tables. Each container has its own, so that a scan reads nothing else and dropping one is instant.

`documents_N`: `number` is the place in a scan and never changes while the document lives; `lsn` is the number of its
last change; `key` the partition key as canonical JSON; `body` the whole document, system properties included;
`expires` the second at which its time to live is over.
"""

from __future__ import annotations

import sqlite3

_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS databases (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS containers (
    number INTEGER PRIMARY KEY AUTOINCREMENT, database INTEGER NOT NULL REFERENCES databases (number),
    id TEXT NOT NULL, body BLOB NOT NULL, lsn INTEGER NOT NULL, last_number INTEGER NOT NULL, UNIQUE (database, id)
);
"""
_DOCUMENTS = """
CREATE TABLE documents_{n} (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL, id TEXT NOT NULL, lsn INTEGER NOT NULL,
    etag TEXT NOT NULL, ts INTEGER NOT NULL, ttl INTEGER, expires INTEGER, body BLOB NOT NULL
);
CREATE UNIQUE INDEX documents_{n}_id ON documents_{n} (key, id);
CREATE INDEX documents_{n}_lsn ON documents_{n} (lsn);
CREATE INDEX documents_{n}_expires ON documents_{n} (expires) WHERE expires IS NOT NULL;
CREATE TABLE unique_keys_{n} (
    key TEXT NOT NULL, position INTEGER NOT NULL, value TEXT NOT NULL, document INTEGER NOT NULL,
    PRIMARY KEY (key, position, value)
) WITHOUT ROWID;
CREATE INDEX unique_keys_{n}_document ON unique_keys_{n} (document);
"""


def create(connection: sqlite3.Connection) -> None:
    """Create what every account has.

    Raises:
        sqlite3.DatabaseError: the file was made by a version with other tables.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version not in (0, _VERSION):
        raise sqlite3.DatabaseError(f"it has format {version}, this is {_VERSION}: start with an empty directory")
    connection.execute(f"PRAGMA user_version = {_VERSION}")
    _execute_each(connection, _SCHEMA)


def create_documents(connection: sqlite3.Connection, container: int) -> None:
    """Create the tables of container number `container`."""
    _execute_each(connection, _DOCUMENTS.format(n=container))


def drop_documents(connection: sqlite3.Connection, container: int) -> None:
    connection.execute(f"DROP TABLE documents_{container}")
    connection.execute(f"DROP TABLE unique_keys_{container}")


def _execute_each(connection: sqlite3.Connection, script: str) -> None:
    # executescript would commit the transaction that we are in.
    for statement in script.split(";"):
        if statement.strip():
            connection.execute(statement)
