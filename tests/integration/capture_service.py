"""What Capture's tests need beside a namespace and Azurite: settings, what was captured, and a gate between the two."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fastavro
import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import ContainerClient

import local.azurite
from tests.integration.azurite_service import Azurite
from tests.integration.eventhubs_service import HUB, Namespace

ROOT = Path(__file__).parents[2]
SIZE_LIMIT = 10_485_760
FORMAT = "{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}"


class Gate:
    """A TCP relay to Azurite that a test can close, or make drop the answer to a request that it knows by its bytes.

    Attributes:
        open: whether connections are relayed; others are closed at once.
        swallow: a request that contains this is passed on, and its answer never comes.
        swallowed: set when such an answer arrived.
    """

    def __init__(self, target: int) -> None:
        self.open = True
        self.swallow: bytes | None = None
        self.swallowed = threading.Event()
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._sockets: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if not self.open:
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += (client, server)
                held = threading.Event()
                threading.Thread(target=self._requests, args=(client, server, held), daemon=True).start()
                threading.Thread(target=self._answers, args=(client, server, held), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket, held: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if self.swallow and self.swallow in data:
                    held.set()
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _answers(self, client: socket.socket, server: socket.socket, held: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if held.is_set():
                    self.swallowed.set()
                else:
                    client.sendall(data)
            client.close()

    def close(self) -> None:
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@dataclass
class Captured:
    """A namespace that captures its hub to a container of its own."""

    azurite: Azurite
    gate: Gate
    start_namespace: Callable[..., Namespace]
    directory: Path
    container: str = field(default_factory=lambda: f"capture-{uuid.uuid4().hex[:8]}")

    def start(self) -> Namespace:
        """Start it, its storage behind the gate."""
        path = self.directory / "capture.json"
        destination = {
            "name": "EventHubArchive.AzureBlockBlob",
            "properties": {"blobContainer": self.container, "archiveNameFormat": FORMAT},
        }
        settings = {
            "enabled": True, "encoding": "Avro", "intervalInSeconds": 60, "sizeLimitInBytes": SIZE_LIMIT,
            "skipEmptyArchives": True, "destination": destination,
        }  # fmt: skip
        path.write_text(json.dumps({HUB: settings}))
        storage = local.azurite.connection_string(self.gate.port)
        return self.start_namespace("--capture", str(path), "--capture-storage", storage)

    def files(self) -> dict[str, list[Any]]:
        """The records of each file, by its name."""
        with ContainerClient.from_connection_string(self.azurite.connection_string, self.container) as container:
            try:
                names = [blob.name for blob in container.list_blobs()]
            except ResourceNotFoundError:
                return {}
            return {name: list(fastavro.reader(io.BytesIO(container.download_blob(name).readall()))) for name in names}

    def sequences(self) -> dict[str, list[int]]:
        """The sequence numbers of each partition, file after file."""
        found: dict[str, list[int]] = {}
        for name, records in sorted(self.files().items()):
            found.setdefault(name.split("/")[2], []).extend(record["SequenceNumber"] for record in records)
        return found


def refused_start(directory: Path, options: list[str]) -> str:
    """What a namespace that does not start says last."""
    command = [
        sys.executable, "-m", "local.eventhubs", "--port", "0", "--kafka-port", "0", "--data-dir", str(directory),
        "--config", "infra/eventhubs.json", *options,
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (1, 2)
    return done.stderr.strip().splitlines()[-1]


@pytest.fixture
def capture(azurite: Azurite, make_namespace: Callable[..., Namespace], tmp_path: Path) -> Iterator[Captured]:
    gate = Gate(azurite.blob_port)
    yield Captured(azurite, gate, make_namespace, tmp_path)
    gate.close()
