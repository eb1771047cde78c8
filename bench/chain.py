"""The chain end to end, on the laptop stack: records a second from send to stored, latency, CPU, memory.

    python -m bench.chain [--events 20000] [--seconds 15]

`sustained` sends all events as fast as the hub takes them and waits until both stores hold them. Latency is from the
moment the first hub enqueued an event to the moment a store had it, as the app's own invocation lines say.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from azure.eventhub import EventData, EventDataBatch, EventHubProducerClient

from bench.processes import children, cpu_seconds, peak_megabytes
from local.accounts import Stores, percentile, stage_counts
from local.ports import Ports
from local.stack import APP, ROOT, Stack
from shared.routing import partition_of
from tools.send.events import generate

EVENT_BYTES = 400
WARM_UP = 1000
RATE = 500  # events a second, for the latency
TICK = 0.05  # seconds between two sends at that rate
PARTITIONS = 4


class Measured:
    """A stack under measurement: what was sent, and what each process used for it."""

    def __init__(self, stack: Stack) -> None:
        self._stores = Stores(stack.settings)
        self._producer = EventHubProducerClient.from_connection_string(stack.settings["EventHubs"], eventhub_name="dev")
        self._log = stack.children[APP].log
        self._sent = 0
        self._pids = {name: child.pid for name, child in stack.children.items()}
        host = self._pids.pop(APP)
        (worker,) = children(host)
        self._pids |= {"functions host": host, "function app": worker}

    def close(self) -> None:
        self._producer.close()

    def burst(self, count: int) -> dict[str, Any]:
        """Send `count` events at once; records a second until both stores hold them, CPU per record."""
        batches = [batch for events in _events(count, seed=self._sent) for batch in _batches(events)]
        used, began = self._used(), time.perf_counter()
        for batch in batches:
            self._producer.send_batch(batch)
        self._sent += count
        self._wait()
        seconds = time.perf_counter() - began
        return {"records_per_second": count / seconds, "us_per_record": self._spent(used, count)}

    def steady(self, seconds: int) -> dict[str, Any]:
        """Send `RATE` events a second; the percentiles of latency by store (ms), CPU per record."""
        count = RATE * seconds
        ticks = [_batches(events) for events in _events(count, seed=self._sent, at_once=int(RATE * TICK))]
        used, began, start = self._used(), time.perf_counter(), self._log.stat().st_size
        for number, batches in enumerate(ticks):
            time.sleep(max(0.0, began + number * TICK - time.perf_counter()))
            for batch in batches:
                self._producer.send_batch(batch)
        self._sent += count
        self._wait()
        counts = stage_counts(self._log, start)
        return {
            "latency_ms": {
                stage: [percentile(counts[stage].latency_ms, share) for share in (0.5, 0.9, 0.99)]
                for stage in ("store_documents", "store_files")
            },
            "us_per_record": self._spent(used, count),
        }

    def peak_megabytes(self) -> dict[str, float]:
        """The most memory of each process so far."""
        return {name: peak_megabytes(pid) for name, pid in self._pids.items()}

    def _wait(self) -> None:
        deadline = time.monotonic() + 120
        while self._stores.document_count() < self._sent or self._written() < self._sent:
            if time.monotonic() > deadline:
                raise RuntimeError(f"not stored within 120 s: {self._sent} were sent; see {self._log}")
            time.sleep(0.1)

    def _written(self) -> int:
        files = stage_counts(self._log).get("store_files")
        return files.written if files else 0

    def _used(self) -> dict[str, float]:
        return {name: cpu_seconds(pid) for name, pid in self._pids.items()}

    def _spent(self, before: dict[str, float], count: int) -> dict[str, float]:
        return {name: (used - before[name]) / count * 1e6 for name, used in self._used().items()}


def _events(count: int, *, seed: int, at_once: int = 2000) -> list[list[tuple[str, bytes]]]:
    """Mixed events of `EVENT_BYTES` bytes with their keys, in groups of `at_once`."""
    events = []
    for key, event in generate("mixed", count, seed):
        event["note"] = ""
        event["note"] = "x" * (EVENT_BYTES - len(orjson.dumps(event)))
        events.append((key, orjson.dumps(event)))
    return [events[start : start + at_once] for start in range(0, count, at_once)]


def _batches(events: Sequence[tuple[str, bytes]]) -> list[EventDataBatch]:
    """One batch a partition (more when one is full), keys always in the same."""
    by_partition: dict[int, list[bytes]] = defaultdict(list)
    for key, body in events:
        by_partition[partition_of(key, PARTITIONS)].append(body)
    batches = []
    for partition, bodies in by_partition.items():
        for start in range(0, len(bodies), 1000):
            batch = EventDataBatch(max_size_in_bytes=1_048_576, partition_id=str(partition))
            for body in bodies[start : start + 1000]:
                batch.add(EventData(body))
            batches.append(batch)
    return batches


def measure(events: int, seconds: int) -> dict[str, Any]:
    """Run a stack of its own and measure all of it; see `Measured`."""
    with (
        tempfile.TemporaryDirectory(prefix="headrace-bench-") as directory,
        Stack(data_dir=Path(directory), ports=Ports.free(), app=ROOT) as stack,
    ):
        measured = Measured(stack)
        try:
            measured.burst(WARM_UP)
            steady = measured.steady(seconds)
            at_rate = measured.peak_megabytes()
            return {
                "steady": steady,
                "sustained": measured.burst(events),
                "peak_megabytes": {"at the steady rate": at_rate, "sustained": measured.peak_megabytes()},
            }
        finally:
            measured.close()


def main(argv: Sequence[str] | None = None) -> dict[str, Any]:
    """Print and return the measurements."""
    parser = argparse.ArgumentParser(prog="python -m bench.chain", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=20_000, help="of the sustained run (default: 20000)")
    parser.add_argument("--seconds", type=int, default=15, help="of the steady run (default: 15)")
    arguments = parser.parse_args(argv)
    results = measure(arguments.events, arguments.seconds)
    print(f"The chain end to end, {EVENT_BYTES}-byte events, both sinks")
    print(f"  sustained: {results['sustained']['records_per_second']:,.0f} records/s")
    for stage, (median, ninety, ninety_nine) in results["steady"]["latency_ms"].items():
        print(f"  at {RATE}/s, {stage:<16} p50 {median} ms   p90 {ninety} ms   p99 {ninety_nine} ms")
    for run in ("sustained", "steady"):
        costs = results[run]["us_per_record"]
        spent = ", ".join(f"{name} {cost:.0f}" for name, cost in costs.items())
        print(f"  CPU, us per record, {run}: {spent}; in all {sum(costs.values()):.0f}")
    for run, peaks in results["peak_megabytes"].items():
        print(f"  peak memory, MB, {run}: " + ", ".join(f"{name} {peak:.0f}" for name, peak in peaks.items()))
    return results


if __name__ == "__main__":
    main()
