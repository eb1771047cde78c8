"""Starting the service wrongly: one clear line that names what to change, and no traceback."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.cosmos_service import CosmosService
from tests.waiting import PATIENCE


def refused(*options: str) -> str:
    """The last line of what a service that will not start says."""
    done = subprocess.run(
        [sys.executable, "-m", "local.cosmos", *options], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def test_a_taken_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused("--port", str(port), "--data-dir", str(tmp_path))
    assert f"port {port} is taken" in line
    assert "--port" in line


def test_a_directory_in_use(tmp_path: Path) -> None:
    service = CosmosService(tmp_path)
    try:
        line = refused("--port", "0", "--data-dir", str(tmp_path / "data"))
    finally:
        assert service.stop() == 0
    assert "in use by another process" in line
    assert "--data-dir" in line


def test_a_file_that_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "cosmos.sqlite").write_bytes(b"not a database, whatever the name says" * 100)
    assert "cosmos.sqlite cannot be opened" in refused("--port", "0", "--data-dir", str(tmp_path))


@pytest.mark.parametrize("text", ["dev", "dev/events", "dev/events:pk", "dev/:/pk", "dev/a?b:/pk", "dev/x:/pk:soon"])
def test_a_container_that_is_not_one(tmp_path: Path, text: str) -> None:
    assert "DATABASE/CONTAINER:/PARTITION_KEY[:TTL]" in refused("--data-dir", str(tmp_path), "--create", text)


def test_a_container_that_exists_with_another_partition_key(tmp_path: Path) -> None:
    assert CosmosService(tmp_path).stop() == 0
    line = refused("--port", "0", "--data-dir", str(tmp_path / "data"), "--create", "dev/events:/other")
    assert "dev/colls/events exists with another partition key" in line


def test_a_key_that_is_not_base64(tmp_path: Path) -> None:
    assert "not base64" in refused("--data-dir", str(tmp_path), "--key", "%%%")
