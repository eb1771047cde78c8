"""Reads what the lag is made of: partitions from the namespace, checkpoints from the storage account of the host."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from azure.core.exceptions import ResourceNotFoundError

from shared.settings import Connection
from tools import clients
from tools.errors import UsageError
from tools.topology.lag import PartitionEnds, checkpoints

if TYPE_CHECKING:
    from azure.storage.blob import BlobServiceClient

CHECKPOINTS = "azure-webjobs-eventhub"
"""The container of the Functions host's checkpoints:
https://github.com/Azure/azure-sdk-for-net/blob/main/sdk/eventhub/Microsoft.Azure.WebJobs.Extensions.EventHubs"""


@dataclass(frozen=True)
class Hub:
    """A hub, and the consumer groups that are declared for it."""

    name: str
    groups: tuple[str, ...]


def hubs(config: Path) -> list[Hub]:
    """The hubs of a file in the format of Microsoft's emulator, in its order.

    Raises:
        UsageError: there is no such file, or it is not of that format.
    """
    try:
        (namespace,) = json.loads(config.read_text("utf-8"))["UserConfig"]["NamespaceConfig"]
        return [
            Hub(str(hub["Name"]), tuple(str(group["Name"]) for group in hub.get("ConsumerGroups") or ()))
            for hub in namespace["Entities"]
        ]
    except OSError as error:
        raise UsageError(f"{config}: cannot be read: {error.strerror}; --config names another file") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{config}: not the hubs of one namespace in the emulator's format: {error!r}") from None


def host_name(connection: Connection) -> str:
    """The namespace's name as checkpoints have it: its host, with the port when it is not the usual one."""
    if connection.endpoint:
        return connection.endpoint
    return urlsplit(connection.part("Endpoint") or "").netloc


async def partitions(settings: Mapping[str, str], names: Iterable[str]) -> dict[str, dict[str, PartitionEnds]]:
    """What each partition of each hub holds, all of them asked at once: an answer takes the SDK half a second.

    Raises:
        azure.eventhub.exceptions.EventHubError: the namespace is away, refuses, or has no such hub.
    """
    names = list(names)
    return dict(zip(names, await asyncio.gather(*(_partitions(settings, name) for name in names)), strict=True))


async def _partitions(settings: Mapping[str, str], hub: str) -> dict[str, PartitionEnds]:
    # The group is in none of these requests; the SDK wants one to be named.
    async with clients.consumer(settings, hub, "$Default") as consumer:
        ids = await consumer.get_partition_ids()
        found = await asyncio.gather(*(consumer.get_partition_properties(one) for one in ids))
    return {one: PartitionEnds.of(properties) for one, properties in zip(ids, found, strict=True)}


def checkpointed(account: BlobServiceClient, namespace: str) -> dict[str, int]:
    """The sequence numbers that consumers of a namespace have checkpointed, by blob; none where none ever ran."""
    container = account.get_container_client(CHECKPOINTS)
    try:
        listed = container.list_blobs(name_starts_with=f"{namespace.lower()}/", include=["metadata"])
        return checkpoints((blob.name, blob.metadata) for blob in listed)
    except ResourceNotFoundError:
        return {}
