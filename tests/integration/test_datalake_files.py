"""Files through the official SDK: create, append, flush, upload, download, properties."""

from __future__ import annotations

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError
from azure.storage.blob import BlobServiceClient
from azure.storage.filedatalake import FileSystemClient

from tests.integration.datalake_service import DataLake, azurite, data_lake, file_system  # noqa: F401

# ruff: noqa: F811 (fixtures are imported by name)


def test_an_upload_is_read_back_and_listed(file_system: FileSystemClient) -> None:
    client = file_system.get_file_client("kind=place/date=2026-11-22/a.jsonl")
    client.upload_data(b'{"n": 1}\n', overwrite=True, metadata={"sender": "test"})

    assert client.download_file().readall() == b'{"n": 1}\n'
    assert client.get_file_properties().metadata == {"sender": "test"}
    assert [(path.name, path.is_directory, path.content_length) for path in file_system.get_paths()] == [
        ("kind=place", True, 0),
        ("kind=place/date=2026-11-22", True, 0),
        ("kind=place/date=2026-11-22/a.jsonl", False, 9),
    ]


def test_an_upload_replaces_what_was_there(file_system: FileSystemClient) -> None:
    client = file_system.get_file_client("a")
    client.upload_data(b"a longer first version", overwrite=True)
    client.upload_data(b"second", overwrite=True)
    assert client.download_file().readall() == b"second"


def test_the_blob_api_writes_conditionally_on_the_same_port(data_lake: DataLake, file_system: FileSystemClient) -> None:
    with BlobServiceClient.from_connection_string(data_lake.connection_string) as service:
        ledger = service.get_blob_client(file_system.file_system_name, "ledger/0")
        first = ledger.upload_blob(b"1", overwrite=True, match_condition=MatchConditions.IfMissing)
        with pytest.raises(ResourceExistsError):
            ledger.upload_blob(b"again", overwrite=True, match_condition=MatchConditions.IfMissing)

        unmodified = {"overwrite": True, "etag": first["etag"], "match_condition": MatchConditions.IfNotModified}
        ledger.upload_blob(b"2", **unmodified)
        with pytest.raises(ResourceModifiedError):
            ledger.upload_blob(b"3", **unmodified)
        assert ledger.download_blob().readall() == b"2"
