"""How far each partition is captured: in SQLite beside the log, and what was decided about the file being written.

What a file is called and where it ends is on disk before its blob appears. So whoever is killed in between writes the
same file again, and no event is in two or in none.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from local.eventhubs.errors import LogUnavailable

_VERSION = 1
_TABLE = """
CREATE TABLE IF NOT EXISTS progress (
    hub TEXT NOT NULL, partition INTEGER NOT NULL, log INTEGER NOT NULL,
    next INTEGER NOT NULL, opened INTEGER NOT NULL, until INTEGER,
    PRIMARY KEY (hub, partition)
)
"""


@dataclass(frozen=True)
class Position:
    """Where one partition is.

    Attributes:
        log: which log this is about: when its hub was created (milliseconds since 1970).
        next: the sequence number of the first event that is in no file.
        opened: when its window began (seconds since 1970), which names its file. It grows with every file.
        until: the sequence number before which the file ends that was begun and may be written; None without one.
    """

    log: int
    next: int
    opened: int
    until: int | None = None


class Progress:
    """The file; used from one thread. Every change is on disk when its method returns.

    Methods raise sqlite3.Error when the disk does not take it: then nothing changed.
    """

    def __init__(self, path: Path) -> None:
        """Open the file at `path`, creating it if it is missing.

        Raises:
            LogUnavailable: it cannot be opened, or is of another version.
        """
        try:
            self._database = sqlite3.connect(path, isolation_level=None)
            version = self._database.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, _VERSION):
                raise LogUnavailable(f"{path}: was written by another version ({version}, not {_VERSION}); delete it")
            self._database.execute("PRAGMA journal_mode = WAL")
            # One change a window: an fsync for each is affordable, and with it a power failure repeats no event.
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute(_TABLE)
            self._database.execute(f"PRAGMA user_version = {_VERSION}")
        except sqlite3.Error as error:
            raise LogUnavailable(f"{path}: cannot be opened as Capture's progress ({error})") from None

    def load(self, hub: str, partition: int) -> Position | None:
        """Where the partition is; None when it was never captured."""
        query = "SELECT log, next, opened, until FROM progress WHERE hub = ? AND partition = ?"
        row = self._database.execute(query, (hub.lower(), partition)).fetchone()
        return Position(*row) if row else None

    def save(self, hub: str, partition: int, position: Position) -> None:
        """The partition is at `position`."""
        self._database.execute(
            "INSERT OR REPLACE INTO progress (hub, partition, log, next, opened, until) VALUES (?, ?, ?, ?, ?, ?)",
            (hub.lower(), partition, position.log, position.next, position.opened, position.until),
        )

    def forget_others(self, hubs: Collection[str]) -> None:
        """Forget every hub that is not captured any more: switched on again, it begins anew, as in Azure."""
        marks = ", ".join("?" * len(hubs))
        self._database.execute(f"DELETE FROM progress WHERE hub NOT IN ({marks})", tuple(hub.lower() for hub in hubs))

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._database.close()
