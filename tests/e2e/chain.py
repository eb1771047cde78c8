"""The whole chain on free ports, for tests that send at one end and count at the other.

A stack takes seconds to start, so the tests of a module share one: each looks at its own `Run` alone.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from local.accounts import Stores
from local.ports import Ports
from local.stack import ROOT, Stack
from tests.sending import Sender
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

Event = dict[str, Any]


@contextmanager
def running(data_dir: Path) -> Iterator[Stack]:
    """A stack with the function app; its state goes with the module."""
    with Stack(data_dir=data_dir, ports=Ports.free(), app=ROOT) as stack:
        yield stack


def encoded(bodies: Sequence[object]) -> list[bytes]:
    """Bodies that are no bytes yet are to be JSON."""
    return [body if isinstance(body, bytes) else orjson.dumps(body) for body in bodies]


def documents(stack: Stack) -> list[Event]:
    """Every document, without what Cosmos DB adds."""
    found = Stores(stack.settings)._container.query_items("SELECT * FROM c", enable_cross_partition_query=True)
    return [{name: value for name, value in item.items() if name[0] != "_"} for item in found]


def lines(stack: Stack, file_system: str = "events") -> list[Event]:
    """Every line of every file, read anew, files in the order of their names."""
    return [json.loads(line) for line in Stores(stack.settings).lines(file_system)]


class Run:
    """What one test sends through a stack, and what the stores hold of it: its events carry its name as their `run`.

    What arrives as a dead letter has none: those that were there before are somebody else's.
    """

    def __init__(self, stack: Stack, sender: Sender) -> None:
        self.name = uuid.uuid4().hex
        self._stack = stack
        self._sender = sender
        self._stores = Stores(stack.settings)
        self._earlier = {letter["id"] for letter in lines(stack, "dead-letters")}

    def mine(self, event: Event, **more: Any) -> Event:
        """`event` as one of this run, with more fields."""
        return event | {"run": self.name} | more

    def numbered(self, count: int, keys: int = 40, start: int = 0) -> list[Event]:
        """Valid places that count within their key: `n` overall, `nth` in the key."""
        return [self.mine(PLACE, pk=f"k{n % keys:03}", n=n, nth=n // keys) for n in range(start, start + count)]

    def send(self, bodies: Sequence[object], key: str | None = None, hub: str = "dev") -> None:
        """Send bodies (bytes, or what is to be JSON), and return when the hub has acknowledged them all."""
        self._sender.send(hub, encoded(bodies), key=key)

    def documents(self) -> list[Event]:
        return [document for document in documents(self._stack) if document.get("run") == self.name]

    def lines(self) -> list[Event]:
        """Read anew."""
        return [line for line in lines(self._stack) if line.get("run") == self.name]

    def letters(self) -> list[Event]:
        """The dead letters of late, read anew."""
        return [letter for letter in lines(self._stack, "dead-letters") if letter["id"] not in self._earlier]

    def document_count(self) -> int:
        query = self._stores._container.query_items(
            "SELECT VALUE COUNT(1) FROM c WHERE c.run = @run", parameters=[{"name": "@run", "value": self.name}],
            enable_cross_partition_query=True,
        )  # fmt: skip
        return int(str(next(iter(query))))

    def line_count(self) -> int:
        return sum(self.name in line for line in self._stores.lines("events"))

    def wait_stored(self, count: int, seconds: float = 60.0) -> None:
        """Wait until `count` documents and as many lines are there."""
        wait_until(lambda: self.document_count() >= count, f"{count} documents", seconds, every=0.1)
        wait_until(lambda: self.line_count() >= count, f"{count} lines", seconds, every=0.1)

    def wait_letters(self, count: int) -> list[Event]:
        """Wait for that many dead letters, each part of a large one counted, and return them."""

        def found() -> list[Event]:
            letters = self.letters()
            return letters if len(letters) >= count else []

        letters: list[Event] = wait_until(found, f"{count} dead letters", 60, every=0.1)
        assert len(letters) == count
        return letters

    def assert_each_stored_once(self, numbers: Sequence[int]) -> None:
        """Each `n` is one document and one line, and the two are equal."""
        stored, written = self.documents(), self.lines()
        assert sorted(document["n"] for document in stored) == sorted(numbers)
        assert sorted(line["n"] for line in written) == sorted(numbers)
        by_id = {document["id"]: document for document in stored}
        assert all(by_id[line["id"]] == line for line in written)


@contextmanager
def run_through(stack: Stack) -> Iterator[Run]:
    """A run of its own for one test."""
    with Sender(stack.settings["EventHubs"]) as sender:
        yield Run(stack, sender)
