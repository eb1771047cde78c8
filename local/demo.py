"""`python -m local demo`: the main job from producer to stores, on free ports, in a temporary directory.

Exit status 0 means: every event sent is one document or one dead letter, and the files hold exactly the documents.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from local.accounts import StageCounts, Stores, percentile, stage_counts
from local.azurite import AzuriteUnavailable
from local.ports import Ports
from local.stack import APP, HUBS, ROOT, Stack, StackError

# Sent first, so that connections are open when latency is measured. The rest is sent at `--rate`.
WARM_UP = 300
DEADLINE = 60.0  # seconds

NEXT = """\
Where to look next:
  make up                                          the same stack, to stay; then in another shell:
  eval "$(.venv/bin/python -m local env)"          its settings, and
  .venv/bin/python -m tools send --count 100       some events
  .venv/bin/python -m tools query "select top 5 c.station, c.heat_index_f from c where c.kind = 'weather'"
  .venv/bin/python -m tools dead-letters list
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
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the directory goes, too
    try:
        with tempfile.TemporaryDirectory(prefix="headrace-demo-") as directory:
            stack = Stack(data_dir=Path(directory), ports=Ports.free(), app=ROOT)
            started = time.monotonic()
            with console.status("Starting Event Hubs, Azurite, Data Lake, Cosmos DB and the function app"):
                stack.start()
            console.print(f"Up in {time.monotonic() - started:.1f} s, on free ports, state in {directory}")
            try:
                return _job(console, stack, arguments)
            finally:
                with console.status("Stopping"):
                    stack.stop()
    except (StackError, AzuriteUnavailable, DemoFailed) as error:
        Console(stderr=True).print(f"[red]demo:[/red] {escape(str(error))}", soft_wrap=True, highlight=False)
        return 1
    except KeyboardInterrupt:
        return 130


def _job(console: Console, stack: Stack, arguments: argparse.Namespace) -> int:
    stores = Stores(stack.settings)
    log = stack.children[APP].log
    warm_up = min(WARM_UP, arguments.count)
    began = time.monotonic()

    sent, bad = _send(stack, warm_up, arguments.bad, seed=1)
    _wait(console, stores, sent, "Sent the first events; connections open as they travel")
    first = time.monotonic() - began
    opened = log.stat().st_size
    if arguments.count > warm_up:
        with console.status(f"Sending {arguments.count - warm_up:,} more at {arguments.rate} a second"):
            more, more_bad = _send(stack, arguments.count - warm_up, arguments.bad, seed=2, rate=arguments.rate)
        sent, bad = sent + more, bad + more_bad
    _wait(console, stores, sent, "Sent; waiting until each is accounted for")

    counts = stage_counts(log)
    console.print(_hubs(stores, counts))
    console.print("Between hubs, records travel packed: one event carries many.\n")
    documents = stores.document_ids()
    lines = [json.loads(line)["id"] for line in stores.lines("events")]
    dead = stores.dead_letters()
    console.print(_stores(stores, len(documents), len(lines), dead))
    console.print(_latency(stage_counts(log, opened)))
    console.print(f"Without the first {warm_up} events, which opened the connections ({first:.1f} s).\n")

    checks = {
        f"sent {sent:,} = documents {len(documents):,} + dead letters {dead:,}": sent == len(documents) + dead,
        f"bad events {bad:,} = dead letters {dead:,}": bad == dead,
        f"lines in files {len(lines):,} = documents, id by id": sorted(lines) == sorted(documents),
    }
    for check, holds in checks.items():
        console.print(f"  [{'green' if holds else 'red'}]{'ok' if holds else 'NOT SO'}[/]  {check}", highlight=False)
    if not all(checks.values()):
        return 1
    console.print()
    console.print(NEXT, soft_wrap=True, highlight=False, markup=False)
    return 0


def _send(stack: Stack, count: int, bad: float, *, seed: int, rate: int | None = None) -> tuple[int, int]:
    """Run the producer as a user would; returns how many events were acknowledged, and how many of them are bad."""
    command = [
        sys.executable, "-m", "tools", "send", "--via", "sdk", "--kind", "mixed", "--count", str(count),
        "--bad", str(bad), "--seed", str(seed), "--json", *(["--rate", str(rate)] if rate else []),
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **stack.settings}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DemoFailed(f"the producer ended with status {done.returncode}: {done.stderr.strip()[-2000:]}")
    report = json.loads(done.stdout.splitlines()[-1])
    return report["sent"], report["bad"]


def _wait(console: Console, stores: Stores, sent: int, what: str) -> None:
    """Until documents, dead letters and lines account for all that was sent.

    Raises:
        DemoFailed: they do not within `DEADLINE`.
    """
    deadline = time.monotonic() + DEADLINE
    with console.status(what) as status:
        while True:
            documents, dead = stores.document_count(), stores.dead_letters()
            lines = len(stores.lines("events"))
            if documents + dead >= sent and lines >= documents:
                return
            status.update(f"{what}: {documents:,} documents, {lines:,} lines, {dead:,} dead letters of {sent:,}")
            if time.monotonic() > deadline:
                found = f"{documents} documents, {lines} lines and {dead} dead letters of {sent}"
                raise DemoFailed(f"after {DEADLINE:.0f} s there are only {found}")
            time.sleep(0.2)


def _hubs(stores: Stores, counts: dict[str, StageCounts]) -> Table:
    table = Table(title="Hub by hub", title_justify="left")
    for column, justify in (("hub", "left"), ("read by", "left"), ("events", "right"), ("records in", "right"),
                            ("out", "right"), ("dead", "right")):  # fmt: skip
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    readers = _readers()
    # A management call takes the SDK some 0.4 s, for it polls: all hubs at once.
    with ThreadPoolExecutor(len(readers)) as pool:
        events = dict(zip(readers, pool.map(stores.events_on, readers), strict=True))
    for hub, groups in readers.items():
        for stage in groups:
            if seen := counts.get(stage):
                out = seen.out.total() or seen.written
                table.add_row(hub, stage, f"{events[hub]:,}", f"{seen.records:,}", f"{out:,}", f"{seen.dead:,}")
    return table


def _readers() -> dict[str, list[str]]:
    """The consumer groups of each hub: the app's are named after its functions."""
    (namespace,) = json.loads(HUBS.read_text())["UserConfig"]["NamespaceConfig"]
    return {hub["Name"]: [group["Name"] for group in hub["ConsumerGroups"]] for hub in namespace["Entities"]}


def _stores(stores: Stores, documents: int, lines: int, dead: int) -> Table:
    table = Table(title="What is stored", title_justify="left")
    table.add_column("store")
    table.add_column("files", justify="right")
    table.add_column("records", justify="right")
    table.add_row("Cosmos DB, dev/events", "", f"{documents:,}")
    table.add_row("Data Lake, events", f"{len(stores.paths('events')):,}", f"{lines:,}")
    table.add_row("Data Lake, dead-letters", f"{len(stores.paths('dead-letters')):,}", f"{dead:,}")
    return table


def _latency(counts: dict[str, StageCounts]) -> Table:
    table = Table(title="From the first hub to the store", title_justify="left")
    for column in ("store", "p50", "p99"):
        table.add_column(column, justify="left" if column == "store" else "right")
    for stage, store in (("store_documents", "Cosmos DB"), ("store_files", "Data Lake")):
        ages = counts.get(stage, StageCounts()).latency_ms
        table.add_row(store, *(f"{percentile(ages, share)} ms" if ages else "-" for share in (0.5, 0.99)))
    return table
