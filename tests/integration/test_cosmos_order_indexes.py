"""ORDER BY takes an index, as in the service: of the property by the container's policy, or a composite one.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/order-by and .../index-policy.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, DatabaseProxy
from azure.cosmos.exceptions import CosmosHttpResponseError

from tests.integration.cosmos_service import CosmosService, client, container, database, rows, service, unique_name

__all__ = ["client", "container", "database", "service"]
ITEM = {"id": "1", "pk": "a", "n": 1, "at": {"city": "Boone", "code": 2}, "list": [{"x": 1}]}


async def made(database: DatabaseProxy, **policy: Any) -> ContainerProxy:
    new = await database.create_container(unique_name(), PartitionKey("/pk"), indexing_policy=policy)
    await new.create_item(ITEM)
    return new


def paths(*written: str) -> list[dict[str, str]]:
    return [{"path": path} for path in written]


@pytest.mark.parametrize(
    ("included", "excluded", "by"),
    [
        (["/*"], [], "c.n"), (["/*"], [], "c.at.city"), (["/*"], [], "c.list[0].x"), (["/*"], ["/n/?"], "c.at.city"),
        (["/n/?"], ["/*"], "c.n"), (["/at/*"], ["/*"], "c.at.city"), (["/at/city/?"], ["/*", "/at/*"], "c['at'].city"),
        (["/list/[]/x/?"], ["/*"], "c.list[0].x"), (["/n/?"], ["/*"], "c.id"), (["/n/?"], ["/*"], "c._ts DESC"),
    ],
)  # fmt: skip
async def test_what_is_indexed_may_be_sorted_by(
    database: DatabaseProxy, included: list[str], excluded: list[str], by: str
) -> None:
    new = await made(database, includedPaths=paths(*included), excludedPaths=paths(*excluded))
    assert await rows(new.query_items(f"SELECT VALUE c.id FROM c ORDER BY {by}")) == ["1"]


@pytest.mark.parametrize(
    ("policy", "by"),
    [
        ({"includedPaths": paths("/*"), "excludedPaths": paths("/n/?")}, "c.n"),
        ({"includedPaths": paths("/*"), "excludedPaths": paths("/at/*")}, "c.at.code"),
        ({"includedPaths": paths("/at/city/?"), "excludedPaths": paths("/*")}, "c.at.code DESC"),
        ({"includedPaths": paths("/at/?"), "excludedPaths": paths("/*")}, "c.at.city"),
        ({"includedPaths": paths("/n/?"), "excludedPaths": paths("/*")}, "c.pk"),
        ({}, "c._etag"),
        ({"indexingMode": "none", "automatic": False}, "c.id"),
    ],
)
async def test_what_is_not_may_not(database: DatabaseProxy, policy: dict[str, Any], by: str) -> None:
    new = await made(database, **policy)
    with pytest.raises(CosmosHttpResponseError, match="order-by item is excluded") as refused:
        await rows(new.query_items(f"SELECT VALUE c.id FROM c ORDER BY {by}"))
    assert refused.value.status_code == 400
    assert await rows(new.query_items("SELECT VALUE c.id FROM c WHERE c.n = 1 AND c.at.code = 2")) == ["1"]


async def test_the_path_to_include_is_written_as_a_policy_takes_it(database: DatabaseProxy) -> None:
    by = 'c["post code"].city'
    new = await made(database, includedPaths=paths("/n/?"), excludedPaths=paths("/*"))
    with pytest.raises(CosmosHttpResponseError, match="Include /") as refused:
        await rows(new.query_items(f"SELECT VALUE c.id FROM c ORDER BY {by}"))
    message = str(refused.value.http_error_message).replace("\\", "")
    (path,) = re.findall(r"Include (/.*?/\?)", message)
    assert path == '/"post code"/city/?'
    mended = await made(database, includedPaths=paths(path), excludedPaths=paths("/*"))
    assert await rows(mended.query_items(f"SELECT VALUE c.id FROM c ORDER BY {by}")) == ["1"]


# The table of .../index-policy#order-by-queries-on-multiple-properties.
COMPOSITES = [
    (["name ASC", "age ASC"], "c.name ASC, c.age asc", True),
    (["name ASC", "age ASC"], "c.age ASC, c.name asc", False),
    (["name ASC", "age ASC"], "c.name DESC, c.age DESC", True),
    (["name ASC", "age ASC"], "c.name ASC, c.age DESC", False),
    (["name ASC", "age ASC", "timestamp ASC"], "c.name ASC, c.age ASC, c.timestamp ASC", True),
    (["name ASC", "age ASC", "timestamp ASC"], "c.name ASC, c.age ASC", False),
    (["name DESC", "age ASC"], "c.name ASC, c.age DESC", True),
]


@pytest.mark.parametrize(("index", "by", "served"), COMPOSITES)
async def test_several_properties_take_a_composite_index(
    database: DatabaseProxy, index: list[str], by: str, served: bool
) -> None:
    parts = [part.split() for part in index]
    composite = [{"path": f"/{name}", "order": "ascending" if way == "ASC" else "descending"} for name, way in parts]
    new = await made(database, compositeIndexes=[composite])
    query = new.query_items(f"SELECT VALUE c.id FROM c ORDER BY {by}")
    if served:
        assert await rows(query) == ["1"]
    else:
        with pytest.raises(CosmosHttpResponseError, match="does not have a corresponding composite index"):
            await rows(query)


@pytest.mark.parametrize("level", ["Session", "Eventual", "ConsistentPrefix"])
async def test_a_client_may_ask_for_less(service: CosmosService, container: ContainerProxy, level: str) -> None:
    """Source: https://learn.microsoft.com/azure/cosmos-db/how-to-manage-consistency."""
    await container.create_item(ITEM)
    async with service.client(consistency_level=level) as asking:
        read = asking.get_database_client("dev").get_container_client(container.id)
        assert (await read.read_item("1", "a"))["n"] == 1
        assert await rows(read.query_items("SELECT VALUE c.n FROM c")) == [1]


@pytest.mark.parametrize("level", ["Strong", "BoundedStaleness", "Sometimes"])
async def test_and_not_for_more(service: CosmosService, container: ContainerProxy, level: str) -> None:
    await container.create_item(ITEM)
    async with service.client(consistency_level=level) as asking:
        read = asking.get_database_client("dev").get_container_client(container.id)
        for ask in (lambda: read.read_item("1", "a"), lambda: rows(read.query_items("SELECT VALUE c.n FROM c"))):
            with pytest.raises(CosmosHttpResponseError, match=f"ConsistencyLevel {level}") as refused:
                await ask()
            assert refused.value.status_code == 400
