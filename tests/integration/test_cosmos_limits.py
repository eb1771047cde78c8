"""The documented limits of containers and documents: what is at the limit works, what is beyond it is 400.

Source: https://learn.microsoft.com/azure/cosmos-db/concepts-limits, .../index-policy and .../unique-keys.
"""

from __future__ import annotations

from typing import Any

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, DatabaseProxy
from azure.cosmos.exceptions import CosmosHttpResponseError

from tests.integration.cosmos_service import client, container, database, rows, service, unique_name

__all__ = ["client", "container", "database", "service"]


def keys(count: int, paths: int = 1) -> dict[str, Any]:
    return {"uniqueKeys": [{"paths": [f"/k{key}/p{path}" for path in range(paths)]} for key in range(count)]}


def composite(indexes: int, paths: int) -> dict[str, Any]:
    index = [{"path": f"/p{path}", "order": "ascending"} for path in range(paths)]
    return {"compositeIndexes": [index] * indexes}


def included(count: int) -> dict[str, Any]:
    return {"includedPaths": [{"path": "/*"}, *({"path": f"/p{path}/?"} for path in range(count - 1))]}


@pytest.mark.parametrize(
    "options",
    [
        {"unique_key_policy": keys(10, 16)},
        {"indexing_policy": composite(100, 8)},
        {"indexing_policy": composite(1, 2)},
        {"indexing_policy": included(1500)},
        {"indexing_policy": {"indexingMode": "None", "automatic": False}},
        {"indexing_policy": {"includedPaths": [{"path": "/a/?"}], "excludedPaths": [{"path": "/*"}]}},
    ],
)
async def test_what_a_container_may_have(database: DatabaseProxy, options: dict[str, Any]) -> None:
    made = await database.create_container(unique_name(), PartitionKey("/pk"), **options)
    await made.upsert_item({"id": "1", "pk": "a"})


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"unique_key_policy": keys(11)}, "10 keys"),
        ({"unique_key_policy": keys(1, 17)}, "16 paths"),
        ({"indexing_policy": composite(101, 2)}, "100 composite indexes"),
        ({"indexing_policy": composite(1, 1)}, "2 to 8 paths"),
        ({"indexing_policy": composite(1, 9)}, "2 to 8 paths"),
        ({"indexing_policy": included(1501)}, "1500 paths"),
        ({"indexing_policy": {"indexingMode": "eager"}}, "'eager'"),
        ({"indexing_policy": {"includedPaths": [{"path": "/a/?"}], "excludedPaths": [{"path": "/b/?"}]}}, "mandatory"),
        ({"indexing_policy": {"includedPaths": 5}}, "includedPaths"),
    ],
)
async def test_what_a_container_may_not_have(database: DatabaseProxy, options: dict[str, Any], named: str) -> None:
    with pytest.raises(CosmosHttpResponseError, match=named) as refused:
        await database.create_container(unique_name(), PartitionKey("/pk"), **options)
    assert refused.value.status_code == 400


async def test_an_indexing_policy_reads_back_with_what_it_left_out(database: DatabaseProxy) -> None:
    made = await database.create_container(unique_name(), PartitionKey("/pk"), indexing_policy=composite(1, 2))
    policy = (await made.read())["indexingPolicy"]
    assert (policy["indexingMode"], policy["automatic"], policy["includedPaths"]) == (
        "consistent",
        True,
        [{"path": "/*"}],
    )
    nothing = {"excludedPaths": [{"path": "/*"}]}
    made = await database.create_container(unique_name(), PartitionKey("/pk"), indexing_policy=nothing)
    assert (await made.read())["indexingPolicy"]["includedPaths"] == []


async def test_lazy_indexing_becomes_consistent(database: DatabaseProxy) -> None:
    made = await database.create_container(unique_name(), PartitionKey("/pk"), indexing_policy={"indexingMode": "Lazy"})
    assert (await made.read())["indexingPolicy"]["indexingMode"] == "consistent"


@pytest.mark.parametrize(("version", "most"), [(1, 101), (2, 2048)])
async def test_the_longest_partition_key(database: DatabaseProxy, version: int, most: int) -> None:
    made = await database.create_container(unique_name(), PartitionKey("/pk", version=version))
    await made.create_item({"id": "1", "pk": "x" * most})
    assert (await made.read_item("1", "x" * most))["id"] == "1"
    with pytest.raises(CosmosHttpResponseError, match="partition key is larger") as refused:
        await made.create_item({"id": "1", "pk": "x" * (most + 1)})
    assert refused.value.status_code == 400


async def test_a_time_to_live_of_null_is_none(container: ContainerProxy) -> None:
    """https://learn.microsoft.com/azure/cosmos-db/nosql/time-to-live: "ensure the TTL property isn't present"."""
    with pytest.raises(CosmosHttpResponseError, match="ttl 'None'") as refused:
        await container.create_item({"id": "1", "pk": "a", "ttl": None})
    assert refused.value.status_code == 400
    await container.create_item({"id": "1", "pk": "a", "ttl": 2147483647})


async def test_ten_joins_are_the_most(container: ContainerProxy) -> None:
    await container.create_item({"id": "1", "pk": "a", "tags": [1]})
    joins = " ".join(f"JOIN t{n} IN c.tags" for n in range(10))
    assert await rows(container.query_items(f"SELECT VALUE t9 FROM c {joins}")) == [1]
    with pytest.raises(CosmosHttpResponseError, match="10 JOINs"):
        await rows(container.query_items(f"SELECT VALUE t9 FROM c {joins} WHERE EXISTS(SELECT 1 FROM c JOIN c.tags x)"))


async def test_4096_places_are_the_most_of_a_ring(container: ContainerProxy) -> None:
    for places, valid in ((4096, True), (4097, False)):
        around = [[n / 100, 0.0] for n in range(places - 2)]
        ring = [*around, [0.0, 1.0], [0.0, 0.0]]
        asked = [{"name": "@p", "value": {"type": "Polygon", "coordinates": [ring]}}]
        assert await rows(container.query_items("SELECT VALUE ST_ISVALID(@p)", parameters=asked)) == [valid]
