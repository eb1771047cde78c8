"""`python -m local.cosmos`: one Cosmos DB account on a loopback port."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from local import lifecycle
from local.cosmos import WELL_KNOWN_KEY
from local.cosmos.authorization import MasterKey
from local.cosmos.provisions import Provision, read
from local.cosmos.service import account

T = TypeVar("T")

# Queries run on threads beside the loop: with Python's 5 ms every request would wait that long for its turn.
_SWITCH_SECONDS = 0.0005


def _option(read: Callable[[str], T]) -> Callable[[str], T]:
    """Let argparse print what `read` has to say about a value it refuses."""

    def parse(text: str) -> T:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse


def main() -> int:
    """Parse the options and serve; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m local.cosmos", description="One Cosmos DB account on a loopback port."
    )
    parser.add_argument("--data-dir", type=Path, required=True, help="where the account is kept")
    parser.add_argument(
        "--key", type=_option(MasterKey), default=WELL_KNOWN_KEY, help="account key, base64 (default: the emulator's)"
    )
    parser.add_argument(
        "--create", type=_option(Provision.parse), action="append", default=[], metavar="DB/CONTAINER:/KEY[:TTL]",
        help="create this at start if it is not there; TTL -1 turns time to live on without a default (repeatable)",
    )  # fmt: skip
    parser.add_argument(
        "--containers", type=_option(lambda text: read(Path(text))), default=[], metavar="FILE",
        help="create those of this file (infra/cosmos.json); one that is there becomes as it is in the file",
    )  # fmt: skip
    parser.add_argument("--ru-budget", type=float, metavar="N", help="request units per second; over it, 429")
    lifecycle.add_arguments(parser, port=8081)
    options = parser.parse_args()
    sys.setswitchinterval(_SWITCH_SECONDS)
    provisions = [*options.containers, *options.create]
    service = account(options.port, options.data_dir, options.key, provisions, options.ru_budget)
    return lifecycle.run("cosmos", service, options)


if __name__ == "__main__":
    sys.exit(main())
