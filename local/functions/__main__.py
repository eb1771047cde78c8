"""`python -m local.functions --app DIR`: run the function app of a directory on this machine, as `func start` does."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from local import lifecycle
from local.functions import host_json, logs, settings
from local.functions.errors import HostError
from local.functions.host import Host
from local.functions.supervision import Worker
from local.functions.worker_process import WorkerOptions, WorkerProcess


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
    for_worker = WorkerOptions(
        app, options.log_levels, arguments.log_level, options.function_timeout, settings.thread_count(os.environ)
    )
    process = WorkerProcess(for_worker)
    functions = process.load()
    worker = Worker(process, functions, for_worker, given_up=lambda: signal.raise_signal(signal.SIGTERM))
    return Host(functions, worker, options, os.environ, port=arguments.port, drain=arguments.drain)


def main() -> int:
    """Returns the process's exit status: 1 when the app could not be loaded, a trigger not be started, or invocations
    not be drained, and when there is no worker any more."""
    arguments = _arguments()
    logs.configure({}, arguments.log_level)
    log = logs.host_logger("Startup")
    try:
        host = _load(arguments)
    except HostError as error:
        log.error("%s%s", error, f"\n{error.trace}" if error.trace else "")
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
    return 1 if host.overran else status


if __name__ == "__main__":
    sys.exit(main())
