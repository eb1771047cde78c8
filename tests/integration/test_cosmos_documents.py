"""Documents one by one through the SDK: create, read, upsert, replace, delete, etags, and what is refused."""

from __future__ import annotations

import time

import pytest
from azure.core import MatchConditions
from azure.cosmos import CosmosClient as SyncClient
from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosBatchOperationError,
    CosmosHttpResponseError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from tests.integration.cosmos_service import CosmosService, client, container, database, service, unique_name

__all__ = ["client", "container", "database", "service"]


async def test_a_created_document_reads_back_with_its_system_properties(container: ContainerProxy) -> None:
    before = int(time.time())
    created = await container.create_item({"id": "1", "pk": "a", "nested": {"list": [1, 2.5, None, True, "é😀"]}})
    read = await container.read_item("1", "a")
    assert dict(read) == dict(created)
    assert read["nested"] == {"list": [1, 2.5, None, True, "é😀"]}
    assert before <= read["_ts"] <= int(time.time())
    assert read["_self"].endswith(f"docs/{read['_rid']}/")
    assert read["_etag"].startswith('"')
    assert read["_attachments"] == "attachments/"


async def test_the_answer_says_what_it_cost_and_which_version_it_is(container: ContainerProxy) -> None:
    small = await container.create_item({"id": "1", "pk": "a"})
    headers = small.get_response_headers()
    assert headers["etag"] == small["_etag"]
    assert headers["x-ms-session-token"].startswith("0:")
    assert headers["x-ms-alt-content-path"] == f"dbs/dev/colls/{container.id}"
    large = await container.create_item({"id": "2", "pk": "a", "text": "x" * 100_000})
    assert float(large.get_response_headers()["x-ms-request-charge"]) > 5 * float(headers["x-ms-request-charge"])
    read = await container.read_item("1", "a")
    assert float(read.get_response_headers()["x-ms-request-charge"]) == 1.0


async def test_upsert_creates_then_replaces_and_keeps_the_resource_id(container: ContainerProxy) -> None:
    first = await container.upsert_item({"id": "1", "pk": "a", "n": 1})
    second = await container.upsert_item({"id": "1", "pk": "a", "m": 2})
    assert second["_rid"] == first["_rid"]
    assert second["_etag"] != first["_etag"]
    assert "n" not in await container.read_item("1", "a")


async def test_the_same_id_lives_once_per_partition_key(container: ContainerProxy) -> None:
    await container.create_item({"id": "1", "pk": "a", "n": 1})
    await container.create_item({"id": "1", "pk": "b", "n": 2})
    assert (await container.read_item("1", "b"))["n"] == 2
    with pytest.raises(CosmosResourceExistsError) as refused:
        await container.create_item({"id": "1", "pk": "a"})
    assert refused.value.status_code == 409
    assert "already exists" in refused.value.http_error_message


async def test_what_is_not_there_is_404_for_every_verb(container: ContainerProxy) -> None:
    for call in (
        container.read_item("no", "a"),
        container.replace_item("no", {"id": "no", "pk": "a"}),
        container.delete_item("no", "a"),
        container.patch_item("no", "a", [{"op": "set", "path": "/n", "value": 1}]),
    ):
        with pytest.raises(CosmosResourceNotFoundError):
            await call


async def test_replace_and_delete(container: ContainerProxy) -> None:
    await container.create_item({"id": "1", "pk": "a", "n": 1})
    assert (await container.replace_item("1", {"id": "1", "pk": "a", "n": 2}))["n"] == 2
    await container.delete_item("1", "a")
    with pytest.raises(CosmosResourceNotFoundError):
        await container.read_item("1", "a")


async def test_replace_may_change_the_id_but_not_onto_another_document(container: ContainerProxy) -> None:
    await container.create_item({"id": "1", "pk": "a"})
    await container.create_item({"id": "2", "pk": "a"})
    await container.replace_item("1", {"id": "3", "pk": "a"})
    assert (await container.read_item("3", "a"))["id"] == "3"
    with pytest.raises(CosmosHttpResponseError) as refused:
        await container.replace_item("3", {"id": "2", "pk": "a"})
    assert refused.value.status_code == 409


async def test_a_stale_etag_is_412_and_changes_nothing(container: ContainerProxy) -> None:
    stale = await container.create_item({"id": "1", "pk": "a", "n": 1})
    fresh = await container.upsert_item({"id": "1", "pk": "a", "n": 2})
    if_stale = {"etag": stale["_etag"], "match_condition": MatchConditions.IfNotModified}
    for call in (
        container.upsert_item({"id": "1", "pk": "a", "n": 3}, **if_stale),
        container.replace_item("1", {"id": "1", "pk": "a", "n": 3}, **if_stale),
        container.patch_item("1", "a", [{"op": "set", "path": "/n", "value": 3}], **if_stale),
        container.delete_item("1", "a", **if_stale),
    ):
        with pytest.raises(CosmosAccessConditionFailedError):
            await call
    assert (await container.read_item("1", "a"))["n"] == 2
    replaced = await container.replace_item(
        "1", {"id": "1", "pk": "a", "n": 4}, etag=fresh["_etag"], match_condition=MatchConditions.IfNotModified
    )
    assert replaced["n"] == 4


