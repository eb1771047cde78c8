"""A regular expression that would search for ever: that query is refused, and everybody else is answered meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import CosmosHttpResponseError

from tests.integration.cosmos_service import client, container, database, service

__all__ = ["client", "container", "database", "service"]
CATASTROPHE = "(a|a)*$"


async def refusal(request: Awaitable[Any]) -> CosmosHttpResponseError:
    with pytest.raises(CosmosHttpResponseError) as refused:
        await request
    return refused.value


async def test_a_query_that_would_search_for_ever_is_refused_and_others_are_answered(container: ContainerProxy) -> None:
    await container.upsert_item({"id": "1", "pk": "a", "text": "a" * 60 + "b"})

    async def matching(pattern: str) -> list[dict[str, Any]]:
        query = "SELECT c.id FROM c WHERE REGEXMATCH(c.text, @pattern)"
        return [row async for row in container.query_items(query, parameters=[{"name": "@pattern", "value": pattern}])]

    endless, answered = asyncio.create_task(refusal(matching(CATASTROPHE))), 0
    while not endless.done():
        assert (await container.read_item("1", "a"))["pk"] == "a"
        answered += not endless.done()
    assert answered > 3
    assert endless.result().status_code == 400
    assert "REGEXMATCH: the regular expression takes too much on a text of 61 characters" in endless.result().message
    assert await matching("^a+b$") == [{"id": "1"}]


async def test_a_patch_with_such_a_condition_changes_nothing(container: ContainerProxy) -> None:
    await container.upsert_item({"id": "1", "pk": "a", "text": "a" * 60 + "b"})
    patch = container.patch_item(
        "1", "a", [{"op": "set", "path": "/text", "value": "b"}],
        filter_predicate=f"FROM c WHERE REGEXMATCH(c.text, '{CATASTROPHE}')",
    )  # fmt: skip
    assert (await refusal(patch)).status_code == 400
    assert (await container.read_item("1", "a"))["text"] == "a" * 60 + "b"
