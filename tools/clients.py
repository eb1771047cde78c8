"""SDK clients from settings: by connection string, or by the identity that DefaultAzureCredential finds.

Each SDK is imported where its client is made: all of them take 0.6 s, and a command needs one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from shared.settings import Connection, SettingsError
from shared.settings import cosmos as cosmos_connection
from shared.settings import data_lake as data_lake_connection
from tools import environment

if TYPE_CHECKING:
    from azure.cosmos import ContainerProxy
    from azure.eventhub import EventHubProducerClient
    from azure.eventhub.aio import EventHubConsumerClient
    from azure.identity import DefaultAzureCredential
    from azure.storage.blob import BlobServiceClient
    from azure.storage.filedatalake import FileSystemClient

# The SDKs' defaults make a command wait 12 s (Event Hubs) and 80 s (storage) to say that nothing answers; with these
# it is 3 s. A request that is throttled waits as long as the service asks, in either case.
_EVENT_HUBS_RETRY = {"retry_total": 3, "retry_backoff_factor": 0.2}
_STORAGE_RETRIES, _STORAGE_WAIT_SECONDS = 3, 1
_DOWNLOAD_BYTES = 4 * 1024 * 1024

Client = TypeVar("Client")


def producer(settings: Mapping[str, str], hub: str, **options: Any) -> EventHubProducerClient:
    """A producer of `hub`; `options` are the SDK's own."""
    from azure.eventhub import EventHubProducerClient

    options = {**_EVENT_HUBS_RETRY, **options}
    connection = environment.event_hubs(settings)
    return _connect(
        connection,
        lambda text: EventHubProducerClient.from_connection_string(text, eventhub_name=hub, **options),
        lambda host: EventHubProducerClient(host, hub, credential(connection), **options),
    )


def consumer(settings: Mapping[str, str], hub: str, consumer_group: str, **options: Any) -> EventHubConsumerClient:
    """An asynchronous consumer of `hub`: the synchronous one adds 0.2 s to every event. `options` are the SDK's own."""
    from azure.eventhub.aio import EventHubConsumerClient

    options = {**_EVENT_HUBS_RETRY, **options}
    connection = environment.event_hubs(settings)

    def with_identity(host: str) -> EventHubConsumerClient:
        from azure.identity.aio import DefaultAzureCredential

        identity = DefaultAzureCredential(managed_identity_client_id=connection.client_id)
        return EventHubConsumerClient(host, hub, consumer_group, identity, **options)

    return _connect(
        connection,
        lambda text: EventHubConsumerClient.from_connection_string(text, consumer_group, eventhub_name=hub, **options),
        with_identity,
    )


def container(settings: Mapping[str, str], database: str, name: str) -> ContainerProxy:
    """A container of the Cosmos DB account; asks the account at once where its regions are."""
    from azure.cosmos import CosmosClient

    connection = cosmos_connection(settings)
    account = _connect(
        connection,
        CosmosClient.from_connection_string,
        lambda address: CosmosClient(address, credential(connection)),
    )
    return account.get_database_client(database).get_container_client(name)


def file_system(settings: Mapping[str, str], name: str) -> FileSystemClient:
    """A file system of the Data Lake account."""
    from azure.storage.filedatalake import DataLakeServiceClient, LinearRetry

    connection = data_lake_connection(settings)
    retry = LinearRetry(backoff=_STORAGE_WAIT_SECONDS, retry_total=_STORAGE_RETRIES, random_jitter_range=0)
    account = _connect(
        connection,
        lambda text: DataLakeServiceClient.from_connection_string(text, retry_policy=retry),
        lambda address: DataLakeServiceClient(address, credential(connection), retry_policy=retry),
    )
    return account.get_file_system_client(name)


def blobs(settings: Mapping[str, str], account_url: str | None = None) -> BlobServiceClient:
    """The storage account of the settings; or the one at `account_url`, with an identity."""
    from azure.storage.blob import BlobServiceClient, LinearRetry

    if account_url is None:
        connection = environment.storage(settings)
    else:
        connection = Connection("--account-url", None, account_url, settings.get("AZURE_CLIENT_ID") or None)
    options: dict[str, Any] = {
        "retry_policy": LinearRetry(backoff=_STORAGE_WAIT_SECONDS, retry_total=_STORAGE_RETRIES, random_jitter_range=0),
        # A download's first request would ask for 32 MB.
        "max_single_get_size": _DOWNLOAD_BYTES,
        "max_chunk_get_size": _DOWNLOAD_BYTES,
    }
    return _connect(
        connection,
        lambda text: BlobServiceClient.from_connection_string(text, **options),
        lambda address: BlobServiceClient(address, credential(connection), **options),
    )


def _connect(
    connection: Connection, by_string: Callable[[str], Client], by_identity: Callable[[str], Client]
) -> Client:
    try:
        if connection.connection_string:
            return by_string(connection.connection_string)
        assert connection.endpoint is not None, "a connection has a connection string or an endpoint"
        return by_identity(connection.endpoint)
    except (ValueError, KeyError) as error:
        raise SettingsError(f"{connection.name}: this cannot be connected to: {error}") from error


def credential(connection: Connection) -> DefaultAzureCredential:
    """The identity that a connection without a connection string is made with."""
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential(managed_identity_client_id=connection.client_id)
