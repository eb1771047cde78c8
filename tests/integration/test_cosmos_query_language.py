"""The query language through the SDK: what needs whole results, several rows of a document, the clock, resource ids.

What each construct and function evaluates to is in tests/unit/test_sql_*.py.
"""

from __future__ import annotations

from typing import Any

import pytest
from azure.cosmos import CosmosClient as SyncClient
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import CosmosHttpResponseError

from tests.integration.cosmos_service import CosmosService, client, container, database, rows, service

__all__ = ["client", "container", "database", "service"]

PLACES = [
    ("1", "a", "Redmond", [47.67, -122.12], [{"name": "hub", "n": 4}, {"name": "river", "n": 1}]),
    ("2", "a", "Seattle", [47.61, -122.33], [{"name": "hub", "n": 2}]),
    ("3", "b", "Fargo", [46.88, -96.79], []),
    ("4", "b", "Boone", [36.22, -81.67], [{"name": "river", "n": 7}]),
    ("5", "c", "Nowhere", None, None),
]


@pytest.fixture
async def places(container: ContainerProxy) -> ContainerProxy:
    for id_, key, city, at, tags in PLACES:
        body: dict[str, Any] = {"id": id_, "pk": key, "city": city, "tags": tags, "since": f"202{id_}-03-04T05:06:07Z"}
        if at is not None:
            body["location"] = {"type": "Point", "coordinates": at[::-1]}
        if tags is None:
            del body["tags"]
        await container.create_item(body)
    return container


QUERIES = [
    # several rows of one document, in the order of another property, and what is left of them
    (
        "SELECT c.city, t.name FROM c JOIN t IN c.tags WHERE t.n > 1 ORDER BY c.city DESC",
        [{"city": "Seattle", "name": "hub"}, {"city": "Redmond", "name": "hub"}, {"city": "Boone", "name": "river"}],
    ),
    ("SELECT VALUE t.n FROM t IN c.tags OFFSET 1 LIMIT 2", [1, 2]),
    ("SELECT VALUE COUNT(1) FROM c JOIN t IN c.tags WHERE t.name = 'hub'", [2]),
    ("SELECT TOP 2 VALUE t.name FROM c JOIN t IN c.tags", ["hub", "river"]),
    # subqueries
    ("SELECT VALUE c.id FROM c WHERE EXISTS(SELECT VALUE t FROM t IN c.tags WHERE t.n > 3)", ["1", "4"]),
    (
        "SELECT c.id, (SELECT VALUE SUM(t.n) FROM t IN c.tags) AS n FROM c WHERE c.pk IN ('a', 'b')",
        [{"id": "1", "n": 5}, {"id": "2", "n": 2}, {"id": "3", "n": 0}, {"id": "4", "n": 7}],
    ),
    ("SELECT VALUE ARRAY(SELECT VALUE t.n FROM t IN c.tags) FROM c WHERE c.id < '4'", [[4, 1], [2], []]),
    ("SELECT VALUE COUNT(1) FROM (SELECT DISTINCT c.pk FROM c)", [3]),
    # whole results
    (
        "SELECT c.pk, COUNT(1) AS n, MAX(c.city) AS last FROM c WHERE IS_DEFINED(c.tags) GROUP BY c.pk",
        [{"pk": "a", "n": 2, "last": "Seattle"}, {"pk": "b", "n": 2, "last": "Fargo"}],
    ),
    (
        "SELECT t.name, SUM(t.n) AS n FROM c JOIN t IN c.tags GROUP BY t.name",
        [{"name": "hub", "n": 6}, {"name": "river", "n": 8}],
    ),
    ("SELECT DISTINCT VALUE LEFT(c.city, 1) FROM c WHERE c.pk != 'c'", ["R", "S", "F", "B"]),
    ("SELECT DISTINCT VALUE c.pk FROM c ORDER BY c.pk DESC OFFSET 1 LIMIT 1", ["b"]),
    # functions
    (
        "SELECT VALUE c.city FROM c WHERE "
        "ST_DISTANCE(c.location, {'type': 'Point', 'coordinates': [-122.2, 47.6]}) < 20000",
        ["Redmond", "Seattle"],
    ),
    ("SELECT VALUE c.id FROM c WHERE DateTimePart('year', c.since) BETWEEN 2022 AND 2023", ["2", "3"]),
    ("SELECT VALUE c.id FROM c WHERE REGEXMATCH(c.city, '^[a-f]', 'i') AND ARRAY_LENGTH(c.tags) > 0", ["4"]),
    ("SELECT VALUE ObjectToArray({n: c.city}) FROM c WHERE c.city LIKE '%where'", [[{"k": "n", "v": "Nowhere"}]]),
    ("SELECT VALUE c.location ? 1 : IS_DEFINED(c.location) ? 2 : 3 FROM c WHERE c.id >= '4'", [2, 3]),
]  # fmt: skip


