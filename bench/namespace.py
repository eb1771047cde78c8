"""The local namespace under measurement: a service of its own with one hub, and what it uses while work goes on."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.processes import cpu_seconds, peak_megabytes
from local.children import Child

HUB, PARTITIONS, EVENT_BYTES = "bench", 4, 400
_HUBS_FILE = {
    "UserConfig": {
        "NamespaceConfig": [
            {"Type": "EventHub", "Name": "bench", "Entities": [{"Name": HUB, "PartitionCount": PARTITIONS}]}
        ]
    }
}


class Namespace:
    """A running namespace and its data directory."""

    def __init__(self, child: Child, data: Path) -> None:
        self.child = child
        self.data = data

    def used(self) -> dict[str, float]:
        """Its peak memory and its log's size on disk so far."""
        disk = sum(file.stat().st_size for file in self.data.iterdir()) / 2**20
        return {"peak_megabytes": peak_megabytes(self.child.pid), "disk_megabytes": disk}


@contextmanager
def serve() -> Iterator[Namespace]:
    """Run a namespace in a temporary directory, on free ports."""
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as directory:
        place = Path(directory)
        (place / "hubs.json").write_text(json.dumps(_HUBS_FILE))
        child = Child.start_module(
            "local.eventhubs", "--port", "0", "--kafka-port", "0", "--data-dir", str(place / "data"),
            "--config", str(place / "hubs.json"), log=place / "log",
        )  # fmt: skip
        try:
            child.wait_ready()
            yield Namespace(child, place / "data")
        finally:
            child.stop()


class Meter:
    """Rate and server CPU of a stretch of work, from now on."""

    def __init__(self, namespace: Namespace) -> None:
        self._pid = namespace.child.pid
        self._began, self._used = time.perf_counter(), cpu_seconds(self._pid)

    def stop(self, events: int) -> dict[str, float]:
        seconds = time.perf_counter() - self._began
        used = cpu_seconds(self._pid) - self._used
        return {"events_per_second": events / seconds, "server_us_per_event": used / events * 1e6}


def show(protocol: str, results: dict[str, dict[str, float]]) -> None:
    """Print the measurements of a protocol; those named `service` are `Namespace.used`."""
    print(f"local namespace, {protocol}, {EVENT_BYTES}-byte events")
    for name, values in results.items():
        if "events_per_second" in values:
            rate, cost = values["events_per_second"], values["server_us_per_event"]
            print(f"  {name:<20} {rate:>9,.0f} events/s   {cost:6.1f} us of server CPU per event")
    service = results["service"]
    print(f"  peak memory {service['peak_megabytes']:.0f} MB; the log takes {service['disk_megabytes']:.0f} MB on disk")
