"""Blobs that appear whole: blocks first, then all of them at once, and never over another blob."""

from __future__ import annotations

import base64
import contextlib
from types import TracebackType
from typing import Any, Self

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobBlock, ContentSettings
from azure.storage.blob.aio import BlobServiceClient

from local.eventhubs.errors import ConfigError, EventHubsError

# The SDK gives up at once: it is the recorder that tries again, for as long as it takes.
_OPTIONS: dict[str, Any] = {"retry_total": 0, "connection_timeout": 5, "read_timeout": 60}
_CONTENT = ContentSettings(content_type="application/octet-stream")


class StorageUnavailable(EventHubsError):
    """A request to the account failed, or what it did is not known."""


class NameTaken(EventHubsError):
    """There is a blob of this name, and it is not the one that was to be written."""


class Storage:
    """The account that files go to."""

    def __init__(self, connection_string: str) -> None:
        """Nothing is connected yet.

        Raises:
            ConfigError: the connection string is none.
        """
        try:
            self._service = BlobServiceClient.from_connection_string(connection_string, **_OPTIONS)
        except ValueError as error:
            raise ConfigError(f"the storage that captured files go to: {error}") from None

    async def __aenter__(self) -> Self:
        await self._service.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._service.close()

    def blob(self, container: str, name: str) -> Upload:
        """A blob to be written."""
        return Upload(self._service, container, name)


class Upload:
    """One blob on its way."""

    def __init__(self, service: BlobServiceClient, container: str, name: str) -> None:
        self._service = service
        self._container = container
        self._blob = service.get_blob_client(container, name)
        self._blocks: list[BlobBlock] = []

    async def stage(self, data: bytes) -> None:
        """Send one block; nothing is to be seen of it before `commit`. The container is made when it is missing.

        Raises:
            StorageUnavailable: the account did not take it.
        """
        block = BlobBlock(base64.b64encode(b"%08d" % len(self._blocks)).decode())
        try:
            try:
                await self._blob.stage_block(block.id, data, length=len(data))
            except ResourceNotFoundError:
                await self._make_container()
                await self._blob.stage_block(block.id, data, length=len(data))
        except (TimeoutError, AzureError) as error:
            raise StorageUnavailable(_reason(error)) from error
        self._blocks.append(block)

    async def commit(self, metadata: dict[str, str]) -> None:
        """Let the blob be seen, with `metadata`; it is done when a blob with the same name and metadata is there.

        Raises:
            NameTaken: a blob has this name and other metadata: it stays as it is.
            StorageUnavailable: the account did not answer, or refused.
        """
        try:
            await self._blob.commit_block_list(
                self._blocks, _CONTENT, metadata, match_condition=MatchConditions.IfMissing
            )
        except ResourceExistsError:
            await self._compare(metadata)
        except (TimeoutError, AzureError) as error:
            raise StorageUnavailable(_reason(error)) from error

    async def _compare(self, metadata: dict[str, str]) -> None:
        try:
            found = await self._blob.get_blob_properties()
        except (TimeoutError, AzureError) as error:
            raise StorageUnavailable(_reason(error)) from error
        if found.metadata != metadata:
            raise NameTaken(f"{self._container}/{self._blob.blob_name}")

    async def _make_container(self) -> None:
        with contextlib.suppress(ResourceExistsError):  # another partition's file was first
            await self._service.create_container(self._container)


def _reason(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
