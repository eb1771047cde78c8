"""The SDK clients that a function meets, mocked."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import AsyncMock, Mock

import orjson
import pytest
from azure.eventhub import EventDataBatch
from azure.eventhub.exceptions import ConnectError

from shared import clients
from shared.chain import CHAIN, Chain
from tests.unit.lake import Lake


class Azure:
    """The mocked SDK clients that a function meets."""

    def __init__(self) -> None:
        self.sent: dict[str, list[dict]] = {}
        self.container = Mock(
            execute_item_batch=AsyncMock(), upsert_item=AsyncMock(), read=AsyncMock(return_value={"id": "events"})
        )
        self.lakes = {"events": Lake(), "dead-letters": Lake()}
        self.hubs_down: set[str] = set()

    def producer(self, hub: str) -> Mock:
        async def send(batch: EventDataBatch) -> None:
            if hub in self.hubs_down:
                raise ConnectError(f"{hub} is away")
            for event in batch._internal_events:
                self.sent.setdefault(hub, []).extend(orjson.loads(next(event.body)))

        return Mock(get_partition_ids=AsyncMock(return_value=["0", "1", "2", "3"]), send_batch=send)

    def documents(self) -> list[dict]:
        batched = [call.args[0] for call in self.container.execute_item_batch.call_args_list]
        return [document for batch in batched for _, (document,) in batch] + [
            call.args[0] for call in self.container.upsert_item.call_args_list
        ]


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Azure]:
    mocked = Azure()
    monkeypatch.setattr(clients, "producer", mocked.producer)
    monkeypatch.setattr(clients, "documents", lambda: mocked.container)
    monkeypatch.setattr(clients, "blob_container", lambda name: mocked.lakes[name])
    fresh = Chain()
    monkeypatch.setattr(CHAIN, "emitter", fresh.emitter)
    monkeypatch.setattr(CHAIN, "_files", fresh._files)
    monkeypatch.setattr(CHAIN, "_done", {})
    return mocked
