"""`python -m local.functions.worker`: what the host starts. It is of no use without the host's end of the channel."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from local.functions import logs
from local.functions.channel import Channel, ChannelClosed, receive_blocking, send_blocking
from local.functions.errors import HostError
from local.functions.messages import Answer, Failure, Invocation
from local.functions.worker.indexing import IndexedFunction, index
from local.functions.worker.loading import app_path
from local.functions.worker.running import Runner

SETTLED = 10.0
"""Seconds from the first invocation on in which an app loads what it loads when it runs: clients, reference data."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.functions.worker", description="The host starts this.")
    parser.add_argument("--app", type=Path, required=True, help="the directory with function_app.py")
    parser.add_argument("--channel", type=int, required=True, help="the descriptor of a socket that is inherited")
    return parser.parse_args()


def _end_with_host() -> None:
    """End as soon as the host has, even by kill -9, and whatever holds the event loop up: stdin is a pipe to it."""
    pipe = os.dup(0)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)  # the app's own reads of stdin end at once

    def wait() -> None:
        while os.read(pipe, 4096):
            pass
        os._exit(1)

    threading.Thread(target=wait, name="host", daemon=True).start()


def _settle() -> None:
    """Leave what is loaded to itself: it stays, and each full collection would walk it while every function waits."""
    gc.collect()
    gc.freeze()


async def _serve(connected: socket.socket, functions: Sequence[IndexedFunction], start: dict[str, float | None]) -> int:
    """Run what the host asks for until it says stop."""
    channel = await Channel.open(connected)
    runner = Runner(
        {function.name: function for function in functions}, start["timeout"],
        int(start["threads"]) if start["threads"] else None,
    )  # fmt: skip
    running: set[asyncio.Task[None]] = set()

    async def run(invocation: Invocation, number: int) -> None:
        try:
            answer = await runner.run(invocation)
        except SystemExit as error:
            logs.host_logger("Worker").error("function %s called sys.exit(%s)", invocation.function, error.code)
            logging.shutdown()
            os._exit(error.code if isinstance(error.code, int) else 1)
        try:
            await channel.send(*answer.frame(number))
        except TypeError as error:  # a response's text that no JSON can hold
            await channel.send(*Answer(failure=Failure.of(error)).frame(number))

    async def take() -> bool:
        frame = await channel.receive()
        if "stop" in frame.header:
            return False
        task = asyncio.create_task(run(Invocation.of(frame), frame.header["invoke"]))
        running.add(task)
        task.add_done_callback(running.discard)
        return True

    if await take():
        asyncio.get_running_loop().call_later(SETTLED, _settle)
        while await take():
            pass
    runner.close()
    return 0


def main() -> int:
    """Returns the process's exit status: 1 when the app could not be loaded."""
    arguments = _arguments()
    connected = socket.socket(fileno=arguments.channel)
    connected.set_inheritable(False)
    _end_with_host()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # print() is part of the log
    try:
        start = receive_blocking(connected)
        logs.configure(start["log_levels"], start["log_level"])
        try:
            functions = index(arguments.app)
        except HostError as error:
            trace = Failure.of(error.__cause__).trace if error.__cause__ else ""
            send_blocking(connected, {"refused": type(error).__name__, "message": str(error), "trace": trace})
            return 1
        sys.path[:] = app_path(arguments.app)  # functions import when they run, too
        _settle()
        send_blocking(connected, {"functions": [function.declared for function in functions]})
        return asyncio.run(_serve(connected, functions, start))
    except ChannelClosed:
        os._exit(1)  # the host is gone: nobody waits for what runs


if __name__ == "__main__":
    sys.exit(main())
