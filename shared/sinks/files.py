"""Line-delimited JSON files into the Data Lake: one per invocation and folder, none of it twice (see `ledger`)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

from shared.sinks.ledger import Entry, Ledger, Step, plan

CONCURRENCY = 8

# Spark, DuckDB and Synapse pass over names that begin with an underscore.
LEDGERS = "_ledger"


class Blobs(Protocol):
    """What is used of `azure.storage.blob.aio.ContainerClient`.

    A file system of the Data Lake is a container of its blob endpoint. A Put Blob replaces a file whole, in one
    request, under a condition; the DFS endpoint takes three, and shows readers an empty file between them.
    https://learn.microsoft.com/azure/storage/blobs/data-lake-storage-multi-protocol-access
    """

    def get_blob_client(self, blob: str) -> Any: ...


class LostOwnership(RuntimeError):
    """Another worker took this partition over; what it began stands, and the batch is to be tried again after it."""


@dataclass
class _Known:
    ledger: Ledger
    etag: str | None


class Files:
    """Writes the lines of one file system. One per process; partitions may be written at the same time."""

    def __init__(self, blobs: Callable[[], Blobs]) -> None:
        """`blobs` gives the file system as a container; it is asked at every write, so it may open at the first."""
        self._blobs = blobs
        self._known: dict[str, _Known] = {}

    async def write(self, hub: str, partition: str, entries: Sequence[Entry]) -> int:
        """Write the lines of one batch; returns how many were new.

        A worker that lost the partition is stopped by the ledger's ETag, before its files or after them: what returns
        stands, and no other worker begins it again. One that stalls between storing its ledger and writing its files
        for longer than a successor's whole takeover could leave lines twice, never fewer; their `id` tells.

        Args:
            hub, partition: what is consumed.
            entries: the lines of one batch, in order.

        Raises:
            LostOwnership: the ledger changed under us.
            azure.core.exceptions.AzureError: an outage. The same batch may be written again.
        """
        name = f"{hub}/{partition}"
        known = self._known.pop(name, None) or await self._load(name)
        steps = plan(known.ledger, f"{hub}-{partition}", entries)
        lines = 0
        for step in steps:
            known = await self._store(name, step.ledger, known.etag)
            await self._carry_out(step)
            lines += sum(len(held) for held in step.files.values())
        if steps:
            # A worker that read the ledger meanwhile takes this batch for one to begin again, and would have deleted
            # its files: now it cannot store that. A batch that raised stays unfinished, and is looked up again.
            known = await self._store(name, known.ledger.model_copy(update={"finished": True}), known.etag)
        self._known[name] = known
        return lines

    async def _carry_out(self, step: Step) -> None:
        gate = asyncio.Semaphore(CONCURRENCY)

        async def delete(path: str) -> None:
            async with gate:
                try:
                    await self._blob(path).delete_blob()
                except ResourceNotFoundError:
                    return  # it was never begun, or is gone already

        async def upload(path: str, lines: list[bytes]) -> None:
            async with gate:
                await self._blob(path).upload_blob(b"\n".join(lines) + b"\n", overwrite=True)

        await _all([delete(path) for path in step.ledger.abandoned])
        await _all([upload(path, lines) for path, lines in step.files.items()])

    async def _load(self, name: str) -> _Known:
        try:
            stored = await self._blob(f"{LEDGERS}/{name}.json").download_blob()
            return _Known(Ledger.model_validate_json(await stored.readall()), stored.properties.etag)
        except ResourceNotFoundError:
            return _Known(Ledger(), None)

    async def _store(self, name: str, ledger: Ledger, etag: str | None) -> _Known:
        condition: dict[str, Any] = {"match_condition": MatchConditions.IfMissing}
        if etag is not None:
            condition = {"match_condition": MatchConditions.IfNotModified, "etag": etag}
        try:
            response = await self._blob(f"{LEDGERS}/{name}.json").upload_blob(
                ledger.model_dump_json().encode(), overwrite=True, **condition
            )
        except (ResourceModifiedError, ResourceExistsError) as error:
            raise LostOwnership(f"{LEDGERS}/{name}.json was written by another worker: trying again") from error
        return _Known(ledger, str(response["etag"]))

    def _blob(self, path: str) -> Any:
        return self._blobs().get_blob_client(path)


async def _all(tasks: Sequence[Awaitable[None]]) -> None:
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
