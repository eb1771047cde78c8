"""What Capture has written: the files of a hub in Blob storage, and the events in them."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastavro
from azure.storage.blob import ContainerClient


@dataclass(frozen=True)
class CapturedFile:
    """One file: its name in the container, its partition, its size in bytes, its events as Avro records."""

    name: str
    partition: str
    size: int
    events: list[dict[str, Any]]


def captured_files(storage: str, settings_file: Path, hub: str) -> list[CapturedFile]:
    """The files of `hub`, by name; none when nothing was captured yet.

    Args:
        storage: connection string of the account that Capture writes to.
        settings_file: Capture's settings (infra/capture.json).
        hub: its name.
    """
    destination = json.loads(settings_file.read_text())[hub]["destination"]["properties"]
    path = _path_pattern(destination["archiveNameFormat"])
    with ContainerClient.from_connection_string(storage, destination["blobContainer"]) as container:
        if not container.exists():
            return []
        found = [(blob, path.fullmatch(blob.name)) for blob in container.list_blobs()]
        return [
            CapturedFile(blob.name, at["PartitionId"], blob.size, _events(container.download_blob(blob.name).readall()))
            for blob, at in found
            if at and at["EventHub"] == hub
        ]


def _path_pattern(archive_name_format: str) -> re.Pattern[str]:
    """What matches the names that Capture gives its files; the groups are named as in the format."""
    pieces = re.split(r"\{(\w+)\}", archive_name_format)
    groups = (f"(?P<{piece}>[^/]+)" if number % 2 else re.escape(piece) for number, piece in enumerate(pieces))
    return re.compile("".join(groups) + r"\.avro")


def _events(content: bytes) -> list[dict[str, Any]]:
    return list(fastavro.reader(io.BytesIO(content)))  # type: ignore[arg-type]
