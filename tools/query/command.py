"""The `query` command: run SQL on a Cosmos DB container; show the results, how many, and what it cost."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from tools import arguments, clients, environment
from tools.errors import EXIT_INTERRUPTED, EXIT_OK
from tools.progress import note
from tools.query.table import tabulate

if TYPE_CHECKING:
    from azure.cosmos import ContainerProxy

EXAMPLES = """examples:
  python -m tools query "SELECT * FROM c WHERE c.sender = 'python_ms_sdk'" --max 20
  python -m tools query "SELECT c.id, c.pk, c.epoch FROM c WHERE c.epoch >= 1795000000 ORDER BY c.epoch DESC"
  python -m tools query "SELECT VALUE COUNT(1) FROM c"
  python -m tools query "SELECT * FROM c" --partition-key 28036 --json > davidson.jsonl

With --partition-key one partition answers, which is cheaper and faster than asking all of them.
"""
# A page: more makes the first result wait, less makes more requests.
_PAGE = 1000
# A file or a pipe has no width; nothing should be cut for it that a wide terminal would show.
_WIDTH_UNATTENDED = 200


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "query", help="run SQL on what was stored", description="Run SQL on a Cosmos DB container.",
        epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("sql", metavar="SQL", help="the query; quote it")
    parser.add_argument("--database", default="dev", help="(default: %(default)s)")
    parser.add_argument("--container", default="events", help="(default: %(default)s)")
    parser.add_argument("--partition-key", metavar="PK", help="ask only the partition of this key")
    parser.add_argument("--max", type=arguments.count, metavar="N", help="stop after N results")
    parser.add_argument("--json", action="store_true", help="whole documents, one line of JSON each")
    parser.set_defaults(run=run)


class _Charge:
    """Adds up what the pages of a query cost, in request units."""

    def __init__(self) -> None:
        self.units = 0.0

    def __call__(self, headers: Any, _: Any) -> None:
        self.units += float(headers.get("x-ms-request-charge", 0))


def run(options: argparse.Namespace) -> int:
    container = clients.container(environment.load(), options.database, options.container)
    charge = _Charge()
    shown: list[Any] = []
    status = EXIT_OK
    try:
        for item in islice(_results(container, options, charge), options.max):
            shown.append(item)
            if options.json:
                sys.stdout.write(orjson.dumps(item).decode() + "\n")
    except KeyboardInterrupt:
        status = EXIT_INTERRUPTED
    if shown and not options.json:
        _print_table(shown)
    cut = " (stopped by --max)" if len(shown) == options.max else ""
    note(f"{options.database}/{options.container}: {len(shown):,} results{cut}, {charge.units:.2f} RU")
    return status


def _results(container: ContainerProxy, options: argparse.Namespace, charge: _Charge) -> Iterator[Any]:
    where: dict[str, Any] = (
        {"enable_cross_partition_query": True}
        if options.partition_key is None
        else {"partition_key": options.partition_key}
    )
    page = min(options.max or _PAGE, _PAGE)
    return iter(container.query_items(options.sql, max_item_count=page, response_hook=charge, **where))


def _print_table(items: list[Any]) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH_UNATTENDED)
    table = tabulate(items, console.width)
    drawn = RichTable()
    for name in table.columns:
        drawn.add_column(Text(name), no_wrap=True)
    for row in table.rows:
        drawn.add_row(*(Text(cell) for cell in row))
    console.print(drawn)
    if table.left_out:
        console.print(Text(f"no room for {', '.join(table.left_out)}: select fewer columns, or --json"), soft_wrap=True)
