"""Continuation tokens: pages that go on where the last one stopped, whatever is written in between and wherever."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, DatabaseProxy
from azure.cosmos.exceptions import CosmosHttpResponseError

from tests.integration.cosmos_service import CosmosService, client, container, database, rows, service, unique_name

__all__ = ["client", "container", "database", "service"]

SEED = 20261123


async def page(
    container: ContainerProxy, query: str, token: str | None, size: int, **options: Any
) -> tuple[list[Any], str | None]:
    """(the rows of one page, the token of the next)."""
    pager = container.query_items(query, max_item_count=size, **options).by_page(token)
    found = [row async for row in await anext(pager)]
    return found, pager.continuation_token


async def rest(container: ContainerProxy, query: str, token: str | None, size: int, **options: Any) -> list[Any]:
    found: list[Any] = []
    while token is not None:
        more, token = await page(container, query, token, size, **options)
        found += more
    return found


async def fill(container: ContainerProxy, documents: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(documents), 100):
        batch = [("upsert", (document,)) for document in documents[start : start + 100]]
        await container.execute_item_batch(batch, partition_key="a")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT VALUE c.id FROM c",
        "SELECT VALUE c.id FROM c WHERE c.kept",
        "SELECT VALUE c.id FROM c ORDER BY c.rank",
        "SELECT VALUE c.id FROM c ORDER BY c.rank DESC",
        "SELECT VALUE c.id FROM c WHERE c.kept ORDER BY c.absent",
        "SELECT VALUE t FROM c JOIN t IN c.tags",
        "SELECT VALUE t FROM c JOIN t IN c.tags ORDER BY c.rank DESC",
        "SELECT VALUE c.id FROM c OFFSET 0 LIMIT 1000",
        "SELECT TOP 1000 VALUE c.id FROM c ORDER BY c.rank",
    ],
)
async def test_what_stays_is_returned_once_whatever_comes_changes_and_goes(
    container: ContainerProxy, query: str
) -> None:
    chance = random.Random(SEED)
    print(f"seed {SEED}")

    def document(id_: str, kept: bool, rank: Any) -> dict[str, Any]:
        return {"id": id_, "pk": "a", "kept": kept, "rank": rank, "tags": [f"{id_}.1", f"{id_}.2", f"{id_}.3"]}

    ranks = [None, True, *range(7), "x", "y", [1], {"a": 1}]
    stays = [document(f"kept-{number}", True, chance.choice(ranks)) for number in range(40)]
    goes = [document(f"gone-{number}", False, chance.choice(ranks)) for number in range(40)]
    both = [*stays, *goes]
    chance.shuffle(both)
    await fill(container, both)
    expected = [tag for document in stays for tag in document["tags"]] if "JOIN" in query else [d["id"] for d in stays]

    found, token = await page(container, query, None, 7)
    turn = 0
    while token is not None:
        turn += 1
        await fill(container, [document(f"new-{turn}", False, chance.choice(ranks))])
        if goes:
            gone = goes.pop()
            await container.delete_item(gone["id"], "a")
        # A document that stays in its place may have other content.
        changed = chance.choice(stays)
        await fill(container, [changed | {"turn": turn}])
        more, token = await page(container, query, token, 7)
        found += more
    assert len(found) == len(set(found))
    assert sorted(row for row in found if row.startswith("kept")) == sorted(expected)


async def test_rows_that_are_equal_in_order_are_told_apart_by_their_document(container: ContainerProxy) -> None:
    await fill(container, [{"id": f"{number:02}", "pk": "a", "same": 1} for number in range(20)])
    query = "SELECT VALUE c.id FROM c ORDER BY c.same DESC"
    first, token = await page(container, query, None, 6)
    await container.delete_item(first[-1], "a")
    assert first + await rest(container, query, token, 6) == [f"{number:02}" for number in range(20)]


@pytest.mark.parametrize(
    ("query", "sizes"),
    [
        ("SELECT VALUE c.id FROM c", [10, 10]),
        ("SELECT VALUE c.id FROM c ORDER BY c.n DESC", [10, 10]),
        ("SELECT TOP 15 VALUE c.id FROM c", [10, 5]),
        ("SELECT TOP 10 VALUE c.id FROM c", [10]),
        ("SELECT TOP 0 VALUE c.id FROM c", []),
        ("SELECT TOP 15 VALUE c.id FROM c ORDER BY c.n", [10, 5]),
        ("SELECT VALUE c.id FROM c OFFSET 3 LIMIT 14", [10, 4]),
        ("SELECT VALUE c.id FROM c OFFSET 15 LIMIT 14", [5]),
        ("SELECT VALUE c.id FROM c ORDER BY c.n DESC OFFSET 3 LIMIT 14", [10, 4]),
        ("SELECT VALUE t FROM c JOIN t IN c.tags WHERE c.n < 5", [10]),
        ("SELECT VALUE t FROM c JOIN t IN c.tags OFFSET 1 LIMIT 22", [10, 10, 2]),
        ("SELECT DISTINCT VALUE c.n FROM c", [10, 10]),
        ("SELECT DISTINCT VALUE c.n FROM c ORDER BY c.n DESC", [10, 10]),
        ("SELECT c.n, COUNT(1) AS many FROM c GROUP BY c.n", [10, 10]),
        ("SELECT c.n, COUNT(1) AS many FROM c GROUP BY c.n OFFSET 2 LIMIT 11", [10, 1]),
        ("SELECT VALUE SUM(c.n) FROM c", [1]),
    ],
)
async def test_pages_add_up_to_the_result_and_none_is_empty(
    container: ContainerProxy, query: str, sizes: list[int]
) -> None:
    await fill(container, [{"id": str(n), "pk": "a", "n": n, "tags": [f"{n}.1", f"{n}.2"]} for n in range(20)])
    pages = [[row async for row in page] async for page in container.query_items(query, max_item_count=10).by_page()]
    assert [len(page) for page in pages] == sizes
    assert [row for page in pages for row in page] == await rows(container.query_items(query))
    assert await rows(container.query_items(query, max_item_count=-1)) == await rows(container.query_items(query))


async def test_a_token_is_good_after_a_restart_and_what_was_written_since(tmp_path: Path) -> None:
    service = CosmosService(tmp_path)
    queries = [
        "SELECT VALUE c.id FROM c",
        "SELECT VALUE c.id FROM c ORDER BY c.n DESC",
        "SELECT VALUE t FROM c JOIN t IN c.tags",
        "SELECT DISTINCT VALUE c.n FROM c",
        "SELECT VALUE c.n FROM c GROUP BY c.n",
    ]
    try:
        tokens = {}
        async with service.client() as opened:
            events = opened.get_database_client("dev").get_container_client("events")
            await fill(events, [{"id": str(n), "pk": "a", "n": n, "tags": [n, -n]} for n in range(20)])
            for query in queries:
                tokens[query] = await page(events, query, None, 7)
        service.restart_after_kill()
        async with service.client() as opened:
            events = opened.get_database_client("dev").get_container_client("events")
            for query in queries:
                first, token = tokens[query]
                whole = await rows(events.query_items(query))
                assert first + await rest(events, query, token, 7) == whole, query
            await events.delete_item("0", "a")
            await events.delete_item("19", "a")
            for query in queries[:3]:
                first, token = tokens[query]
                whole = await rows(events.query_items(query))
                left = first + await rest(events, query, token, 7)
                assert sorted(set(left) - set(whole)) == sorted(set(first) - set(whole)), query
                assert [row for row in left if row in whole] == whole, query
    finally:
        service.stop()


@pytest.mark.parametrize("query", ["SELECT DISTINCT VALUE c.n FROM c", "SELECT VALUE c.n FROM c GROUP BY c.n"])
async def test_a_result_of_one_piece_is_read_as_it_was_at_its_first_page(tmp_path: Path, query: str) -> None:
    service = CosmosService(tmp_path)
    try:
        async with service.client() as opened:
            events = opened.get_database_client("dev").get_container_client("events")
            await fill(events, [{"id": str(n), "pk": "a", "n": n} for n in range(20)])
            first, token = await page(events, query, None, 7)
            await events.delete_item("0", "a")
            assert first + await rest(events, query, token, 7) == list(range(20))
        service.restart_after_kill()
        async with service.client() as opened:
            events = opened.get_database_client("dev").get_container_client("events")
            with pytest.raises(CosmosHttpResponseError) as refused:
                await page(events, query, token, 7)
            assert refused.value.status_code == 400
            assert "expired" in refused.value.http_error_message
    finally:
        service.stop()


async def test_values_too_long_for_a_token_are_ordered_by_as_long_as_the_result_is_kept(
    container: ContainerProxy,
) -> None:
    await fill(container, [{"id": str(n), "pk": "a", "text": "x" * 5000 + str(n)} for n in range(9)])
    query = "SELECT VALUE c.id FROM c ORDER BY c.text DESC"
    first, token = await page(container, query, None, 4)
    assert first == ["8", "7", "6", "5"]
    assert token is not None
    assert len(token) < 1000
    await container.delete_item("5", "a")
    await container.delete_item("3", "a")
    assert await rest(container, query, token, 4) == ["4", "2", "1", "0"]


async def test_a_query_that_is_never_the_same_twice_is_paged_all_the_same(container: ContainerProxy) -> None:
    await fill(container, [{"id": str(n), "pk": "a", "n": n} for n in range(60)])
    for query in (
        "SELECT VALUE c.n FROM c WHERE RAND() < 0.5 ORDER BY c.n",
        "SELECT VALUE c.n FROM c WHERE RAND() < 0.5",
        "SELECT VALUE c.n FROM c WHERE GetCurrentTicks() % 2 = 0 ORDER BY c.n DESC",
    ):
        found = await rows(container.query_items(query, max_item_count=5))
        assert len(found) == len(set(found)) <= 60
        assert found == sorted(found, reverse="DESC" in query)


async def test_a_page_is_4_mb_at_most(container: ContainerProxy) -> None:
    for number in range(5):
        await container.create_item({"id": str(number), "pk": "a", "n": number, "filler": "x" * 1_500_000})
    for query in ("SELECT * FROM c", "SELECT * FROM c ORDER BY c.n", "SELECT DISTINCT c.n, c.filler FROM c"):
        pages = container.query_items(query).by_page()
        assert [len([row async for row in page]) async for page in pages] == [2, 2, 1]


async def test_a_token_is_bound_to_its_query_its_partition_and_its_container(
    database: DatabaseProxy, container: ContainerProxy
) -> None:
    other = await database.create_container(unique_name(), PartitionKey("/pk"))
    for filled in (container, other):
        await fill(filled, [{"id": str(n), "pk": "a", "n": n} for n in range(20)])
    for query in ("SELECT VALUE c.id FROM c", "SELECT VALUE c.id FROM c ORDER BY c.n", "SELECT DISTINCT c.n FROM c"):
        _, token = await page(container, query, None, 5)
        attempts: list[tuple[ContainerProxy, str, dict[str, Any]]] = [
            (container, query + " ", {}),
            (container, query, {"partition_key": "a"}),
            (container, query, {"parameters": [{"name": "@x", "value": 1}]}),
            (other, query, {}),
        ]
        for target, asked, options in attempts:
            with pytest.raises(CosmosHttpResponseError) as refused:
                await page(target, asked, token, 5, **options)
            assert refused.value.status_code == 400
        # Not to the size of its pages.
        assert len((await page(container, query, token, 3))[0]) == 3


async def test_pages_of_one_partition_and_of_a_prefix_of_a_hierarchical_key(database: DatabaseProxy) -> None:
    container = await database.create_container(unique_name(), PartitionKey(["/tenant", "/user"]))
    for number in range(24):
        tenant, user = f"t{number % 2}", f"u{number % 3}"
        await container.create_item({"id": str(number), "tenant": tenant, "user": user, "n": -number})
    for query in ("SELECT VALUE c.id FROM c", "SELECT VALUE c.id FROM c ORDER BY c.n DESC"):
        for key, expected in ((["t1", "u1"], range(1, 24, 6)), (["t1"], range(1, 24, 2))):
            options = {"partition_key": key}
            first, token = await page(container, query, None, 3, **options)
            await container.create_item({"id": unique_name(), "tenant": "t0", "user": "u0"})
            found = first + await rest(container, query, token, 3, **options)
            assert found == [str(number) for number in expected]


async def test_read_all_items_goes_on_after_writes_too(container: ContainerProxy) -> None:
    await fill(container, [{"id": f"{n:02}", "pk": "a"} for n in range(20)])
    pager = container.read_all_items(max_item_count=8).by_page()
    found = [item["id"] async for item in await anext(pager)]
    await container.delete_item("07", "a")
    await container.upsert_item({"id": "03", "pk": "a", "again": True})
    found += [item["id"] async for page in pager async for item in page]
    assert found == [f"{n:02}" for n in range(20)]
