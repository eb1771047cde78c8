"""The app's own Cosmos DB client and sink against the service: what fits into a document is stored, in any script."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from azure.cosmos.aio import ContainerProxy

from shared import clients
from shared.records import MAX_RECORD_BYTES, to_json
from shared.sinks.documents import upsert
from tests.integration.cosmos_service import CosmosService, service

__all__ = ["service"]


@pytest.fixture
async def container(service: CosmosService, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ContainerProxy]:
    monkeypatch.setenv("Cosmos", service.connection_string)
    cached = (clients.documents, clients._transport)
    for function in cached:
        function.cache_clear()
    yield clients.documents()
    await clients._transport().close()
    for function in cached:
        function.cache_clear()


@pytest.mark.parametrize("letter", ["a", "ж", "字", "😀"])
async def test_a_document_as_large_as_an_event_is_stored_in_any_script(container: ContainerProxy, letter: str) -> None:
    # GIVEN: two documents of one key, which go as one batch, and one as large as a hub's largest event
    size = len(letter.encode())
    pair = [{"id": f"{n}", "pk": f"pair {letter}", "text": letter * (900_000 // size)} for n in range(2)]
    whole = {"id": "whole", "pk": f"key {letter}", "text": letter * ((MAX_RECORD_BYTES - 1000) // size)}

    # WHEN: they are stored
    refused = await upsert(container, ((document, len(to_json(document))) for document in [*pair, whole]))

    # THEN: all of them, as they were
    assert refused == []
    for document in [*pair, whole]:
        stored = await container.read_item(document["id"], document["pk"])
        assert stored["text"] == document["text"]
