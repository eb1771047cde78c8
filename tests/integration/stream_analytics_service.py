"""A Stream Analytics job as the tests use it: beside the services of a stack, with stores of its own, to be killed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from azure.cosmos import CosmosClient, PartitionKey
from azure.storage.filedatalake import DataLakeServiceClient

from local.children import Child
from local.ports import Ports
from local.stack import JOB_DIR, ROOT, Stack
from tests.sending import send_bodies
from tests.waiting import PATIENCE

LATE = 3  # seconds: the late arrival tolerance of a job under test


def shorter(directory: Path, *, query: Callable[[str], str] = lambda text: text, **members: Any) -> Path:
    """The job as it deploys, but with windows of a second and little tolerance, so that tests need not wait."""
    directory.mkdir()
    text = (JOB_DIR / "job.asaql").read_text()
    assert "TumblingWindow(minute, 1)" in text
    (directory / "job.asaql").write_text(query(text.replace("TumblingWindow(minute, 1)", "TumblingWindow(second, 1)")))
    job = json.loads((JOB_DIR / "job.json").read_text())
    job |= {"eventsLateArrivalMaxDelayInSeconds": LATE, "eventsOutOfOrderMaxDelayInSeconds": 1} | members
    (directory / "job.json").write_text(json.dumps(job))
    return directory


class RunningJob:
    """One job with containers and a file system of its own, over a data directory that outlives a stop or a crash."""

    def __init__(self, stack: Stack, directory: Path, job: Path | None = None, options: Sequence[str] = ()) -> None:
        self._stack = stack
        self._options = options
        self._name = f"t{uuid.uuid4().hex[:10]}"
        self.directory = directory
        directory.mkdir(exist_ok=True)
        self.job = job or shorter(directory / "job")
        self.log = directory / "job.log"
        # One client: each has threads that look after it, and to make one is not cheap.
        self._cosmos = CosmosClient.from_connection_string(stack.settings["Cosmos"])
        self._database = self._cosmos.get_database_client("dev")
        definition = json.loads((self.job / "job.json").read_text())
        for output in definition["outputs"]:
            sink = output["properties"]["datasource"]["properties"]
            if "container" in sink:
                sink["container"] = self._name
            else:
                sink["collectionNamePattern"] = f"{self._name}-{output['name']}"
                self._database.create_container_if_not_exists(
                    sink["collectionNamePattern"], PartitionKey(f"/{sink['partitionKey']}")
                )
        (self.job / "job.json").write_text(json.dumps(definition))
        with DataLakeServiceClient.from_connection_string(stack.settings["DataLake"]) as lake:
            lake.create_file_system(self._name)
        self.child: Child | None = None

    def start(self) -> Child:
        self.child = Child.start_module(
            "local.stream_analytics", "--job", str(self.job), "--data-dir", str(self.directory / "state"),
            "--log-level", "INFO", *self._options, log=self.log, environment=self._stack.settings,
        )  # fmt: skip
        self.child.wait_ready()
        return self.child

    def stop(self) -> int | None:
        return self.child.stop(PATIENCE) if self.child else None

    def kill(self) -> None:
        assert self.child
        self.child.kill()

    def documents(self, output: str) -> list[dict[str, Any]]:
        """What an output to Cosmos DB holds, without what Cosmos DB adds."""
        found = self._database.get_container_client(f"{self._name}-{output}").query_items(
            "SELECT * FROM c", enable_cross_partition_query=True
        )
        return [{name: value for name, value in item.items() if name[0] != "_"} for item in found]

    def files(self) -> dict[str, list[dict[str, Any]]]:
        """The lines of each file, by its path."""
        with DataLakeServiceClient.from_connection_string(self._stack.settings["DataLake"]) as lake:
            system = lake.get_file_system_client(self._name)
            paths = [path.name for path in system.get_paths(recursive=True) if not path.is_directory]
            return {
                path: [json.loads(line) for line in system.get_file_client(path).download_file().readall().splitlines()]
                for path in sorted(paths)
            }

    def lines(self) -> list[dict[str, Any]]:
        return [line for lines in self.files().values() for line in lines]

    def reports(self) -> list[dict[str, Any]]:
        """The log's line of each cycle."""
        text = self.log.read_text() if self.log.exists() else ""
        return [
            json.loads(line[line.index("{") :])
            for line in text.splitlines()
            if '{"event":"cycle"' in line and line.endswith("}")
        ]


def send(settings: Mapping[str, str], bodies: Sequence[object], partition: int | None = None) -> None:
    """Send bodies (bytes, or what is to be JSON) to `dev`."""
    encoded = [body if isinstance(body, bytes) else json.dumps(body).encode() for body in bodies]
    where = None if partition is None else str(partition)
    send_bodies(settings["EventHubs"], "dev", encoded, partition=where)


def refused_start(job: Path, directory: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """The exit status of a job that does not start, and what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "local.stream_analytics", "--job", str(job), "--data-dir", str(directory)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False, env={"PATH": "/usr/bin:/bin", **environment},
    )  # fmt: skip
    return done.returncode, done.stderr.strip()


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The services of a laptop, without app and job, for a module's tests."""
    with Stack(data_dir=tmp_path_factory.mktemp("services"), ports=Ports.free()) as stack:
        yield stack


@contextmanager
def running(
    stack: Stack, directory: Path, job: Path | None = None, options: Sequence[str] = ()
) -> Iterator[RunningJob]:
    job_service = RunningJob(stack, directory, job, options)
    try:
        job_service.start()
        yield job_service
    finally:
        job_service.stop()
        shutil.rmtree(job_service.directory / "state", ignore_errors=True)
