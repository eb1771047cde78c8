"""Time to live: a container's default, a document's own, expiry on every way to read, and the sweep."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, DatabaseProxy
from azure.cosmos.exceptions import CosmosHttpResponseError

from tests.integration.cosmos_service import CosmosService, client, container, database, rows, service, unique_name
from tests.waiting import until

__all__ = ["client", "container", "database", "service"]


async def ids(container: ContainerProxy) -> list[str]:
    return sorted(await rows(container.query_items("SELECT VALUE c.id FROM c")))


async def test_a_documents_own_ttl_where_the_default_is_for_ever(container: ContainerProxy) -> None:
    await container.create_item({"id": "short", "pk": "a", "ttl": 1})
    await container.create_item({"id": "kept", "pk": "a"})
    await container.create_item({"id": "long", "pk": "a", "ttl": 3600})
    await until(lambda: _equals(ids(container), ["kept", "long"]), "what expired is gone")
    with pytest.raises(CosmosHttpResponseError) as gone:
        await container.read_item("short", "a")
    assert gone.value.status_code == 404
    # Its id is free again.
    assert (await container.create_item({"id": "short", "pk": "a"}))["id"] == "short"


async def test_the_containers_default_and_documents_that_override_it(database: DatabaseProxy) -> None:
    container = await database.create_container(unique_name(), PartitionKey("/pk"), default_ttl=1)
    await container.create_item({"id": "default", "pk": "a"})
    await container.create_item({"id": "for ever", "pk": "a", "ttl": -1})
    await container.create_item({"id": "long", "pk": "a", "ttl": 3600})
    await until(lambda: _equals(ids(container), ["for ever", "long"]), "what expired is gone")


async def test_without_a_default_nothing_expires(database: DatabaseProxy, service: CosmosService) -> None:
    off = await database.create_container(unique_name(), PartitionKey("/pk"))
    on = await database.create_container(unique_name(), PartitionKey("/pk"), default_ttl=-1)
    for either in (off, on):
        await either.create_item({"id": "1", "pk": "a", "ttl": 1})
    await until(lambda: _equals(ids(on), []), "what expired is gone")
    assert await ids(off) == ["1"]


async def test_a_changed_default_counts_for_what_is_stored(database: DatabaseProxy) -> None:
    container = await database.create_container(unique_name(), PartitionKey("/pk"))
    await container.create_item({"id": "1", "pk": "a"})
    await container.create_item({"id": "2", "pk": "a", "ttl": 3600})
    await database.replace_container(container, PartitionKey("/pk"), default_ttl=1)
    await until(lambda: _equals(ids(container), ["2"]), "what expired is gone")
    assert (await container.read())["defaultTtl"] == 1


async def test_the_sweep_frees_what_expired(container: ContainerProxy, service: CosmosService) -> None:
    await container.create_item({"id": "1", "pk": "a", "ttl": 1, "text": "find me in the file"})

    async def swept() -> bool:
        with sqlite3.connect(service.directory / "data" / "cosmos.sqlite") as file:
            tables = [
                row[0] for row in file.execute("SELECT name FROM sqlite_master WHERE name GLOB 'documents_*[0-9]'")
            ]
            return not any(
                file.execute(f"SELECT 1 FROM {table} WHERE instr(body, 'find me in the file')").fetchone()
                for table in tables
            )

    assert not await swept()
    await until(swept, "its bytes are gone from the file")


async def test_a_ttl_that_is_not_one_is_400(container: ContainerProxy) -> None:
    for ttl in (0, -2, 1.5, "60", 2**31):
        with pytest.raises(CosmosHttpResponseError) as refused:
            await container.create_item({"id": "1", "pk": "a", "ttl": ttl})
        assert refused.value.status_code == 400


async def _equals(found: Awaitable[list[str]], expected: list[str]) -> bool:
    return await found == expected
