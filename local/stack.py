"""Azure on a laptop, whole: starts the services and the function app, says how to reach them, stops them in order.

    StackError            the message says what is wrong and what to do
    +-- PortsTaken        before anything was started
    +-- DataDirInUse      another stack keeps its state there

Every service is a child process that holds our pipe: when we are gone, even by kill -9, they end.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import local.azurite
import local.cosmos
import local.datalake
import local.eventhubs
from local.children import Child, ChildFailed
from local.ports import Ports

ROOT = Path(__file__).resolve().parents[1]
HUBS = ROOT / "infra" / "eventhubs.json"
JOB_DIR = ROOT / "stream_analytics"
CAPTURE = ROOT / "infra" / "capture.json"
CONTAINERS = ROOT / "infra" / "cosmos.json"
REFERENCE = JOB_DIR / "reference"
FILE_SYSTEMS = ("events", "dead-letters", "stream", REFERENCE.name)
APP = "functions"
JOB = "stream_analytics"
# Where each service's ready line has the ports that are ours.
_READY_PORTS = {
    "azurite": {"blob": "blob", "queue": "queue", "table": "table"},
    "eventhubs": {"event_hubs": "port", "kafka": "kafka_port"},
    "cosmos": {"cosmos": "port"},
    "datalake": {"data_lake": "port"},
    APP: {"functions": "port"},
    JOB: {},
}
_DRAIN_SECONDS = 30.0  # for invocations that run when the app is told to stop
# Event Hubs uploads what it has not captured yet.
_STOP_SECONDS = {APP: _DRAIN_SECONDS + 5, "eventhubs": 30.0}


class StackError(RuntimeError):
    """The stack cannot start, or lost a service."""


class PortsTaken(StackError):
    """Something else listens where a service should."""


class DataDirInUse(StackError):
    """Two stacks must not share a data directory."""


class Stack:
    """The services of one data directory, and the function app on top of them.

    Args:
        data_dir: where services keep their state, and their logs (`logs/`); made if it is missing.
        ports: where to listen; `Ports.free()` for tests.
        app: the function app's directory; None runs the services alone.
        job: the directory of the Stream Analytics job; None runs none.
        kafka_create_topics: let Kafka clients create hubs, beside those of the hubs file.
    """

    def __init__(
        self, *, data_dir: Path, ports: Ports, app: Path | None = None, job: Path | None = None,
        kafka_create_topics: bool = False,
    ) -> None:  # fmt: skip
        self.data_dir = data_dir.resolve()
        self.logs_dir = self.data_dir / "logs"
        self.ports = ports
        self.children: dict[str, Child] = {}
        self._app = app.resolve() if app else None
        self._job = job.resolve() if job else None
        self._kafka_options = ["--kafka-create-topics"] if kafka_create_topics else []
        self._lock: sqlite3.Connection | None = None

    @property
    def settings(self) -> dict[str, str]:
        """What the function app and the client tools read from their environment."""
        return settings(self.ports)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything and wait until it is ready; on a failure, nothing stays behind.

        Raises:
            StackError: see its subclasses; or a service did not start (the message has the end of its log).
            local.azurite.AzuriteUnavailable: Node or Azurite is missing.
        """
        if taken := self.ports.taken():
            listed = ", ".join(f"{port} ({name})" for name, port in taken.items())
            raise PortsTaken(f"ports are taken: {listed}. Stop what listens there, or move all with --port-offset N")
        local.azurite.require_node()
        self._take_data_dir()
        try:
            for name in ("azurite", "cosmos"):
                self._launch(name)
            self._wait("azurite")
            for name in ("eventhubs", "datalake"):
                self._launch(name)
            for name in ("eventhubs", "cosmos", "datalake"):
                self._wait(name)
            on_top = [name for name, directory in ((APP, self._app), (JOB, self._job)) if directory]
            for name in on_top:
                self._launch(name)
            for name in on_top:
                self._wait(name)
        except ChildFailed as error:
            self.stop()
            raise StackError(str(error)) from None
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the app first, so that what it holds reaches the services; Azurite after Event Hubs, which captures."""
        self.stop_services(APP, JOB, "datalake", "eventhubs", "cosmos", "azurite")
        if self._lock:
            self._lock.close()
            self._lock = None

    def stop_services(self, *names: str) -> None:
        """Stop these alone, in this order; those that do not run are left as they are."""
        for name in names:
            if child := self.children.pop(name, None):
                child.stop(_STOP_SECONDS.get(name, 10.0))

    def restart(self, name: str) -> None:
        """Stop a service (if it still runs) and start it where it was, on what it had stored."""
        self.stop_services(name)
        self._launch(name)
        self._wait(name)

    def check(self, within: float = 0.0) -> None:
        """See whether everything that was started still runs.

        Args:
            within: seconds in which a service may yet end. A process that dies closes its connections first and ends
                after that, so who has just been refused one asks with a second or two.

        Raises:
            StackError: a service ended by itself; the message has the end of its log.
        """
        deadline = time.monotonic() + within
        while True:
            for child in self.children.values():
                if (status := child.wait(0)) is not None:
                    raise StackError(
                        f"{child.name} ended with status {status}; the end of {child.log}:\n{child.log_tail()}"
                    )
            if time.monotonic() >= deadline:
                return
            time.sleep(0.05)

    def _launch(self, name: str) -> None:
        start: Mapping[str, Callable[[Path], Child]] = {
            "azurite": self._azurite,
            "eventhubs": self._event_hubs,
            "cosmos": self._cosmos,
            "datalake": self._data_lake,
            APP: self._functions,
            JOB: self._stream_analytics,
        }
        try:
            self.children[name] = start[name](self.logs_dir / f"{name}.log")
        except OSError as error:
            raise self._no_state(error) from None

    def _wait(self, name: str) -> None:
        """Wait until it listens, and note where."""
        ready = self.children[name].wait_ready()
        self.ports = replace(self.ports, **{port: int(str(ready[said])) for port, said in _READY_PORTS[name].items()})

    def _azurite(self, log: Path) -> Child:
        return local.azurite.start(
            data_dir=self.data_dir / "azurite", log=log,
            blob_port=self.ports.blob, queue_port=self.ports.queue, table_port=self.ports.table,
        )  # fmt: skip

    def _event_hubs(self, log: Path) -> Child:
        return Child.start_module(
            "local.eventhubs", "--port", str(self.ports.event_hubs), "--kafka-port", str(self.ports.kafka),
            "--data-dir", self._state("eventhubs"), "--config", str(HUBS), "--capture", str(CAPTURE),
            "--capture-storage", self.settings["AzureWebJobsStorage"], *self._kafka_options, log=log,
        )  # fmt: skip

    def _cosmos(self, log: Path) -> Child:
        return Child.start_module(
            "local.cosmos", "--port", str(self.ports.cosmos), "--data-dir", self._state("cosmos"),
            "--containers", str(CONTAINERS), log=log,
        )  # fmt: skip

    def _data_lake(self, log: Path) -> Child:
        create = [word for name in FILE_SYSTEMS for word in ("--create", name)]
        return Child.start_module(
            "local.datalake", "--port", str(self.ports.data_lake), "--blob-port", str(self.ports.blob), *create,
            "--upload", f"{REFERENCE.name}={REFERENCE}", log=log,
        )  # fmt: skip

    def _functions(self, log: Path) -> Child:
        return Child.start_module(
            "local.functions", "--app", str(self._app), "--port", str(self.ports.functions),
            "--drain", str(_DRAIN_SECONDS), log=log, environment=self.settings,
        )  # fmt: skip

    def _stream_analytics(self, log: Path) -> Child:
        return Child.start_module(
            "local.stream_analytics", "--job", str(self._job), "--data-dir", self._state(JOB),
            "--log-level", "INFO", log=log, environment=self.settings,
        )  # fmt: skip

    def _state(self, name: str) -> str:
        directory = self.data_dir / name
        directory.mkdir(parents=True, exist_ok=True)
        return str(directory)

    def _take_data_dir(self) -> None:
        """Hold the data directory until we stop or die: SQLite's file lock does, on every platform."""
        file = self.data_dir / "lock.db"
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            lock = sqlite3.connect(file, timeout=0, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise self._no_state(f"{file.name}: {error}") from None
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            lock.close()
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise self._no_state(f"{file.name}: {error}") from None
            raise DataDirInUse(
                f"{self.data_dir} is in use: stop the stack that runs on it, or choose another --data-dir"
            ) from None
        self._lock = lock

    def _no_state(self, reason: object) -> StackError:
        return StackError(f"cannot keep state in {self.data_dir} ({reason}): mend that, or choose another --data-dir")


def settings(ports: Ports) -> dict[str, str]:
    """The connection strings of a stack on `ports`, by the names that the function app reads."""
    return {
        "AzureWebJobsStorage": local.azurite.connection_string(ports.blob, ports.queue, ports.table),
        "EventHubs": local.eventhubs.connection_string(ports.event_hubs),
        "EventHubs__kafkaBootstrapServers": f"localhost:{ports.kafka}",
        "Cosmos": local.cosmos.connection_string(ports.cosmos),
        "DataLake": local.datalake.connection_string(ports.data_lake),
    }
