"""Renames that are refused, or that somebody writes into: nothing of either place is lost by them."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.filedatalake import DataLakeLeaseClient, FileSystemClient

from local.datalake.azurite import Account, Answer
from local.datalake.azurite import Azurite as AzuriteClient
from local.datalake.paths import Paths
from local.datalake.target import Path
from local.storage_account import ACCOUNT, KEY
from tests.integration.azurite_service import Azurite
from tests.integration.datalake_service import DataLake, azurite, data_lake, file_system  # noqa: F401

# ruff: noqa: F811 (fixtures are imported by name)


ANOTHER_LEASE = "3f0c2d4e-8a51-4b7e-9c60-1d2e3f4a5b6c"


def put(file_system: FileSystemClient, **contents: str) -> None:
    for name, content in contents.items():
        file_system.get_file_client(name.replace("_", "/")).upload_data(content.encode(), overwrite=True)


def contents(file_system: FileSystemClient) -> dict[str, str]:
    return {
        path.name: file_system.get_file_client(path.name).download_file().readall().decode()
        for path in file_system.get_paths()
        if not path.is_directory
    }


@pytest.mark.parametrize(
    ("leased", "given", "code"),
    [
        ("held", None, "LeaseIdMissing"),
        ("held", ANOTHER_LEASE, "LeaseIdMismatchWithBlobOperation"),
        ("breaking", None, "LeaseIdMissing"),
        ("", ANOTHER_LEASE, "LeaseNotPresentWithBlobOperation"),
    ],
)
def test_a_rename_that_a_lease_forbids_leaves_both_files(
    file_system: FileSystemClient, leased: str, given: str | None, code: str
) -> None:
    put(file_system, source="new", target="old")
    source = file_system.get_file_client("source")
    lease = source.acquire_lease() if leased else None
    if lease and leased == "breaking":
        lease.break_lease(lease_break_period=30)
    with pytest.raises(HttpResponseError) as refused:
        source.rename_file(f"{file_system.file_system_name}/target", source_lease=given)
    assert (refused.value.status_code, refused.value.error_code) == (412, code)
    assert contents(file_system) == {"source": "new", "target": "old"}
    if leased == "held":
        assert isinstance(lease, DataLakeLeaseClient)
        source.rename_file(f"{file_system.file_system_name}/target", source_lease=lease)
        assert contents(file_system) == {"target": "new"}


def test_a_directory_with_a_leased_file_stays_where_it_is(file_system: FileSystemClient) -> None:
    put(file_system, d_free="1", d_leased="2")
    directory = file_system.get_directory_client("d")
    lease = file_system.get_file_client("d/leased").acquire_lease()
    with pytest.raises(HttpResponseError) as refused:
        directory.rename_directory(f"{file_system.file_system_name}/e")
    assert (refused.value.status_code, refused.value.error_code) == (412, "LeaseIdMissing")
    assert contents(file_system) == {"d/free": "1", "d/leased": "2"}
    lease.release()
    directory.rename_directory(f"{file_system.file_system_name}/e")
    assert contents(file_system) == {"e/free": "1", "e/leased": "2"}


class Overtaken(AzuriteClient):
    """Somebody writes a blob when it was copied, and just before it is deleted."""

    def __init__(self, azurite: Azurite) -> None:
        super().__init__(f"http://127.0.0.1:{azurite.blob_port}", Account(ACCOUNT, base64.b64decode(KEY)))
        self.overtaken: set[Path] = set()

    async def call(self, method: str, path: Path, *args: Any, **kwargs: Any) -> Answer:
        if method == "DELETE" and path not in self.overtaken:
            self.overtaken.add(path)
            await super().call("PUT", path, headers={"x-ms-blob-type": "BlockBlob"}, body=b"later")
        return await super().call(method, path, *args, **kwargs)


async def test_what_is_written_while_its_directory_moves_moves_too(
    azurite: Azurite, file_system: FileSystemClient
) -> None:
    put(file_system, d_1="earlier", d_2="earlier")
    system = file_system.file_system_name
    async with Overtaken(azurite) as overtaken:
        await Paths(overtaken).rename(Path(system, "d"), Path(system, "e"), {}, "")
    assert len(overtaken.overtaken) == 2
    assert contents(file_system) == {"e/1": "later", "e/2": "later"}
