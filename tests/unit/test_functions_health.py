"""What /api/health says of what the app depends on, and how often it asks."""

from __future__ import annotations

import asyncio
from unittest.mock import AsyncMock, Mock

import azure.functions as func
import orjson
import pytest
from azure.cosmos.exceptions import CosmosHttpResponseError

from functions import (
    health,
)
from shared import clients, dependencies
from tests.unit.mocked_azure import Azure, azure  # noqa: F401
from tests.unit.trigger import user_function

# ruff: noqa: F811 (fixtures are imported by name)


async def test_health_names_what_is_away(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.dependencies.FRESH", 0.0)
    producer = Mock(get_eventhub_properties=AsyncMock())
    producer.__aenter__ = AsyncMock(return_value=producer)
    producer.__aexit__ = AsyncMock(return_value=None)
    monkeypatch.setattr(clients, "producer", lambda _: producer)
    lake = Mock(exists=AsyncMock(return_value=True))
    monkeypatch.setattr(clients, "blob_container", lambda _: lake)  # what store_files writes through
    check = func.HttpRequest(method="GET", url="/api/health", body=b"")

    response = await user_function(health)(check)
    assert (response.status_code, orjson.loads(response.get_body())["status"]) == (200, "ok")

    azure.container.read.side_effect = CosmosHttpResponseError(status_code=401, message="Unauthorized\nheaders: secret")
    response = await user_function(health)(check)
    answer = orjson.loads(response.get_body())
    assert (response.status_code, answer["dependencies"]["event_hubs"]) == (503, "ok")
    assert "401" in answer["dependencies"]["cosmos"]
    assert "secret" not in answer["dependencies"]["cosmos"]

    lake.exists.return_value = False
    answer = orjson.loads((await user_function(health)(check)).get_body())
    assert answer["dependencies"]["data_lake"] == "file system events does not exist"


async def test_health_asks_its_dependencies_once_in_a_while_however_often_it_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dependencies, "CHECKS", {"cosmos": (ask := AsyncMock(return_value="ok"))})
    fresh = dependencies.Health()
    assert [await fresh.check() for _ in range(5)] == [{"cosmos": "ok"}] * 5
    assert ask.await_count == 1


async def test_health_asks_its_dependencies_once_for_all_that_ask_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = 0

    async def ask() -> str:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        return "ok"

    monkeypatch.setattr(dependencies, "CHECKS", {"cosmos": ask})
    fresh = dependencies.Health()
    assert await asyncio.gather(*(fresh.check() for _ in range(5))) == [{"cosmos": "ok"}] * 5
    assert asked == 1


async def test_health_names_a_setting_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.dependencies.FRESH", 0.0)
    for name in ("EventHubs", "Cosmos", "DataLake"):
        monkeypatch.delenv(name, raising=False)
    clients.documents.cache_clear()
    clients.blob_container.cache_clear()
    response = await user_function(health)(func.HttpRequest(method="GET", url="/api/health", body=b""))
    answer = orjson.loads(response.get_body())["dependencies"]
    assert response.status_code == 503
    assert all(
        f"{name} is not set" in answer[key]
        for name, key in (("EventHubs", "event_hubs"), ("Cosmos", "cosmos"), ("DataLake", "data_lake"))
    )
