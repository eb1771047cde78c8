"""The SQLite file under the partition log: its schema, its settings, and the queries on it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from local.eventhubs.entry import Entry
from local.eventhubs.errors import LogUnavailable
from local.eventhubs.topic_config import DEFAULT, TopicConfig

# 200 KB entries (500 events of 400 bytes) commit in 0.35 ms of CPU with pages of 8 KB, 0.49 with 16 KB; entries of one
# event in 15 us, 50 with 16 KB (each commit writes whole pages).
PAGE_SIZE = 8_192
# Raised whenever an older file could not be read as it is.
_VERSION = 1
_PARTITIONS = """
CREATE TABLE IF NOT EXISTS partitions (
    key INTEGER PRIMARY KEY, hub TEXT NOT NULL, partition INTEGER NOT NULL, created INTEGER NOT NULL,
    next INTEGER NOT NULL DEFAULT 0, last_enqueued INTEGER NOT NULL DEFAULT -1,
    UNIQUE (hub, partition)
)
"""
# Of hubs that clients created with settings of their own.
_TOPICS = """
CREATE TABLE IF NOT EXISTS topics (
    hub TEXT PRIMARY KEY, create_time INTEGER NOT NULL, compact INTEGER NOT NULL, retention INTEGER
)
"""
# A table for each partition: appends go to its end, where SQLite fills pages without splitting them.
_ENTRIES = """
CREATE TABLE IF NOT EXISTS entries_{key} (
    base INTEGER PRIMARY KEY, count INTEGER NOT NULL, enqueued INTEGER NOT NULL, format INTEGER NOT NULL,
    body BLOB NOT NULL
)
"""


class StoredPartition(NamedTuple):
    """A partition as the file has it."""

    key: int
    first: int
    next: int
    last_enqueued: int


def open_(path: Path) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """A lock that is held while its connection is open (and no longer, whatever becomes of us), and the database.

    Raises:
        LogUnavailable: the file cannot be opened, is of another version, or another process has it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = sqlite3.connect(path.with_suffix(".lock"), timeout=2.0, isolation_level=None, check_same_thread=False)
        lock.execute("BEGIN EXCLUSIVE")
    except (OSError, sqlite3.Error) as error:
        raise LogUnavailable(f"{path.parent}: is in use by another namespace, or cannot be written ({error})") from None
    try:
        return lock, _open_database(path)
    except sqlite3.Error as error:
        lock.close()
        raise LogUnavailable(f"{path}: cannot be opened as an event log ({error})") from None
    except LogUnavailable:
        lock.close()
        raise


def _open_database(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _VERSION):
            raise LogUnavailable(f"{path}: was written by another version ({version}, not {_VERSION}); delete it")
        database.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        database.execute("PRAGMA journal_mode = WAL")
        # NORMAL: a commit is written to the file (the kernel has it) but not fsynced. kill -9 of this process loses
        # nothing that was acknowledged; a power failure may lose the last moments, never consistency. FULL would fsync
        # every commit, milliseconds on a laptop's disk, for a log that stands in for a service while developing.
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("PRAGMA wal_autocheckpoint = 0")
        database.execute("PRAGMA cache_size = -8192")
        database.execute(_PARTITIONS)
        database.execute(_TOPICS)
        database.execute(f"PRAGMA user_version = {_VERSION}")
    except BaseException:
        database.close()
        raise
    return database


def partition(database: sqlite3.Connection, hub: str, index: int, now: int) -> StoredPartition:
    """The partition `index` of `hub` (in lower case), created when it is new."""
    database.execute(
        "INSERT INTO partitions (hub, partition, created) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (hub, index, now)
    )
    key, following, enqueued = database.execute(
        "SELECT key, next, last_enqueued FROM partitions WHERE hub = ? AND partition = ?", (hub, index)
    ).fetchone()
    database.execute(_ENTRIES.format(key=key))
    (first,) = database.execute(f"SELECT MIN(base) FROM entries_{key}").fetchone()
    if first is None:
        return StoredPartition(key, following, following, enqueued)
    base, count, enqueued = database.execute(
        f"SELECT base, count, enqueued FROM entries_{key} ORDER BY base DESC LIMIT 1"
    ).fetchone()
    return StoredPartition(key, first, base + count, enqueued)


def keep_topic(database: sqlite3.Connection, hub: str, topic: TopicConfig) -> None:
    """Keep the settings of `hub` (in lower case)."""
    database.execute(
        "INSERT OR REPLACE INTO topics VALUES (?, ?, ?, ?)", (hub, topic.create_time, topic.compact, topic.retention)
    )


def topic(database: sqlite3.Connection, hub: str) -> TopicConfig:
    """The settings of `hub` (in lower case)."""
    row = database.execute("SELECT create_time, compact, retention FROM topics WHERE hub = ?", (hub,)).fetchone()
    return DEFAULT if row is None else TopicConfig(bool(row[0]), bool(row[1]), row[2])


def read(database: sqlite3.Connection, key: int, sequence: int, size: int) -> list[Entry]:
    """Entries from the one that holds `sequence`, or the first after it, up to `size` bytes but one at least."""
    table = f"entries_{key}"
    rows = database.execute(
        f"SELECT base, count, enqueued, format, body FROM {table} "
        f"WHERE base >= IFNULL((SELECT MAX(base) FROM {table} WHERE base <= ?), 0) ORDER BY base",
        (sequence,),
    )
    found = []
    with contextlib.closing(rows):
        for row in rows:
            entry = Entry(*row)
            if entry.next > sequence:
                found.append(entry)
                size -= len(entry.body)
            if size <= 0:
                break
    return found


def first_enqueued(database: sqlite3.Connection, key: int, wanted: int, low: int, high: int) -> int:
    """The sequence number in `low` to `high` of the first event enqueued at `wanted` or later; `high` without one.

    A binary search: enqueued times never go back within a partition.
    """
    query = f"SELECT base, count, enqueued FROM entries_{key} WHERE base >= ? ORDER BY base LIMIT 1"
    end = high
    while low < high:
        middle = (low + high) // 2
        row = database.execute(query, (middle,)).fetchone()
        if row is None or row[2] >= wanted:
            high = middle
        else:
            low = row[0] + row[1]
    row = database.execute(query, (low,)).fetchone()
    return int(row[0]) if row else end


def drop_until(database: sqlite3.Connection, key: int, before: int, entries: int, size: int) -> int | None:
    """Up to where to delete: past the oldest entries that end by `before`, so many or so many bytes of them at most."""
    until = None
    rows = database.execute(
        f"SELECT base + count, LENGTH(body) FROM entries_{key} WHERE base + count <= ? ORDER BY base LIMIT ?",
        (before, entries),
    )
    with contextlib.closing(rows):
        for end, length in rows:
            until = int(end)
            size -= length
            if size <= 0:
                break
    return until


def content_size(path: Path, keys: Iterable[int]) -> int:
    """Bytes of the bodies in some partitions."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        queries = (f"SELECT IFNULL(SUM(LENGTH(body)), 0) FROM entries_{key}" for key in keys)
        return sum(int(database.execute(query).fetchone()[0]) for query in queries)


def checkpoint(path: Path) -> None:
    """Move the write-ahead log into the database, without holding up its writer."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()


def write_ahead_size(path: Path) -> int:
    """Bytes of the write-ahead log."""
    return path.with_name(path.name + "-wal").stat().st_size
