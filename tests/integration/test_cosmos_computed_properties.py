"""Computed properties through the SDK: defined with a container, changed, refused, sorted by only with an index.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/computed-properties. What they compute is in
tests/unit/test_sql_computed.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.aio import DatabaseProxy
from azure.cosmos.exceptions import CosmosAccessConditionFailedError, CosmosHttpResponseError

from tests.integration.cosmos_service import CosmosService, client, database, rows, service, unique_name

__all__ = ["client", "database", "service"]
LOWER = {"name": "cp_lowerName", "query": "SELECT VALUE LOWER(c.name) FROM c"}
UPPER = {"name": "cp_upperName", "query": "SELECT VALUE UPPER(c.name) FROM c"}


async def test_they_are_in_queries_and_in_no_document(database: DatabaseProxy) -> None:
    container = await database.create_container(unique_name(), PartitionKey("/pk"), computed_properties=[LOWER])
    assert (await container.read())["computedProperties"] == [LOWER]
    written = await container.create_item({"id": "1", "pk": "a", "name": "Boone"})
    assert "cp_lowerName" not in written
    assert await rows(container.query_items("SELECT VALUE c.cp_lowerName FROM c")) == ["boone"]
    assert await rows(container.query_items("SELECT * FROM c WHERE c.cp_lowerName = 'boone'")) == [written]


async def test_they_may_change(database: DatabaseProxy) -> None:
    container = await database.create_container(unique_name(), PartitionKey("/pk"), computed_properties=[LOWER])
    await container.create_item({"id": "1", "pk": "a", "name": "Boone"})
    query = "SELECT VALUE [c.cp_lowerName, c.cp_upperName] FROM c"
    assert await rows(container.query_items(query)) == [["boone"]]
    await database.replace_container(container, PartitionKey("/pk"), computed_properties=[LOWER, UPPER])
    assert await rows(container.query_items(query)) == [["boone", "BOONE"]]
    again = UPPER | {"query": "SELECT VALUE CONCAT(UPPER(c.name), '!') FROM c"}
    await database.replace_container(container, PartitionKey("/pk"), computed_properties=[again])
    assert await rows(container.query_items(query)) == [["BOONE!"]]


async def test_only_an_index_of_its_own_sorts_by_one(database: DatabaseProxy) -> None:
    """Source: "Computed properties aren't indexed by default and aren't covered by wildcard paths"."""
    query = "SELECT VALUE c.id FROM c ORDER BY c.cp_lowerName"
    policy = {"includedPaths": [{"path": "/*"}]}
    container = await database.create_container(
        unique_name(), PartitionKey("/pk"), computed_properties=[LOWER], indexing_policy=policy
    )
    for id_, name in (("1", "b"), ("2", "A"), ("3", "C")):
        await container.create_item({"id": id_, "pk": "a", "name": name})
    with pytest.raises(CosmosHttpResponseError, match="/cp_lowerName"):
        await rows(container.query_items(query))
    policy["includedPaths"].append({"path": "/cp_lowerName/?"})
    await database.replace_container(
        container, PartitionKey("/pk"), computed_properties=[LOWER], indexing_policy=policy
    )
    pages = [[row async for row in page] async for page in container.query_items(query, max_item_count=2).by_page()]
    assert pages == [["2", "1"], ["3"]]


async def test_the_condition_of_a_patch_may_name_one(database: DatabaseProxy) -> None:
    container = await database.create_container(unique_name(), PartitionKey("/pk"), computed_properties=[LOWER])
    await container.create_item({"id": "1", "pk": "a", "name": "Boone"})
    changes = [{"op": "set", "path": "/seen", "value": True}]
    with pytest.raises(CosmosAccessConditionFailedError):
        await container.patch_item("1", "a", changes, filter_predicate="from c where c.cp_lowerName = 'fargo'")
    await container.patch_item("1", "a", changes, filter_predicate="from c where c.cp_lowerName = 'boone'")
    assert (await container.read_item("1", "a"))["seen"] is True


async def test_what_cannot_be_one_is_400_and_named(database: DatabaseProxy) -> None:
    for wrong in (
        [{"name": "p", "query": "SELECT c.name FROM c"}], [{"name": "p", "query": "SELECT VALUE RAND() FROM c"}],
        [{"name": "p", "query": "SELECT VALUE NO_SUCH(c.name) FROM c"}],
    ):  # fmt: skip
        with pytest.raises(CosmosHttpResponseError, match="computed property 'p'") as refused:
            await database.create_container(unique_name(), PartitionKey("/pk"), computed_properties=wrong)
        assert refused.value.status_code == 400
    for malformed in ([5], [{"name": "p"}], [{"name": 5, "query": "x"}], {"p": "q"}):
        with pytest.raises(CosmosHttpResponseError, match="malformed") as refused:
            await database.create_container(unique_name(), PartitionKey("/pk"), computed_properties=malformed)
        assert refused.value.status_code == 400


async def test_they_outlive_a_restart(tmp_path: Path) -> None:
    own = CosmosService(tmp_path)
    try:
        async with own.client() as opened:
            made = opened.get_database_client("dev")
            container = await made.create_container("names", PartitionKey("/pk"), computed_properties=[LOWER])
            await container.create_item({"id": "1", "pk": "a", "name": "Boone"})
        own.restart()
        async with own.client() as opened:
            container = opened.get_database_client("dev").get_container_client("names")
            assert await rows(container.query_items("SELECT VALUE c.cp_lowerName FROM c")) == ["boone"]
    finally:
        own.stop()
