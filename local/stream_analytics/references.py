"""All reference data of a job: there before its first event, and what rows meet before they are pushed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from local.sql.asa.values import DateTime
from local.stream_analytics.definition import ReferenceInput
from local.stream_analytics.errors import ReferenceDataError
from local.stream_analytics.reference import ReferenceData
from local.stream_analytics.reference_reader import ReferenceReader
from local.stream_analytics.retrying import again
from local.stream_analytics.store import Store


class References:
    """The inputs that a query joins with, and what is kept of them for the next run.

    While their store is away, everything here waits for it: a row that went on without would be joined with less.

    Args:
        sources: what to read.
        connections: the connection string of each setting.
        data: where the tables of each go, by its name.
        store: the job's state.
        scan_seconds: between two looks for new blobs.

    Raises:
        DefinitionError: a setting holds no connection string.
    """

    def __init__(
        self,
        sources: Sequence[ReferenceInput],
        connections: Mapping[str, str],
        data: Mapping[str, ReferenceData],
        store: Store,
        scan_seconds: float,
    ) -> None:
        self._store = store
        self._readers = [
            ReferenceReader(
                source, connections[source.setting], data[source.name], store.reference(source.name), scan_seconds
            )
            for source in sources
        ]

    def __bool__(self) -> bool:
        return bool(self._readers)

    async def open(self) -> None:
        """Wait for all of it: no event is read before."""
        for reader in self._readers:
            await self._again(reader, reader.open, "the job begins once all of its inputs are there")
            self._keep(reader)

    async def refresh(self) -> None:
        """Look for what is new, if it is time. Between two cycles: rows of one that is done again meet the same."""
        for reader in self._readers:
            if reader.is_due():
                await self._again(reader, reader.refresh, "the job goes on")
                self._keep(reader)

    async def hold(self, since: DateTime, until: DateTime) -> None:
        """Have what rows of these times meet, and let go of what is earlier."""
        for reader in self._readers:
            await self._again(reader, partial(reader.hold, since, until), "the job goes on with the events that waited")

    async def close(self) -> None:
        for reader in self._readers:
            await reader.close()

    async def _again(self, reader: ReferenceReader, action: Callable[[], Awaitable[None]], then: str) -> None:
        source = reader.source
        there = f"input {source.name}, {source.file_system}/{source.path.pattern}: it can be read; {then}"
        await again(action, ReferenceDataError, there)

    def _keep(self, reader: ReferenceReader) -> None:
        self._store.keep_reference(reader.source.name, reader.known)
