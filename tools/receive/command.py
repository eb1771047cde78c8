"""The `receive` command: show the events of a hub as they come."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from typing import Any

import orjson
from rich.console import Console
from rich.text import Text

from tools import arguments, clients, environment
from tools.errors import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK
from tools.progress import note
from tools.receive.received import Received, unpack
from tools.receive.stream import LOAD_BALANCING_SECONDS, stream

EXAMPLES = """examples:
  python -m tools receive                                     what arrives on hub dev from now on, until Ctrl-C
  python -m tools receive --from-start --count 5              the first five events of hub dev
  python -m tools receive --hub enriched --from-start --seconds 10
  python -m tools receive --hub places --no-unpack            packed events as they travel
  python -m tools receive --from-start --seconds 5 --json | jq '.body.city_name?'

Nothing is taken off the hub: other consumers see the same events. Each consumer group allows five readers of a
partition, so every hub of infra/eventhubs.json has one for this, `tools`; on any other hub there is '$Default'.
"""


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "receive", help="show the events of a hub", description="Show the events of a hub as they come.",
        epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--hub", help="the hub (default: AZURE_STREAMPOC_EVENTHUB_HUBNAME, or dev)")
    parser.add_argument(
        "--consumer-group", default="tools", metavar="GROUP", help="read as this group (default: %(default)s)"
    )
    parser.add_argument(
        "--from-start", action="store_true", help="begin with the oldest event kept (default: from now on)"
    )
    parser.add_argument("--count", type=arguments.count, metavar="N", help="stop after N (exit 1 when S seconds pass)")
    parser.add_argument("--partition", metavar="P", help="only this partition")
    parser.add_argument("--seconds", type=arguments.seconds, metavar="S", help="stop after S seconds")
    parser.add_argument(
        "--unpack", action=argparse.BooleanOptionalAction, default=True,
        help="show a packed event (a CloudEvents batch) record by record; --count counts what is shown",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one line of JSON each")
    parser.set_defaults(run=run)


class _Shown:
    """Prints events until there are enough."""

    def __init__(self, limit: int | None, unpacked: bool, as_json: bool) -> None:
        self.limit, self.unpacked, self.as_json = limit, unpacked, as_json
        self.printed = 0
        self._console = Console(highlight=False)

    def __call__(self, event: Received) -> bool:
        """Print `event`; returns whether to go on."""
        for shown in unpack(event) if self.unpacked else (event,):
            self._print(shown)
            self.printed += 1
            if self.printed == self.limit:
                return False
        return True

    def _print(self, event: Received) -> None:
        if self.as_json:
            sys.stdout.write(orjson.dumps(event.document()).decode() + "\n")
            sys.stdout.flush()
            return
        place, body = event.lines()
        self._console.print(Text(place, style="cyan"), soft_wrap=True)
        self._console.print(Text(f"  {body}"), soft_wrap=True)


def run(options: argparse.Namespace) -> int:
    settings = environment.load()
    hub = options.hub or environment.default_hub(settings)
    shown = _Shown(options.count, options.unpack, options.json)
    status = EXIT_OK
    try:
        asyncio.run(_receive(options, settings, hub, shown))
    except KeyboardInterrupt:
        status = EXIT_INTERRUPTED
    missing = options.count is not None and shown.printed < options.count
    if missing and status == EXIT_OK:
        status = EXIT_FAILED
    note(f"{hub}: {shown.printed:,}{f' of {options.count:,}' if missing else ''} received")
    return status


async def _receive(options: argparse.Namespace, settings: dict[str, str], hub: str, shown: _Shown) -> None:
    client = clients.consumer(settings, hub, options.consumer_group, load_balancing_interval=LOAD_BALANCING_SECONDS)

    def listening(partitions: int) -> None:
        since = "the start" if options.from_start else "now on"
        note(f"{hub}: listening as {options.consumer_group} to {partitions} partition(s), from {since}")

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(options.seconds):
            await stream(client, options.partition, options.from_start, shown, listening)
