"""Fixtures: an app of a few lines, hosted by `python -m local.functions` on a real namespace and a real Azurite.

An app under test tells what happened to it by `record(...)`, which appends a JSON line to a file that the test reads.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.eventhub import EventData, EventHubProducerClient
from azure.storage.blob import BlobProperties, ContainerClient

import local.eventhubs
from local.children import Child
from tests.integration.azurite_service import Azurite, azurite

__all__ = ["SOON", "AppFactory", "AppHost", "Namespace", "app", "azurite", "namespace"]

PARTITIONS = 4

SOON = {"extensions": {"eventHubs": {
    "loadBalancingUpdateInterval": "00:00:01", "partitionOwnershipExpirationInterval": "00:00:04",
}}}  # fmt: skip
"""host.json for tests in which partitions of a host that was killed go to another one."""

PREAMBLE = """
import asyncio, json, logging, os, time, typing
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
RECORDS, DIRECTORY = os.environ["RECORDS"], os.path.dirname(os.environ["RECORDS"])

def record(**fields):
    line = json.dumps({"host": os.environ["HOST_NAME"], **fields}) + "\\n"
    descriptor = os.open(RECORDS, os.O_APPEND | os.O_CREAT | os.O_WRONLY)
    os.write(descriptor, line.encode())
    os.close(descriptor)

def told(name):
    return os.path.exists(os.path.join(DIRECTORY, name))

def on_hub(many=True, data_type=func.DataType.BINARY):
    return app.event_hub_message_trigger(
        arg_name="events", event_hub_name="%HUB%", connection="EventHubs", consumer_group="%GROUP%",
        cardinality=func.Cardinality.MANY if many else func.Cardinality.ONE, data_type=data_type)

Events = typing.List[func.EventHubEvent]
"""


class Namespace:
    """A namespace with one hub, whose name no other test has: checkpoints of one Azurite do not meet."""

    def __init__(self, directory: Path, hub: str) -> None:
        self._directory, self.hub = directory, hub
        self.child = self._start(0)
        self.connection_string = local.eventhubs.connection_string(self.child.port)
        self._producer: EventHubProducerClient | None = None

    def _start(self, port: int) -> Child:
        child = Child.start_module(
            "local.eventhubs", "--port", str(port), "--kafka-port", "0", "--data-dir",
            str(self._directory / "eventhubs"), "--config", str(self._directory / "eventhubs.json"),
            log=self._directory / "eventhubs.log",
        )  # fmt: skip
        child.wait_ready()
        return child

    def restart(self) -> None:
        """Kill it, and start it again on its port and its log."""
        self.child.kill()
        self.child = self._start(self.child.port)

    def send(self, *bodies: str | bytes, partition: int = 0, properties: dict[str, Any] | None = None) -> None:
        """Send the bodies in order, in one batch."""
        producer = self._producer or EventHubProducerClient.from_connection_string(
            self.connection_string, eventhub_name=self.hub
        )
        self._producer = producer  # opened once: a connection takes half a second
        batch = producer.create_batch(partition_id=str(partition))
        for body in bodies:
            event = EventData(body)
            event.properties = properties or {}
            batch.add(event)
        producer.send_batch(batch)

    def stop(self) -> None:
        if self._producer is not None:
            self._producer.close()
        self.child.stop()


@pytest.fixture
def namespace(tmp_path: Path) -> Iterator[Namespace]:
    hub = f"hub-{uuid.uuid4().hex[:8]}"
    entity = {"Name": hub, "PartitionCount": PARTITIONS, "ConsumerGroups": [{"Name": "stage"}]}
    config = {"UserConfig": {"NamespaceConfig": [{"Type": "EventHub", "Name": "emulatorNs1", "Entities": [entity]}]}}
    (tmp_path / "eventhubs.json").write_text(json.dumps(config))
    running = Namespace(tmp_path, hub)
    try:
        yield running
    finally:
        running.stop()


class AppHost:
    """One host process."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.url = ""

    def wait_ready(self) -> dict[str, object]:
        ready = self.child.wait_ready()
        self.url = f"http://127.0.0.1:{self.child.port}"
        return ready

    def log(self) -> str:
        return self.child.log.read_text(errors="replace")


def _metadata(blob: BlobProperties) -> dict[str, str]:
    return {name: value or "" for name, value in (blob.metadata or {}).items()}


class AppFactory:
    """Writes the app under test and hosts it, several times when a test says so."""

    def __init__(self, directory: Path, azurite: Azurite) -> None:
        self.directory = directory
        self.storage = azurite.connection_string
        self.blob_port = azurite.blob_port
        self._hosts: list[AppHost] = []

    def write(self, source: str, *, host_json: dict[str, Any] | None = None) -> None:
        """The app's code, after `PREAMBLE`, and its host.json."""
        (self.directory / "app").mkdir(exist_ok=True)
        (self.directory / "app" / "function_app.py").write_text(PREAMBLE + source)
        document = {"version": "2.0", **(host_json or {})}
        (self.directory / "app" / "host.json").write_text(json.dumps(document))

    def start(
        self, namespace: Namespace | None = None, *, name: str = "a", options: tuple[str, ...] = (),
        settings: dict[str, str] | None = None, ready: bool = True,
    ) -> AppHost:  # fmt: skip
        """Start a host; `name` is what its records carry."""
        environment = {
            "HOST_NAME": name, "RECORDS": str(self.directory / "records"), "GROUP": "stage",
            "AzureWebJobsStorage": self.storage, **(settings or {}),
        }  # fmt: skip
        if namespace is not None:
            environment |= {"EventHubs": namespace.connection_string, "HUB": namespace.hub}
        log = self.directory / f"host-{name}-{len(self._hosts)}.log"
        arguments = ("--app", str(self.directory / "app"), "--port", "0", *options)
        host = AppHost(Child.start_module("local.functions", *arguments, log=log, environment=environment))
        self._hosts.append(host)
        if ready:
            host.wait_ready()
        return host

    def records(self) -> list[dict[str, Any]]:
        """What the app has told so far, oldest first."""
        with contextlib.suppress(FileNotFoundError):
            lines = (self.directory / "records").read_text().splitlines(keepends=True)
            return [json.loads(line) for line in lines if line.endswith("\n")]
        return []

    def bodies(self, host: str | None = None) -> list[str]:
        """The `bodies` of every record, in order."""
        return [body for record in self.records() if host in (None, record["host"]) for body in record["bodies"]]

    def tell(self, name: str) -> None:
        """Make `told(name)` true in the app."""
        (self.directory / name).touch()

    def checkpoints(self) -> dict[str, dict[str, str]]:
        """Blob name to metadata, of every blob in the host's container."""
        with ContainerClient.from_connection_string(self.storage, "azure-webjobs-eventhub") as container:
            return {blob.name: _metadata(blob) for blob in container.list_blobs(include=["metadata"])}

    def checkpoint(self, namespace: Namespace, partition: int = 0) -> int | None:
        """The sequence number that is checkpointed for a partition of the test's hub."""
        for name, metadata in self.checkpoints().items():
            if name.endswith(f"/{namespace.hub}/stage/checkpoint/{partition}"):
                return int(metadata["sequencenumber"])
        return None

    def stop(self) -> None:
        for host in self._hosts:
            if host.child.running():
                host.child.stop()


@pytest.fixture
def app(tmp_path: Path, azurite: Azurite) -> Iterator[AppFactory]:
    factory = AppFactory(tmp_path, azurite)
    try:
        yield factory
    finally:
        factory.stop()
