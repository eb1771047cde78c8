"""The partition log: every hub's events in one SQLite file, and the newest of them in memory.

Appends that arrive together, on whatever connections, are committed together: the busier, the cheaper each is.
An append's `done` is called once its events are on disk, or with the reason why they are not.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from local.eventhubs import entry as entries
from local.eventhubs.config import HubConfig
from local.eventhubs.entry import Entry
from local.eventhubs.errors import LogUnavailable
from local.eventhubs.message import Event, stamp
from local.eventhubs.partition import Partition

_LOG = logging.getLogger(__name__)

# 200 KB entries (500 events of 400 bytes) commit in 0.35 ms of CPU with pages of 8 KB, 0.49 with 16 KB; entries of one
# event in 15 us, 50 with 16 KB (each commit writes whole pages).
_PAGE_SIZE = 8_192
_SCHEMA = """
CREATE TABLE IF NOT EXISTS partitions (
    key INTEGER PRIMARY KEY, hub TEXT NOT NULL, partition INTEGER NOT NULL,
    next INTEGER NOT NULL DEFAULT 0, last_enqueued INTEGER NOT NULL DEFAULT -1, created INTEGER NOT NULL,
    UNIQUE (hub, partition)
)
"""
_ENTRIES = """
CREATE TABLE IF NOT EXISTS entries_{key} (
    base INTEGER PRIMARY KEY, count INTEGER NOT NULL, enqueued INTEGER NOT NULL, format INTEGER NOT NULL,
    body BLOB NOT NULL
)
"""
# Entries kept in memory, over all partitions: readers that keep up never touch the disk.
_HOT_BYTES = 24 * 1024 * 1024
# The most that one entry gathers from several appends.
_ENTRY_BYTES = 1024 * 1024
# The write-ahead log is moved into the database after this much, on a thread; past the second mark, at once.
_CHECKPOINT_BYTES = 8 * 1024 * 1024
_CHECKPOINT_NOW_BYTES = 64 * 1024 * 1024

Done = Callable[[LogUnavailable | None], None]


class Log:
    """The durable log of all hubs. Used from one event loop."""

    def __init__(self, path: Path, hubs: Sequence[HubConfig]) -> None:
        """Open the log in the file `path`, creating what is missing.

        Raises:
            LogUnavailable: the file cannot be opened, or is not ours.
        """
        self.path = path
        self._queue: list[tuple[Partition, list[Event], int, Done]] = []
        self._hot: deque[Partition] = deque()
        self._hot_bytes = 0
        self._since_checkpoint = 0
        self._checkpoint: asyncio.Task[None] | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = _open(path)
            self.hubs = {hub.name.lower(): self._open_hub(hub) for hub in hubs}
        except (OSError, sqlite3.Error) as error:
            raise LogUnavailable(f"the event log {path} cannot be opened: {error}") from error

    def _open_hub(self, hub: HubConfig) -> list[Partition]:
        return [self._open_partition(hub.name, index) for index in range(hub.partition_count)]

    def _open_partition(self, hub: str, index: int) -> Partition:
        database = self._database
        database.execute(
            "INSERT INTO partitions (hub, partition, created) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (hub.lower(), index, _now()),
        )
        key, following, enqueued = database.execute(
            "SELECT key, next, last_enqueued FROM partitions WHERE hub = ? AND partition = ?", (hub.lower(), index)
        ).fetchone()
        database.execute(_ENTRIES.format(key=key))
        partition = Partition(hub, index, key)
        partition.first = partition.next = following
        partition.last_enqueued = enqueued
        first, size = database.execute(f"SELECT MIN(base), SUM(LENGTH(body)) FROM entries_{key}").fetchone()
        if first is not None:
            base, count, partition.last_enqueued = database.execute(
                f"SELECT base, count, enqueued FROM entries_{key} ORDER BY base DESC LIMIT 1"
            ).fetchone()
            partition.first, partition.next, partition.size = first, base + count, size
        return partition

    def created(self, hub: str) -> int:
        """When the hub was created (milliseconds since 1970)."""
        query = "SELECT MIN(created) FROM partitions WHERE hub = ?"
        return int(self._database.execute(query, (hub.lower(),)).fetchone()[0])

    def append(self, partition: Partition, events: list[Event], done: Done) -> None:
        """Commit `events` at the end of this turn of the event loop, with all else that came in it."""
        size = sum(event.size for event in events)
        if not self._queue:
            asyncio.get_running_loop().call_soon(self.commit)
        self._queue.append((partition, events, size, done))

    def commit(self) -> None:
        """Commit what is queued, tell each append's `done`, then those who wait for events."""
        queue, self._queue = self._queue, []
        if not queue:
            return
        try:
            committed = self._write(queue)
        except Exception as error:
            with contextlib.suppress(sqlite3.Error):
                self._database.execute("ROLLBACK")
            _LOG.error("%d appends are refused: %s cannot be written: %s", len(queue), self.path, error)
            fault = LogUnavailable(f"the event log cannot be written: {error}")
            for _, _, _, done in queue:
                done(fault)
            return
        for partition, entry in committed:
            partition.committed(entry)
            self._keep_hot(partition, entry)
        for _, _, _, done in queue:
            done(None)
        for partition in {id(partition): partition for partition, _ in committed}.values():
            partition.notify()
        self._checkpoint_if_due()

    def _write(self, queue: list[tuple[Partition, list[Event], int, Done]]) -> list[tuple[Partition, Entry]]:
        now = _now()
        ends: dict[int, int] = {}
        written = []
        self._database.execute("BEGIN IMMEDIATE")
        for partition, events in _gather(queue):
            base = ends.get(partition.key, partition.next)
            # A clock set back must not make a later event seem older: consumers seek by time.
            enqueued = max(now, partition.last_enqueued)
            body = entries.pack(stamp(events, base, enqueued))
            entry = Entry(base, len(events), enqueued, entries.AMQP, body)
            self._database.execute(f"INSERT INTO entries_{partition.key} VALUES (?, ?, ?, ?, ?)", entry)
            ends[partition.key] = entry.next
            self._since_checkpoint += len(body) + _PAGE_SIZE
            written.append((partition, entry))
        self._database.execute("COMMIT")
        return written

    def _keep_hot(self, partition: Partition, entry: Entry) -> None:
        self._hot.append(partition)
        self._hot_bytes += len(entry.body)
        while self._hot_bytes > _HOT_BYTES and len(self._hot) > 1:
            self._hot_bytes -= len(self._hot.popleft().hot.popleft().body)

    def read(self, partition: Partition, sequence: int, size: int = 256 * 1024) -> list[Entry]:
        """Entries from the one that holds `sequence` (or the first after it) on, up to `size` bytes but at least one."""
        if sequence >= partition.next:
            return []
        found = partition.hot_from(sequence)
        if found:
            return found
        table = f"entries_{partition.key}"
        rows = self._database.execute(
            f"SELECT base, count, enqueued, format, body FROM {table} "
            f"WHERE base >= IFNULL((SELECT MAX(base) FROM {table} WHERE base <= ?), 0) ORDER BY base",
            (sequence,),
        )
        with contextlib.closing(rows):
            for row in rows:
                entry = Entry(*row)
                if entry.next > sequence:
                    found.append(entry)
                    size -= len(entry.body)
                if size <= 0:
                    break
        return found

    def first_after(self, partition: Partition, milliseconds: int, inclusive: bool) -> int:
        """The sequence number of the first event enqueued after `milliseconds` (or at them, when `inclusive`)."""
        wanted = milliseconds if inclusive else milliseconds + 1
        low, high = partition.first, partition.next
        query = f"SELECT base, count, enqueued FROM entries_{partition.key} WHERE base >= ? ORDER BY base LIMIT 1"
        while low < high:
            row = self._database.execute(query, ((low + high) // 2,)).fetchone()
            if row is None or row[2] >= wanted:
                high = (low + high) // 2
            else:
                low = row[0] + row[1]
        row = self._database.execute(query, (low,)).fetchone()
        return row[0] if row else partition.next

    def trim(self, partition: Partition, older_than: int, over: int) -> int:
        """Delete the oldest entries: those enqueued before `older_than` (milliseconds since 1970), and more while the
        partition holds over `over` bytes. Numbering goes on where it was.

        Returns:
            How many events went.
        """
        database, table = self._database, f"entries_{partition.key}"
        rows = database.execute(f"SELECT base, count, enqueued, LENGTH(body) FROM {table} ORDER BY base")
        first, left = partition.first, partition.size
        with contextlib.closing(rows):
            for base, count, enqueued, size in rows:
                if enqueued >= older_than and left <= over:
                    break
                first, left = base + count, left - size
        trimmed = first - partition.first
        if trimmed:
            with self._transaction():
                database.execute(f"DELETE FROM {table} WHERE base < ?", (first,))
                database.execute(
                    "UPDATE partitions SET next = ?, last_enqueued = ? WHERE key = ?",
                    (partition.next, partition.last_enqueued, partition.key),
                )
            partition.first, partition.size = first, left
            self._checkpoint_if_due()
        return trimmed

    @contextlib.contextmanager
    def _transaction(self):
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._database.execute("ROLLBACK")
            raise

    def _checkpoint_if_due(self) -> None:
        if self._since_checkpoint >= _CHECKPOINT_BYTES and (self._checkpoint is None or self._checkpoint.done()):
            self._since_checkpoint = 0
            self._checkpoint = asyncio.get_running_loop().create_task(self._move())

    async def _move(self) -> None:
        """Move the write-ahead log into the database: with its fsyncs on a thread, where they hold up no one."""
        try:
            await asyncio.to_thread(_checkpoint, self.path)
            if self.path.with_name(self.path.name + "-wal").stat().st_size > _CHECKPOINT_NOW_BYTES:
                # Writers never paused, so the log never emptied; what is left since the thread began is little.
                self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except (OSError, sqlite3.Error) as error:
            _LOG.warning("%s: checkpoint: %s", self.path, error)

    async def close(self) -> None:
        self.commit()
        if self._checkpoint is not None:
            await self._checkpoint
        self._database.close()


def _gather(queue: list[tuple[Partition, list[Event], int, Done]]) -> list[tuple[Partition, list[Event]]]:
    """The appends, those for one partition put together into entries of bounded size; order within each is kept."""
    gathered: list[tuple[Partition, list[Event]]] = []
    open_: dict[int, tuple[list[Event], int]] = {}
    for partition, events, size, _ in queue:
        together = open_.get(partition.key)
        if together is None or together[1] + size > _ENTRY_BYTES:
            open_[partition.key] = (list(events), size)
            gathered.append((partition, open_[partition.key][0]))
        else:
            together[0].extend(events)
            open_[partition.key] = (together[0], together[1] + size)
    return gathered


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    database.execute(f"PRAGMA page_size = {_PAGE_SIZE}")
    database.execute("PRAGMA journal_mode = WAL")
    # NORMAL: a commit is written to the file (the kernel has it) but not fsynced. kill -9 of this process loses nothing
    # that was acknowledged; a power failure may lose the last moments, never consistency. FULL would fsync every
    # commit, milliseconds on a laptop's disk, for a log that stands in for a service while developing.
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("PRAGMA wal_autocheckpoint = 0")
    database.execute("PRAGMA cache_size = -8192")
    database.execute(_SCHEMA)
    return database


def _checkpoint(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()


def _now() -> int:
    return time.time_ns() // 1_000_000
