"""Fixtures: a namespace as a process of its own, and the least code to send to it and receive from it with the SDK."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from azure.eventhub import EventData, EventHubProducerClient
from azure.eventhub import EventHubConsumerClient as SyncConsumerClient
from azure.eventhub.aio import EventHubConsumerClient

import local.eventhubs
from local.children import Child
from tests.waiting import until

HUB, PARTITIONS, GROUP = "readings", 4, "workers"
# The SDK polls, its sockets every 0.2 s and partitions every 30: this makes it do so often enough for tests.
SOCKET_TIMEOUT, LOAD_BALANCING_INTERVAL = 0.01, 0.2


@dataclass
class Namespace:
    """A namespace that a test may stop, kill and start again on the same data."""

    directory: Path
    options: Sequence[str] = ()
    port: int = 0
    kafka_port: int = 0
    child: Child = field(init=False)

    def start(self) -> None:
        """Start it, on the same ports as before if it ran before."""
        self.child = Child.start_module(
            "local.eventhubs", "--port", str(self.port), "--kafka-port", str(self.kafka_port), "--data-dir",
            str(self.directory / "data"), "--config", str(self.directory / "hubs.json"), *self.options,
            log=self.directory / "eventhubs.log",
        )  # fmt: skip
        self.child.wait_ready()
        self.port = self.child.port
        self.kafka_port = int(str(self.child.ready["kafka_port"]))

    @property
    def connection_string(self) -> str:
        return local.eventhubs.connection_string(self.port)

    def producer(self, **options: Any) -> EventHubProducerClient:
        options = {"eventhub_name": HUB, "socket_timeout": SOCKET_TIMEOUT, **options}
        return EventHubProducerClient.from_connection_string(self.connection_string, **options)

    def consumer(self, group: str = "$Default", hub: str = HUB, **options: Any) -> EventHubConsumerClient:
        """An aio consumer."""
        return EventHubConsumerClient.from_connection_string(
            self.connection_string, group, eventhub_name=hub, load_balancing_interval=LOAD_BALANCING_INTERVAL,
            socket_timeout=SOCKET_TIMEOUT, **options,
        )  # fmt: skip

    def send(self, *bodies: str | bytes, partition_id: str | None = None, partition_key: str | None = None) -> None:
        """Send `bodies` as one batch."""
        with self.producer() as producer:
            producer.send_batch(
                [EventData(body) for body in bodies], partition_id=partition_id, partition_key=partition_key
            )


HUBS_FILE = {
    "UserConfig": {
        "NamespaceConfig": [
            {
                "Type": "EventHub",
                "Name": "emulatorNs1",
                "Entities": [
                    {"Name": HUB, "PartitionCount": PARTITIONS, "ConsumerGroups": [{"Name": GROUP}]},
                    {"Name": "other", "PartitionCount": 1, "ConsumerGroups": []},
                ],
            }
        ]
    }
}


@pytest.fixture
def make_namespace(tmp_path: Path) -> Iterator[Callable[..., Namespace]]:
    """Start a namespace with options of the command line."""
    started: list[Namespace] = []

    def make(*options: str) -> Namespace:
        directory = tmp_path / f"namespace-{len(started)}"
        directory.mkdir()
        (directory / "hubs.json").write_text(json.dumps(HUBS_FILE))
        namespace = Namespace(directory, options)
        started.append(namespace)
        namespace.start()
        return namespace

    yield make
    for namespace in started:
        namespace.child.stop()


@pytest.fixture
def namespace(make_namespace: Callable[..., Namespace]) -> Namespace:
    return make_namespace()


@dataclass
class Received:
    """What a consumer got, and what went wrong for it."""

    events: list[tuple[str, EventData]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def bodies(self, partition_id: str | None = None) -> list[str]:
        return [event.body_as_str() for found, event in self.events if partition_id in (None, found)]


@asynccontextmanager
async def receiving(
    client: EventHubConsumerClient, handle: Callable[[Any, EventData], Awaitable[None]] | None = None, **options: Any
) -> AsyncIterator[Received]:
    """Receive in the background while the context lasts; `handle` sees each event too."""
    received = Received()

    async def on_event(context: Any, event: EventData) -> None:
        received.events.append((context.partition_id, event))
        if handle is not None:
            await handle(context, event)

    async def on_error(_context: Any, error: Exception) -> None:
        received.errors.append(error)

    task = asyncio.create_task(client.receive(on_event, on_error=on_error, **options))
    try:
        yield received
    finally:
        # In this order: a client that is closed first waits a second for its own tasks.
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.close()


def refusal(namespace: Namespace, group: str = "$Default", **options: Any) -> Exception:
    """Why a consumer is refused. The synchronous client: the aio one retries some refusals for ever, in silence."""
    errors: list[Exception] = []
    client = SyncConsumerClient.from_connection_string(
        namespace.connection_string, group, eventhub_name=HUB, retry_total=0, socket_timeout=SOCKET_TIMEOUT
    )

    def on_error(_context: Any, error: Exception) -> None:
        errors.append(error)
        threading.Thread(target=client.close).start()

    with client:
        client.receive(lambda *_: None, on_error=on_error, partition_id="0", **options)
    return errors[0]


async def collect(
    namespace: Namespace,
    count: int,
    *,
    hub: str = HUB,
    group: str = "$Default",
    starting_position: Any = "-1",
    **options: Any,
) -> list[EventData]:
    """The first `count` events from a position on, of one partition or of all."""
    client = namespace.consumer(group, hub)
    async with receiving(client, starting_position=starting_position, **options) as received:
        await until(lambda: len(received.events) >= count or received.errors, f"{count} events")
    assert not received.errors, received.errors
    return [event for _, event in received.events]
