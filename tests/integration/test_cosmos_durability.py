"""What was acknowledged stays: across a restart, a kill -9 in full flight, and a disk that is full."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import AzureError
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import CosmosHttpResponseError

from tests.integration.cosmos_service import CosmosService, rows
from tests.waiting import PATIENCE


@pytest.fixture
def own(tmp_path: Path) -> Iterator[CosmosService]:
    service = CosmosService(tmp_path)
    yield service
    service.stop()


def events_of(client: Any) -> ContainerProxy:
    return client.get_database_client("dev").get_container_client("events")


async def test_a_restart_keeps_everything(own: CosmosService) -> None:
    async with own.client() as client:
        before = await events_of(client).create_item({"id": "1", "pk": "a", "n": 1})
        deleted = await events_of(client).create_item({"id": "2", "pk": "a"})
        await events_of(client).delete_item("2", "a")
    own.restart()
    async with own.client() as client:
        assert dict(await events_of(client).read_item("1", "a")) == dict(before)
        # Numbers go on where they were: a new document is not taken for the deleted one.
        after = await events_of(client).create_item({"id": "2", "pk": "a"})
        assert after["_rid"] != deleted["_rid"]
        assert after["_etag"] not in (deleted["_etag"], before["_etag"])


async def test_kill_9_loses_nothing_that_was_acknowledged(own: CosmosService) -> None:
    acknowledged: set[str] = set()
    enough = asyncio.Event()

    async def write(events: ContainerProxy, writer: int) -> None:
        with contextlib.suppress(AzureError):  # the one that the kill cuts off
            for number in range(100_000):
                ids = [f"{writer}-{number}-{place}" for place in range(10)]
                batch = [("create", ({"id": id_, "pk": f"k{writer}", "text": "x" * 500},)) for id_ in ids]
                await events.execute_item_batch(batch, partition_key=f"k{writer}")
                acknowledged.update(ids)
                if len(acknowledged) > 1500:
                    enough.set()

    async with own.client(retry_total=0, connection_timeout=1) as client:
        writers = [asyncio.create_task(write(events_of(client), writer)) for writer in range(6)]
        await asyncio.wait_for(enough.wait(), PATIENCE)
        own.child.kill()
        for writer in writers:
            writer.cancel()
        await asyncio.gather(*writers, return_exceptions=True)
    own.restart_after_kill()
    async with own.client() as client:
        stored = set(await rows(events_of(client).query_items("SELECT VALUE c.id FROM c")))
    assert len(acknowledged) > 1500
    assert acknowledged <= stored
    # Batches are whole or absent.
    assert len(stored) % 10 == 0


@pytest.mark.skipif(sys.platform != "linux", reason="a file size limit on another process is Linux's prlimit")
async def test_a_full_disk_refuses_and_recovers(own: CosmosService) -> None:
    async with own.client(retry_total=0) as client:
        events = events_of(client)
        await events.create_item({"id": "before", "pk": "a"})
        wal = own.directory / "data" / "cosmos.sqlite-wal"
        limits = resource.prlimit(own.child.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(own.child.pid, resource.RLIMIT_FSIZE, (wal.stat().st_size + 10_000, limits[1]))
        refused: list[str] = []
        for number in range(3):
            with pytest.raises(CosmosHttpResponseError) as failure:
                await events.create_item({"id": f"refused-{number}", "pk": "a", "text": "x" * 100_000})
            assert failure.value.status_code == 503
            refused.append(f"refused-{number}")
        # Reading goes on, and nothing that was refused is there.
        assert await rows(events.query_items("SELECT VALUE c.id FROM c")) == ["before"]
        resource.prlimit(own.child.pid, resource.RLIMIT_FSIZE, limits)
        await events.create_item({"id": "after", "pk": "a", "text": "x" * 100_000})
    own.restart_after_kill()
    async with own.client() as client:
        found = await rows(events_of(client).query_items("SELECT VALUE c.id FROM c"))
    assert found == ["before", "after"]
