"""Capture as the namespace runs it: a recorder for each partition of each captured hub."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from types import TracebackType

from local.eventhubs.capture.progress import Progress
from local.eventhubs.capture.recorder import Context, Recorder
from local.eventhubs.capture.settings import Settings
from local.eventhubs.capture.storage import Storage
from local.eventhubs.errors import LogUnavailable
from local.eventhubs.log import Log
from local.eventhubs.partition import Partition

_LOG = logging.getLogger(__name__)

PROGRESS_FILE = "capture.db"
# For the last windows. What does not fit is left to the next start.
_STOP_SECONDS = 20.0


class Capture:
    """Captures while it is entered. Leave it when no more events come, and before the log is closed."""

    def __init__(
        self, log: Log, settings: Sequence[Settings], namespace: str, storage: Storage,
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        """Go on where the last run stopped.

        Args:
            log: what to capture.
            settings: the hubs to capture; what is known about others is forgotten.
            namespace: its name, for the names of files.
            storage: where files go.
            clock: seconds since 1970.

        Raises:
            LogUnavailable: the file that keeps the progress cannot be used.
        """
        self._log = log
        self._storage = storage
        self._progress = Progress(log.path.with_name(PROGRESS_FILE))
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        context = Context(log, namespace, storage, self._progress, clock)
        try:
            self._progress.forget_others([one.hub for one in settings])
            self._recorders = {
                partition.key: Recorder(context, one, partition)
                for one in settings
                for partition in log.hubs[one.hub.lower()]
            }
        except sqlite3.Error as error:
            self._progress.close()
            raise LogUnavailable(f"{log.path.with_name(PROGRESS_FILE)}: {error}") from error

    def needed(self, partition: Partition) -> int:
        """From which sequence number on a partition's events are in no file yet."""
        recorder = self._recorders.get(partition.key)
        return partition.next if recorder is None else recorder.position.next

    async def __aenter__(self) -> Callable[[Partition], int]:
        """Begin; gives `needed`."""
        await self._storage.__aenter__()
        self._tasks = [asyncio.create_task(recorder.run(self._stopping)) for recorder in self._recorders.values()]
        return self.needed

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the open windows, as far as that goes within `_STOP_SECONDS`."""
        # What connections left behind is in the log before its last windows are written.
        self._log.commit()
        self._stopping.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_STOP_SECONDS)
            for task in late:
                _LOG.warning("capture: storage is too slow; what is left is captured at the next start")
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._storage.__aexit__(kind, error, trace)
        self._progress.close()
