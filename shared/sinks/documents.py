"""Documents into Cosmos DB: transactional batches of upserts, per partition key, with bounded concurrency.

A request costs the SDK about 1 ms of CPU whatever it carries, so documents that share a key go together; under load an
invocation holds more that do, and throughput grows with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError

# https://learn.microsoft.com/azure/cosmos-db/transactional-batch#limitations
BATCH_OPERATIONS = 100
BATCH_BYTES = 2 * 1024 * 1024 - 64 * 1024  # 2 MB less room for the operations around the documents
CONCURRENCY = 32

# Refusals of the document itself: malformed, a unique key taken, too large. Everything else is an outage, and waits.
REFUSALS = frozenset((400, 409, 413))
KEY_MISMATCH = 1001  # sub-status of 400: the document's key is not where the container's key path says
FULL_LOGICAL_PARTITION = 1014  # sub-status of 403: this key holds 20 GB


class Container(Protocol):
    """What is used of `azure.cosmos.aio.ContainerProxy`."""

    def execute_item_batch(self, batch_operations: Sequence[Any], partition_key: str) -> Awaitable[Any]: ...
    def upsert_item(self, body: dict[str, Any]) -> Awaitable[Any]: ...


@dataclass(frozen=True)
class Refused:
    """A document that Cosmos DB will never take: its place in what was written, and what the service said."""

    number: int
    status: int
    message: str


class Sized(NamedTuple):
    """A document with its place in the invocation and its size in bytes of JSON."""

    number: int
    document: dict[str, Any]
    size: int


async def upsert(container: Container, documents: Iterable[tuple[dict[str, Any], int]]) -> list[Refused]:
    """Upsert documents (each with its size in bytes); those of one key in order.

    Returns:
        The documents that were refused for themselves; all others are stored.

    Raises:
        azure.core.exceptions.AzureError: an outage (429 after the SDK's retries, 503, no connection, no container).
            Part may be stored; writing the same again leaves it as it is.
    """
    gate = asyncio.Semaphore(CONCURRENCY)
    refused: list[Refused] = []

    async def write(key: str, held: list[Sized]) -> None:
        async with gate:
            for batch in batches(held):
                refused.extend(await _write_batch(container, key, batch))

    by_key: dict[str, list[Sized]] = {}
    for number, (document, size) in enumerate(documents):
        by_key.setdefault(document["pk"], []).append(Sized(number, document, size))
    results = await asyncio.gather(*(write(key, held) for key, held in by_key.items()), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return refused


def batches(held: Sequence[Sized]) -> Iterator[list[Sized]]:
    """Cut the documents of one key into transactional batches, in order; of two with one id the later stays."""
    last = {item.document["id"]: item.number for item in held}
    batch: list[Sized] = []
    size = 0
    for item in held:
        if last[item.document["id"]] != item.number:
            continue
        if batch and (len(batch) == BATCH_OPERATIONS or size + item.size > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += item.size
    if batch:
        yield batch


async def _write_batch(container: Container, key: str, batch: list[Sized]) -> list[Refused]:
    if len(batch) == 1:
        return await _write_one(container, batch[0])
    try:
        await container.execute_item_batch([("upsert", (item.document,)) for item in batch], partition_key=key)
        return []
    except (CosmosBatchOperationError, CosmosHttpResponseError) as error:
        if error.status_code not in (403, *REFUSALS):
            raise
    # One document spoiled the transaction: each alone, so that only that one is refused. Whether a 403 means a full
    # partition shows there, too: of an operation in a batch the SDK tells the status, not the sub-status.
    return [refusal for item in batch for refusal in await _write_one(container, item)]


async def _write_one(container: Container, item: Sized) -> list[Refused]:
    try:
        await container.upsert_item(item.document)
        return []
    except CosmosHttpResponseError as error:
        if not refuses(error):
            raise
        return [Refused(item.number, error.status_code or 0, str(error.http_error_message or error))]


def refuses(error: CosmosHttpResponseError) -> bool:
    """Whether the service refuses the document itself, so that sending it again cannot help."""
    if error.status_code == 403:
        return bool(error.sub_status == FULL_LOGICAL_PARTITION)
    # A container created with another key path refuses every document: nothing to dead-letter a stream for.
    return error.status_code in REFUSALS and error.sub_status != KEY_MISMATCH
