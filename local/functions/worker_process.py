"""One worker process: started, told what it needs, its functions read; killed when it does not end."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.functions.bindings import Function
from local.functions.channel import ChannelClosed, receive_blocking, send_blocking
from local.functions.errors import AppImportError, HostError, IndexingError, WorkerError

_STDERR = 2


@dataclass(frozen=True)
class WorkerOptions:
    """What a worker is told at its start.

    Args:
        app: the directory with `function_app.py`.
        log_levels: of host.json, by category.
        log_level: of the SDKs' own loggers.
        timeout: seconds that a function may take; None for no limit.
        threads: for synchronous functions; None for the default.
    """

    app: Path
    log_levels: Mapping[str, int]
    log_level: str
    timeout: float | None
    threads: int | None


class WorkerProcess:
    """A child that holds one end of a pair of sockets, and a pipe by whose end it knows that we are gone."""

    def __init__(self, options: WorkerOptions) -> None:
        self._options = options
        self.connected, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable, "-m", "local.functions.worker", "--app", str(options.app), "--channel",
                    str(theirs.fileno()),
                ],
                stdin=subprocess.PIPE, stdout=_STDERR, pass_fds=(theirs.fileno(),),
                start_new_session=True,  # Ctrl-C reaches us alone: what runs is drained
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._process.pid

    def load(self) -> list[Function]:
        """Have the app imported and indexed; blocks until it is.

        Raises:
            AppImportError: `function_app.py` raised when it was imported.
            IndexingError: the real worker would refuse the app.
            WorkerError: the process ended instead.
        """
        options = self._options
        try:
            send_blocking(self.connected, {
                "log_levels": dict(options.log_levels), "log_level": options.log_level, "timeout": options.timeout,
                "threads": options.threads,
            })  # fmt: skip
            told = receive_blocking(self.connected)
        except ChannelClosed:
            raise WorkerError(
                f"the worker ended ({self.ended(1.0)}) while it imported {options.app}; what it wrote is above"
            ) from None
        if "refused" in told:
            self.ended(1.0)
            error: HostError = (
                IndexingError(told["message"].split("\n"))
                if told["refused"] == "IndexingError"
                else AppImportError(told["message"])
            )
            error.trace = told["trace"]
            raise error
        return [Function.parse(declared) for declared in told["functions"]]

    def kill(self) -> None:
        self._process.kill()

    def ended(self, seconds: float | None = None) -> str:
        """Wait for its end, with kill -9 when `seconds` are over; says how it ended."""
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self.connected.close()
        if status < 0:
            return f"killed by {signal.Signals(-status).name}"
        return f"status {status}"
