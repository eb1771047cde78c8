"""Azurite as a service: it keeps its state, ends with its parent, and says clearly why it cannot start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

import local.azurite
from local.children import Child, ChildFailed
from tests.waiting import wait_until


def start(directory: Path, blob_port: int = 0) -> Child:
    return local.azurite.start(
        data_dir=directory / "data", log=directory / "log", blob_port=blob_port, queue_port=0, table_port=0
    )


def test_a_blob_is_there_after_a_restart(tmp_path: Path) -> None:
    first = start(tmp_path)
    try:
        ready = first.wait_ready()
        ports = [int(str(ready[name])) for name in ("blob", "queue", "table")]
        with BlobServiceClient.from_connection_string(local.azurite.connection_string(*ports)) as service:
            container = service.create_container("kept")
            container.upload_blob("blob", b"content")
            assert first.stop() == 0
            second = start(tmp_path, blob_port=ports[0])
            try:
                second.wait_ready()
                assert container.download_blob("blob").readall() == b"content"
            finally:
                second.stop()
    finally:
        first.stop()


def test_it_ends_when_its_parent_is_killed_and_keeps_what_was_written(tmp_path: Path) -> None:
    code = f"""
import pathlib, sys, time, local.azurite
directory = pathlib.Path({str(tmp_path)!r})
child = local.azurite.start(data_dir=directory / "data", log=directory / "log", blob_port=0, queue_port=0, table_port=0)
print(child.wait_ready()["blob"], flush=True)
time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        port = int(parent.stdout.readline())
        with BlobServiceClient.from_connection_string(local.azurite.connection_string(port)) as service:
            service.create_container("kept").upload_blob("blob", b"content")
    finally:
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    wait_until(lambda: not listens(port), "Azurite ended after its parent", 10)

    again = start(tmp_path)
    try:
        port = int(str(again.wait_ready()["blob"]))
        with BlobServiceClient.from_connection_string(local.azurite.connection_string(port)) as service:
            assert service.get_blob_client("kept", "blob").download_blob().readall() == b"content"
    finally:
        again.stop()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        child = start(tmp_path, blob_port=port)
        try:
            with pytest.raises(ChildFailed, match=str(port)):
                child.wait_ready()
        finally:
            child.stop()


def test_without_node_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(local.azurite.AzuriteUnavailable, match="Node 20 or newer"):
        start(tmp_path)

    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v18.19.0\n")
    old.chmod(0o755)
    with pytest.raises(local.azurite.AzuriteUnavailable, match=r"Node 20 or newer; .* is v18\.19\.0"):
        start(tmp_path)

    old.write_text("#!/no/such/interpreter\n")
    with pytest.raises(local.azurite.AzuriteUnavailable, match=r"Node 20 or newer; .* does not start: .*No such file"):
        start(tmp_path)
