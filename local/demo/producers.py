"""The demo's producers: half of the events over AMQP, half over Kafka, side by side, as two users would send them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from local.stack import ROOT


class ProducerFailed(RuntimeError):
    """A producer did not send everything; the message has what it said."""


@dataclass(frozen=True)
class Route:
    """A way into the hub (`tools send --via`), the protocol it speaks, and what its events name as their sender."""

    via: str
    protocol: str
    sender: str


ROUTES = (
    Route("sdk", "AMQP, Event Hubs SDK", "python_ms_sdk"),
    Route("kafka", "Kafka, librdkafka", "python_kafka_sdk"),
)


@dataclass
class Sent:
    """What the hub acknowledged of a route's events, and how many of these were bad on purpose."""

    events: int = 0
    bad: int = 0


def send(
    settings: Mapping[str, str], count: int, bad: float, *, seed: int, rate: float | None = None
) -> dict[Route, Sent]:
    """Send `count` events, an equal part over each route at an equal part of `rate` (events a second).

    Raises:
        ProducerFailed: one of them was not acknowledged everything.
    """
    counts = [count // len(ROUTES) + (number < count % len(ROUTES)) for number in range(len(ROUTES))]
    with contextlib.ExitStack() as ending:
        running = [
            (
                route,
                ending.enter_context(
                    _producer(route, settings, part, bad, seed + number, rate and rate * part / count)
                ),
            )
            for number, (route, part) in enumerate(zip(ROUTES, counts, strict=True))
            if part
        ]
        return {route: _finish(route, process) for route, process in running}


@contextlib.contextmanager
def _producer(
    route: Route, settings: Mapping[str, str], count: int, bad: float, seed: int, rate: float | None
) -> Iterator[subprocess.Popen[str]]:
    command = [
        sys.executable, "-m", "tools", "send", "--via", route.via, "--kind", "mixed", "--count", str(count),
        "--bad", str(bad), "--seed", str(seed), "--json", *(["--rate", str(rate)] if rate else []),
    ]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **settings}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:  # another one failed, or Ctrl-C
            process.kill()
            process.wait()


def _finish(route: Route, process: subprocess.Popen[str]) -> Sent:
    out, said = process.communicate()
    if process.returncode:
        raise ProducerFailed(f"the producer over {route.protocol}: status {process.returncode}: {said.strip()[-2000:]}")
    report = json.loads(out.splitlines()[-1])
    return Sent(report["sent"], report["bad"])
