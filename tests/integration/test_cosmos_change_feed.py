"""The change feed through the SDK: from the beginning, now and a time; pages, restarts, partitions and feed ranges."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.cosmos import CosmosClient as SyncClient
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import CosmosHttpResponseError

from tests.integration.cosmos_service import CosmosService, client, container, database, service
from tests.waiting import until

__all__ = ["client", "container", "database", "service"]


async def read(container: ContainerProxy, **options: Any) -> tuple[list[Any], str]:
    """(the ids of all there is to read, in order; where the next reading is to start)."""
    ids = [item["id"] async for item in container.query_items_change_feed(**options)]
    return ids, container.client_connection.last_response_headers["etag"]


async def create(container: ContainerProxy, *ids: str, pk: str = "a") -> None:
    for id_ in ids:
        await container.create_item({"id": id_, "pk": pk})


async def test_from_the_beginning_every_document_is_there_once_at_its_last_change(container: ContainerProxy) -> None:
    await create(container, "1", "2", "3", "4")
    await container.upsert_item({"id": "1", "pk": "a", "v": 2})
    await container.patch_item("2", "a", [{"op": "add", "path": "/v", "value": 1}])
    await container.delete_item("3", "a")
    items = [item async for item in container.query_items_change_feed(start_time="Beginning")]
    assert [(item["id"], item.get("v")) for item in items] == [("4", None), ("1", 2), ("2", 1)]
    order = [item["_lsn"] for item in items]
    assert order == sorted(set(order))
    assert {"_etag", "_ts", "_rid"} <= items[0].keys()


async def test_without_a_start_it_starts_now(container: ContainerProxy) -> None:
    await create(container, "old")
    for options in ({}, {"start_time": "Now"}):
        ids, etag = await read(container, **options)
        assert ids == []
        await create(container, f"new-{len(options)}")
        assert (await read(container, continuation=etag))[0] == [f"new-{len(options)}"]


async def test_from_a_time(container: ContainerProxy) -> None:
    await create(container, "before")
    first = (await container.read_item("before", "a"))["_ts"]
    await until(lambda: datetime.now(UTC).timestamp() >= first + 1, "the next second: _ts counts whole ones")
    start = datetime.now(UTC)
    await create(container, "after", "later")
    assert (await read(container, start_time=start))[0] == ["after", "later"]
    assert (await read(container, start_time=datetime.fromtimestamp(first, UTC)))[0] == ["before", "after", "later"]
    await container.upsert_item({"id": "before", "pk": "a"})
    assert (await read(container, start_time=start, max_item_count=1))[0] == ["after", "later", "before"]
    assert (await read(container, start_time=datetime(2100, 1, 1, tzinfo=UTC)))[0] == []


async def test_pages_continue_in_another_client_and_after_a_restart(tmp_path: Path) -> None:
    service = CosmosService(tmp_path)
    try:
        async with service.client() as opened:
            events = opened.get_database_client("dev").get_container_client("events")
            await create(events, *map(str, range(10)))
            pages = events.query_items_change_feed(start_time="Beginning", max_item_count=4).by_page()
            first = [item["id"] async for item in await anext(pages)]
            token = pages.continuation_token
            # Both are read already; the one that changes again comes again.
            await events.delete_item("0", "a")
            await events.upsert_item({"id": "1", "pk": "a", "again": True})
        assert first == ["0", "1", "2", "3"]
        service.restart_after_kill()
        async with service.client() as opened:
            events = opened.get_database_client("dev").get_container_client("events")
            sizes = []
            rest = []
            async for page in events.query_items_change_feed(continuation=token, max_item_count=4).by_page():
                ids = [item["id"] async for item in page]
                sizes.append(len(ids))
                rest += ids
            assert rest == ["4", "5", "6", "7", "8", "9", "1"]
            assert sizes == [4, 3]
    finally:
        service.stop()


async def test_one_partition_or_one_feed_range_alone(container: ContainerProxy) -> None:
    for number in range(12):
        await create(container, f"{number}", pk=f"key-{number % 3}")
    ids, etag = await read(container, partition_key="key-1", start_time="Beginning")
    assert ids == ["1", "4", "7", "10"]
    range_ = await container.feed_range_from_partition_key("key-2")
    assert (await read(container, feed_range=range_, start_time="Beginning", max_item_count=1))[0] == [
        "2", "5", "8", "11",
    ]  # fmt: skip
    await create(container, "other", pk="key-0")
    ids, later = await read(container, continuation=etag)
    assert ids == []
    await create(container, "mine", pk="key-1")
    assert (await read(container, continuation=later))[0] == ["mine"]
    whole = [range_ async for range_ in container.read_feed_ranges()]
    found = [id_ for range_ in whole for id_ in (await read(container, feed_range=range_, start_time="Beginning"))[0]]
    assert len(found) == 14


async def test_what_has_expired_is_not_there(container: ContainerProxy) -> None:
    await container.create_item({"id": "brief", "pk": "a", "ttl": 1})
    await create(container, "lasting")
    start = datetime.now(UTC)
    await until(lambda: datetime.now(UTC) > start + timedelta(seconds=2), "the end of a second's time to live")
    assert (await read(container, start_time="Beginning"))[0] == ["lasting"]


async def test_nothing_new_is_304_with_an_etag_and_costs_little(container: ContainerProxy) -> None:
    await create(container, "1")
    statuses: list[int] = []
    headers: list[Mapping[str, Any]] = []
    feed = container.query_items_change_feed(
        start_time="Now",
        raw_response_hook=lambda response: statuses.append(response.http_response.status_code),
        response_hook=lambda received, _: headers.append(dict(received)),
    )
    assert [item async for item in feed] == []
    assert statuses[-1] == 304
    assert float(headers[-1]["x-ms-request-charge"]) <= 1


async def test_a_page_is_4_mb_at_most(container: ContainerProxy) -> None:
    for number in range(5):
        await container.create_item({"id": str(number), "pk": "a", "filler": "x" * 1_500_000})
    pages = container.query_items_change_feed(start_time="Beginning").by_page()
    assert [len([item async for item in page]) async for page in pages] == [2, 2, 1]


async def test_the_sync_client_reads_the_same(container: ContainerProxy, service: CosmosService) -> None:
    await create(container, "1", "2", "3")
    with SyncClient.from_connection_string(service.connection_string) as sync:
        same = sync.get_database_client("dev").get_container_client(container.id)
        pages = same.query_items_change_feed(start_time="Beginning", max_item_count=2).by_page()
        assert [item["id"] for item in next(pages)] == ["1", "2"]
        resumed = same.query_items_change_feed(continuation=pages.continuation_token)
        assert [item["id"] for item in resumed] == ["3"]
        with pytest.warns(DeprecationWarning, match="partition_key_range_id"):
            by_range = same.query_items_change_feed(partition_key_range_id="0", start_time="Beginning")
        assert [item["id"] for item in by_range] == ["1", "2", "3"]


async def test_all_versions_and_deletes_is_refused_by_name(container: ContainerProxy) -> None:
    with pytest.raises(CosmosHttpResponseError) as refused:
        await read(container, mode="AllVersionsAndDeletes")
    assert refused.value.status_code == 400
    assert "AllVersionsAndDeletes" in refused.value.http_error_message
