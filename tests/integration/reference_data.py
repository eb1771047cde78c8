"""Reference data as the tests of a job use it: blobs in a file system of their own, a job that joins with them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from azure.eventhub import EventData, EventHubProducerClient
from azure.storage.blob import BlobServiceClient, ContainerClient

from local.stack import JOB_DIR, Stack
from tests.integration.stream_analytics_service import RunningJob
from tests.waiting import wait_until

SCAN = 0.3  # seconds between two looks of a job under test
OPTIONS = ("--scan-seconds", str(SCAN))
PARTITIONS = 4
MINUTE = 60

# An event says when it happened, in seconds; the line that it becomes, what was then in effect.
QUERY = """
SELECT e.n, e.epoch, r.label, r.edition
INTO adl
FROM eventhub e TIMESTAMP BY DATEADD(second, e.epoch, '1970-01-01T00:00:00Z')
LEFT JOIN labels r ON e.code = r.code
"""


class Labels:
    """Reference data in a file system of its own."""

    def __init__(self, container: ContainerClient) -> None:
        self.container = container
        self.name = container.container_name

    def put(self, path: str, content: bytes | Sequence[Mapping[str, Any]]) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.container.upload_blob(path, body, overwrite=True)

    def edition(self, minute: int, content: bytes | None = None) -> str:
        """Upload what is in effect from a minute on (seconds since 1970); its rows say so. Returns its path."""
        path = f"labels/{datetime.fromtimestamp(minute, UTC):%Y-%m-%d/%H-%M}.json"
        self.put(path, content or [{"code": 1, "label": "one", "edition": minute}])
        return path


@contextmanager
def labels(stack: Stack) -> Iterator[Labels]:
    with BlobServiceClient.from_connection_string(stack.settings["DataLake"]) as service:
        yield Labels(service.create_container(f"labels{uuid.uuid4().hex[:8]}"))


def job_of(directory: Path, hub: str, container: str, path: str, **policies: int) -> Path:
    """A job that joins a hub's events with a blob, or with a sequence of them."""
    job = json.loads((JOB_DIR / "job.json").read_text())
    job |= {"eventsOutOfOrderMaxDelayInSeconds": 1, "eventsLateArrivalMaxDelayInSeconds": 2, **policies}
    stream = job["inputs"][0]
    stream["properties"]["datasource"]["properties"] |= {"eventHubName": hub, "consumerGroupName": "tools"}
    source = {
        "storageAccounts": [{"accountName": "<DataLake>"}],
        "container": container,
        "pathPattern": path,
        "dateFormat": "yyyy-MM-dd",
        "timeFormat": "HH-mm",
        "authenticationMode": "Msi",
    }
    reference = {
        "type": "Reference",
        "datasource": {"type": "Microsoft.Storage/Blob", "properties": source},
        "serialization": {"type": "Json", "properties": {"encoding": "UTF8"}},
    }
    job["inputs"] = [stream, {"name": "labels", "properties": reference}]
    job["outputs"] = job["outputs"][:1]
    directory.mkdir()
    (directory / "job.json").write_text(json.dumps(job))
    (directory / "job.asaql").write_text(QUERY)
    return directory


class Hub:
    """A hub's producer, whose connections stay."""

    def __init__(self, producer: EventHubProducerClient) -> None:
        self._producer = producer

    def send(self, events: Sequence[Mapping[str, Any]], partition: int = 0) -> None:
        bodies = [EventData(json.dumps(event)) for event in events]
        self._producer.send_batch(bodies, partition_id=str(partition))

    def pass_time(self, until: int) -> None:
        """Let every partition say that it is past a time, so that nobody has to wait for it."""
        for partition in range(PARTITIONS):
            self.send([{"n": -1, "epoch": until}], partition)


@contextmanager
def hub(stack: Stack, name: str) -> Iterator[Hub]:
    with EventHubProducerClient.from_connection_string(stack.settings["EventHubs"], eventhub_name=name) as producer:
        yield Hub(producer)


def stored(job: RunningJob) -> dict[int, dict[str, Any]]:
    lines = [line for line in job.lines() if line["n"] >= 0]
    assert len({line["n"] for line in lines}) == len(lines)
    return {line["n"]: line for line in lines}


def wait_for(job: RunningJob, count: int) -> dict[int, dict[str, Any]]:
    wait_until(lambda: len(stored(job)) >= count, f"{count} lines", every=0.1)
    return stored(job)


def said(job: RunningJob, text: str) -> int:
    return job.log.read_text().count(text)
