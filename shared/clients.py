"""The SDK clients of the process: opened at first use, from the settings, and kept until it ends.

A client is bound to the event loop that opened it; the Functions worker has one loop for its whole life.
"""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.request import getproxies_environment

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.pipeline.transport import AioHttpTransport
from azure.cosmos.aio import ContainerProxy, CosmosClient
from azure.eventhub.aio import EventHubProducerClient
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from shared import settings
from shared.settings import Connection, SettingsError

DATABASE = "dev"
CONTAINER = "events"


def producer(hub: str) -> EventHubProducerClient:
    """A producer of one hub.

    Raises:
        SettingsError: the Event Hubs connection is not set.
    """
    connection = settings.event_hubs()
    if connection.connection_string:
        return EventHubProducerClient.from_connection_string(connection.connection_string, eventhub_name=hub)
    return EventHubProducerClient(
        fully_qualified_namespace=_endpoint(connection), eventhub_name=hub, credential=_identity(connection.client_id)
    )


@cache
def documents() -> ContainerProxy:
    """The Cosmos DB container of the documents. Writes return no body: an upsert needs none back.

    Raises:
        SettingsError: the Cosmos connection is not set, or names no account.
    """
    connection = settings.cosmos()
    options: dict[str, Any] = {
        "no_response_on_write": True,
        # Without it the SDK escapes all but ASCII: a document of 700 KB of Cyrillic would be refused for its 2.1 MB.
        "enable_compact_utf8_item_writes": True,
        "transport": _transport(),
    }
    if connection.connection_string:
        endpoint, key = connection.part("AccountEndpoint"), connection.part("AccountKey")
        if not endpoint or not key:
            raise SettingsError("Cosmos: a connection string reads AccountEndpoint=https://...;AccountKey=...;")
        client = CosmosClient(endpoint, credential=key, **options)
    else:
        client = CosmosClient(_endpoint(connection), credential=_identity(connection.client_id), **options)
    return client.get_database_client(DATABASE).get_container_client(CONTAINER)


@cache
def blob_container(name: str) -> ContainerClient:
    """A file system of the Data Lake, as blobs: a Put Blob replaces a small file in one atomic, conditional request.

    Raises:
        SettingsError: the DataLake connection is not set.
    """
    connection = settings.data_lake()
    if connection.connection_string:
        service = BlobServiceClient.from_connection_string(connection.connection_string, transport=_transport())
    else:
        endpoint = _endpoint(connection).replace(".dfs.", ".blob.", 1)
        service = BlobServiceClient(endpoint, credential=_identity(connection.client_id), transport=_transport())
    return service.get_container_client(name)


@cache
def _transport() -> AioHttpTransport:
    # One pool of connections for every service. Looking for a proxy and a ~/.netrc cost each request 440 of its 740 us
    # of CPU (measured on upserts), so that is done only where a proxy is set.
    return AioHttpTransport(use_env_settings=bool(getproxies_environment()))


@cache
def _identity(client_id: str | None) -> AsyncTokenCredential:
    # Imported where it is needed: with connection strings it costs start-up time for nothing.
    from azure.identity.aio import DefaultAzureCredential

    return DefaultAzureCredential(managed_identity_client_id=client_id)


def _endpoint(connection: Connection) -> str:
    assert connection.endpoint is not None, "settings give a connection string or an endpoint"
    return connection.endpoint
