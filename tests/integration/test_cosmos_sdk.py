"""What users of the SDK rely on beside documents and queries: reading many, metrics, throughput, and plain refusals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.cosmos import CosmosClient as SyncClient
from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, CosmosClient, DatabaseProxy
from azure.cosmos.exceptions import CosmosAccessConditionFailedError, CosmosHttpResponseError

from tests.integration.cosmos_service import CosmosService, client, container, database, rows, service, unique_name

__all__ = ["client", "container", "database", "service"]


async def fill(container: ContainerProxy, count: int, keys: int) -> None:
    for number in range(count):
        await container.create_item({"id": str(number), "pk": f"k{number % keys}", "n": number})


async def test_read_items_finds_many_in_the_order_asked_for(container: ContainerProxy) -> None:
    await fill(container, 30, 4)
    wanted = [(str(number), f"k{number % 4}") for number in (17, 3, 29, 8, 0)]
    found = await container.read_items([*wanted, ("none", "k0"), ("1", "k3")])
    assert [item["id"] for item in found] == ["17", "3", "29", "8", "0"]
    one_partition = await container.read_items([("4", "k0"), ("0", "k0")])
    assert [item["id"] for item in one_partition] == ["4", "0"]


async def test_read_items_of_containers_by_id_and_by_a_hierarchy(database: DatabaseProxy) -> None:
    by_id = await database.create_container(unique_name(), PartitionKey("/id"))
    by_levels = await database.create_container(unique_name(), PartitionKey(["/tenant", "/user"]))
    for number in range(6):
        await by_id.create_item({"id": str(number)})
        await by_levels.create_item({"id": str(number), "tenant": f"t{number % 2}", "user": number})
    assert [item["id"] for item in await by_id.read_items([("5", "5"), ("1", "1")])] == ["5", "1"]
    found = await by_levels.read_items([("5", ["t1", 5]), ("0", ["t0", 0]), ("1", ["t0", 1])])
    assert [item["id"] for item in found] == ["5", "0"]


async def test_the_sync_client_does_the_same(container: ContainerProxy, service: CosmosService) -> None:
    await fill(container, 12, 3)
    with SyncClient.from_connection_string(service.connection_string) as sync:
        same = sync.get_database_client("dev").get_container_client(container.id)
        assert [item["id"] for item in same.read_items([("5", "k2"), ("0", "k0")])] == ["5", "0"]
        assert len(list(same.read_all_items(max_item_count=5))) == 12
        query = "SELECT VALUE c.n FROM c WHERE c.n > @least ORDER BY c.n"
        parameters: list[dict[str, object]] = [{"name": "@least", "value": 5}]
        scoped = same.query_items(query, parameters=parameters, partition_key="k2", max_item_count=1)
        assert list(scoped) == [8, 11]
        pages = same.query_items(query, parameters=parameters, enable_cross_partition_query=True, max_item_count=4)
        by_page = pages.by_page()
        assert list(next(by_page)) == [6, 7, 8, 9]
        rest = same.query_items(query, parameters=parameters, enable_cross_partition_query=True)
        assert [row for page in rest.by_page(by_page.continuation_token) for row in page] == [10, 11]
        with pytest.raises(CosmosHttpResponseError, match="Cross partition query is required"):
            list(same.query_items("SELECT * FROM c", enable_cross_partition_query=False))


async def test_deleting_a_partition_key_deletes_nothing_else(container: ContainerProxy) -> None:
    await fill(container, 12, 3)
    await container.delete_all_items_by_partition_key("k1")
    assert await rows(container.query_items("SELECT VALUE c.n FROM c")) == [0, 2, 3, 5, 6, 8, 9, 11]
    await container.create_item({"id": "1", "pk": "k1"})


async def test_metrics_of_a_query_count_what_it_loaded_and_returned(container: ContainerProxy) -> None:
    await fill(container, 20, 4)
    seen: list[Mapping[str, Any]] = []
    query = "SELECT VALUE c.n FROM c WHERE c.n < 5"
    found = container.query_items(
        query, populate_query_metrics=True, populate_index_metrics=True,
        response_hook=lambda headers, _: seen.append(dict(headers)),
    )  # fmt: skip
    assert await rows(found) == [0, 1, 2, 3, 4]
    metrics = dict(part.split("=") for part in seen[0]["x-ms-documentdb-query-metrics"].split(";"))
    assert metrics["retrievedDocumentCount"] == metrics["outputDocumentCount"] == "5"
    assert float(metrics["totalExecutionTimeInMs"]) >= 0
    # Java's SDK looks for these, too, and fails without.
    assert {"indexUtilizationRatio", "indexLookupTimeInMs", "writeOutputTimeInMs"} <= metrics.keys()
    await rows(container.query_items(query, response_hook=lambda headers, _: seen.append(dict(headers))))
    assert "x-ms-documentdb-query-metrics" not in seen[1]


async def test_charges_of_the_documented_operations(container: ContainerProxy) -> None:
    charges: list[float] = []

    def hook(headers: Mapping[str, Any], _: Any) -> None:
        charges.append(float(headers["x-ms-request-charge"]))

    body = {"id": "1", "pk": "a", "n": 1, "text": "x" * 500}
    await container.create_item(body, response_hook=hook)
    await container.read_item("1", "a", response_hook=hook)
    await container.upsert_item(body | {"n": 2}, response_hook=hook)
    await container.patch_item("1", "a", [{"op": "incr", "path": "/n", "value": 1}], response_hook=hook)
    await container.delete_item("1", "a", response_hook=hook)
    # Five terms (id, pk, n, text, _ts). An update changes n, and _ts too unless it comes in the same second.
    created, read, replaced, patched, deleted = charges
    assert (created, read, deleted) == pytest.approx((4.95 + 1.0, 1.0, 4.95 + 1.0))
    assert replaced == pytest.approx(2 * 4.95 + 0.6, abs=0.21)
    assert patched == pytest.approx(2 * 4.95 + 0.6 + 0.4, abs=0.21)
    for number in range(5):
        await container.create_item({"id": str(number), "pk": "a"})
    charges.clear()
    await rows(container.query_items_change_feed(start_time="Beginning", response_hook=hook))
    assert charges[0] == pytest.approx(5.0)


async def test_a_patch_under_a_condition(container: ContainerProxy) -> None:
    item = await container.create_item({"id": "1", "pk": "a", "n": 1, "tags": ["x"]})
    changes = [{"op": "incr", "path": "/n", "value": 1}]
    holds = "from c where c.n = 1 and array_contains(c.tags, 'x')"
    assert (await container.patch_item("1", "a", changes, filter_predicate=holds))["n"] == 2
    with pytest.raises(CosmosAccessConditionFailedError):
        await container.patch_item("1", "a", changes, filter_predicate=holds)
    with pytest.raises(CosmosAccessConditionFailedError):
        await container.patch_item("1", "a", changes, etag=item["_etag"], match_condition=MatchConditions.IfNotModified)
    assert (await container.read_item("1", "a"))["n"] == 2


async def test_throughput_is_answered_as_by_a_serverless_account(client: CosmosClient, database: DatabaseProxy) -> None:
    asked: list[Callable[[], Awaitable[Any]]] = [
        database.get_throughput, (await database.create_container(unique_name(), PartitionKey("/pk"))).get_throughput,
    ]  # fmt: skip
    for ask in asked:
        with pytest.raises(CosmosHttpResponseError, match="serverless"):
            await ask()
    # Code for provisioned accounts runs: there is no throughput to set, so none is.
    container = await database.create_container(unique_name(), PartitionKey("/pk"), offer_throughput=400)
    await container.create_item({"id": "1", "pk": "a"})


async def test_what_the_service_alone_has_is_refused_by_name(
    container: ContainerProxy, database: DatabaseProxy
) -> None:
    procedure = {"id": "p", "body": "function () {}"}
    attempts: list[tuple[Callable[[], Awaitable[Any]], str]] = [
        (lambda: container.scripts.create_stored_procedure(procedure), "stored procedures"),
        (lambda: container.scripts.execute_stored_procedure("p", partition_key="a"), "stored procedures"),
        (lambda: rows(container.scripts.list_stored_procedures()), "stored procedures"),
        (lambda: container.scripts.create_trigger({"id": "t", "body": "", "triggerType": "Pre"}), "triggers"),
        (lambda: container.scripts.create_user_defined_function({"id": "u", "body": ""}), "user-defined functions"),
        (lambda: rows(container.list_conflicts()), "conflict feed"),
        (lambda: database.create_user({"id": "u"}), "users"),
        (lambda: container.create_item({"id": "1", "pk": "a"}, pre_trigger_include="t"), "pre-triggers"),
        (lambda: container.upsert_item({"id": "1", "pk": "a"}, post_trigger_include="t"), "post-triggers"),
    ]
    for attempt, named in attempts:
        with pytest.raises(CosmosHttpResponseError) as refused:
            await attempt()
        assert refused.value.status_code == 400
        assert named in refused.value.http_error_message
    assert await rows(container.read_all_items()) == []
