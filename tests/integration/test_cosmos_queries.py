"""Queries through the SDK: across and within partitions, page by page, with Cosmos DB's own results and refusals.

What each expression evaluates to is in tests/unit/test_sql_*.py; this is about the way through the SDK.
"""

from __future__ import annotations

from typing import Any

import pytest
from azure.cosmos import CosmosClient as SyncClient
from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, DatabaseProxy
from azure.cosmos.exceptions import CosmosHttpResponseError

from tests.integration.cosmos_service import CosmosService, client, container, database, rows, service, unique_name

__all__ = ["client", "container", "database", "service"]

SENDERS = ("python_ms_sdk", "python_kafka_sdk")


@pytest.fixture
async def events(container: ContainerProxy) -> ContainerProxy:
    """60 documents over 3 partition keys; every tenth has no `n`."""
    for key in range(3):
        batch = []
        for place in range(20):
            number = key * 20 + place
            body = {
                "id": f"e{number}", "pk": f"k{key}", "epoch": 1_599_999_970 + number, "n": number,
                "sender": SENDERS[number % 2], "at": {"city": "Asheville" if number % 3 else "Boone"},
            }  # fmt: skip
            if number % 10 == 0:
                del body["n"]
            batch.append(("create", (body,)))
        await container.execute_item_batch(batch, partition_key=f"k{key}")
    return container


async def test_the_query_of_the_readme(events: ContainerProxy) -> None:
    query = "select * from c where c.epoch >= 1600000000 and c.sender = 'python_ms_sdk'"
    found = await rows(events.query_items(query))
    assert [item["id"] for item in found] == [f"e{number}" for number in range(30, 60, 2)]
    assert {"_etag", "_ts", "_rid"} <= found[0].keys()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT VALUE COUNT(1) FROM c", [60]),
        ("SELECT VALUE COUNT(c.n) FROM c", [54]),
        ("SELECT VALUE SUM(c.n) FROM c WHERE c.pk = 'k0'", [180]),
        ("SELECT VALUE AVG(c.n) FROM c WHERE c.n < 3", [1.5]),
        ("SELECT VALUE MAX(c.n) FROM c", [59]),
        ("SELECT VALUE MIN(c.n) FROM c", [1]),
        ("SELECT COUNT(1) AS many, MAX(c.epoch) AS last FROM c", [{"many": 60, "last": 1_600_000_029}]),
        ("SELECT VALUE MAX(c.none) FROM c", []),
        ("SELECT VALUE COUNT(1) FROM c WHERE c.at.city = 'Boone'", [20]),
        ("SELECT VALUE 1", [1]),
        ("SELECT TOP 1 c.id, c.at.city AS town FROM c", [{"id": "e0", "town": "Boone"}]),
        ("SELECT VALUE c.n FROM c WHERE c.id IN ('e10', 'e11', 'e12')", [11, 12]),
        ("SELECT c.n FROM c WHERE c.id IN ('e10', 'e11')", [{}, {"n": 11}]),
        ("SELECT VALUE c.id FROM c WHERE c.n BETWEEN 7 AND 9 ORDER BY c.n DESC", ["e9", "e8", "e7"]),
        ("SELECT TOP 3 VALUE c.id FROM c ORDER BY c.n", ["e0", "e10", "e20"]),
        ("SELECT DISTINCT VALUE c.pk FROM c", ["k0", "k1", "k2"]),
        (
            "SELECT c.pk, COUNT(1) AS many FROM c WHERE c.n < 30 GROUP BY c.pk",
            [{"pk": "k0", "many": 18}, {"pk": "k1", "many": 9}],
        ),
        ("SELECT VALUE c.id FROM c OFFSET 58 LIMIT 5", ["e58", "e59"]),
        ("SELECT VALUE c.id FROM c ORDER BY c.epoch DESC OFFSET 1 LIMIT 2", ["e58", "e57"]),
        ("SELECT VALUE k FROM c JOIN k IN (SELECT VALUE [c.pk, c.id]) WHERE c.n = 7", ["k0", "e7"]),
        ("SELECT VALUE COUNT(1) FROM (SELECT DISTINCT c.pk, c.sender FROM c)", [6]),
    ],
)  # fmt: skip
async def test_results_across_partitions(
    events: ContainerProxy, service: CosmosService, query: str, expected: list[Any]
) -> None:
    assert await rows(events.query_items(query)) == expected
    with SyncClient.from_connection_string(service.connection_string) as sync:
        same = sync.get_database_client("dev").get_container_client(events.id)
        assert list(same.query_items(query, enable_cross_partition_query=True)) == expected


