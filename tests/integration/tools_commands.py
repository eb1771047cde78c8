"""Runs `python -m tools` as a person does: a process of its own, settings in the environment, output captured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import local.eventhubs
from local.children import Child

ROOT = Path(__file__).parents[2]
# Generous: connecting takes the SDK a second or two on an idle machine.
SECONDS = 60.0


@dataclass
class Result:
    """How a command ended."""

    status: int
    out: str
    err: str

    def lines(self) -> list[Any]:
        """Its output, one JSON value a line."""
        return [json.loads(line) for line in self.out.splitlines()]


class Tools:
    """`python -m tools` with the settings of one test."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.settings: dict[str, str] = {}
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AZURE_")}
        process = subprocess.Popen(
            [sys.executable, "-m", "tools", *arguments],
            env={**kept, "PYTHONPATH": str(ROOT), **self.settings}, cwd=self.directory,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._started.append(process)
        return process

    def kill(self) -> None:
        """End what still runs, as it does when a test fails."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def run(self, *arguments: str) -> Result:
        return finish(self.start(*arguments))

    def run_together(self, *commands: tuple[str, ...]) -> list[Result]:
        """Run independent commands at once: each spends most of its time waiting for the SDK to connect."""
        return [finish(process) for process in [self.start(*command) for command in commands]]


def finish(process: subprocess.Popen[str]) -> Result:
    """Wait for a command to end by itself."""
    try:
        out, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        pytest.fail(f"{process.args} did not end: {out}\n{err}")
    return Result(process.returncode, out, err)


@pytest.fixture
def tools(tmp_path: Path) -> Iterator[Tools]:
    """Run in an empty directory: no local.settings.json is found."""
    directory = tmp_path / "tools"
    directory.mkdir()
    running = Tools(directory)
    yield running
    running.kill()


@pytest.fixture
def hubs(tools: Tools, tmp_path: Path) -> Iterator[Child]:
    """The project's own hubs, and `tools` set to reach them."""
    child = Child.start_module(
        "local.eventhubs", "--port", "0", "--kafka-port", "0", "--data-dir", str(tmp_path / "hubs"), "--config",
        str(ROOT / "infra" / "eventhubs.json"), log=tmp_path / "eventhubs.log",
    )  # fmt: skip
    try:
        child.wait_ready()
        tools.settings["EventHubs"] = local.eventhubs.connection_string(child.port)
        tools.settings["EventHubs__kafkaBootstrapServers"] = f"localhost:{child.ready['kafka_port']}"
        yield child
    finally:
        child.stop()
