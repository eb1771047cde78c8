"""The official clients, unchanged, on the one port: async Data Lake, Blob, and the Event Hubs checkpoint store."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.eventhub.extensions.checkpointstoreblobaio import BlobCheckpointStore
from azure.storage.blob import BlobBlock, BlobServiceClient
from azure.storage.blob.aio import BlobServiceClient as AsyncBlobServiceClient
from azure.storage.filedatalake import FileSystemClient
from azure.storage.filedatalake.aio import DataLakeServiceClient

from tests.integration.datalake_service import DataLake, azurite, data_lake, file_system  # noqa: F401

# ruff: noqa: F811 (fixtures are imported by name)


async def test_the_async_client_writes_many_files_at_once(data_lake: DataLake) -> None:
    async with DataLakeServiceClient.from_connection_string(data_lake.connection_string) as service:
        file_system = await service.create_file_system(f"test-{uuid.uuid4().hex[:16]}")

        async def write(number: int) -> None:
            client = file_system.get_file_client(f"hour=09/{number:03}.jsonl")
            await client.upload_data(f'{{"n": {number}}}\n'.encode() * 100, overwrite=True)

        await asyncio.gather(*(write(number) for number in range(40)))
        found = [path.name async for path in file_system.get_paths(path="hour=09")]
        assert found == [f"hour=09/{number:03}.jsonl" for number in range(40)]
        download = await file_system.get_file_client("hour=09/007.jsonl").download_file()
        assert await download.readall() == b'{"n": 7}\n' * 100

        moved = await file_system.get_file_client("hour=09/007.jsonl").rename_file(
            f"{file_system.file_system_name}/moved"
        )
        await moved.append_data(b"end", 900, flush=True)
        assert (await moved.get_file_properties()).size == 903
        await file_system.delete_directory("hour=09")
        assert [path.name async for path in file_system.get_paths()] == ["moved"]


async def test_the_checkpoint_store_keeps_checkpoints_and_ownership(data_lake: DataLake) -> None:
    container = f"test-{uuid.uuid4().hex[:16]}"
    async with AsyncBlobServiceClient.from_connection_string(data_lake.connection_string) as service:
        await service.create_container(container)
    hub = ("ns.servicebus.windows.net", "dev", "split")
    async with BlobCheckpointStore.from_connection_string(data_lake.connection_string, container) as store:
        claim = dict(zip(("fully_qualified_namespace", "eventhub_name", "consumer_group"), hub, strict=True))
        (owned,) = await store.claim_ownership([claim | {"partition_id": "0", "owner_id": "one"}])
        assert [found["owner_id"] for found in await store.list_ownership(*hub)] == ["one"]
        stale = dict(owned) | {"owner_id": "two", "etag": '"0x0"'}
        assert await store.claim_ownership([stale]) == []
        await store.update_checkpoint(claim | {"partition_id": "0", "offset": "41", "sequence_number": 7})
        await store.update_checkpoint(claim | {"partition_id": "0", "offset": "42", "sequence_number": 8})
        (checkpoint,) = await store.list_checkpoints(*hub)
        assert (checkpoint["offset"], checkpoint["sequence_number"]) == ("42", 8)


def test_the_blob_api_goes_through_whole(data_lake: DataLake, file_system: FileSystemClient) -> None:
    with BlobServiceClient.from_connection_string(data_lake.connection_string) as service:
        container = service.get_container_client(file_system.file_system_name)
        blob = container.get_blob_client("dir/blob")
        for block in ("a", "b"):
            blob.stage_block(block, block.encode() * 70_000)
        blob.commit_block_list([BlobBlock("a"), BlobBlock("b")], metadata={"MixedCase": "kept", "a_b": "1", "ab": "2"})
        assert blob.download_blob().readall() == b"a" * 70_000 + b"b" * 70_000
        assert blob.get_blob_properties().metadata == {"MixedCase": "kept", "a_b": "1", "ab": "2"}
        snapshot = blob.create_snapshot()["snapshot"]
        lease = blob.acquire_lease(15)
        blob.upload_blob(b"new", overwrite=True, lease=lease)
        lease.break_lease(0)
        assert container.get_blob_client("dir/blob", snapshot=snapshot).download_blob(0, 3).readall() == b"aaa"
        append = container.get_blob_client("append")
        append.create_append_blob()
        append.append_block(b"line\n")
        append.append_block(b"line\n")
        assert append.download_blob().readall() == b"line\n" * 2
        copy = container.get_blob_client("copy")
        copy.start_copy_from_url(append.url)
        assert copy.download_blob().readall() == b"line\n" * 2
        assert sorted(container.list_blob_names()) == ["append", "copy", "dir/blob"]
        with pytest.raises(ResourceExistsError):
            copy.upload_blob(b"")


def test_a_file_looks_to_the_blob_api_like_any_blob(data_lake: DataLake, file_system: FileSystemClient) -> None:
    file_system.get_file_client("d/a").upload_data(b"abc", overwrite=True, metadata={"n": "1"})
    with BlobServiceClient.from_connection_string(data_lake.connection_string) as service:
        container = service.get_container_client(file_system.file_system_name)
        properties = container.get_blob_client("d/a").get_blob_properties()
        assert (properties.size, properties.metadata, properties.tag_count) == (3, {"n": "1"}, None)
        assert [blob.name for blob in container.list_blobs(name_starts_with="d/")] == ["d/a"]


def test_a_batch_of_deletes_through_the_blob_api(data_lake: DataLake, file_system: FileSystemClient) -> None:
    names = [f"b/{number}" for number in range(5)]
    for name in names:
        file_system.get_file_client(name).upload_data(b"x", overwrite=True)
    with BlobServiceClient.from_connection_string(data_lake.connection_string) as service:
        container = service.get_container_client(file_system.file_system_name)
        assert [answer.status_code for answer in container.delete_blobs(*names)] == [202] * 5
    assert list(file_system.get_paths()) == []
