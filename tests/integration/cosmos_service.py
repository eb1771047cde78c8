"""The local Cosmos DB as the tests use it: a service of their own, SDK clients, and requests that no SDK would send."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, CosmosClient, DatabaseProxy

from local.children import Child
from local.cosmos import connection_string
from tests.waiting import PATIENCE


class CosmosService:
    """A service over one data directory, which outlives a stop or a crash."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = directory
        self._options = options
        self.child = self._start()

    @property
    def port(self) -> int:
        return self.child.port

    @property
    def connection_string(self) -> str:
        return connection_string(self.port)

    def client(self, **options: Any) -> CosmosClient:
        return CosmosClient.from_connection_string(self.connection_string, **options)

    def stop(self) -> int:
        return self.child.stop(PATIENCE)

    def restart(self) -> None:
        self.child.stop()
        self.child = self._start()

    def restart_after_kill(self) -> None:
        self.child.kill()
        self.child = self._start()

    def _start(self) -> Child:
        child = Child.start_module(
            "local.cosmos", "--port", "0", "--data-dir", str(self.directory / "data"),
            "--create", "dev/events:/pk:-1", *self._options, log=self.directory / "cosmos.log",
        )  # fmt: skip
        child.wait_ready()
        return child


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CosmosService]:
    """One service for a module's tests: they keep apart by container. Its log must stay empty: no traceback, ever."""
    running = CosmosService(tmp_path_factory.mktemp("cosmos"))
    yield running
    assert running.stop() == 0
    assert (running.directory / "cosmos.log").read_text() == ""


@pytest.fixture
async def client(service: CosmosService) -> AsyncIterator[CosmosClient]:
    async with service.client() as opened:
        yield opened


@pytest.fixture
async def database(client: CosmosClient) -> DatabaseProxy:
    """The database that the service was started with."""
    return client.get_database_client("dev")


@pytest.fixture
async def container(database: DatabaseProxy) -> ContainerProxy:
    """A new container, by /pk, with time to live on and no default."""
    return await database.create_container(unique_name(), PartitionKey("/pk"), default_ttl=-1)


def unique_name() -> str:
    return f"c-{uuid.uuid4().hex[:12]}"


async def rows(pages: Any) -> list[Any]:
    """All rows of a query or a feed."""
    return [row async for row in pages]
