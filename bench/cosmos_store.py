"""What the local Cosmos DB can take: upserts one by one and in batches of 100 through the SDK, its CPU per document,
and how long point reads, lookups and a filtered count take with many documents stored.

    python -m bench.cosmos_store [--documents 20000] [--stored 100000]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from azure.cosmos.aio import ContainerProxy, CosmosClient

from bench.processes import cpu_seconds
from local.children import Child
from local.cosmos import connection_string

DOCUMENT_BYTES = 600
BATCH = 100
_IN_FLIGHT = 8
_KEYS = 50
_LOOKUPS = 200


def document(number: int, key: str) -> dict[str, Any]:
    """A flat document of `DOCUMENT_BYTES` bytes of JSON, as a store writes them."""
    body = {
        "id": f"event-{number:010d}", "pk": key, "kind": "place", "seq": number, "epoch": 1_700_000_000 + number,
        "sender": "python_ms_sdk" if number % 2 else "python_kafka_sdk", "city": "Asheville", "county": "Buncombe",
        "latitude": 35.5951, "longitude": -82.5515, "time": "2026-11-22T09:00:00.000Z",
    }  # fmt: skip
    body["filler"] = "x" * (DOCUMENT_BYTES - len(str(body)) - 14)
    return body


@asynccontextmanager
async def _service() -> AsyncIterator[tuple[Child, ContainerProxy]]:
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        child = Child.start_module(
            "local.cosmos", "--port", "0", "--data-dir", directory, "--create", "dev/events:/pk", log=place / "log"
        )
        try:
            child.wait_ready()
            async with CosmosClient.from_connection_string(connection_string(child.port)) as client:
                container = client.get_database_client("dev").get_container_client("events")
                await container.upsert_item(document(0, "warm"))
                yield child, container
        finally:
            child.stop()


async def _together(calls: Sequence[Any]) -> None:
    """Await `calls` (functions without arguments), `_IN_FLIGHT` at a time."""
    waiting = iter(calls)

    async def work() -> None:
        for call in waiting:
            await call()

    await asyncio.gather(*(work() for _ in range(_IN_FLIGHT)))


async def _timed(child: Child, calls: Sequence[Any], documents: int) -> tuple[float, float]:
    """(documents per second, server microseconds of CPU per document)."""
    began, used = time.perf_counter(), cpu_seconds(child.pid)
    await _together(calls)
    return documents / (time.perf_counter() - began), (cpu_seconds(child.pid) - used) / documents * 1e6


async def _median_ms(calls: Sequence[Any]) -> float:
    """The median time of `calls`, one after the other, in milliseconds."""
    times = []
    for call in calls:
        began = time.perf_counter()
        await call()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


async def _measure(documents: int, stored: int) -> dict[str, float]:
    async with _service() as (child, container):

        def single(number: int) -> Any:
            return lambda: container.upsert_item(document(number, f"single-{number % _KEYS}"))

        def batch(number: int) -> Any:
            key = f"batch-{number % _KEYS}"
            operations = [("upsert", (document(number * BATCH + place, key),)) for place in range(BATCH)]
            return lambda: container.execute_item_batch(operations, partition_key=key)

        singles = max(1, documents // 10)
        single_rate, single_cpu = await _timed(child, [single(number) for number in range(singles)], singles)
        batches = [batch(number) for number in range(documents // BATCH)]
        batch_rate, batch_cpu = await _timed(child, batches, documents)
        again_rate, again_cpu = await _timed(child, batches, documents)
        await _together([batch(number) for number in range(documents // BATCH, (stored - singles - 1) // BATCH + 1)])
        found = await anext(aiter(container.query_items("SELECT VALUE COUNT(1) FROM c")))

        async def read(id_: str, key: str) -> None:
            await container.read_item(id_, key)

        async def lookup(id_: str, key: str) -> None:
            query = f"SELECT * FROM c WHERE c.id = '{id_}' AND c.pk = @pk"
            (_,) = [found async for found in container.query_items(query, parameters=[{"name": "@pk", "value": key}])]

        # One of each batch, the batches in no order that a store could foresee.
        numbers = [number * BATCH * 7919 % documents for number in range(_LOOKUPS)]
        places = [(f"event-{number:010d}", f"batch-{number // BATCH % _KEYS}") for number in numbers]
        read_ms = await _median_ms([partial(read, *place) for place in places])
        lookup_ms = await _median_ms([partial(lookup, *place) for place in places])
        began = time.perf_counter()
        query = "SELECT VALUE COUNT(1) FROM c WHERE c.epoch >= 1600000000 AND c.sender = 'python_ms_sdk'"
        counted = await anext(aiter(container.query_items(query)))
        return {
            "singles_per_second": single_rate,
            "single_cpu_us": single_cpu,
            "batched_per_second": batch_rate,
            "batched_cpu_us": batch_cpu,
            "replaced_per_second": again_rate,
            "replaced_cpu_us": again_cpu,
            "stored": float(found),
            "read_ms": read_ms,
            "lookup_ms": lookup_ms,
            "counted": float(counted),
            "count_seconds": time.perf_counter() - began,
        }


def measure(documents: int = 20_000, stored: int = 100_000) -> dict[str, float]:
    """Run it all against a service of its own; rates per second, CPU of the server in microseconds per document.

    Args:
        documents: to write for the rates, a multiple of the batch.
        stored: how many there are at least when reads and queries are timed.
    """
    return asyncio.run(_measure(documents, stored))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.cosmos_store", description=__doc__)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--stored", type=int, default=100_000)
    options = parser.parse_args()
    figures = measure(options.documents, options.stored)
    rows = (
        ("upserts, one by one", "singles_per_second", "single_cpu_us"),
        (f"upserts of new documents, {BATCH} a batch", "batched_per_second", "batched_cpu_us"),
        (f"upserts over old documents, {BATCH} a batch", "replaced_per_second", "replaced_cpu_us"),
    )
    for label, rate, cpu in rows:
        print(f"{label:<44}{figures[rate]:>10,.0f}/s{figures[cpu]:>10.1f} us of server CPU each")
    stored, seconds = figures["stored"], figures["count_seconds"]
    print(f"{'point read':<44}{figures['read_ms']:>10.2f} ms, of {stored:,.0f} documents")
    print(f"{'query by id and partition key':<44}{figures['lookup_ms']:>10.2f} ms")
    print(f"{'filtered count':<44}{stored:>10,.0f} documents in {seconds:.3f} s, {seconds / stored * 1e6:.1f} us each")


if __name__ == "__main__":
    main()
