"""One partition's windows: when they close, and how each becomes a file, once and for all.

A window holds the events that were enqueued before its time is up, or up to its size. It is read from the log when it
closes, so nothing of it is kept in memory, and its end is on disk (`Progress`) before its file can be seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace

from local.eventhubs import transcode
from local.eventhubs.capture import avro
from local.eventhubs.capture.event import fields
from local.eventhubs.capture.progress import Position, Progress
from local.eventhubs.capture.settings import Settings
from local.eventhubs.capture.storage import NameTaken, Storage, Upload
from local.eventhubs.entry import Entry
from local.eventhubs.errors import CorruptBatch, EventHubsError, LogUnavailable
from local.eventhubs.log import Log
from local.eventhubs.partition import Partition

_LOG = logging.getLogger(__name__)

# How often the bytes that arrived are added up, for windows that close by size.
_LOOK_SECONDS = 1.0
# After a failure; doubled up to the longest.
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 1.0, 30.0
# Sent as one block; a blob has 50,000 at most. What is sent at once holds up the event loop: 30 ms with 4 MB.
_BLOCK_BYTES = 1024 * 1024
# Written before others have their turn on the event loop: about half a millisecond.
_SLICE_EVENTS = 64


@dataclass(frozen=True)
class Context:
    """What recorders share: `turns` bounds how many files are written at once; `clock` is seconds since 1970."""

    log: Log
    namespace: str
    storage: Storage
    progress: Progress
    clock: Callable[[], float]
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(4))


class Recorder:
    """Captures one partition.

    Attributes:
        position: where it is; the events from `position.next` on are in no file, and must stay in the log.
    """

    # Since when the window is open, by the clock. It is named by `position.opened`, which only grows; that is ahead of
    # the clock after windows that closed by size within a second, and when the clock was set back.
    _since: float

    def __init__(self, context: Context, settings: Settings, partition: Partition) -> None:
        """Go on where the last run stopped.

        Raises:
            sqlite3.Error: the position cannot be read or stored.
        """
        self.partition = partition
        self._context = context
        self._settings = settings
        self._began = context.clock()
        self.position = self._open()
        self._since = self.position.opened
        self._added_up, self._window_bytes = self.position.next, 0

    def _open(self) -> Position:
        """Where the last run stopped; with no such run, the end of the log: capture is switched on now."""
        partition, now = self.partition, int(self._began)
        log = self._context.log.created(partition.hub)
        found = self._context.progress.load(partition.hub, partition.index)
        if found is None:
            position = Position(log, partition.next, now)
        elif found.log != log:
            _LOG.warning("%s: the log is a new one; it is captured from its start, and earlier files stay", partition)
            position = Position(log, partition.first, max(now, found.opened))
        elif (found.until or found.next) > partition.next:
            _LOG.error("%s: the log lost events after %d that may be captured already", partition, partition.next - 1)
            position = Position(log, min(found.next, partition.next), max(now, found.opened + 1))
        elif found.next < partition.first:
            _LOG.error(
                "%s: the events %d to %d were dropped before they were captured: retention ran without Capture",
                partition, found.next, partition.first - 1,
            )  # fmt: skip
            position = Position(log, partition.first, found.opened + 1)
        elif found.until is None and found.next == partition.next:
            position = replace(found, opened=max(now, found.opened))
        else:
            position = found
        self._save(position)
        return position

    async def run(self, stopping: asyncio.Event) -> None:
        """Capture until `stopping`, then write what is in the open window, too. What fails is tried again."""
        wait = _FIRST_WAIT_SECONDS
        while not stopping.is_set():
            if await self._succeeds(self.advance):
                wait, pause = _FIRST_WAIT_SECONDS, _LOOK_SECONDS
            else:
                wait, pause = min(2 * wait, _LONGEST_WAIT_SECONDS), wait
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), pause)
        await self._succeeds(self.finish)

    async def _succeeds(self, action: Callable[[], Awaitable[None]]) -> bool:
        try:
            await action()
        except CorruptBatch as error:
            _LOG.error(
                "%s: not captured from event %d on, until the log is restored: %s",
                self.partition,
                self.position.next,
                error,
            )
        except (EventHubsError, sqlite3.Error) as error:
            _LOG.warning("%s: not captured from event %d on: %s", self.partition, self.position.next, error)
        except Exception:
            # Not foreseen; but the events stay in the log, and what is to be done about it may be done meanwhile.
            _LOG.exception("%s: not captured from event %d on", self.partition, self.position.next)
        else:
            return True
        return False

    async def advance(self) -> None:
        """Write every window that is over by now.

        Raises:
            EventHubsError, sqlite3.Error: not all of them; the next call goes on there.
        """
        if self.position.until is not None:
            await self._write(self.position.until)
        while True:
            now = self._context.clock()
            self._since = min(self._since, now)
            closes = self._since + self._settings.interval
            if now >= closes:
                until = self._enqueued_before(closes, now)
                if until == self.position.next and (self._settings.skip_empty or closes <= self._began):
                    self._skip(now)
                else:
                    await self._write(until)
            elif await self._full():
                await self._write(self.partition.next)
            else:
                return

    async def finish(self) -> None:
        """Write all there is, as if the windows' time were up.

        Raises:
            EventHubsError, sqlite3.Error: not all of it; the next run goes on there.
        """
        await self.advance()
        while self.position.next < self.partition.next:
            await self._write(self.partition.next)

    def _enqueued_before(self, closes: float, now: float) -> int:
        """The sequence number up to which a window that closes at `closes` reaches."""
        partition, milliseconds = self.partition, int(closes * 1_000)
        clock_was_set_back = partition.last_enqueued > (now + 1) * 1_000
        if partition.last_enqueued < milliseconds or clock_was_set_back:
            return partition.next
        return max(self.position.next, self._context.log.first_after(partition, milliseconds, inclusive=True))

    def _skip(self, now: float) -> None:
        """Pass over windows without events, up to that of the next event, or the present one."""
        moment = self._next_enqueued()
        moment = now if moment is None else moment
        if not self._settings.skip_empty:
            # Nothing was captured before we began, so there are no files of it; from then on there are.
            moment = min(moment, self._began)
        windows = max(1, int(moment - self._since) // self._settings.interval)
        self._since += windows * self._settings.interval
        self.position = replace(self.position, opened=max(self.position.opened, int(self._since)))

    def _next_enqueued(self) -> float | None:
        """When the first event that is in no file was enqueued (seconds since 1970); None when all are."""
        entries = self._context.log.read(self.partition, self.position.next)
        return entries[0].enqueued / 1_000 if entries else None

    async def _full(self) -> bool:
        """Whether the open window has taken its size in the log."""
        for entry in self._entries(self._added_up, self.partition.next):
            if self._window_bytes >= self._settings.size_limit:
                break
            self._window_bytes += len(entry.body)
            self._added_up = entry.next
            await asyncio.sleep(0)
        return self._window_bytes >= self._settings.size_limit

    async def _write(self, limit: int) -> None:
        """Write the events before `limit` to a file, or those up to the size limit, and open the next window."""
        async with self._context.turns:
            while True:
                try:
                    await self._write_file(limit)
                    break
                except NameTaken as taken:
                    _LOG.warning(
                        "%s: %s is there already, and stays; the file gets the next name", self.partition, taken
                    )
                    self._save(replace(self.position, opened=self.position.opened + 1))
        written = self.position
        assert written.until is not None
        # It is written, whatever happens now: in this order, a fault in between repeats neither events nor a name.
        self.position = replace(written, next=written.until, until=None, opened=written.opened + 1)
        self._added_up, self._window_bytes = self.position.next, 0
        self._since = self._following()
        self._save(replace(self.position, opened=max(self.position.opened, int(self._since))))

    async def _write_file(self, limit: int) -> None:
        position, settings = self.position, self._settings
        name = settings.blob_name(self._context.namespace, self.partition.index, position.opened)
        upload = self._context.storage.blob(settings.container, name)
        # The same bytes whenever it is written: what a repetition sends cannot differ.
        file = avro.File(hashlib.blake2b(f"{name}:{position.next}".encode(), digest_size=avro.SYNC_SIZE).digest())
        until = position.until
        if until is None:
            until = await self._send(file, upload, limit, settings.size_limit)
            self._save(replace(position, until=until))
        else:
            await self._send(file, upload, until, None)
        events = until - position.next
        await upload.commit({"log": str(position.log), "first": str(position.next), "events": str(events)})
        _LOG.info("%s: %d events from %d on are in %s", self.partition, events, position.next, name)

    async def _send(self, file: avro.File, upload: Upload, limit: int, size_limit: int | None) -> int:
        """Send the events from the position to `limit`, or to `size_limit` if that comes first.

        Returns:
            Up to where they were sent: before `limit`, too, when what follows is damaged.

        Raises:
            CorruptBatch: the first event is damaged, or one before `limit` where no `size_limit` lets the file end.
            LogUnavailable, StorageUnavailable: the log cannot be read, or the account did not take it.
        """
        end, taken = self.position.next, 0
        for entry in self._entries(end, limit):
            try:
                enqueued, body, ends = avro.time(entry.enqueued), *transcode.amqp(entry)
            except CorruptBatch:
                if end == self.position.next or size_limit is None:
                    raise
                # What comes before the damage is captured; from then on, the damage comes first.
                break
            while end < min(entry.next, limit) and (size_limit is None or max(taken, file.size) < size_limit):
                stop = min(end + _SLICE_EVENTS, entry.next, limit)
                for index in range(end - entry.base, stop - entry.base):
                    file.add(entry.base + index, enqueued, *fields(body[ends[index] : ends[index + 1]]))
                end = stop
                if file.ready >= _BLOCK_BYTES:
                    await upload.stage(file.take())
                await asyncio.sleep(0)
            taken += len(entry.body)
            if end < min(entry.next, limit):
                break
        file.end_block()
        if file.ready:
            await upload.stage(file.take())
        return end

    def _entries(self, sequence: int, limit: int) -> Iterator[Entry]:
        """The log's entries from the one that holds `sequence` to the one that ends at `limit`.

        Raises:
            LogUnavailable: the file cannot be read, or something is missing in it.
        """
        while sequence < limit:
            entries = self._context.log.read(self.partition, sequence)
            if not entries or entries[0].base > sequence:
                raise LogUnavailable(f"event {sequence} is not in the log any more")
            for entry in entries:
                yield entry
                sequence = entry.next
                if sequence >= limit:
                    return

    def _following(self) -> float:
        """Since when the window is open that follows the one just written: since that closed."""
        moment, closes = self._next_enqueued(), self._since + self._settings.interval
        if moment is None:
            moment = self._context.clock()
        return min(moment, closes)

    def _save(self, position: Position) -> None:
        self._context.progress.save(self.partition.hub, self.partition.index, position)
        self.position = position
