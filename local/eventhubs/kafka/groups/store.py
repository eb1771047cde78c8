"""The SQLite file that keeps how far each group has read. Who is in a group is not kept: members join again.

A commit is in the file before it is acknowledged: kill -9 loses none. The settings are those of the event log.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from local.eventhubs.errors import EventHubsError

# Raised whenever an older file could not be read as it is.
_VERSION = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS groups (
    key INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, protocol_type TEXT NOT NULL, used INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS offsets (
    group_key INTEGER NOT NULL, hub TEXT NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL,
    leader_epoch INTEGER NOT NULL, metadata TEXT,
    PRIMARY KEY (group_key, hub, partition)
) WITHOUT ROWID;
"""


class OffsetsUnavailable(EventHubsError):
    """The file cannot be opened, read or written (disk full, I/O error). Nothing of the commit is stored."""


class Place(NamedTuple):
    """A partition of a hub (its name in lower case)."""

    hub: str
    partition: int


class Committed(NamedTuple):
    """How far a group has read a partition: the next offset it wants, and what its client noted with it."""

    offset: int
    leader_epoch: int
    metadata: str | None


class Store:
    """The committed offsets of all groups. Times are in milliseconds since 1970."""

    def __init__(self, path: Path) -> None:
        """Open the file, which only the process that has the event log beside it may do.

        Raises:
            OffsetsUnavailable: it cannot be opened, or is of another version.
        """
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise OffsetsUnavailable(f"{path}: cannot be opened as the file of committed offsets ({error})") from None
        try:
            version = self._database.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, _VERSION):
                raise OffsetsUnavailable(
                    f"{path}: was written by another version ({version}, not {_VERSION}); delete it"
                )
            # Why these settings: log_file.py.
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.execute("PRAGMA wal_autocheckpoint = 0")
            self._database.executescript(_TABLES)
            self._database.execute(f"PRAGMA user_version = {_VERSION}")
        except sqlite3.Error as error:
            self._database.close()
            raise OffsetsUnavailable(f"{path}: cannot be opened as the file of committed offsets ({error})") from None
        except OffsetsUnavailable:
            self._database.close()
            raise

    def commit(self, group: str, protocol_type: str, offsets: Iterable[tuple[Place, Committed]], now: int) -> None:
        """Keep `offsets`, all or none, and what kind of group it is, unless `protocol_type` is empty.

        Raises:
            OffsetsUnavailable: they could not be written.
        """
        with self._transaction():
            self._database.execute(
                "INSERT INTO groups (name, protocol_type, used) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
                "protocol_type = IFNULL(NULLIF(excluded.protocol_type, ''), protocol_type), used = excluded.used",
                (group, protocol_type, now),
            )
            key = self._database.execute("SELECT key FROM groups WHERE name = ?", (group,)).fetchone()[0]
            self._database.executemany(
                "INSERT OR REPLACE INTO offsets VALUES (?, ?, ?, ?, ?, ?)",
                [(key, *place, *committed) for place, committed in offsets],
            )

    def touch(self, groups: Iterable[str], now: int) -> None:
        """Note that `groups` are in use: their offsets are kept so much longer."""
        with self._transaction():
            self._database.executemany("UPDATE groups SET used = ? WHERE name = ?", [(now, group) for group in groups])

    def offsets(self, group: str) -> dict[Place, Committed]:
        """All that `group` has committed, in order."""
        rows = self._read(
            "SELECT hub, partition, offset, leader_epoch, metadata FROM offsets JOIN groups ON key = group_key "
            "WHERE name = ? ORDER BY hub, partition",
            group,
        )
        return {Place(*row[:2]): Committed(*row[2:]) for row in rows}

    def groups(self) -> dict[str, str]:
        """The groups that have committed anything, and the protocol type of each: empty when none was said."""
        return dict(self._read("SELECT name, protocol_type FROM groups ORDER BY name"))

    def group(self, name: str) -> str | None:
        """The protocol type of one group; None when it has committed nothing."""
        rows = self._read("SELECT protocol_type FROM groups WHERE name = ?", name)
        return rows[0][0] if rows else None

    def delete(self, group: str, places: Iterable[Place] | None = None) -> None:
        """Forget what `group` has committed for `places`, or all of it; a group with nothing left is gone."""
        with self._transaction():
            row = self._database.execute("SELECT key FROM groups WHERE name = ?", (group,)).fetchone()
            if row is None:
                return
            if places is None:
                self._database.execute("DELETE FROM offsets WHERE group_key = ?", row)
            else:
                self._database.executemany(
                    "DELETE FROM offsets WHERE group_key = ? AND hub = ? AND partition = ?",
                    [(*row, *place) for place in places],
                )
            self._database.execute(
                "DELETE FROM groups WHERE key = ? AND NOT EXISTS (SELECT 1 FROM offsets WHERE group_key = key)", row
            )

    def expire(self, before: int) -> list[str]:
        """Forget the groups that nobody has used since `before`; their names."""
        names = [name for (name,) in self._read("SELECT name FROM groups WHERE used < ?", before)]
        for name in names:
            self.delete(name)
        return names

    def close(self) -> None:
        self._database.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            yield
            self._database.execute("COMMIT")
        except BaseException as error:
            with contextlib.suppress(sqlite3.Error):
                self._database.execute("ROLLBACK")
            if not isinstance(error, sqlite3.Error):
                raise
            raise OffsetsUnavailable(f"{self.path}: offsets cannot be written: {error}") from error

    def _read(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self._database.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise OffsetsUnavailable(f"{self.path}: offsets cannot be read: {error}") from error