async def test_results_of_both_clients(places: ContainerProxy, service: CosmosService) -> None:
    with SyncClient.from_connection_string(service.connection_string) as sync:
        same = sync.get_database_client("dev").get_container_client(places.id)
        for query, expected in QUERIES:
            assert await rows(places.query_items(query)) == expected, query
            assert list(same.query_items(query, enable_cross_partition_query=True)) == expected, query


async def test_pages_of_one_row_are_the_result(places: ContainerProxy) -> None:
    for query, expected in QUERIES:
        pages = [[row async for row in page] async for page in places.query_items(query, max_item_count=1).by_page()]
        assert all(len(page) <= 1 for page in pages), query
        assert [row for page in pages for row in page] == expected, query


async def test_one_partition_alone(places: ContainerProxy) -> None:
    query = "SELECT DISTINCT VALUE t.name FROM c JOIN t IN c.tags WHERE t.n >= @least"
    found = places.query_items(query, parameters=[{"name": "@least", "value": 1}], partition_key="b")
    assert await rows(found) == ["river"]


async def test_each_execution_has_its_own_time(places: ContainerProxy) -> None:
    query = "SELECT VALUE GetCurrentTicksStatic() FROM c"
    first, second = await rows(places.query_items(query)), await rows(places.query_items(query))
    assert len(set(first)) == len(set(second)) == 1
    assert first[0] < second[0]


async def test_the_number_of_a_document_is_in_its_resource_id(places: ContainerProxy) -> None:
    numbers = await rows(places.query_items("SELECT VALUE DOCUMENTID(c) FROM c"))
    assert len(set(numbers)) == len(PLACES)
    assert all(type(number) is int and number > 0 for number in numbers)
    query = "SELECT VALUE c.id FROM c WHERE DOCUMENTID(c) = @n"
    found = places.query_items(query, parameters=[{"name": "@n", "value": numbers[2]}])
    assert await rows(found) == ["3"]


@pytest.mark.parametrize(
    ("query", "code", "named"),
    [
        ("SELECT * FROM c JOIN t IN c.tags", "SC2100", "single input set"),
        ("SELECT (SELECT VALUE t FROM t IN c.tags) FROM c", "SC2100", "cardinality of a scalar subquery"),
        ("SELECT t FROM c JOIN t IN c.tags ORDER BY t.n", "SC2100", "Order-by over correlated collections"),
        ("SELECT c.pk FROM c GROUP BY c.pk ORDER BY c.pk", "SC2100", "'ORDER BY' is not supported in presence of"),
        ("SELECT c.id, COUNT(1) FROM c GROUP BY c.pk", "SC2100", "'c'"),
        ("SELECT VALUE t FROM c JOIN t IN d.tags", "SC2001", "'d'"),
        ("SELECT NO_SUCH(c.id) FROM c", "SC2005", "'NO_SUCH'"),
        ("SELECT VectorDistance(c.v, [1]) FROM c", "SC1010", "VECTORDISTANCE"),
        ("SELECT * FROM c ORDER BY RANK FullTextScore(c.s, 'x')", "SC1010", "RANK"),
        ("SELECT udf.f(c.id) FROM c", "SC1010", "udf.f()"),
        ("SELECT c.id FROM c LIMIT 1", "SC1001", "LIMIT"),
    ],
)  # fmt: skip
async def test_what_is_refused_is_named(container: ContainerProxy, query: str, code: str, named: str) -> None:
    with pytest.raises(CosmosHttpResponseError) as refused:
        await rows(container.query_items(query))
    assert refused.value.status_code == 400
    assert code in refused.value.http_error_message
    assert named in refused.value.http_error_message