async def test_one_partition_alone(events: ContainerProxy) -> None:
    query = "SELECT VALUE c.id FROM c WHERE c.sender = @sender ORDER BY c.n DESC"
    parameters: list[dict[str, object]] = [{"name": "@sender", "value": "python_kafka_sdk"}]
    found = await rows(events.query_items(query, parameters=parameters, partition_key="k1"))
    assert found == [f"e{number}" for number in range(39, 20, -2)]
    assert await rows(events.query_items("SELECT * FROM c", partition_key="nothing here")) == []


@pytest.mark.parametrize(
    ("query", "sizes"),
    [
        ("SELECT * FROM c", [25, 25, 10]),
        ("SELECT c.id FROM c WHERE c.sender = 'python_ms_sdk'", [25, 5]),
        ("SELECT TOP 40 c.id FROM c", [25, 15]),
        ("SELECT c.id FROM c ORDER BY c.epoch DESC", [25, 25, 10]),
        ("SELECT TOP 30 c.id FROM c ORDER BY c.epoch", [25, 5]),
        ("SELECT VALUE COUNT(1) FROM c", [1]),
    ],
)
async def test_pages(events: ContainerProxy, query: str, sizes: list[int]) -> None:
    pages = [[row async for row in page] async for page in events.query_items(query, max_item_count=25).by_page()]
    assert [len(page) for page in pages] == sizes
    assert [row for page in pages for row in page] == await rows(events.query_items(query))


async def test_a_continuation_token_resumes_in_another_client(events: ContainerProxy, service: CosmosService) -> None:
    for query in ("SELECT VALUE c.id FROM c", "SELECT VALUE c.id FROM c ORDER BY c.epoch DESC"):
        pager = events.query_items(query, max_item_count=45).by_page()
        first = [row async for row in await anext(pager)]
        async with service.client() as other:
            again = other.get_database_client("dev").get_container_client(events.id)
            resumed = again.query_items(query, max_item_count=45).by_page(pager.continuation_token)
            rest = [row async for page in resumed async for row in page]
        assert len(first) == 45
        assert first + rest == await rows(events.query_items(query))


async def test_a_page_continues_past_writes_in_between(events: ContainerProxy) -> None:
    pager = events.query_items("SELECT VALUE c.id FROM c", max_item_count=20).by_page()
    first = [row async for row in await anext(pager)]
    await events.delete_item("e0", "k0")
    await events.upsert_item({"id": "e1", "pk": "k0"})
    await events.create_item({"id": "new", "pk": "k0"})
    rest = [row async for page in pager async for row in page]
    assert first + rest == [f"e{number}" for number in range(60)] + ["new"]


async def test_a_token_that_is_not_ours_is_400(events: ContainerProxy) -> None:
    pager = events.query_items("SELECT * FROM c", max_item_count=10).by_page()
    await anext(pager)
    for query, token in (
        ("SELECT * FROM c", "garbage"),
        ("SELECT * FROM c", "WzEsMiwzLDQsNV0="),
        ("SELECT c.id FROM c", pager.continuation_token),
    ):
        with pytest.raises(CosmosHttpResponseError) as refused:
            await anext(events.query_items(query, max_item_count=10).by_page(token))
        assert refused.value.status_code == 400


