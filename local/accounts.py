"""What the chain did with what was sent, asked of the stores themselves and of the function app's log.

The demo and the benchmarks decide by this whether every event is accounted for.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from azure.cosmos import CosmosClient
from azure.eventhub import EventHubProducerClient
from azure.storage.filedatalake import DataLakeServiceClient, FileSystemClient

INVOCATION = '{"event":"invocation"'


@dataclass
class StageCounts:
    """What one stage's invocations add up to; `latency_ms` is a histogram of records by age when stored."""

    records: int = 0
    events: int = 0
    dead: int = 0
    written: int = 0
    out: Counter[str] = field(default_factory=Counter)
    latency_ms: Counter[int] = field(default_factory=Counter)


def stage_counts(log: Path, start: int = 0) -> dict[str, StageCounts]:
    """Add up the invocation lines of a function app's log, from byte `start` on."""
    counts: dict[str, StageCounts] = defaultdict(StageCounts)
    with log.open("rb") as lines:
        lines.seek(start)
        for line in lines:
            at = line.find(INVOCATION.encode())
            if at < 0 or not line.endswith(b"\n"):
                continue
            invocation = json.loads(line[at:])
            stage = counts[invocation["stage"]]
            stage.records += invocation["records"]
            stage.events += invocation["events"]
            stage.dead += invocation["dead"]
            stage.written += invocation.get("written", 0)
            stage.out.update(invocation["out"])
            stage.latency_ms.update({int(ms): n for ms, n in invocation.get("latency_ms", {}).items()})
    return dict(counts)


def percentile(histogram: Mapping[int, int], share: float) -> int | None:
    """The smallest value that at least `share` (0..1) of the counts do not exceed; None of an empty histogram."""
    left = share * sum(histogram.values())
    for value in sorted(histogram):
        left -= histogram[value]
        if left <= 0:
            return value
    return None


class Stores:
    """Reads what the chain stored, through the official SDKs."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        """`settings` are the stack's connection strings."""
        self._event_hubs = settings["EventHubs"]
        database = CosmosClient.from_connection_string(settings["Cosmos"]).get_database_client("dev")
        self._container = database.get_container_client("events")
        self._lake = DataLakeServiceClient.from_connection_string(settings["DataLake"])
        self._read: dict[str, list[str]] = {}

    def document_count(self, sender: str | None = None) -> int:
        """How many documents the container holds; of one sender, if it is given."""
        text = "SELECT VALUE COUNT(1) FROM c" + (" WHERE c.sender = @sender" if sender else "")
        query = self._container.query_items(
            text, parameters=[{"name": "@sender", "value": sender}] if sender else None,
            enable_cross_partition_query=True,
        )  # fmt: skip
        return int(str(next(iter(query))))

    def document_ids(self) -> list[str]:
        """The ids of all documents."""
        query = self._container.query_items("SELECT VALUE c.id FROM c", enable_cross_partition_query=True)
        return [str(found) for found in query]

    def paths(self, file_system: str) -> list[str]:
        """The data files of a file system, without the app's ledgers."""
        found = self._system(file_system).get_paths(recursive=True)
        return [path.name for path in found if not path.is_directory and not path.name.startswith("_")]

    def lines(self, file_system: str) -> list[str]:
        """Every line of every data file. A file that was read before is not read again: files are written once."""
        lines: list[str] = []
        for path in self.paths(file_system):
            key = f"{file_system}/{path}"
            if not self._read.get(key):
                content = self._system(file_system).get_file_client(path).download_file().readall()
                self._read[key] = content.decode("utf-8").splitlines()
            lines += self._read[key]
        return lines

    def dead_letters(self) -> int:
        """How many dead letters are stored; one in several parts counts once."""
        return sum(json.loads(line)["part"] == 0 for line in self.lines("dead-letters"))

    def events_on(self, hub: str) -> int:
        """How many events a hub was sent."""
        with EventHubProducerClient.from_connection_string(self._event_hubs, eventhub_name=hub) as client:
            ids = client.get_partition_ids()
            return sum(client.get_partition_properties(one)["last_enqueued_sequence_number"] + 1 for one in ids)

    def _system(self, name: str) -> FileSystemClient:
        return self._lake.get_file_system_client(name)
