"""Child processes that cannot outlive us: start one, wait until it is ready, stop it, read its log."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


class ChildFailed(RuntimeError):
    """A child ended, or stayed silent, before it was ready; the message carries the end of its log."""


class Child:
    """One running service. Its stdin is a pipe that only we hold, so it ends when we do, even by kill -9."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path, log_start: int) -> None:
        self.name = name
        self.log = log
        self._log_start = log_start
        self.ready: dict[str, object] = {}
        self._process = process
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        threading.Thread(target=self._read_stdout, daemon=True).start()

    @classmethod
    def start(
        cls, name: str, command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> Child:  # fmt: skip
        """Start `command` in a session of its own (Ctrl-C reaches us alone); stderr is appended to `log`."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as sink:
            log_start = sink.tell()
            process = subprocess.Popen(
                list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sink, cwd=directory,
                env={**os.environ, **(environment or {})}, start_new_session=True,
            )  # fmt: skip
        return cls(name, process, log, log_start)

    @classmethod
    def start_module(
        cls, module: str, *arguments: str, log: Path, environment: Mapping[str, str] | None = None
    ) -> Child:
        """Start `python -m local.X ... --stop-with-stdin` with this interpreter."""
        command = [sys.executable, "-m", module, *arguments, "--stop-with-stdin"]
        return cls.start(module.rpartition(".")[2], command, log=log, environment=environment)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def port(self) -> int:
        """The port of the ready line (a service that was given port 0 chose it)."""
        return int(str(self.ready["port"]))

    def wait_ready(self, seconds: float = 60.0) -> dict[str, object]:
        """Wait for the ready line and return it.

        Raises:
            ChildFailed: it ended first, or said nothing for `seconds`.
        """
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                line = self._lines.get(timeout=left)
                if line is None:
                    raise ChildFailed(f"{self.name} ended with status {self._process.wait()}: {self.log_tail()}")
                if line.startswith(b'{"ready"'):
                    self.ready = json.loads(line)
                    return self.ready
        raise ChildFailed(f"{self.name} was not ready after {seconds:.0f} s: {self.log_tail()}")

    def running(self) -> bool:
        return self._process.poll() is None

    def wait(self, seconds: float) -> int | None:
        """The exit status, or None when it still runs after `seconds`."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(seconds)
        return None

    def stop(self, seconds: float = 10.0) -> int:
        """SIGTERM, a grace period of `seconds`, then kill -9; returns the exit status."""
        if self.running():
            self._process.send_signal(signal.SIGTERM)
            if self.wait(seconds) is None:
                self._process.kill()
        status = self._process.wait()
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        return status

    def kill(self) -> None:
        """kill -9, as a crash test does."""
        self._process.kill()
        self._process.wait()

    def log_tail(self, size: int = 2000) -> str:
        """The last `size` bytes of what this process has logged: those that ran before it wrote to the same file."""
        with self.log.open("rb") as log:
            log.seek(max(log.seek(0, os.SEEK_END) - size, self._log_start))
            said = log.read().decode(errors="replace").strip()
        if said:
            return said
        return "(its log is empty)" if shutil.disk_usage(self.log.parent).free else f"(no space is left for {self.log})"

    def _read_stdout(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)