async def test_order_goes_by_type_and_puts_what_is_absent_first(container: ContainerProxy) -> None:
    values: list[Any] = [{"z": 1}, [1], "b", "a", 10, 2.5, -1, True, False, None]
    for number, value in enumerate(values):
        await container.create_item({"id": str(number), "pk": "a", "v": value})
    await container.create_item({"id": "absent", "pk": "a"})
    ascending = await rows(container.query_items("SELECT VALUE c.id FROM c ORDER BY c.v"))
    assert ascending == ["absent", *map(str, range(9, -1, -1))]
    assert await rows(container.query_items("SELECT VALUE c.id FROM c ORDER BY c.v DESC")) == ascending[::-1]


async def test_two_orders_need_a_composite_index(database: DatabaseProxy, events: ContainerProxy) -> None:
    query = "SELECT VALUE c.id FROM c ORDER BY c.at.city ASC, c.n DESC"
    with pytest.raises(CosmosHttpResponseError) as refused:
        await rows(events.query_items(query))
    assert "composite index" in refused.value.http_error_message
    paths = [{"path": "/at/city", "order": "ascending"}, {"path": "/n", "order": "descending"}]
    indexed = await database.create_container(
        unique_name(), PartitionKey("/pk"), indexing_policy={"compositeIndexes": [paths]}
    )
    for id_, city, n in (("1", "b", 1), ("2", "a", 1), ("3", "a", 2)):
        await indexed.create_item({"id": id_, "pk": "a", "at": {"city": city}, "n": n})
    assert await rows(indexed.query_items(query)) == ["3", "2", "1"]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("SELECT udf.f(c.pk) FROM c", "udf.f()"),
        ("SELECT * FROM c JOIN t IN c.tags", "single input set"),
        ("SELEC * FROM c", "Syntax error"),
        ("SELECT * FROM c WHERE", "Syntax error"),
        ("SELECT nobody.id FROM c", "nobody"),
        ("SELECT * FROM c WHERE c.id = @missing", "@missing"),
        ("SELECT NO_SUCH(c.id) FROM c", "NO_SUCH"),
    ],
)
async def test_what_it_does_not_run_is_400_and_named(events: ContainerProxy, query: str, named: str) -> None:
    with pytest.raises(CosmosHttpResponseError) as refused:
        await rows(events.query_items(query))
    assert refused.value.status_code == 400
    assert named in refused.value.http_error_message


async def test_the_answer_counts_rows_and_cost(events: ContainerProxy) -> None:
    seen: list[Any] = []
    query = events.query_items("SELECT * FROM c", response_hook=lambda headers, _: seen.append(dict(headers)))
    assert len(await rows(query)) == 60
    assert seen[0]["x-ms-item-count"] == "60"
    assert float(seen[0]["x-ms-request-charge"]) > 2.3


async def test_a_query_sees_what_was_just_acknowledged(container: ContainerProxy) -> None:
    for number in range(30):
        await container.upsert_item({"id": str(number), "pk": "a"})
        assert await rows(container.query_items("SELECT VALUE COUNT(1) FROM c")) == [number + 1]


async def test_an_sdk_that_asks_for_a_query_plan_is_told_to_run_the_query_as_it_is(events: ContainerProxy) -> None:
    ask = events.client_connection._GetQueryPlanThroughGateway
    plan = await ask({"query": "SELECT VALUE COUNT(1) FROM c"}, events.container_link)
    assert plan["queryInfo"]["aggregates"] == plan["queryInfo"]["orderBy"] == []
    assert plan["queryInfo"]["hasSelectValue"] is True
    assert (await ask({"query": "SELECT * FROM c"}, events.container_link))["queryInfo"]["hasSelectValue"] is False
    assert [(part["min"], part["max"]) for part in plan["queryRanges"]] == [("", "FF")]
    with pytest.raises(CosmosHttpResponseError) as refused:
        await ask({"query": "SELEC"}, events.container_link)
    assert refused.value.status_code == 400
