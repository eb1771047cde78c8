"""The demo's tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from rich.table import Table

from local.accounts import StageCounts, Stores, percentile
from local.captured import CapturedFile
from local.demo.producers import Route, Sent
from local.stack import HUBS


def routes(sent: Mapping[Route, Sent], documents: Mapping[Route, int]) -> Table:
    """What came by each protocol, and how much of it is stored."""
    table = _table("Protocol by protocol", ("protocol", "sender"), ("events", "bad", "documents"))
    for route, counts in sent.items():
        row = (counts.events, counts.bad, documents[route])
        table.add_row(route.protocol, route.sender, *(f"{number:,}" for number in row))
    return table


def hubs(stores: Stores, counts: Mapping[str, StageCounts]) -> Table:
    """What each stage read of its hub and what became of it."""
    table = _table("Hub by hub", ("hub", "read by"), ("events", "records in", "out", "dead"))
    readers = _readers()
    # A management call takes the SDK some 0.4 s, for it polls: all hubs at once.
    with ThreadPoolExecutor(len(readers)) as pool:
        events = dict(zip(readers, pool.map(stores.events_on, readers), strict=True))
    for hub, groups in readers.items():
        for stage in groups:
            if seen := counts.get(stage):
                row = (events[hub], seen.records, seen.out.total() or seen.written, seen.dead)
                table.add_row(hub, stage, *(f"{number:,}" for number in row))
    return table


def stored(stores: Stores, documents: int, lines: int, dead: int, captured: Sequence[CapturedFile]) -> Table:
    """What is in each store."""
    table = _table("What is stored", ("store",), ("files", "records"))
    table.add_row("Cosmos DB, dev/events", "", f"{documents:,}")
    table.add_row("Data Lake, events", f"{len(stores.paths('events')):,}", f"{lines:,}")
    table.add_row("Data Lake, dead-letters", f"{len(stores.paths('dead-letters')):,}", f"{dead:,}")
    events = sum(len(file.events) for file in captured)
    table.add_row("Blob storage, captured", f"{len(captured):,}", f"{events:,}")
    return table


def first_captured(file: CapturedFile) -> str:
    """A captured file by name, and its first event."""
    event = file.events[0]
    where = f"sequence {event['SequenceNumber']}, {event['EnqueuedTimeUtc']}"
    return f"{file.name} holds {len(file.events):,}; the first ({where}):\n{event['Body']!r}\n"


def latency(counts: Mapping[str, StageCounts]) -> Table:
    """How old records were when they were stored."""
    table = _table("From the first hub to the store", ("store",), ("p50", "p99"))
    for stage, store in (("store_documents", "Cosmos DB"), ("store_files", "Data Lake")):
        ages = counts.get(stage, StageCounts()).latency_ms
        table.add_row(store, *(f"{percentile(ages, share)} ms" if ages else "-" for share in (0.5, 0.99)))
    return table


def _table(title: str, texts: Sequence[str], numbers: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left")
    for column in texts:
        table.add_column(column)
    for column in numbers:
        table.add_column(column, justify="right")
    return table


def _readers() -> dict[str, list[str]]:
    """The consumer groups of each hub: the app's are named after its functions."""
    (namespace,) = json.loads(HUBS.read_text())["UserConfig"]["NamespaceConfig"]
    return {hub["Name"]: [group["Name"] for group in hub["ConsumerGroups"]] for hub in namespace["Entities"]}
