"""The whole chain on free ports, for tests that send at one end and count at the other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from local.accounts import Stores
from local.ports import Ports
from local.stack import ROOT, Stack
from tests.sending import send_bodies
from tests.waiting import wait_until

PLACE = {
    "postal_cd": "28036", "country_cd": "US", "city_name": "Davidson", "state_abbrv": "NC", "latitude": 35.48,
    "longitude": -80.79,
}  # fmt: skip
WEATHER = {"kind": "weather", "station": "KCLT", "temperature_f": 91.4, "humidity": 62}
SEISMIC = {
    "kind": "seismic", "event_id": "us7000abcd", "network": "us", "magnitude": 4.6, "depth_km": 10.2,
    "latitude": 35.5, "longitude": -80.8,
}  # fmt: skip


@contextmanager
def running(data_dir: Path) -> Iterator[Stack]:
    """A stack with the function app; its state goes with the test."""
    with Stack(data_dir=data_dir, ports=Ports.free(), app=ROOT) as stack:
        yield stack


def send(stack: Stack, bodies: Sequence[object], key: str | None = None, hub: str = "dev") -> None:
    """Send bodies (bytes, or what is to be JSON), and return when the hub has acknowledged them all."""
    encoded = [body if isinstance(body, bytes) else orjson.dumps(body) for body in bodies]
    send_bodies(stack.settings["EventHubs"], hub, encoded, key=key)


def numbered(count: int, keys: int = 40, start: int = 0) -> list[dict[str, Any]]:
    """Valid places that count within their key: `n` overall, `nth` in the key."""
    return [PLACE | {"pk": f"k{n % keys:03}", "n": n, "nth": n // keys} for n in range(start, start + count)]


def documents(stack: Stack) -> list[dict[str, Any]]:
    """Every document, without what Cosmos DB adds."""
    found = Stores(stack.settings)._container.query_items("SELECT * FROM c", enable_cross_partition_query=True)
    return [{name: value for name, value in item.items() if name[0] != "_"} for item in found]


def lines(stack: Stack, file_system: str = "events") -> list[dict[str, Any]]:
    """Every line of every file, read anew, files in the order of their names."""
    return [json.loads(line) for line in Stores(stack.settings).lines(file_system)]


def wait_stored(stack: Stack, count: int, seconds: float = 60.0) -> None:
    """Wait until `count` documents and as many lines are there."""
    stores = Stores(stack.settings)
    wait_until(lambda: stores.document_count() >= count, f"{count} documents", seconds, every=0.1)
    wait_until(lambda: len(Stores(stack.settings).lines("events")) >= count, f"{count} lines", seconds, every=0.1)


def assert_each_stored_once(stack: Stack, numbers: Sequence[int]) -> None:
    """Each `n` is one document and one line, and the two are equal."""
    stored, written = documents(stack), lines(stack)
    assert sorted(document["n"] for document in stored) == sorted(numbers)
    assert sorted(line["n"] for line in written) == sorted(numbers)
    by_id = {document["id"]: document for document in stored}
    assert all(by_id[line["id"]] == line for line in written)
