"""Reference data in blobs: finds them, reads them, and holds those that rows may meet.

What is held are the tables in effect from the earliest time that a row may still have to the latest: of most jobs one,
of one that catches up with a backlog some more. Each is a dict per row, indexed by what the query joins on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from datetime import UTC, datetime
from typing import Final

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient

from local.sql.asa.values import DateTime, format_datetime
from local.stream_analytics.decoding import DeserializationError, decode
from local.stream_analytics.definition import ReferenceInput
from local.stream_analytics.errors import DefinitionError, ReferenceDataError, reason
from local.stream_analytics.events import ticks
from local.stream_analytics.outputs import transport
from local.stream_analytics.reference import ReferenceData
from local.stream_analytics.reference_editions import Edition, Editions
from local.stream_analytics.rows import START

_LOG = logging.getLogger("local.stream_analytics")

SCAN_SECONDS: Final = 60.0
"""Between two looks for new blobs.
https://learn.microsoft.com/azure/stream-analytics/stream-analytics-use-reference-data#generate-reference-data-on-a-schedule
"""


class _Unusable(Exception):
    """A blob that is not there, or is no reference data; the message says which."""


class ReferenceReader:
    """Reads one input into `data`.

    Args:
        source: what to read.
        connection_string: of the storage account.
        data: where the tables go.
        kept: what `known` was when the job ran last.
        scan_seconds: between two looks for new blobs.

    Raises:
        DefinitionError: the setting holds no connection string.
    """

    def __init__(
        self,
        source: ReferenceInput,
        connection_string: str,
        data: ReferenceData,
        kept: tuple[tuple[str, DateTime], ...] = (),
        scan_seconds: float = SCAN_SECONDS,
    ) -> None:
        self.source = source
        self._data = data
        self._editions = Editions(source.path, kept)
        self._scan_seconds = scan_seconds
        self._next_scan = 0.0
        try:
            self._service = BlobServiceClient.from_connection_string(
                connection_string, transport=transport(), retry_total=0
            )
        except (ValueError, KeyError) as error:
            raise DefinitionError(f"{source.setting}: no connection string: {error}") from None
        self._system = self._service.get_container_client(source.file_system)

    @property
    def known(self) -> tuple[tuple[str, DateTime], ...]:
        """From when on each blob is in effect, by name: what is to be kept for the next run."""
        return self._editions.known

    async def open(self) -> None:
        """Read what is in effect now: a job does not start without.

        Raises:
            ReferenceDataError: there is none (yet), or the store does not answer.
        """
        path = self.source.path
        if path.static:
            try:
                rows = await self._rows(path.pattern)
            except _Unusable as unusable:
                raise ReferenceDataError(f"{self._where(path.pattern)}: {unusable}; the job waits for it") from None
            self._data.put(START, rows)
            _LOG.info("%s: %d rows", self._where(path.pattern), len(rows))
            return
        await self._scan(starting=True)
        while (edition := self._editions.newest(_now())) and not self._editions.is_read(edition):
            await self._read(edition)
        if edition is None:
            raise ReferenceDataError(
                f"{self._where(path.pattern)}: there is no reference data for {format_datetime(_now())}; "
                "the job waits for it"
            )

    def is_due(self) -> bool:
        """Whether it is time to look for new blobs."""
        return not self.source.path.static and time.monotonic() >= self._next_scan

    async def refresh(self) -> None:
        """Look for new blobs; `known` may be another one then.

        Raises:
            ReferenceDataError: the store does not answer.
        """
        await self._scan(starting=False)

    async def hold(self, since: DateTime, until: DateTime) -> None:
        """Have what rows of these times meet, and let go of what is earlier.

        Raises:
            ReferenceDataError: the store does not answer.
        """
        while (edition := self._editions.at(since)) and not self._editions.is_read(edition):
            await self._read(edition)
        self._editions.forget(since)
        self._data.forget(since)
        for edition in self._editions.unread(until):
            await self._read(edition)

    async def close(self) -> None:
        with contextlib.suppress(Exception):
            await self._service.close()

    async def _scan(self, *, starting: bool) -> None:
        now = _now()
        try:
            blobs = self._system.list_blobs(name_starts_with=self.source.path.prefix)
            written = {blob.name: ticks(blob.last_modified) async for blob in blobs}
        except ResourceNotFoundError:
            written = {}
        except Exception as error:  # what the SDK raises of an answer that no store gave, too: a proxy's, say
            raise ReferenceDataError(f"{self._where(self.source.path.pattern)}: {reason(error)}") from error
        for name in self._editions.scan(written, now, starting=starting):
            _LOG.warning("%s: it was deleted before it was read: the one before it stays in effect", self._where(name))
        self._next_scan = time.monotonic() + self._scan_seconds

    async def _read(self, edition: Edition) -> None:
        """Read a blob; without one that can be used, what was in effect before it stays so."""
        try:
            rows = await self._rows(edition.name)
        except _Unusable as unusable:
            _LOG.warning("%s: %s: the one before it stays in effect", self._where(edition.name), unusable)
            self._editions.drop(edition)
            return
        self._data.put(edition.effective, rows)
        self._editions.note_read(edition)
        since = format_datetime(edition.effective)
        _LOG.info("%s: %d rows, in effect from %s", self._where(edition.name), len(rows), since)

    async def _rows(self, name: str) -> list[dict[str, object]]:
        try:
            content = await (await self._system.get_blob_client(name).download_blob()).readall()
        except ResourceNotFoundError:
            raise _Unusable("there is no such blob") from None
        except Exception as error:  # as above
            raise ReferenceDataError(f"{self._where(name)}: {reason(error)}") from error
        try:
            rows, errors = await asyncio.to_thread(decode, content)
        except DeserializationError as error:
            raise _Unusable(str(error)) from None
        if errors:
            raise _Unusable(errors[0])
        return rows

    def _where(self, name: str) -> str:
        return f"input {self.source.name}, {self.source.file_system}/{name}"


def _now() -> DateTime:
    return ticks(datetime.now(UTC))
