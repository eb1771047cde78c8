"""An account that starts empty, as Microsoft's emulator does, has its containers after infra/compose/containers.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.cosmos import CosmosClient

from local.children import Child
from local.cosmos import connection_string
from local.stack import CONTAINERS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[str]:
    child = Child.start_module("local.cosmos", "--port", "0", "--data-dir", str(tmp_path), log=tmp_path / "cosmos.log")
    child.wait_ready()
    yield connection_string(child.port)
    child.stop()


def run(tmp_path: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("Cosmos")} | settings
    command = [sys.executable, ROOT / "infra" / "compose" / "containers.py"]
    return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)


def test_makes_what_is_missing_and_leaves_what_is_there(empty: str, tmp_path: Path) -> None:
    declared = json.loads(CONTAINERS.read_text())
    for _ in range(2):
        made = run(tmp_path, Cosmos=empty)
        names = [f"{declared['database']}/{container['id']}" for container in declared["containers"]]
        assert (made.returncode, made.stdout.split()) == (0, names), made.stderr
    with CosmosClient.from_connection_string(empty) as client:
        there = {c["id"]: c for c in client.get_database_client(declared["database"]).list_containers()}
    assert [{name: there[c["id"]][name] for name in c} for c in declared["containers"]] == declared["containers"]


def test_says_in_a_line_what_is_missing(tmp_path: Path) -> None:
    refused = run(tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.startswith("containers: Cosmos is not set: ")
    assert len(refused.stderr.splitlines()) == 1
