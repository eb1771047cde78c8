"""Where checkpoints and ownership live: blobs of the host's storage account, in the layout of the real one.

`{fully qualified namespace}/{hub}/{consumer group}/checkpoint|ownership/{partition}` in container
`azure-webjobs-eventhub`, so Azure's host, this one and any azure-eventhub processor go on from each other's.
"""

from __future__ import annotations

import contextlib

from azure.core.exceptions import ResourceExistsError
from azure.eventhub.extensions.checkpointstoreblobaio import BlobCheckpointStore
from azure.storage.blob.aio import ContainerClient

from local.functions.credentials import credential
from local.functions.event_data import Event, Partition
from local.functions.settings import Connection

CONTAINER = "azure-webjobs-eventhub"


async def open_store(connection: Connection) -> BlobCheckpointStore:
    """The store on an account, with its container created. Close it with `await store.close()`."""
    if connection.connection_string:
        container = ContainerClient.from_connection_string(connection.connection_string, CONTAINER)
        store = BlobCheckpointStore.from_connection_string(connection.connection_string, CONTAINER)
    else:
        identity = credential(connection.client_id)
        endpoint = str(connection.endpoint)
        container = ContainerClient(endpoint, CONTAINER, credential=identity)
        store = BlobCheckpointStore(endpoint, CONTAINER, credential=identity)
    async with container:
        with contextlib.suppress(ResourceExistsError):
            await container.create_container()
    return store


class PartitionCheckpoint:
    """Counts the batches of one partition and writes the checkpoint of every n-th."""

    def __init__(self, store: BlobCheckpointStore, partition: Partition, frequency: int) -> None:
        self._store, self._partition, self._frequency = store, partition, frequency
        self._batches = 0

    @property
    def due(self) -> bool:
        """Whether the batch at hand will be checkpointed when it ends."""
        return self._batches + 1 >= self._frequency

    async def batch_ended(self, last: Event) -> None:
        """Count a batch, and write `last` when it is the batch's turn."""
        self._batches += 1
        if self._batches < self._frequency:
            return
        await self._store.update_checkpoint({
            "fully_qualified_namespace": self._partition.namespace,
            "eventhub_name": self._partition.hub,
            "consumer_group": self._partition.consumer_group,
            "partition_id": self._partition.id,
            "offset": last.offset,
            "sequence_number": last.sequence_number,
        })  # fmt: skip
        self._batches = 0
