"""The `capture` command: list what was captured, and show the events of a file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

import orjson
from rich.console import Console
from rich.text import Text

from tools import arguments, clients, environment
from tools.capture import avro
from tools.capture.captured import Captured
from tools.capture.listing import captured
from tools.capture.source import opened
from tools.errors import EXIT_INTERRUPTED, EXIT_OK
from tools.progress import note

_FORMAT = argparse.RawDescriptionHelpFormatter

EXAMPLES = """examples:
  python -m tools capture list                             every captured file, oldest first within its partition
  python -m tools capture list --hub dev --json
  python -m tools capture show emulatorNs1/dev/0/2026/11/22/09/41/05.avro
  python -m tools capture show seed-24.avro --max 3        a file on this disk
  python -m tools capture show seed-24.avro --schema
  python -m tools capture show seed-24.avro --json | jq '.body.city_name?'
  python -m tools capture list --account-url https://NAME.blob.core.windows.net --container capture

Blobs are looked for in the account of AzureWebJobsStorage, where a laptop's namespace writes them, or in that of
--account-url with your identity (`az login`; role: Storage Blob Data Reader).
"""


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "capture", help="list and show what Event Hubs Capture wrote",
        description="What Event Hubs Capture wrote: Avro files in Blob storage.", epilog=EXAMPLES,
        formatter_class=_FORMAT,
    )  # fmt: skip
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list captured blobs", description="List captured blobs, by name.")
    listing.add_argument("--hub", metavar="HUB", help="only those of this hub")
    listing.add_argument("--json", action="store_true", help="one line of JSON each")
    listing.set_defaults(run=run_list)
    show = actions.add_parser(
        "show", help="show the events of a file", description="Show the events of a captured file, here or in Blob "
        "storage.", epilog=EXAMPLES, formatter_class=_FORMAT,
    )  # fmt: skip
    show.add_argument("file", metavar="FILE|BLOB", help="a file on this disk, or a blob's name or URL")
    what = show.add_mutually_exclusive_group()
    what.add_argument("--schema", action="store_true", help="the schema, and no events")
    what.add_argument("--json", action="store_true", help="one line of JSON each")
    what.add_argument("--count", action="store_true", help="how many there are, and none of them")
    show.add_argument("--max", type=arguments.count, metavar="N", help="stop after N events")
    show.set_defaults(run=run_show)
    for action in (listing, show):
        action.add_argument("--container", default="capture", help="where blobs are (default: %(default)s)")
        action.add_argument("--account-url", metavar="URL", help="another account, reached with your identity")


def run_list(options: argparse.Namespace) -> int:
    files = size = 0
    with clients.blobs(environment.load(), options.account_url) as account:
        for blob in captured(account.get_container_client(options.container), options.hub):
            print(orjson.dumps(blob.document()).decode() if options.json else blob.line())
            files, size = files + 1, size + blob.size
    note(f"{options.container}: {files:,} captured files, {size:,} bytes")
    return EXIT_OK


def run_show(options: argparse.Namespace) -> int:
    with opened(options.file, environment.load(), options.container, options.account_url) as source:
        if options.schema:
            print(orjson.dumps(avro.schema(source, options.file), option=orjson.OPT_INDENT_2).decode())
            return EXIT_OK
        if options.count:
            print(avro.count(source, options.file))
            return EXIT_OK
        return _show(avro.events(source, options.file), options)


def _show(records: Iterator[dict[str, Any]], options: argparse.Namespace) -> int:
    console = Console(highlight=False)
    shown = 0
    status = EXIT_OK
    try:
        for record in records:
            event = Captured.of(record)
            if options.json:
                sys.stdout.write(orjson.dumps(event.document()).decode() + "\n")
            elif console.is_terminal:
                place, body = event.lines()
                console.print(Text(place, style="cyan"), soft_wrap=True)
                console.print(Text(f"  {body}"), soft_wrap=True)
            else:
                # Laying out a line for a terminal takes a hundred times as long as reading it.
                sys.stdout.write("{}\n  {}\n".format(*event.lines()))
            shown += 1
            if shown == options.max:
                break
    except KeyboardInterrupt:
        status = EXIT_INTERRUPTED
    cut = " (stopped by --max)" if shown == options.max else ""
    note(f"{options.file}: {shown:,} events{cut}")
    return status
