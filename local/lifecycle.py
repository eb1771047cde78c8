"""How a local service starts, says that it is ready, and stops: one way for all of them.

A service is a process. It listens on loopback, prints one JSON line on stdout once it does
(`{"ready": "cosmos", "port": 8081}`), and ends on SIGINT, SIGTERM or, when asked to, on end-of-file of its stdin: so
it follows a parent that was killed with -9, on any platform, without polling.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager


def add_arguments(parser: argparse.ArgumentParser, *, port: int) -> None:
    """The options that every service takes; `port` is where it listens when it is not told."""
    parser.add_argument(
        "--port",
        type=port_number,
        default=port,
        help="where to listen on loopback; 0 takes a free one (default: %(default)s)",
    )
    add_process_arguments(parser)


def add_process_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of a service that listens nowhere."""
    parser.add_argument(
        "--stop-with-stdin", action="store_true", help="end when stdin reaches end-of-file (the parent is gone)"
    )
    parser.add_argument("--log-level", default="WARNING", choices=["DEBUG", "INFO", "WARNING", "ERROR"])


def port_number(text: str) -> int:
    """A port on the command line."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to 65535")
    return int(text)


def configure_logging(level: str) -> None:
    """Logs go to stderr: stdout carries the ready line alone."""
    logging.basicConfig(
        level=level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True
    )


async def serve(
    name: str, service: AbstractAsyncContextManager[Mapping[str, object]], *, stop_with_stdin: bool
) -> None:
    """Run `service` until a signal (or the end of stdin) asks it to stop.

    Args:
        name: what the ready line calls it.
        service: entered to start; yields what the ready line adds (`port`, ...); left to stop gracefully.
        stop_with_stdin: also stop at end-of-file of stdin.

    Raises:
        OSError: a port is taken (the caller prints it; see `run`).
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C arrives as KeyboardInterrupt
            loop.add_signal_handler(number, stopping.set)
    if stop_with_stdin:
        threading.Thread(target=_wait_for_end_of_stdin, args=(loop, stopping), daemon=True).start()
    async with service as details:
        print(json.dumps({"ready": name, **details}), flush=True)
        await stopping.wait()


def _wait_for_end_of_stdin(loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> None:
    descriptor = sys.stdin.fileno()
    while os.read(descriptor, 4096):
        pass
    with contextlib.suppress(RuntimeError):  # the loop is closed: we are ending anyway
        loop.call_soon_threadsafe(stopping.set)


def run(name: str, service: AbstractAsyncContextManager[Mapping[str, object]], arguments: argparse.Namespace) -> int:
    """Serve until stopped; returns the process's exit status. A port that is taken is one line, not a traceback."""
    configure_logging(arguments.log_level)
    try:
        asyncio.run(serve(name, service, stop_with_stdin=arguments.stop_with_stdin))
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    return 0
