"""Fixtures: the Data Lake endpoint in front of a real Azurite, and a file system of its own for each test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from azure.storage.filedatalake import DataLakeServiceClient, FileSystemClient

import local.datalake
from local.children import Child
from tests.integration.azurite_service import Azurite, azurite

__all__ = ["DataLake", "azurite", "data_lake", "file_system"]


@dataclass(frozen=True)
class DataLake:
    """A running Data Lake endpoint and how to reach it."""

    child: Child
    port: int
    connection_string: str


@pytest.fixture(scope="session")
def data_lake(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataLake]:
    child = Child.start_module(
        "local.datalake", "--port", "0", "--blob-port", str(azurite.blob_port), "--create", "events",
        log=tmp_path_factory.mktemp("datalake") / "datalake.log",
    )  # fmt: skip
    try:
        child.wait_ready()
        yield DataLake(child, child.port, local.datalake.connection_string(child.port))
    finally:
        child.stop()


@pytest.fixture
def file_system(data_lake: DataLake) -> Iterator[FileSystemClient]:
    """A file system that no other test has."""
    with DataLakeServiceClient.from_connection_string(data_lake.connection_string) as service:
        yield service.create_file_system(f"test-{uuid.uuid4().hex[:16]}")
