"""`python -m local.eventhubs`: run the namespace as a process."""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from local import lifecycle
from local.eventhubs import DEFAULT_KEY, DEFAULT_KEY_NAME, config, server
from local.eventhubs.config import HubConfig
from local.eventhubs.errors import EventHubsError
from local.eventhubs.log import Log
from local.eventhubs.namespace import Namespace
from local.eventhubs.sas import Key


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.eventhubs", description=__doc__)
    parser.add_argument("--port", type=int, default=5672, help="AMQP port on localhost; 0 chooses one (default 5672)")
    parser.add_argument("--data-dir", type=Path, required=True, help="where the event log is kept")
    parser.add_argument("--config", type=Path, required=True, help="the hubs file, in the emulator's format")
    parser.add_argument("--key", default=DEFAULT_KEY, help=f"value of the key {DEFAULT_KEY_NAME}")
    lifecycle.add_arguments(parser)
    arguments = parser.parse_args()
    try:
        hubs = config.read(arguments.config)
        log = Log(arguments.data_dir / "eventhubs.db", hubs)
    except EventHubsError as error:
        print(f"eventhubs: {error}", file=sys.stderr)
        return 1
    return lifecycle.run("eventhubs", _service(hubs, log, arguments), arguments)


@asynccontextmanager
async def _service(hubs: list[HubConfig], log: Log, arguments: argparse.Namespace) -> AsyncIterator[dict[str, object]]:
    namespace = Namespace(hubs, log, Key(DEFAULT_KEY_NAME, arguments.key))
    try:
        async with server.listen(namespace, arguments.port) as port:
            yield {"port": port}
    finally:
        await log.close()


if __name__ == "__main__":
    sys.exit(main())
