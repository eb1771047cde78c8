"""The partition log: every hub's events in one SQLite file, and the newest of them in memory.

Appends that arrive together, on whatever connections and by whatever protocol, are committed together: the busier, the
cheaper each is. An append's `done` is called once its events are on disk, or with the reason why they are not. Commits
run on the event loop: without an fsync, 500 events take 0.4 ms, no more than handing them to a thread and back under
load.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from local.eventhubs import appends, log_file
from local.eventhubs.appends import Append, Done, Published
from local.eventhubs.config import DEFAULT_GROUP, HubConfig
from local.eventhubs.entry import Entry
from local.eventhubs.errors import LogUnavailable
from local.eventhubs.kafka.batch import Batch
from local.eventhubs.message import Event
from local.eventhubs.partition import Partition
from local.eventhubs.producer_states import ProducerStates

_LOG = logging.getLogger(__name__)

# Entries kept in memory, over all partitions: readers that keep up never touch the disk.
_HOT_BYTES = 24 * 1024 * 1024
# What a reader takes at a time.
_READ_BYTES = 256 * 1024
# The write-ahead log is moved into the database after this much, on a thread; past the second mark, at once.
_CHECKPOINT_BYTES = 8 * 1024 * 1024
_CHECKPOINT_NOW_BYTES = 64 * 1024 * 1024
# What one step of dropping may delete: small enough not to hold up the event loop.
_DROP_ENTRIES, _DROP_BYTES = 2_000, 8 * 1024 * 1024
# How long a producer that sends nothing is remembered (milliseconds): Kafka's producer.id.expiration.ms.
_PRODUCER_KEPT = 86_400_000


class Log:
    """The durable log of all hubs. Used from one event loop.

    Attributes:
        hubs: the partitions of each hub, by its name in lower case.
    """

    def __init__(self, path: Path, hubs: Sequence[HubConfig]) -> None:
        """Open the log in the file `path`, creating what is missing.

        Raises:
            LogUnavailable: the file cannot be opened, is not ours, or another process has it.
        """
        self.path = path
        self._queue: list[Append] = []
        self._hot: deque[Partition] = deque()
        self._hot_bytes = 0
        self._since_checkpoint = 0
        self._checkpoint: asyncio.Task[None] | None = None
        self._lock, self._database = log_file.open_(path)
        try:
            self.hubs = {
                hub.name.lower(): [self._open_partition(hub, index) for index in range(hub.partition_count)]
                for hub in hubs
            }
            self._producers = ProducerStates(self._database, _now())
        except sqlite3.Error as error:
            self._database.close()
            self._lock.close()
            raise LogUnavailable(f"{path}: hubs cannot be created: {error}") from error

    def _open_partition(self, hub: HubConfig, index: int) -> Partition:
        stored = log_file.partition(self._database, hub.name.lower(), index, _now())
        partition = Partition(hub.name, index, stored.key, hub.topic)
        partition.first, partition.next, partition.last_enqueued = stored.first, stored.next, stored.last_enqueued
        return partition

    def create_hub(self, hub: HubConfig) -> None:
        """Open a hub while running, creating what is missing of it.

        Raises:
            LogUnavailable: it cannot be written; nothing of it is there.
        """
        try:
            self._database.execute("BEGIN IMMEDIATE")
            partitions = [self._open_partition(hub, index) for index in range(hub.partition_count)]
            log_file.keep_topic(self._database, hub.name.lower(), hub.topic)
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self._database.execute("ROLLBACK")
            raise LogUnavailable(f"{self.path}: hub {hub.name} cannot be created: {error}") from error
        self.hubs[hub.name.lower()] = partitions

    def unopened(self) -> list[HubConfig]:
        """Hubs that are in the file and not open: they were created while running, or left the hubs file."""
        query = "SELECT hub, COUNT(*) FROM partitions GROUP BY hub ORDER BY MIN(key)"
        stored = self._database.execute(query).fetchall()
        return [
            HubConfig(hub, count, (DEFAULT_GROUP,), log_file.topic(self._database, hub))
            for hub, count in stored
            if hub not in self.hubs
        ]

    def created(self, hub: str) -> int:
        """When the hub was created (milliseconds since 1970)."""
        query = "SELECT MIN(created) FROM partitions WHERE hub = ?"
        return int(self._database.execute(query, (hub.lower(),)).fetchone()[0])

    @property
    def size(self) -> int:
        """Bytes of the file that hold something."""
        pages, free, size = (
            self._database.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    async def size_without(self, partitions: Sequence[Partition]) -> int:
        """Bytes of what all other partitions of the file hold, those of hubs that are not open too.

        Raises:
            sqlite3.Error: it cannot be read.
        """
        keys = {key for (key,) in self._database.execute("SELECT key FROM partitions")}
        keys -= {partition.key for partition in partitions}
        # It reads all of them: gigabytes take seconds.
        return await asyncio.to_thread(log_file.content_size, self.path, keys) if keys else 0

    def append(self, partition: Partition, events: list[Event], done: Done, published: Published | None = None) -> None:
        """Commit `events` at the end of this turn of the event loop, with all else that came in it.

        What an idempotent producer published last is not stored when it comes again: `done` gets where it already is.
        """
        self._enqueue(Append(partition, events, sum(event.size for event in events), done, published))

    def append_batch(self, partition: Partition, batch: Batch, done: Done) -> None:
        """Commit a record batch at the end of this turn of the event loop, with all else that came in it.

        One of an idempotent producer's last batches that comes again is not stored: `done` gets where it already is.
        """
        self._enqueue(Append(partition, batch, len(batch.data), done))

    def _enqueue(self, append: Append) -> None:
        if not self._queue:
            asyncio.get_running_loop().call_soon(self.commit)
        self._queue.append(append)

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
            self._producers.rolled_back()
            _LOG.error("%d appends are refused: %s cannot be written: %s", len(queue), self.path, error)
            fault = LogUnavailable(f"the event log cannot be written: {error}")
            for append in queue:
                append.done(fault)
            return
        self._producers.committed()
        for partition, entry in committed:
            partition.committed(entry)
            self._keep_hot(partition, entry)
        for append in queue:
            assert append.outcome is not None
            append.done(append.outcome)
        for partition in {partition.key: partition for partition, _ in committed}.values():
            partition.notify()
        self._checkpoint_if_due()

    def _write(self, queue: list[Append]) -> list[tuple[Partition, Entry]]:
        now = _now()
        ends: dict[int, int] = {}
        written = []
        self._database.execute("BEGIN IMMEDIATE")
        for group in appends.gather(queue):
            partition = group[0].partition
            base = ends.get(partition.key, partition.next)
            # A clock that was set back must not make a later event seem older: consumers seek by time.
            entry = appends.entry(group, base, max(now, partition.last_enqueued), self._producers)
            if entry is None:
                continue
            self._database.execute(f"INSERT INTO entries_{partition.key} VALUES (?, ?, ?, ?, ?)", entry)
            ends[partition.key] = entry.next
            self._since_checkpoint += len(entry.body) + log_file.PAGE_SIZE
            written.append((partition, entry))
        self._producers.write()
        self._database.execute("COMMIT")
        return written

    def new_producer_id(self) -> int:
        """An id for an idempotent producer, which no other has had; durable.

        Raises:
            LogUnavailable: it cannot be written.
        """
        try:
            # What is known of producers grows with new ones only: here is where to let go of old ones.
            self._producers.forget(_now() - _PRODUCER_KEPT)
            return self._producers.new_id()
        except sqlite3.Error as error:
            raise LogUnavailable(f"{self.path}: a producer id cannot be written: {error}") from error

    def last_published(self, partition: Partition, producer: int) -> tuple[int, int] | None:
        """The epoch and the last sequence number of an idempotent producer; None when nothing is known of it."""
        return self._producers.last(partition.key, producer)

    def _keep_hot(self, partition: Partition, entry: Entry) -> None:
        self._hot.append(partition)
        self._hot_bytes += len(entry.body)
        while self._hot_bytes > _HOT_BYTES and len(self._hot) > 1:
            self._hot_bytes -= self._hot.popleft().cool()

    def read(self, partition: Partition, sequence: int) -> list[Entry]:
        """Some entries, from the one that holds `sequence` on; from the oldest when that one was dropped.

        Raises:
            LogUnavailable: the file cannot be read.
        """
        sequence = max(sequence, partition.first)
        if sequence >= partition.next:
            return []
        hot = partition.hot_from(sequence, _READ_BYTES)
        if hot:
            return hot
        try:
            return log_file.read(self._database, partition.key, sequence, _READ_BYTES)
        except sqlite3.Error as error:
            raise _unreadable(partition, error) from error

    def first_after(self, partition: Partition, milliseconds: int, inclusive: bool) -> int:
        """The sequence number of the first event enqueued after `milliseconds` (or at them, when `inclusive`).

        Raises:
            LogUnavailable: the file cannot be read.
        """
        wanted = milliseconds if inclusive else milliseconds + 1
        try:
            return log_file.first_enqueued(self._database, partition.key, wanted, partition.first, partition.next)
        except sqlite3.Error as error:
            raise _unreadable(partition, error) from error

    def oldest(self, partition: Partition) -> int:
        """When the oldest event kept was enqueued (milliseconds since 1970); the partition must not be empty."""
        query = f"SELECT enqueued FROM entries_{partition.key} ORDER BY base LIMIT 1"
        return int(self._database.execute(query).fetchone()[0])

    def drop(self, partition: Partition, before: int, size: int = _DROP_BYTES) -> int:
        """Delete the oldest entries, some `size` bytes of them, none that holds `before` or what follows.

        Numbering goes on.

        Returns:
            How many events went; 0 when there are none before `before`.

        Raises:
            LogUnavailable: the deletion could not be committed.
        """
        until = log_file.drop_until(self._database, partition.key, before, _DROP_ENTRIES, min(size, _DROP_BYTES))
        if until is None:
            return 0
        try:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute(f"DELETE FROM entries_{partition.key} WHERE base < ?", (until,))
            self._database.execute(
                "UPDATE partitions SET next = ?, last_enqueued = ? WHERE key = ?",
                (partition.next, partition.last_enqueued, partition.key),
            )
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self._database.execute("ROLLBACK")
            raise LogUnavailable(f"{partition}: old events cannot be deleted: {error}") from error
        dropped, partition.first = until - partition.first, until
        self._since_checkpoint += _DROP_BYTES // 8
        self._checkpoint_if_due()
        return dropped

    def _checkpoint_if_due(self) -> None:
        if self._since_checkpoint >= _CHECKPOINT_BYTES and (self._checkpoint is None or self._checkpoint.done()):
            self._since_checkpoint = 0
            self._checkpoint = asyncio.get_running_loop().create_task(self._move())

    async def _move(self) -> None:
        """Move the write-ahead log into the database: with its fsyncs on a thread, where they hold up no one."""
        try:
            await asyncio.to_thread(log_file.checkpoint, self.path)
            if log_file.write_ahead_size(self.path) > _CHECKPOINT_NOW_BYTES:
                # Writers never paused, so it never started over; what is left since the thread began is little.
                self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except (OSError, sqlite3.Error) as error:
            _LOG.warning("%s: checkpoint: %s", self.path, error)

    async def close(self) -> None:
        """Commit what is queued, and let go of the file."""
        self.commit()
        if self._checkpoint is not None:
            await self._checkpoint
        self._database.close()
        self._lock.close()


def _unreadable(partition: Partition, error: sqlite3.Error) -> LogUnavailable:
    return LogUnavailable(f"{partition}: the event log cannot be read: {error}")


def _now() -> int:
    return time.time_ns() // 1_000_000
