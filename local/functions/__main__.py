"""`python -m local.functions --app DIR`: run the function app of a directory on this machine, as `func start` does."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from local import lifecycle
from local.functions import host_json, logs, settings
from local.functions.errors import HostError
from local.functions.host import Host
from local.functions.indexing import index
from local.functions.loading import app_path


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.functions",
        description="Run the function app of a directory on this machine, as `func start` does.",
    )
    parser.add_argument("--app", type=Path, default=Path(), help="the directory with function_app.py and host.json")
    parser.add_argument(
        "--settings", type=Path, help="a local.settings.json; by default the app's own, if there is one"
    )
    parser.add_argument("--drain", type=float, default=30.0, help="seconds for running invocations to end on a stop")
    lifecycle.add_arguments(parser, port=7071)
    return parser.parse_args()


def _load(arguments: argparse.Namespace) -> Host:
    app = arguments.app.resolve()
    file = arguments.settings or app / "local.settings.json"
    if arguments.settings or file.is_file():
        settings.load(file, os.environ)
    options = host_json.load(app / "host.json", os.environ)
    logs.configure(options.log_levels, arguments.log_level)
    functions = index(app)
    sys.path[:] = app_path(app)  # functions import when they run, too
    return Host(functions, options, os.environ, port=arguments.port, drain=arguments.drain)


def main() -> int:
    """Returns the process's exit status: 1 when the app could not be loaded or a trigger not be started."""
    arguments = _arguments()
    logs.configure({}, arguments.log_level)
    log = logs.host_logger("Startup")
    try:
        host = _load(arguments)
    except HostError as error:
        log.error("%s", error, exc_info=error.__cause__)
        print(f"functions: {error}", file=sys.stderr)
        return 1
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level

    @asynccontextmanager
    async def service() -> AsyncIterator[Mapping[str, object]]:
        logging.getLogger().handlers[:] = handlers  # the host's log form, not the other services'
        logging.getLogger().setLevel(level)
        async with host.running() as details:
            yield details

    try:
        status = lifecycle.run("functions", service(), arguments)
    except HostError as error:
        print(f"functions: {error}", file=sys.stderr)
        return 1
    if host.overran:
        # A thread that still runs a function would hold up the interpreter's end.
        logging.shutdown()
        os._exit(1)
    return status


if __name__ == "__main__":
    sys.exit(main())
