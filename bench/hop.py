"""A hop inside the worker: from a trigger's data to batches ready to send, packed and one record per event.

No sockets. Beside it, in the same run, the floor: the same records validated, enriched and serialised alone.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import orjson
from azure.functions.eventhub import EventHubTriggerConverter
from azure.functions.meta import Datum
from pydantic import TypeAdapter

from shared import emitter
from shared.batches import Batch
from shared.emitter import Emitter
from shared.models import Place
from shared.records import Record
from shared.reference.postal_codes import all_codes
from shared.stages.enrich import ENRICH_PLACES, place_enrichment
from shared.stages.split import SPLIT

EVENT_BYTES = 400
ROUNDS = 7


def places(count: int) -> list[dict[str, Any]]:
    """Events of `EVENT_BYTES` bytes, as the postal-code producers send them."""
    codes = [(code, place) for code, place in all_codes().items() if place.state == "NC"]
    events = []
    for number in range(count):
        code, place = codes[number * 7 % len(codes)]
        event = {
            "postal_cd": code, "country_cd": "US", "city_name": place.city, "state_abbrv": "NC",
            "latitude": place.latitude, "longitude": place.longitude, "pk": code, "seq": number,
            "timestamp": "2026-11-22 09:00:00", "epoch": 1795338000, "sender": "python_ms_sdk",
        }  # fmt: skip
        event["note"] = "x" * (EVENT_BYTES - len(orjson.dumps(event)) - len(',"note":""'))
        events.append(event)
    return events


def trigger(hub: str, bodies: list[bytes]) -> Callable[[], list[Any]]:
    """What the host hands to the worker for `bodies`; the call is the worker's decoding of it."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    system = [
        {"SequenceNumber": n, "Offset": n, "OffsetString": str(n), "EnqueuedTimeUtc": now} for n in range(len(bodies))
    ]
    context = {"FullyQualifiedNamespace": "bench", "EventHubName": hub, "ConsumerGroup": "bench", "PartitionId": "0"}
    metadata = {
        "SystemPropertiesArray": json.dumps(system),
        "PropertiesArray": json.dumps([{}] * len(bodies)),
        "PartitionContext": json.dumps(context),
    }

    def decode() -> list[Any]:
        return EventHubTriggerConverter.decode(  # type: ignore[no-any-return]
            Datum(SimpleNamespace(bytes=bodies), "collection_bytes"),
            trigger_metadata={name: Datum(text, "json") for name, text in metadata.items()},
        )

    return decode


class _Ready:
    """A producer to which every batch is as good as sent."""

    async def get_partition_ids(self) -> list[str]:
        return ["0", "1", "2", "3"]

    async def send_batch(self, batch: object) -> None:
        pass


def cpu_per(count: int, work: Callable[[], object]) -> float:
    """CPU of one call per `count`, in microseconds: the best of `ROUNDS`."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best / count * 1e6


def measure() -> dict[str, float]:
    """CPU per record, in microseconds, by what was done."""
    records = 5000
    bodies = [orjson.dumps(event) for event in places(records)]
    split = SPLIT.process(Batch.of(trigger("dev", bodies)()))
    payloads = [payload for _, payload in split.outputs["places"]]
    packed = [b"[" + b",".join(payloads[start : start + 100]) + b"]" for start in range(0, records, 100)]
    loop = asyncio.new_event_loop()

    def hop(stage: Any, decode: Callable[[], list[Any]], unpacked: frozenset[str]) -> Callable[[], object]:
        sender = Emitter(lambda _: _Ready())  # type: ignore[arg-type]

        def work() -> None:
            emitter.UNPACKED_HUBS = unpacked  # type: ignore[misc]
            outcome = stage.process(Batch.of(decode()))
            assert not outcome.failures
            loop.run_until_complete(sender.emit(outcome.outputs))

        return work

    adapter = TypeAdapter(list[Record[Place]])

    def floor() -> None:
        for body in packed:
            for record in adapter.validate_python(orjson.loads(body)):
                record["data"] |= place_enrichment(record["data"])
                orjson.dumps(record)

    nothing: frozenset[str] = frozenset()
    one_by_one = trigger("places", payloads[:500])
    results = {
        "floor: validate, enrich, serialise": cpu_per(records, floor),
        "enrich_places, packed": cpu_per(records, hop(ENRICH_PLACES, trigger("places", packed), nothing)),
        "enrich_places, one record an event": cpu_per(500, hop(ENRICH_PLACES, one_by_one, frozenset(["enriched"]))),
        "split, producers' events in, packed out": cpu_per(500, hop(SPLIT, trigger("dev", bodies[:500]), nothing)),
        "  of which the worker's own decoding": cpu_per(500, trigger("dev", bodies[:500])),
    }
    emitter.UNPACKED_HUBS = nothing  # type: ignore[misc]
    loop.close()
    return results


def main() -> dict[str, float]:
    """Print and return the measurements."""
    results = measure()
    print(f"A hop inside the worker, {EVENT_BYTES}-byte events, us of CPU per record")
    for name, value in results.items():
        print(f"  {name:<42}{value:8.1f}")
    return results


if __name__ == "__main__":
    main()
