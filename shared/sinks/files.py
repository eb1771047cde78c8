"""Line-delimited JSON files into the Data Lake: one per invocation and folder, none of it twice (see `ledger`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

from shared.sinks.ledger import Entry, Ledger, Step, plan

CONCURRENCY = 8

# Spark, DuckDB and Synapse pass over names that begin with an underscore.
LEDGERS = "_ledger"


class FileSystem(Protocol):
    """What is used of `azure.storage.filedatalake.aio.FileSystemClient`."""

    def get_file_client(self, file_path: str) -> Any: ...


class Blobs(Protocol):
    """What is used of `azure.storage.blob.aio.ContainerClient`, on the same file system."""

    def get_blob_client(self, blob: str) -> Any: ...


class LostOwnership(RuntimeError):
    """Another worker took this partition over; what it began stands, and the batch is to be tried again after it."""


@dataclass
class _Known:
    ledger: Ledger
    etag: str | None
    finished: bool


class Files:
    """Writes the lines of one file system. One per process; partitions may be written at the same time."""

    def __init__(self, file_system: Callable[[], FileSystem], blobs: Callable[[], Blobs]) -> None:
        self._file_system = file_system
        self._blobs = blobs
        self._known: dict[str, _Known] = {}

    async def write(self, hub: str, partition: str, entries: Sequence[Entry]) -> int:
        """Write the lines of one batch; returns how many were new.

        Each file is created, filled and flushed under the ETag of its creation, so a worker that lost the partition
        cannot finish a file over its successor's. One that stalls between storing the ledger and creating its files
        for longer than a successor's whole takeover could leave lines twice; their `id` tells.

        Args:
            hub, partition: what is consumed.
            entries: the lines of one batch, in order.

        Raises:
            LostOwnership: the ledger changed under us.
            azure.core.exceptions.AzureError: an outage. The same batch may be written again.
        """
        name = f"{hub}/{partition}"
        known = self._known.pop(name, None) or await self._load(name)
        steps = plan(known.ledger, finished=known.finished, prefix=f"{hub}-{partition}", entries=entries)
        lines = 0
        for step in steps:
            known = _Known(step.ledger, await self._store(name, step.ledger, known.etag), finished=True)
            await self._carry_out(step)
            lines += sum(len(held) for held in step.files.values())
        # Only now: a batch that raised is looked up again, and found unfinished.
        if steps or known.finished:
            self._known[name] = known
        return lines

    async def _carry_out(self, step: Step) -> None:
        gate = asyncio.Semaphore(CONCURRENCY)

        async def delete(path: str) -> None:
            async with gate:
                try:
                    await self._file_system().get_file_client(path).delete_file()
                except ResourceNotFoundError:
                    return  # it was never begun, or is gone already

        async def upload(path: str, lines: list[bytes]) -> None:
            data = b"\n".join(lines) + b"\n"
            async with gate:
                await self._file_system().get_file_client(path).upload_data(data, length=len(data), overwrite=True)

        await _all(delete(path) for path in step.ledger.abandoned)
        await _all(upload(path, lines) for path, lines in step.files.items())

    async def _load(self, name: str) -> _Known:
        try:
            stored = await self._ledger_blob(name).download_blob()
            return _Known(Ledger.model_validate_json(await stored.readall()), stored.properties.etag, finished=False)
        except ResourceNotFoundError:
            return _Known(Ledger(), None, finished=True)

    async def _store(self, name: str, ledger: Ledger, etag: str | None) -> str:
        condition: dict[str, Any] = (
            {"match_condition": MatchConditions.IfMissing}
            if etag is None
            else {"match_condition": MatchConditions.IfNotModified, "etag": etag}
        )
        try:
            response = await self._ledger_blob(name).upload_blob(
                ledger.model_dump_json().encode(), overwrite=True, **condition
            )
        except (ResourceModifiedError, ResourceExistsError) as error:
            raise LostOwnership(f"{LEDGERS}/{name}.json was written by another worker: trying again") from error
        return str(response["etag"])

    def _ledger_blob(self, name: str) -> Any:
        return self._blobs().get_blob_client(f"{LEDGERS}/{name}.json")


async def _all(tasks: Any) -> None:
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
