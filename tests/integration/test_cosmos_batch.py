"""Transactional batches through the SDK: all operations, all or nothing, and which one failed."""

from __future__ import annotations

from typing import Any

import pytest
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError

from tests.integration.cosmos_service import client, container, database, rows, service

__all__ = ["client", "container", "database", "service"]


async def test_every_operation_in_one_batch(container: ContainerProxy) -> None:
    for id_ in ("old", "patched", "doomed"):
        await container.create_item({"id": id_, "pk": "a", "n": 1})
    increment = [{"op": "incr", "path": "/n", "value": 4}]
    results = await container.execute_item_batch(
        [
            ("create", ({"id": "new", "pk": "a"},)),
            ("upsert", ({"id": "old", "pk": "a", "n": 2},)),
            ("replace", ("old", {"id": "old", "pk": "a", "n": 3})),
            ("patch", ("patched", increment), {"filter_predicate": "from c where c.n = 1"}),
            ("read", ("old",)),
            ("delete", ("doomed",)),
        ],
        partition_key="a",
    )  # fmt: skip
    assert [result["statusCode"] for result in results] == [201, 200, 200, 200, 200, 204]
    assert results[0]["resourceBody"]["id"] == "new"
    assert results[0]["eTag"] == results[0]["resourceBody"]["_etag"]
    assert results[4]["resourceBody"]["n"] == 3
    assert all(result["requestCharge"] > 0 for result in results)
    assert {item["id"]: item.get("n") async for item in container.read_all_items()} == {
        "new": None, "old": 3, "patched": 5,
    }  # fmt: skip


FAILURES: list[tuple[Any, int]] = [
    (("create", ({"id": "there", "pk": "a"},)), 409),
    (("replace", ("missing", {"id": "missing", "pk": "a"})), 404),
    (("delete", ("missing",)), 404),
    (("read", ("missing",)), 404),
    (("upsert", ({"id": "x", "pk": "other"},)), 400),
    (("upsert", ({"pk": "a"},)), 400),
    (("replace", ("there", {"id": "there", "pk": "a"}), {"if_match_etag": '"stale"'}), 412),
    (("upsert", ({"id": "x", "pk": "a", "ttl": 0},)), 400),
    (("patch", ("there", [{"op": "remove", "path": "/none"}])), 400),
]


@pytest.mark.parametrize(("operation", "status"), FAILURES)
async def test_one_failure_undoes_the_batch_and_is_named(
    container: ContainerProxy, operation: Any, status: int
) -> None:
    await container.create_item({"id": "there", "pk": "a", "n": 1})
    batch = [("upsert", ({"id": "there", "pk": "a", "n": 2},)), ("create", ({"id": "new", "pk": "a"},)), operation]
    batch.append(("delete", ("there",)))
    with pytest.raises(CosmosBatchOperationError) as failed:
        await container.execute_item_batch(batch, partition_key="a")
    assert failed.value.error_index == 2
    assert failed.value.status_code == status
    assert [result["statusCode"] for result in failed.value.operation_responses] == [424, 424, status, 424]
    assert [(item["id"], item["n"]) for item in await rows(container.read_all_items())] == [("there", 1)]


async def test_a_hundred_operations_are_the_most(container: ContainerProxy) -> None:
    hundred = [("upsert", ({"id": str(number), "pk": "a"},)) for number in range(100)]
    assert len(await container.execute_item_batch(hundred, partition_key="a")) == 100
    with pytest.raises(CosmosHttpResponseError) as refused:
        await container.execute_item_batch([*hundred, ("read", ("1",))], partition_key="a")
    assert refused.value.status_code == 400
    assert "101" in refused.value.http_error_message


async def test_two_megabytes_are_the_most(container: ContainerProxy) -> None:
    text = "x" * (300 * 1024)
    batch = [("upsert", ({"id": str(number), "pk": "a", "text": text},)) for number in range(7)]
    with pytest.raises(CosmosHttpResponseError) as refused:
        await container.execute_item_batch(batch, partition_key="a")
    assert refused.value.status_code == 413
    assert await rows(container.read_all_items()) == []
    await container.execute_item_batch(batch[:6], partition_key="a")
    assert len(await rows(container.read_all_items())) == 6


async def test_an_empty_batch_is_400(container: ContainerProxy) -> None:
    with pytest.raises(CosmosHttpResponseError) as refused:
        await container.execute_item_batch([], partition_key="a")
    assert refused.value.status_code == 400


async def test_a_replayed_batch_of_upserts_leaves_the_same_documents(container: ContainerProxy) -> None:
    batch = [("upsert", ({"id": str(number), "pk": "a", "n": number},)) for number in range(20)]
    first = await container.execute_item_batch(batch, partition_key="a")
    second = await container.execute_item_batch(batch, partition_key="a")
    assert {result["statusCode"] for result in first} == {201}
    assert {result["statusCode"] for result in second} == {200}
    assert [item["n"] for item in await rows(container.read_all_items())] == list(range(20))
