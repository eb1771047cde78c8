"""Databases and containers through the SDK: made, listed, changed, dropped, and made again."""

from __future__ import annotations

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, CosmosClient, DatabaseProxy
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceExistsError, CosmosResourceNotFoundError

from tests.integration.cosmos_service import CosmosService, client, container, database, rows, service, unique_name

__all__ = ["client", "container", "database", "service"]


async def test_what_the_command_line_asked_for_is_there(client: CosmosClient) -> None:
    events = client.get_database_client("dev").get_container_client("events")
    properties = await events.read()
    assert properties["partitionKey"] == {"paths": ["/pk"], "kind": "Hash", "version": 2}
    assert properties["defaultTtl"] == -1


async def test_a_database_lives_and_dies(client: CosmosClient) -> None:
    name = unique_name()
    made = await client.create_database(name)
    assert (await made.read())["id"] == name
    assert name in [found["id"] async for found in client.list_databases()]
    with pytest.raises(CosmosResourceExistsError):
        await client.create_database(name)
    inside = await made.create_container("things", PartitionKey("/pk"))
    await inside.create_item({"id": "1", "pk": "a"})
    await client.delete_database(name)
    with pytest.raises(CosmosResourceNotFoundError):
        await made.read()
    with pytest.raises(CosmosHttpResponseError) as gone:
        await inside.read_item("1", "a")
    assert gone.value.status_code == 404


async def test_containers_are_listed_and_unique(database: DatabaseProxy) -> None:
    name = unique_name()
    await database.create_container(name, PartitionKey("/pk"))
    assert name in [found["id"] async for found in database.list_containers()]
    with pytest.raises(CosmosResourceExistsError):
        await database.create_container(name, PartitionKey("/pk"))
    again = await database.create_container_if_not_exists(name, PartitionKey("/pk"))
    assert (await again.read())["id"] == name


async def test_a_container_made_again_is_empty_and_a_client_that_knew_the_old_one_notices(
    database: DatabaseProxy, service: CosmosService
) -> None:
    name = unique_name()
    first = await database.create_container(name, PartitionKey("/pk"))
    await first.create_item({"id": "1", "pk": "a"})
    async with service.client() as other:
        elsewhere = other.get_database_client("dev")
        await elsewhere.delete_container(name)
        await elsewhere.create_container(name, PartitionKey("/other"))
    await first.create_item({"id": "1", "other": "b"})
    assert [(item["id"], item["other"]) for item in await rows(first.query_items("SELECT * FROM c"))] == [("1", "b")]


async def test_replacing_a_container_keeps_its_documents(database: DatabaseProxy, container: ContainerProxy) -> None:
    await container.create_item({"id": "1", "pk": "a"})
    await database.replace_container(container, PartitionKey("/pk", version=1), default_ttl=3600)
    assert (await container.read())["partitionKey"]["version"] == 2, "by which its documents are hashed"
    assert (await container.read())["defaultTtl"] == 3600
    assert (await container.read_item("1", "a"))["id"] == "1"
    with pytest.raises(CosmosHttpResponseError) as refused:
        await database.replace_container(container, PartitionKey("/another"))
    assert refused.value.status_code == 400


@pytest.mark.parametrize("name", ["a/b", "a?b", "a#b", "x" * 256, ""])
async def test_names_that_are_not_names(client: CosmosClient, name: str) -> None:
    with pytest.raises((CosmosHttpResponseError, ValueError)) as refused:
        await client.create_database(name)
    assert getattr(refused.value, "status_code", 400) == 400


async def test_what_is_missing_in_between_is_404(client: CosmosClient) -> None:
    for owner, name in (("no", "events"), ("dev", "no")):
        with pytest.raises(CosmosHttpResponseError) as gone:
            await client.get_database_client(owner).get_container_client(name).read_item("1", "a")
        assert gone.value.status_code == 404


async def test_databases_and_containers_are_queried(client: CosmosClient) -> None:
    database = await client.create_database(unique_name())
    for name in ("orders", "customers", "events"):
        await database.create_container(name, PartitionKey("/pk"))
    by_name = {"query": "SELECT * FROM root r WHERE r.id = @id", "parameters": [{"name": "@id", "value": database.id}]}
    (found,) = await rows(client.query_databases(**by_name))
    assert found == await database.read()
    containers = await rows(database.query_containers("SELECT * FROM c WHERE c.id > 'd' ORDER BY c.id DESC"))
    assert [found["id"] for found in containers] == ["orders", "events"]
    assert containers[1]["partitionKey"]["paths"] == ["/pk"]
    assert await rows(database.query_containers("SELECT VALUE COUNT(1) FROM c")) == [3]
    with pytest.raises(CosmosHttpResponseError) as refused:
        await rows(database.query_containers("SELECT FROM c"))
    assert refused.value.status_code == 400
    await client.delete_database(database.id)


async def test_containers_have_no_throughput(database: DatabaseProxy) -> None:
    with pytest.raises(CosmosHttpResponseError) as serverless:
        await database.get_container_client("events").get_throughput()
    assert serverless.value.status_code == 400


async def test_a_client_works_by_either_loopback_name(service: CosmosService) -> None:
    for host in ("localhost", "127.0.0.1"):
        text = service.connection_string.replace("localhost", host)
        async with CosmosClient.from_connection_string(text) as named:
            events = named.get_database_client("dev").get_container_client("events")
            await events.upsert_item({"id": host, "pk": "host"})
            assert (await events.read_item(host, "host"))["id"] == host
