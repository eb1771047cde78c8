"""Fixtures: the Data Lake endpoint in front of a real Azurite, and a file system of its own for each test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from azure.storage.filedatalake import DataLakeServiceClient, FileSystemClient

import local.datalake
from local.children import Child
from tests.integration.azurite_service import Azurite, azurite
from tests.integration.shared_services import once

__all__ = ["DataLake", "azurite", "data_lake", "file_system"]


@dataclass(frozen=True)
class DataLake:
    """A running Data Lake endpoint and how to reach it."""

    child: Child
    port: int
    connection_string: str


@contextmanager
def running_data_lake(azurite: Azurite, directory: Path) -> Iterator[DataLake]:
    """An endpoint in front of `azurite`, while the context lasts."""
    child = Child.start_module(
        "local.datalake", "--port", "0", "--blob-port", str(azurite.blob_port), "--create", "events",
        log=directory / "datalake.log",
    )  # fmt: skip
    try:
        child.wait_ready()
        yield DataLake(child, child.port, local.datalake.connection_string(child.port))
    finally:
        child.stop()


@pytest.fixture(scope="session")
def data_lake(pytestconfig: pytest.Config, azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> DataLake:
    return once(pytestconfig, DataLake, lambda: running_data_lake(azurite, tmp_path_factory.mktemp("datalake")))


@pytest.fixture
def file_system(data_lake: DataLake) -> Iterator[FileSystemClient]:
    """A file system that no other test has."""
    with DataLakeServiceClient.from_connection_string(data_lake.connection_string) as service:
        yield service.create_file_system(f"test-{uuid.uuid4().hex[:16]}")
