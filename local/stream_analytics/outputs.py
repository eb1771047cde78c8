"""Deliveries into Cosmos DB and the Data Lake. To repeat one changes nothing: documents replace themselves, and a file
is written whole, under a name that says which cycle it is of."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol
from urllib.request import getproxies_environment

from azure.core.pipeline.transport import AioHttpTransport
from azure.cosmos.aio import CosmosClient
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError
from azure.storage.blob.aio import BlobServiceClient

from local.stream_analytics.definition import CosmosOutput, LakeOutput, Output
from local.stream_analytics.documents import Document, Refused, batches, documents
from local.stream_analytics.errors import DefinitionError, OutputError, reason
from local.stream_analytics.store import Delivery

CONCURRENCY: Final = 16

# What it says of a document itself: malformed, a unique key taken, too large. All else is an outage, and waits.
_REFUSALS: Final = frozenset((400, 409, 413))
_KEY_MISMATCH: Final = 1001  # sub-status of 400: the container's key is another one; no document could be right
_FULL_LOGICAL_PARTITION: Final = 1014  # sub-status of 403: this key holds 20 GB


class Sink(Protocol):
    """An output, connected."""

    async def deliver(self, delivery: Delivery) -> Sequence[Refused]:
        """Write it whole; return the records that will never be taken.

        Raises:
            OutputError: an outage. Part may be written; all of it is to be delivered again.
        """

    async def close(self) -> None: ...


def connect(output: Output, connection_string: str, run: str) -> Sink:
    """An output's sink; nothing is connected before the first delivery.

    Args:
        output: what to connect.
        connection_string: of its account.
        run: what tells this run of the job from others in the names that it gives.

    Raises:
        DefinitionError: the setting holds no connection string.
    """
    # Of its own: two outputs to the same place would overwrite each other's files and documents.
    own = str(uuid.uuid5(uuid.UUID(run), output.name.lower()))
    try:
        if isinstance(output, CosmosOutput):
            return CosmosSink(output, connection_string, own)
        return LakeSink(output, connection_string, own)
    except (ValueError, KeyError) as error:
        raise DefinitionError(f"{output.setting}: no connection string: {error}") from None


class CosmosSink:
    """Upserts: transactional batches per partition key, those of one key in order."""

    def __init__(self, output: CosmosOutput, connection_string: str, run: str) -> None:
        self._output = output
        self._run = run
        # As UTF-8: escaped, as the SDK writes by itself, 700 KB of Cyrillic are more than the 2 MB of a document.
        self._client = CosmosClient.from_connection_string(
            connection_string, no_response_on_write=True, enable_compact_utf8_item_writes=True, transport=transport()
        )
        self._container = self._client.get_database_client(output.database).get_container_client(output.container)

    async def deliver(self, delivery: Delivery) -> Sequence[Refused]:
        found, refused = documents(self._output, self._run, delivery)
        by_key: dict[str, list[Document]] = {}
        for document in found:
            by_key.setdefault(document.key, []).append(document)
        gate = asyncio.Semaphore(CONCURRENCY)

        async def write(key: str, same_key: Sequence[Document]) -> None:
            async with gate:
                for batch in batches(same_key):
                    refused.extend(await self._write(key, batch))

        try:
            await _all([write(key, same_key) for key, same_key in by_key.items()])
        except Exception as error:  # what the SDK raises of an answer that no store gave, too: a proxy's, say
            output = self._output
            raise OutputError(
                f"output {output.name}, container {output.database}/{output.container}: {reason(error)}"
            ) from error
        return refused

    async def close(self) -> None:
        with contextlib.suppress(Exception):
            await self._client.close()

    async def _write(self, key: str, batch: Sequence[Document]) -> list[Refused]:
        if len(batch) > 1:
            try:
                await self._container.execute_item_batch(
                    [("upsert", (document.content,)) for document in batch], partition_key=key
                )
                return []
            except (CosmosBatchOperationError, CosmosHttpResponseError) as error:
                if error.status_code != 403 and error.status_code not in _REFUSALS:
                    raise
        # One document spoils the transaction: each alone, so that only that one is refused. That shows its sub-status,
        # too, which the SDK does not tell of an operation in a batch.
        refused = []
        for document in batch:
            try:
                await self._container.upsert_item(document.content)
            except CosmosHttpResponseError as error:
                if not _refuses(error):
                    raise
                refused.append(Refused(f"document {document.id}", f"{error.status_code}: {reason(error)}"))
        return refused


class LakeSink:
    """One file per delivery, by one request: it appears whole, and once more is the same."""

    def __init__(self, output: LakeOutput, connection_string: str, run: str) -> None:
        self._output = output
        self._run = run
        # A file system is a container of its account's blob endpoint, where one request writes a file.
        # https://learn.microsoft.com/azure/storage/blobs/data-lake-storage-multi-protocol-access
        self._service = BlobServiceClient.from_connection_string(
            connection_string, transport=transport(), retry_total=0
        )

    async def deliver(self, delivery: Delivery) -> Sequence[Refused]:
        # As Azure names files: a hash of the schema (JSON has none), the run of the job, a number.
        name = f"{self._output.path.folder(delivery.moment)}/0_{self._run}_{delivery.number:012}.json"
        blob = self._service.get_blob_client(self._output.file_system, name)
        try:
            await blob.upload_blob(b"\n".join(delivery.lines) + b"\n", overwrite=True)
        except Exception as error:  # as above
            raise OutputError(
                f"output {self._output.name}, file system {self._output.file_system}: {reason(error)}"
            ) from error
        return []

    async def close(self) -> None:
        with contextlib.suppress(Exception):
            await self._service.close()


def connections(definition_settings: set[str], environment: Mapping[str, str]) -> dict[str, str]:
    """The connection strings of the settings that a job names.

    Raises:
        DefinitionError: one is not set.
    """
    missing = sorted(name for name in definition_settings if not environment.get(name))
    if missing:
        raise DefinitionError(f"not set: {', '.join(missing)}; they hold connection strings (python -m local env)")
    return {name: environment[name] for name in definition_settings}


def transport() -> Any:
    """What the clients of stores send by."""
    # To look for a proxy and a ~/.netrc takes more time than a request: only where a proxy is set.
    return AioHttpTransport(use_env_settings=bool(getproxies_environment()))


def _refuses(error: CosmosHttpResponseError) -> bool:
    """Whether the service refuses the document itself, so that sending it again cannot help."""
    if error.status_code == 403:
        return bool(error.sub_status == _FULL_LOGICAL_PARTITION)
    return error.status_code in _REFUSALS and error.sub_status != _KEY_MISMATCH


async def _all(tasks: Sequence[Any]) -> None:
    """Wait for all of them, then raise what the first raised: nothing goes on behind a delivery that has failed."""
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
