"""The `topology` command: hubs, who reads each, and how far each reader is behind."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tools import clients, environment
from tools.errors import EXIT_OK, UsageError
from tools.topology.lag import Lag, PartitionEnds, prefix
from tools.topology.namespace import Hub, checkpointed, host_name, hubs, partitions

HUBS = Path(__file__).resolve().parents[2] / "infra" / "eventhubs.json"

EXAMPLES = """examples:
  python -m tools topology                                 every hub, its consumer groups, and how far each is behind
  python -m tools topology --hub enriched
  python -m tools topology --json | jq 'select(.behind > 1000)'
  python -m tools topology --account-url "$HEADRACE_CHECKPOINTS_URL"

A group is behind by the events that came after its checkpoint. Checkpoints are looked for where the function app's host
writes them: in the account of AzureWebJobsStorage, or in that of --account-url with your identity (`az login`; role:
Storage Blob Data Reader). A group without any has never been read from, or its reader keeps its position itself, as a
Stream Analytics job does.
"""


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "topology", help="show the hubs, who reads each, and how far each is behind",
        description="The hubs, the consumer groups that read each, and how far each is behind.", epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--hub", metavar="HUB", help="this one alone")
    parser.add_argument("--json", action="store_true", help="one line of JSON a consumer group, with its partitions")
    parser.add_argument("--account-url", metavar="URL", help="where checkpoints are, reached with your identity")
    parser.add_argument(
        "--config", type=Path, default=HUBS, metavar="FILE", help="which hubs exist (default: infra/eventhubs.json)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    settings = environment.load()
    listed = [hub for hub in hubs(options.config) if options.hub in (None, hub.name)]
    if not listed:
        raise UsageError(f"--hub {options.hub}: {options.config} has no such hub")
    namespace = host_name(environment.event_hubs(settings))
    with clients.blobs(settings, options.account_url) as account:
        done = checkpointed(account, namespace)
    ends = asyncio.run(partitions(settings, (hub.name for hub in listed)))
    groups = [
        (hub, group, _lags(namespace, hub, group, ends[hub.name], done)) for hub in listed for group in hub.groups
    ]
    if options.json:
        for hub, group, lags in groups:
            sys.stdout.write(orjson.dumps(_document(hub, group, lags)).decode() + "\n")
    else:
        Console(highlight=False).print(_table(groups))
    return EXIT_OK


def _lags(
    namespace: str, hub: Hub, group: str, ends: Mapping[str, PartitionEnds], done: Mapping[str, int]
) -> list[Lag]:
    where = prefix(namespace, hub.name, group)
    return [Lag(partition, held, done.get(where + partition)) for partition, held in ends.items()]


def _document(hub: Hub, group: str, lags: list[Lag]) -> dict[str, Any]:
    return {
        "hub": hub.name, "consumer_group": group, "behind": _behind(lags),
        "partitions": [lag.document() for lag in lags],
    }  # fmt: skip


def _behind(lags: list[Lag]) -> int | None:
    """Of all partitions; None of a group that has no checkpoint at all: where it is, nobody here can tell."""
    return sum(lag.behind for lag in lags) if any(lag.checkpoint is not None for lag in lags) else None


def _table(groups: list[tuple[Hub, str, list[Lag]]]) -> Table:
    table = Table()
    table.add_column("hub")
    table.add_column("holds", justify="right")
    table.add_column("read by")
    table.add_column("behind", justify="right")
    table.add_column("by partition")
    last = None
    for hub, group, lags in groups:
        held = f"{sum(lag.ends.last - lag.ends.first + 1 for lag in lags):,}"
        named = (hub.name, held) if hub is not last else ("", "")
        behind = _behind(lags)
        where = ("-", "no checkpoint") if behind is None else (f"{behind:,}", ", ".join(map(_partition, lags)))
        table.add_row(*(Text(cell) for cell in (*named, group, *where)))
        last = hub
    return table


def _partition(lag: Lag) -> str:
    if lag.ahead:
        return f"{lag.partition}: checkpoint {lag.checkpoint:,} of a hub that is no more"
    missed = f" ({lag.expired:,} expired unread)" if lag.expired else ""
    return f"{lag.partition}: {lag.behind:,}{missed}"
