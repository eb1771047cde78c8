"""Where checkpoints and ownership live: blobs of the host's storage account, in the layout of the real one.

`{fully qualified namespace}/{hub}/{consumer group}/checkpoint|ownership/{partition}` in container
`azure-webjobs-eventhub`, so Azure's host, this one and any azure-eventhub processor go on from each other's.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any
from urllib.request import getproxies_environment

from azure.core.exceptions import AzureError, ResourceExistsError
from azure.core.pipeline.transport import AioHttpTransport
from azure.eventhub.aio import CheckpointStore
from azure.eventhub.extensions.checkpointstoreblobaio import BlobCheckpointStore
from azure.storage.blob.aio import ContainerClient

from local.functions.credentials import credential
from local.functions.errors import SettingsError
from local.functions.event_data import Event, Partition
from local.functions.logs import host_logger
from local.functions.settings import Connection

CONTAINER = "azure-webjobs-eventhub"

_ONE_RETRY: dict[str, Any] = {"retry_total": 1, "connection_timeout": 5, "initial_backoff": 1}
"""To create the container, at the start: a wrong address should not take half a minute to be one."""

SPACING = 1.0
"""Seconds between two checkpoints of one partition, at least. One costs 0.6 ms of CPU here and 1.1 ms in Azurite: half
a second apart, those of 28 partitions took a tenth of a core."""


async def open_store(connection: Connection) -> BlobCheckpointStore:
    """The store on an account, with its container created. Close it with `await store.close()`.

    Raises:
        SettingsError: the account cannot be reached or refuses the key.
    """
    if connection.connection_string:
        container = ContainerClient.from_connection_string(connection.connection_string, CONTAINER, **_ONE_RETRY)
        store = BlobCheckpointStore.from_connection_string(connection.connection_string, CONTAINER, **_direct())
    else:
        identity = credential(connection.client_id)
        endpoint = str(connection.endpoint)
        container = ContainerClient(endpoint, CONTAINER, credential=identity, **_ONE_RETRY)
        store = BlobCheckpointStore(endpoint, CONTAINER, credential=identity, **_direct())
    async with container:
        try:
            await container.create_container()
        except ResourceExistsError:
            pass
        except AzureError as error:
            await store.close()
            raise SettingsError(
                f"{connection.name}: {container.url} does not answer as a storage account "
                f"({str(error).splitlines()[0]}); is Azurite running there?"
            ) from error
    return store


def _direct() -> dict[str, Any]:
    # Looking for a proxy and a ~/.netrc is most of what a request costs, and checkpoints are many.
    return {"transport": AioHttpTransport(use_env_settings=bool(getproxies_environment()))}


class PartitionCheckpoint:
    """Counts the batches of one partition and writes the checkpoint of every n-th, behind the next batch's back.

    The real host waits for each write. On a laptop, where Azurite shares two cores with everything else, that wait was
    most of a hop (20 ms) and most of its CPU (2 ms a batch), so here one write runs at a time, `SPACING` apart, and
    the newest position wins. A crash repeats at most that much more.
    """

    def __init__(self, store: CheckpointStore, partition: Partition, frequency: int) -> None:
        self._store, self._partition, self._frequency = store, partition, frequency
        self._batches = 0
        self._pending: Event | None = None
        self._closing = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    @property
    def due(self) -> bool:
        """Whether the batch at hand will be checkpointed when it ends."""
        return self._batches + 1 >= self._frequency

    def batch_ended(self, last: Event) -> None:
        """Count a batch; when it is the batch's turn, have `last` written."""
        self._batches += 1
        if self._batches < self._frequency:
            return
        self._batches = 0
        self._pending = last
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())

    async def flush(self) -> None:
        """Write what is pending, now."""
        self._closing.set()
        if self._writer is not None:
            await self._writer

    def drop(self) -> None:
        """Write no more: the partition has another owner, whose position would be put back."""
        self._pending = None
        self._closing.set()

    async def _write(self) -> None:
        while (event := self._pending) is not None:
            self._pending = None
            try:
                await self._store.update_checkpoint({
                    "fully_qualified_namespace": self._partition.namespace,
                    "eventhub_name": self._partition.hub,
                    "consumer_group": self._partition.consumer_group,
                    "partition_id": self._partition.id,
                    "offset": event.offset,
                    "sequence_number": event.sequence_number,
                })  # fmt: skip
            except Exception as error:
                host_logger("Checkpoints").warning(
                    "hub %s, partition %s: the checkpoint at sequence number %d was not written: %s: %s",
                    self._partition.hub, self._partition.id, event.sequence_number, type(error).__name__, error,
                )  # fmt: skip
                if self._closing.is_set():
                    return
                self._pending = self._pending or event
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SPACING):
                    await self._closing.wait()
