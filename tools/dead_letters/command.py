"""The `dead-letters` command: list them, show one, replay them."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from functools import partial
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tools import clients, environment, printable
from tools.dead_letters import choice
from tools.dead_letters.lake import FILE_SYSTEM, read
from tools.dead_letters.letter import DeadLetter
from tools.dead_letters.replay import by_hub, latest, replay
from tools.errors import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, UsageError
from tools.interruption import interruption
from tools.progress import note
from tools.send.outgoing import SendFailed
from tools.send.sdk import SdkSender

_FORMAT = argparse.RawDescriptionHelpFormatter
_WIDTH_UNATTENDED = 200

EXAMPLES = """examples:
  python -m tools dead-letters list                        all of them, oldest failure first
  python -m tools dead-letters list --stage split --since 2h
  python -m tools dead-letters show split-dev-0-95-        one, whole; the beginning of its id is enough
  python -m tools dead-letters replay --stage split --since 2h --dry-run
  python -m tools dead-letters replay --id split-dev-0-95- --id split-dev-2-18-

A replay sends the original bytes to the hub they came from, with what derives the same id again: once the cause is
mended, the event continues as if it had never failed. The files stay: a letter is still listed after its replay, and
what is refused again is one more.
"""


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "dead-letters", help="list, show and replay what was refused",
        description="Dead letters: events that a stage could not take, with why, as the Data Lake keeps them.",
        epilog=EXAMPLES, formatter_class=_FORMAT,
    )  # fmt: skip
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    _add_list(actions)
    _add_show(actions)
    _add_replay(actions)


def _add_list(actions: Any) -> None:
    parser = actions.add_parser("list", help="list them", description="List dead letters, oldest failure first.")
    parser.add_argument("--stage", metavar="S", help="only those of this stage (split, enrich_places, ...)")
    parser.add_argument("--reason", metavar="R", help="only those refused for this (decode, validation, ...)")
    _add_since(parser)
    parser.add_argument("--json", action="store_true", help="one line of JSON each, with the body")
    parser.set_defaults(run=run_list)


def _add_show(actions: Any) -> None:
    parser = actions.add_parser("show", help="show one", description="Show one dead letter, whole, as JSON.")
    parser.add_argument("id", metavar="ID", help="its id, or the beginning of it")
    parser.set_defaults(run=run_show)


def _add_replay(actions: Any) -> None:
    parser = actions.add_parser(
        "replay", help="send them again", description="Send dead letters again to the hub they came from.",
        epilog=EXAMPLES, formatter_class=_FORMAT,
    )  # fmt: skip
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--id", action="append", metavar="ID", help="this one (again for more)")
    which.add_argument("--stage", metavar="S", help="all of this stage")
    which.add_argument("--all", action="store_true", help="all there are")
    _add_since(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what would be sent, and send nothing")
    parser.set_defaults(run=run_replay)


def _add_since(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--since", type=choice.since, metavar="T", help="only those that failed since: 30m, 2h, 7d, 2026-11-22T09:00"
    )


def run_list(options: argparse.Namespace) -> int:
    lake = clients.file_system(environment.load(), FILE_SYSTEM)
    letters = read(lake, options.stage, options.reason, options.since)
    if options.json:
        for letter in letters:
            sys.stdout.write(orjson.dumps(letter.document()).decode() + "\n")
    elif letters:
        _print_table(letters)
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in Counter(one.reason for one in letters).most_common())
    note(f"{len(letters):,} dead letters{f': {reasons}' if reasons else ''}")
    return EXIT_OK


def run_show(options: argparse.Namespace) -> int:
    letter = choice.by_id(read(clients.file_system(environment.load(), FILE_SYSTEM)), options.id)
    print(orjson.dumps(letter.document(), option=orjson.OPT_INDENT_2).decode())
    return EXIT_OK


def run_replay(options: argparse.Namespace) -> int:
    settings = environment.load()
    letters = read(clients.file_system(settings, FILE_SYSTEM), options.stage, since=options.since)
    if options.id:
        letters = list({one.id: one for one in (choice.by_id(letters, wanted) for wanted in options.id)}.values())
    else:
        letters = latest(letters)
    if not letters:
        raise UsageError("there are no such dead letters: `dead-letters list` shows those there are")
    if options.dry_run:
        for hub, waiting in by_hub(letters).items():
            note(f"would replay {len(waiting):,} to {hub}")
            for letter in waiting:
                print(f"{letter.id}  {letter.origin}  {letter.size:,} bytes")
        return EXIT_OK
    done: Counter[str] = Counter()
    status = EXIT_OK
    with interruption() as interrupted:
        try:
            connect = partial(SdkSender, settings)
            replay(letters, connect, lambda hub, count: done.update({hub: count}), interrupted)
        except SendFailed as error:
            note(f"error: {error}")
            status = EXIT_FAILED
        if interrupted() and done.total() < len(letters):
            status = EXIT_INTERRUPTED
    hubs = ", ".join(f"{count:,} to {hub}" for hub, count in done.items())
    note(f"{done.total():,} of {len(letters):,} dead letters replayed{f': {hubs}' if hubs else ''}")
    return status


def _print_table(letters: list[DeadLetter]) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH_UNATTENDED)
    table = Table()
    for name in ("id", "reason"):
        table.add_column(name, no_wrap=True)
    # The one column that gives way when the terminal is narrow; a letter's id says stage, hub, partition and sequence.
    table.add_column("error")
    for name in ("key", "failed at", "bytes"):
        table.add_column(name, no_wrap=True)
    for one in letters:
        size = f"{one.size:,}" if one.complete else f"{one.found_parts} of {one.parts} parts"
        cells = (one.id, one.reason, one.summary(), one.key or "", one.failed_at[:19], size)
        table.add_row(*(Text(printable.line(cell)) for cell in cells))
    console.print(table)
