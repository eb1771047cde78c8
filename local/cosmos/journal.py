"""The SQLite file: one writer whose commits are shared, and readers that only see what is committed.

Writes run on the event loop, inside one open transaction per turn of the loop; the commit comes when that turn is over,
and every caller waits for it. So nothing is acknowledged before it is committed, and a hundred concurrent writers pay
for one commit. WAL with synchronous=NORMAL: a commit survives the death of the process, kill -9 included; a power cut
may lose the last moments, as it may of any file on a laptop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from local.cosmos.errors import CosmosError, ServiceUnavailable

T = TypeVar("T")
P = ParamSpec("P")
_log = logging.getLogger(__name__)

# Copying the WAL into the file needs fsync, which would stall the loop: a thread does it, this often and from this
# size on. The writer does it itself only should the WAL outgrow `_OWN_CHECKPOINT_PAGES` (64 MB).
_CHECKPOINT_SECONDS = 1.0
_CHECKPOINT_BYTES = 4 * 1024 * 1024
_OWN_CHECKPOINT_PAGES = 16384
_CACHE_KIB = 8 * 1024  # of each connection: there are up to seven


class Journal:
    """The file of one account."""

    def __init__(self, path: Path) -> None:
        """Open the file at `path`, made if missing together with its directory.

        Raises:
            OSError: another process has it open.
        """
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(f"{path.parent} cannot be made ({error.strerror}); choose another --data-dir") from None
        self._lock = _lock(path.with_name(path.name + ".lock"))
        self._writer = self._connect()
        self._writer.execute(f"PRAGMA wal_autocheckpoint={_OWN_CHECKPOINT_PAGES}")
        self.reader = self._connect()
        self._group: asyncio.Future[None] | None = None
        self._readers = threading.local()
        self._closing = threading.Event()
        self._checkpointer = threading.Thread(target=self._checkpoint_forever, name="checkpoint", daemon=True)
        self._checkpointer.start()
        self.before_commit: list[Callable[[sqlite3.Connection], None]] = []

    def thread_reader(self) -> sqlite3.Connection:
        """This thread's own read connection."""
        connection = getattr(self._readers, "connection", None)
        if connection is None:
            connection = self._readers.connection = self._connect()
        return connection

    def run(self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` in a transaction of its own, committed on return: for start-up, before there is a loop."""
        with contextlib.closing(self._connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            result = work(connection, *args, **kwargs)
            connection.execute("COMMIT")
        return result

    async def write(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work(connection, ...)` atomically and return its result once it is committed.

        Raises:
            CosmosError: what `work` raised; nothing of it is kept.
            ServiceUnavailable: the file cannot be written (the disk is full); nothing of the group is kept.
        """
        group = self._open_group()
        refusal: Exception | None = None
        try:
            self._writer.execute("SAVEPOINT request")
            try:
                result = work(self._writer, *args, **kwargs)
            except sqlite3.Error:
                raise
            except Exception as error:  # a refusal: the rest of the group goes on without this request
                refusal = error
                self._writer.execute("ROLLBACK TO request")
            self._writer.execute("RELEASE request")
        except sqlite3.Error as error:
            self._fail(error)
        await asyncio.shield(group)
        if refusal is not None:
            raise refusal
        return result

    def _open_group(self) -> asyncio.Future[None]:
        if self._group is None:
            loop = asyncio.get_running_loop()
            try:
                self._writer.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                raise _unavailable(error) from error
            self._group = loop.create_future()
            loop.call_soon(self._commit, self._group)
        return self._group

    def _commit(self, group: asyncio.Future[None]) -> None:
        if group is not self._group:
            return  # it failed, and its callers know
        try:
            for prepare in self.before_commit:
                prepare(self._writer)
            self._writer.execute("COMMIT")
        except sqlite3.Error as error:
            self._fail(error)
            return
        self._group = None
        group.set_result(None)

    def _fail(self, error: sqlite3.Error) -> None:
        """Roll the whole group back and tell every caller in it."""
        group, self._group = self._group, None
        with contextlib.suppress(sqlite3.Error):  # SQLite may have rolled back already
            self._writer.execute("ROLLBACK")
        if group is not None and not group.done():
            group.set_exception(_unavailable(error))
            group.exception()  # its callers may all be gone; that is no error of ours

    async def close(self) -> None:
        """Commit what is open and fold the WAL into the file."""
        if self._group is not None:
            with contextlib.suppress(CosmosError):
                await asyncio.shield(self._group)
        self._closing.set()
        await asyncio.to_thread(self._checkpointer.join)
        self.reader.close()
        with contextlib.suppress(sqlite3.Error):
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._writer.close()
        self._lock.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, cached_statements=512, timeout=10.0
        )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        return connection

    def _checkpoint_forever(self) -> None:
        connection = self._connect()
        wal = self.path.with_name(self.path.name + "-wal")
        while not self._closing.wait(_CHECKPOINT_SECONDS):
            try:
                if wal.stat().st_size > _CHECKPOINT_BYTES:
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            except (sqlite3.Error, OSError) as error:
                _log.warning("%s: checkpoint: %s", self.path, error)
        connection.close()


def _lock(path: Path) -> sqlite3.Connection:
    """Hold `path` while the connection is open: SQLite's lock works on every system and ends with the process."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=0)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        raise OSError(f"{path.parent} is in use by another process; choose another with --data-dir") from None
    return connection


def _unavailable(error: sqlite3.Error) -> ServiceUnavailable:
    _log.warning("write failed: %s", error)
    return ServiceUnavailable(f"The service is currently unavailable: {error}.")
