"""The demo itself: start everything, send, wait until all is accounted for, and check the numbers."""

from __future__ import annotations

import argparse
import contextlib
import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from azure.core.exceptions import AzureError
from azure.eventhub.exceptions import EventHubError
from rich.console import Console
from rich.markup import escape

from local import interruption
from local.accounts import Stores, stage_counts
from local.azurite import AzuriteUnavailable
from local.captured import captured_files
from local.demo import report
from local.demo.producers import ProducerFailed, Route, Sent, send
from local.ports import Ports
from local.stack import APP, CAPTURE, ROOT, Stack, StackError

# Sent first, so that connections are open when latency is measured; the rest is sent at `--rate`. One in a hundred of
# half of it is a whole number.
WARM_UP = 400
DEADLINE = 60.0  # seconds
_ENDING = 3.0  # seconds for a service whose connections broke to have ended

NEXT = """\
Where to look next:
  make up                                          the same stack, to stay; then in another shell:
  eval "$(.venv/bin/python -m local env)"          its settings, and
  .venv/bin/python -m tools send --count 100       some events; --via kafka sends them over Kafka
  .venv/bin/python -m tools query "select top 5 c.station, c.heat_index_f from c where c.kind = 'weather'"
  .venv/bin/python -m tools dead-letters list
  .venv/bin/python -m tools capture list           what Capture wrote; a file a minute and partition
  docs/adding-a-source.md                          your own events
"""


class DemoFailed(RuntimeError):
    """The job did not end as it must; the message says what is missing."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the demo."""
    parser.add_argument("--count", type=_above_zero, default=3000, help="events to send (default: 3000)")
    parser.add_argument("--rate", type=_above_zero, default=300, help="events per second (default: 300)")
    parser.add_argument("--bad", type=_part, default=0.01, help="which part of them is bad, 0 to 1 (default: 0.01)")
    parser.set_defaults(run=run)


def _above_zero(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def _part(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 <= (part := float(text)) <= 1:
            return part
    raise argparse.ArgumentTypeError(f"{text!r} is not a part, from 0 to 1")


def run(arguments: argparse.Namespace) -> int:
    """Run the demo; 0 when the numbers agree exactly, else 1."""
    console = Console()
    interruption.as_ctrl_c()  # the directory goes, too
    try:
        with tempfile.TemporaryDirectory(prefix="headrace-demo-") as directory:
            stack = Stack(data_dir=Path(directory), ports=Ports.free(), app=ROOT)
            started = time.monotonic()
            with console.status("Starting Event Hubs, Azurite, Data Lake, Cosmos DB and the function app"):
                stack.start()
            console.print(f"Up in {time.monotonic() - started:.1f} s, on free ports, state in {directory}")
            try:
                return _job(console, stack, arguments)
            except ProducerFailed:
                stack.check(_ENDING)  # a service that ended is why
                raise
            except (AzureError, EventHubError) as error:
                stack.check(_ENDING)
                raise DemoFailed(str(error)) from error
            finally:
                with console.status("Stopping"):
                    stack.stop()
    except (StackError, AzuriteUnavailable, ProducerFailed, DemoFailed) as error:
        Console(stderr=True).print(f"[red]demo:[/red] {escape(str(error))}", soft_wrap=True, highlight=False)
        return 1
    except KeyboardInterrupt:
        return 130


def _job(console: Console, stack: Stack, arguments: argparse.Namespace) -> int:
    stores = Stores(stack.settings)
    log = stack.children[APP].log
    warm_up = min(WARM_UP, arguments.count)
    began = time.monotonic()

    sent = send(stack.settings, warm_up, arguments.bad, seed=1)
    _wait(console, stack, stores, _events(sent), "Sent the first events; connections open as they travel")
    first = time.monotonic() - began
    opened = log.stat().st_size
    if arguments.count > warm_up:
        with console.status(f"Sending {arguments.count - warm_up:,} more at {arguments.rate} a second"):
            more = send(stack.settings, arguments.count - warm_up, arguments.bad, seed=3, rate=arguments.rate)
        for route, counts in more.items():
            so_far = sent.setdefault(route, Sent())
            sent[route] = Sent(so_far.events + counts.events, so_far.bad + counts.bad)
    _wait(console, stack, stores, _events(sent), "Sent; waiting until each is accounted for")

    by_route = {route: stores.document_count(sender=route.sender) for route in sent}
    console.print(report.routes(sent, by_route))
    console.print(report.hubs(stores, stage_counts(log)))
    console.print("Between hubs, records travel packed: one event carries many.\n")
    console.print(report.latency(stage_counts(log, opened)))
    console.print(f"Without the first {warm_up} events, which opened the connections ({first:.1f} s).\n")

    documents = stores.document_ids()
    lines = [json.loads(line)["id"] for line in stores.lines("events")]
    dead = stores.dead_letters()
    on_dev = stores.events_on("dev")
    with console.status("Stopping the function app, then Event Hubs, which writes what it has yet to capture"):
        stack.stop_services(APP, "eventhubs")
    captured = captured_files(stack.settings["AzureWebJobsStorage"], CAPTURE, "dev")
    console.print(report.stored(stores, len(documents), len(lines), dead, captured))
    if example := next((file for file in captured if file.events), None):
        console.print(report.first_captured(example), soft_wrap=True, highlight=False, markup=False)

    events = [(file.partition, event["SequenceNumber"]) for file in captured for event in file.events]
    total, bad = _events(sent), sum(counts.bad for counts in sent.values())
    checks = {
        f"sent {total:,} = documents {len(documents):,} + dead letters {dead:,}": total == len(documents) + dead,
        f"bad events {bad:,} = dead letters {dead:,}": bad == dead,
        f"lines in files {len(lines):,} = documents, id by id": sorted(lines) == sorted(documents),
        **{
            f"{route.sender}: sent {counts.events:,} = documents {by_route[route]:,} + bad {counts.bad:,}":
                counts.events == by_route[route] + counts.bad
            for route, counts in sent.items()
        },
        f"captured {len(events):,} = events that dev received {on_dev:,}, each once":
            len(set(events)) == len(events) == on_dev,
    }  # fmt: skip
    for check, holds in checks.items():
        console.print(f"  [{'green' if holds else 'red'}]{'ok' if holds else 'NOT SO'}[/]  {check}", highlight=False)
    if not all(checks.values()):
        return 1
    console.print()
    console.print(NEXT, soft_wrap=True, highlight=False, markup=False)
    return 0


def _events(sent: Mapping[Route, Sent]) -> int:
    return sum(counts.events for counts in sent.values())


def _wait(console: Console, stack: Stack, stores: Stores, sent: int, what: str) -> None:
    """Until documents, dead letters and lines account for all that was sent.

    Raises:
        DemoFailed: they do not within `DEADLINE`.
        StackError: a service ended.
    """
    deadline = time.monotonic() + DEADLINE
    with console.status(what) as status:
        while True:
            documents, dead = stores.document_count(), stores.dead_letters()
            lines = len(stores.lines("events"))
            if documents + dead >= sent and lines >= documents:
                return
            status.update(f"{what}: {documents:,} documents, {lines:,} lines, {dead:,} dead letters of {sent:,}")
            stack.check()
            if time.monotonic() > deadline:
                found = f"{documents} documents, {lines} lines and {dead} dead letters of {sent}"
                raise DemoFailed(f"after {DEADLINE:.0f} s there are only {found}")
            time.sleep(0.2)
