"""Partition keys: header against body, nested and hierarchical paths, keys of every type, prefixes and feed ranges."""

from __future__ import annotations

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, DatabaseProxy
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError, CosmosResourceNotFoundError
from azure.cosmos.partition_key import NonePartitionKeyValue, NullPartitionKeyValue

from tests.integration.cosmos_service import client, container, database, rows, service, unique_name

__all__ = ["client", "container", "database", "service"]


async def test_a_document_of_another_partition_is_refused(container: ContainerProxy) -> None:
    with pytest.raises(CosmosBatchOperationError) as failed:
        await container.execute_item_batch([("upsert", ({"id": "1", "pk": "b"},))], partition_key="a")
    assert failed.value.status_code == 400
    assert failed.value.operation_responses[0]["subStatusCode"] == 1001
    with pytest.raises(CosmosHttpResponseError) as refused:
        await container.create_item({"id": "1", "pk": {"an": "object"}})
    assert refused.value.status_code == 400


@pytest.mark.parametrize("value", ["a", "", "ü😀\"'/", 1, -1.5, 1e100, True, False])
async def test_keys_of_every_type(container: ContainerProxy, value: object) -> None:
    await container.create_item({"id": "1", "pk": value})
    await container.create_item({"id": "1", "pk": "another"})
    assert (await container.read_item("1", value))["pk"] == value
    assert [item["pk"] async for item in container.query_items("SELECT * FROM c", partition_key=value)] == [value]


async def test_null_absent_and_one_are_keys_of_their_own(container: ContainerProxy) -> None:
    await container.create_item({"id": "null", "pk": None})
    await container.create_item({"id": "absent"})
    await container.create_item({"id": "1", "pk": 1})
    assert (await container.read_item("null", NullPartitionKeyValue))["pk"] is None
    assert (await container.read_item("absent", NonePartitionKeyValue))["id"] == "absent"
    assert (await container.read_item("1", 1.0))["id"] == "1"
    for id_, key in (("1", True), ("1", "1"), ("null", NonePartitionKeyValue), ("absent", NullPartitionKeyValue)):
        with pytest.raises(CosmosResourceNotFoundError):
            await container.read_item(id_, key)


async def test_a_nested_path(database: DatabaseProxy) -> None:
    container = await database.create_container(unique_name(), PartitionKey("/address/post"))
    await container.create_item({"id": "1", "address": {"post": "28801"}})
    await container.create_item({"id": "2", "address": "none"})
    assert (await container.read_item("1", "28801"))["id"] == "1"
    assert (await container.read_item("2", NonePartitionKeyValue))["id"] == "2"
    query = container.query_items("SELECT c.id FROM c WHERE c.address.post = '28801'")
    assert await rows(query) == [{"id": "1"}]


async def test_a_hierarchical_key_is_read_whole_and_by_prefix(database: DatabaseProxy) -> None:
    container = await database.create_container(unique_name(), PartitionKey(["/tenant", "/user", "/session"]))
    for tenant in ("t1", "t2"):
        for user in ("u1", "u2"):
            for session in (1, 2):
                await container.create_item(
                    {"id": f"{tenant}-{user}-{session}", "tenant": tenant, "user": user, "session": session}
                )
    assert (await container.read_item("t1-u2-1", ["t1", "u2", 1]))["user"] == "u2"
    with pytest.raises(CosmosResourceNotFoundError):
        await container.read_item("t1-u2-1", ["t1", "u2", 2])
    query = "SELECT VALUE c.id FROM c"
    assert await rows(container.query_items(query, partition_key=["t1", "u2", 1])) == ["t1-u2-1"]
    assert await rows(container.query_items(query, partition_key=["t1", "u2"])) == ["t1-u2-1", "t1-u2-2"]
    assert len(await rows(container.query_items(query, partition_key=["t2"], max_item_count=1))) == 4
    count = "SELECT VALUE COUNT(1) FROM c"
    assert await rows(container.query_items(count, partition_key=["t1"])) == [4]


async def test_a_feed_range_of_a_key_holds_that_key_alone(container: ContainerProxy) -> None:
    for number in range(20):
        await container.create_item({"id": str(number), "pk": f"key-{number % 5}"})
    everything = [range_ async for range_ in container.read_feed_ranges()]
    assert len(everything) == 1
    assert len(await rows(container.query_items("SELECT * FROM c", feed_range=everything[0]))) == 20
    one = await container.feed_range_from_partition_key("key-3")
    found = await rows(container.query_items("SELECT VALUE c.pk FROM c", feed_range=one))
    assert found == ["key-3"] * 4


async def test_unique_keys_hold_per_partition(database: DatabaseProxy) -> None:
    policy = {"uniqueKeys": [{"paths": ["/email"]}, {"paths": ["/first", "/last"]}]}
    container = await database.create_container(unique_name(), PartitionKey("/pk"), unique_key_policy=policy)
    await container.create_item({"id": "1", "pk": "a", "email": "x", "first": "A", "last": "B"})
    await container.create_item({"id": "1", "pk": "b", "email": "x", "first": "A", "last": "B"})
    with pytest.raises(CosmosHttpResponseError) as refused:
        await container.create_item({"id": "2", "pk": "a", "email": "x", "first": "A", "last": "C"})
    assert refused.value.status_code == 409
    with pytest.raises(CosmosHttpResponseError):
        await container.upsert_item({"id": "2", "pk": "a", "email": "y", "first": "A", "last": "B"})
    # The same document may keep its own, a deleted one gives its up, and a refused write claims nothing.
    await container.upsert_item({"id": "1", "pk": "a", "email": "z", "first": "A", "last": "B"})
    await container.create_item({"id": "2", "pk": "a", "email": "x", "first": "A", "last": "C"})
    await container.delete_item("1", "a")
    await container.create_item({"id": "3", "pk": "a", "email": "z", "first": "A", "last": "B"})
