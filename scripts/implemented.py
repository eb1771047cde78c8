"""Write the IMPLEMENTED.md of every local service from its ledger, or only say which of them are out of date.

python -m scripts.implemented [--check]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from local.cosmos import implemented as cosmos
from local.datalake import implemented as datalake
from local.eventhubs import implemented as eventhubs
from local.ledger import Ledger
from local.stream_analytics import implemented as stream_analytics

_LOCAL: Final = Path(__file__).parents[1] / "local"
LEDGERS: Final[dict[Path, Callable[[], Ledger]]] = {
    _LOCAL / "cosmos" / "IMPLEMENTED.md": cosmos.ledger,
    _LOCAL / "eventhubs" / "IMPLEMENTED.md": eventhubs.ledger,
    _LOCAL / "datalake" / "IMPLEMENTED.md": datalake.ledger,
    _LOCAL / "stream_analytics" / "IMPLEMENTED.md": stream_analytics.ledger,
}


def main() -> int:
    """Write, or check; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.implemented", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is out of date")
    options = parser.parse_args()
    stale = [file for file, ledger in LEDGERS.items() if not file.exists() or file.read_text() != ledger().markdown()]
    for file in stale:
        print(f"{file} is out of date" if options.check else f"{file} written")
        if not options.check:
            file.write_text(LEDGERS[file]().markdown())
    return 1 if stale and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