async def test_a_read_of_a_version_the_client_has_is_304(container: ContainerProxy) -> None:
    known = await container.create_item({"id": "1", "pk": "a"})
    statuses: list[int] = []
    await container.read_item(
        "1", "a", etag=known["_etag"], match_condition=MatchConditions.IfModified,
        raw_response_hook=lambda response: statuses.append(response.http_response.status_code),
    )  # fmt: skip
    assert statuses == [304]


async def test_no_response_leaves_the_body_out(container: ContainerProxy) -> None:
    assert not await container.upsert_item({"id": "1", "pk": "a"}, no_response=True)
    assert (await container.read_item("1", "a"))["id"] == "1"


@pytest.mark.parametrize("bad", ["a/b", "a\\b", "a?b", "a#b", "x" * 1024, "é" * 512, 5])
async def test_ids_the_service_would_not_take_are_400(container: ContainerProxy, bad: object) -> None:
    # Through a batch: the SDK checks the ids of single requests itself.
    with pytest.raises(CosmosBatchOperationError) as refused:
        await container.execute_item_batch([("upsert", ({"id": bad, "pk": "a"},))], partition_key="a")
    assert refused.value.status_code == 400


async def test_the_longest_id_and_odd_characters_are_fine(container: ContainerProxy) -> None:
    for id_ in ("x" * 1023, "ü b+c&d=e%20f@:;,'\"", "100%"):
        await container.create_item({"id": id_, "pk": "a"})
        assert (await container.read_item(id_, "a"))["id"] == id_


async def test_a_document_over_2_mb_is_413_and_one_just_under_is_stored(container: ContainerProxy) -> None:
    with pytest.raises(CosmosHttpResponseError) as refused:
        await container.upsert_item({"id": "1", "pk": "a", "text": "x" * (2 * 1024 * 1024)})
    assert refused.value.status_code == 413
    text = "x" * (2 * 1024 * 1024 - 1000)
    await container.upsert_item({"id": "1", "pk": "a", "text": text})
    assert (await container.read_item("1", "a"))["text"] == text


async def test_all_items_page_by_page(container: ContainerProxy) -> None:
    for number in range(7):
        await container.create_item({"id": str(number), "pk": "ab"[number % 2]})
    pages = [[item["id"] async for item in page] async for page in container.read_all_items(max_item_count=3).by_page()]
    assert pages == [["0", "1", "2"], ["3", "4", "5"], ["6"]]


async def test_deleting_a_partition_key_leaves_the_others(container: ContainerProxy) -> None:
    for number in range(4):
        await container.create_item({"id": str(number), "pk": "ab"[number % 2]})
    await container.delete_all_items_by_partition_key("a")
    assert [item["id"] async for item in container.read_all_items()] == ["1", "3"]


async def test_read_items_reads_many_at_once(container: ContainerProxy) -> None:
    for number in range(5):
        await container.create_item({"id": str(number), "pk": f"key-{number}"})
    found = await container.read_items([("1", "key-1"), ("4", "key-4"), ("9", "key-9")])
    assert sorted(item["id"] for item in found) == ["1", "4"]


async def test_read_items_of_more_than_a_thousand(container: ContainerProxy) -> None:
    wanted = [(f"{key}-{number}", f"k{key}") for key in range(12) for number in range(100)]
    for key in range(12):
        batch = [("create", ({"id": id_, "pk": pk},)) for id_, pk in wanted if pk == f"k{key}"]
        await container.execute_item_batch(batch, partition_key=f"k{key}")
    found = await container.read_items(wanted)
    assert sorted(item["id"] for item in found) == sorted(id_ for id_, _ in wanted)


def test_the_sync_sdk_does_the_same(service: CosmosService) -> None:
    with SyncClient.from_connection_string(service.connection_string) as client:
        database = client.create_database_if_not_exists("dev")
        container = database.create_container(unique_name(), PartitionKey("/pk"))
        container.upsert_item({"id": "1", "pk": "a", "n": 1})
        container.execute_item_batch([("create", ({"id": str(n), "pk": "a", "n": n},)) for n in (2, 3)], "a")
        assert container.read_item("2", "a")["n"] == 2
        assert container.patch_item("2", "a", [{"op": "incr", "path": "/n", "value": 5}])["n"] == 7
        query = "SELECT VALUE SUM(c.n) FROM c"
        assert list(container.query_items(query, enable_cross_partition_query=True)) == [11]
        newest = container.query_items("SELECT c.id FROM c ORDER BY c.n DESC", partition_key="a")
        assert list(newest) == [{"id": "2"}, {"id": "3"}, {"id": "1"}]
        with pytest.raises(CosmosHttpResponseError) as refused:
            list(container.query_items("SELECT * FROM c"))
        assert "Cross partition query is required but disabled" in refused.value.http_error_message
        with pytest.raises(CosmosResourceExistsError):
            container.create_item({"id": "1", "pk": "a"})
        container.delete_item("1", "a")
        assert [item["id"] for item in container.read_all_items()] == ["2", "3"]
