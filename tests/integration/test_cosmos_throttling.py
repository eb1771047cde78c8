"""An account with a budget of request units: over it is 429 with a time to wait, and nothing is written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.cosmos.exceptions import CosmosHttpResponseError

from tests.integration.cosmos_service import CosmosService, rows


@pytest.fixture
def throttled(tmp_path: Path) -> Iterator[CosmosService]:
    service = CosmosService(tmp_path, "--ru-budget", "20")
    yield service
    assert service.stop() == 0


async def test_over_the_budget_is_429_with_a_time_to_wait(throttled: CosmosService) -> None:
    # The SDK cannot be told not to retry: a millisecond is the least it waits, nine times.
    async with throttled.client(retry_fixed_interval=1) as client:
        events = client.get_database_client("dev").get_container_client("events")
        batch = [("upsert", ({"id": str(number), "pk": "a"},)) for number in range(100)]
        await events.execute_item_batch(batch, partition_key="a")  # one request may overdraw
        with pytest.raises(CosmosHttpResponseError) as refused:
            await events.create_item({"id": "late", "pk": "a"})
        assert refused.value.status_code == 429
        assert refused.value.sub_status == 3200
        # 100 upserts of 4.95 RU and three index terms of 0.2 (id, pk, _ts), less 20 RU in hand, 20 RU a second.
        assert 24_000 < int(refused.value.headers["x-ms-retry-after-ms"]) <= 26_751
        # Whatever it is that reads or writes documents, it waits.
        attempts: list[Callable[[], Awaitable[Any]]] = [
            lambda: rows(events.query_items("SELECT VALUE COUNT(1) FROM c")),
            lambda: rows(events.query_items("SELECT * FROM c ORDER BY c.id", partition_key="a")),
            lambda: rows(events.query_items_change_feed(start_time="Beginning")),
            lambda: events.read_item("1", "a"),
            lambda: events.read_items([("1", "a"), ("2", "a")]),
            lambda: events.patch_item("1", "a", [{"op": "set", "path": "/v", "value": 1}]),
            lambda: events.delete_all_items_by_partition_key("a"),
        ]
        for attempt in attempts:
            with pytest.raises(CosmosHttpResponseError) as refused:
                await attempt()
            assert refused.value.status_code == 429
        # Requests about databases and containers are not throttled.
        assert (await events.read())["id"] == "events"


async def test_queries_and_feeds_are_paid_for_like_writes(tmp_path: Path) -> None:
    service = CosmosService(tmp_path, "--ru-budget", "600")
    charges: list[float] = []
    throttles: list[int] = []
    try:
        async with service.client(
            raw_response_hook=lambda response: throttles.append(response.http_response.status_code)
        ) as client:
            events = client.get_database_client("dev").get_container_client("events")
            batch = [("upsert", ({"id": str(number), "pk": "a"},)) for number in range(100)]
            await events.execute_item_batch(batch, partition_key="a")  # 555 RU
            for _ in range(8):
                hook = {"response_hook": lambda headers, _: charges.append(float(headers["x-ms-request-charge"]))}
                assert len(await rows(events.query_items_change_feed(start_time="Beginning", **hook))) == 100
        assert charges[0] == pytest.approx(100.0)
        assert 429 in throttles
    finally:
        assert service.stop() == 0


async def test_the_sdk_waits_and_gets_through(throttled: CosmosService) -> None:
    throttles: list[int] = []
    async with throttled.client(
        raw_response_hook=lambda response: throttles.append(response.http_response.status_code)
    ) as client:
        events = client.get_database_client("dev").get_container_client("events")
        overdraw = [("upsert", ({"id": str(number), "pk": "a"},)) for number in range(14)]
        await events.execute_item_batch(overdraw, partition_key="a")  # 70 RU: 2.5 seconds of debt
        await events.create_item({"id": "late", "pk": "a"})
        assert throttles.count(429) > 0
        assert len(await rows(events.read_all_items())) == 15
