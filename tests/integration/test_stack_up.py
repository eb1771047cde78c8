"""`python -m local up`: it starts whole or not at all, watches, stops cleanly, and leaves nothing behind."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.filedatalake import DataLakeServiceClient
from confluent_kafka.admin import AdminClient, NewTopic

import local.eventhubs
from local.ports import Ports
from local.stack import DataDirInUse, Stack, StackError, settings
from tests.waiting import PATIENCE, wait_until

READY = "Ctrl-C stops it all"


def free_offset() -> int:
    """An offset whose ports are all free; below the range that the system gives out, so that they stay so."""
    return next(n for n in random.sample(range(11_000, 21_000, 20), 500) if not Ports.at_offset(n).taken())


class Up:
    """A running `python -m local up`, its output in a file."""

    def __init__(self, directory: Path, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self.offset = free_offset()
        self.output = directory / "output"
        command = [sys.executable, "-m", "local", "up", "--data-dir", str(directory / "state")]
        command += ["--port-offset", str(self.offset), *arguments]
        with self.output.open("wb") as sink:
            self.process = subprocess.Popen(
                command, stdout=sink, stderr=subprocess.STDOUT, env=os.environ | (environment or {})
            )

    def said(self) -> str:
        return self.output.read_text()

    def wait_ready(self) -> None:
        wait_until(lambda: READY in self.said() or self.process.poll() is not None, "ready")
        assert READY in self.said(), self.said()

    def children(self) -> list[int]:
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        pairs = (line.split() for line in listed.splitlines())
        return [int(pid) for pid, parent in pairs if int(parent) == self.process.pid]


@pytest.fixture
def ups() -> Iterator[list[Up]]:
    """What a test started, to end with it."""
    started: list[Up] = []
    yield started
    for up in started:
        if up.process.poll() is None:
            up.process.kill()
            up.process.wait()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_starts_everything_and_ctrl_c_ends_it_cleanly(tmp_path: Path, ups: list[Up]) -> None:
    ups.append(up := Up(tmp_path))
    up.wait_ready()
    for service in (
        "Event Hubs (AMQP)",
        "Event Hubs (Kafka)",
        "Azurite",
        "Data Lake",
        "Cosmos DB",
        "function app",
        "Stream",
    ):
        assert service in up.said()
    children = up.children()
    assert len(children) == 6
    with DataLakeServiceClient.from_connection_string(settings(Ports.at_offset(up.offset))["DataLake"]) as lake:
        assert {"events", "dead-letters"} <= {each.name for each in lake.list_file_systems()}
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(PATIENCE) == 0, up.said()
    assert "Traceback" not in up.said()
    assert not [pid for pid in children if alive(pid)]
    assert not Ports.at_offset(up.offset).taken()


def test_kafka_clients_may_create_topics_if_it_is_told_so(tmp_path: Path, ups: list[Up]) -> None:
    ups.append(up := Up(tmp_path, "--no-app", "--kafka-create-topics"))
    up.wait_ready()
    admin = AdminClient(local.eventhubs.kafka_settings(Ports.at_offset(up.offset).kafka))
    (created,) = admin.create_topics([NewTopic("made-by-a-client", 2)]).values()
    created.result(PATIENCE)
    assert "made-by-a-client" in admin.list_topics(timeout=PATIENCE).topics


def test_a_closed_terminal_stops_it_in_order(tmp_path: Path, ups: list[Up]) -> None:
    """GIVEN a stack whose terminal goes away THEN it stops as at Ctrl-C: the services do not end under the app."""
    ups.append(up := Up(tmp_path))
    up.wait_ready()
    children = up.children()
    up.process.send_signal(signal.SIGHUP)
    assert up.process.wait(PATIENCE) == 0, up.said()
    assert "Stopping (the function app first)." in up.said()
    assert not [pid for pid in children if alive(pid)]


def test_nothing_outlives_it_when_it_is_killed(tmp_path: Path, ups: list[Up]) -> None:
    ups.append(up := Up(tmp_path))
    up.wait_ready()
    children = up.children()
    assert len(children) == 6
    os.kill(up.process.pid, signal.SIGKILL)
    up.process.wait()
    wait_until(lambda: not [pid for pid in children if alive(pid)], "its children ended")
    assert not Ports.at_offset(up.offset).taken()


def test_a_service_that_dies_is_reported_and_takes_the_rest_along(tmp_path: Path, ups: list[Up]) -> None:
    ups.append(up := Up(tmp_path, "--no-app"))
    up.wait_ready()
    children = up.children()
    assert len(children) == 5
    os.kill(children[-1], signal.SIGKILL)
    assert up.process.wait(PATIENCE) == 1
    assert "stream_analytics ended with status -9" in up.said()
    assert not [pid for pid in children if alive(pid)]


def test_an_app_that_does_not_load_is_reported_with_its_error(tmp_path: Path, ups: list[Up]) -> None:
    (tmp_path / "function_app.py").write_text("raise RuntimeError('this app is broken')\n")
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    ups.append(up := Up(tmp_path, "--app", str(tmp_path)))
    assert up.process.wait(PATIENCE) == 1
    assert "this app is broken" in up.said()
    assert not Ports.at_offset(up.offset).taken()


def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path, ups: list[Up]) -> None:
    offset = free_offset()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 8081 + offset))
        listener.listen()
        ups.append(up := Up(tmp_path, "--port-offset", str(offset)))
        assert up.process.wait(PATIENCE) == 1
    assert f"{8081 + offset} (cosmos)" in up.said()
    assert "--port-offset" in up.said()
    assert not (tmp_path / "state").exists()


def test_without_node_it_says_what_to_install(tmp_path: Path, ups: list[Up]) -> None:
    ups.append(up := Up(tmp_path, environment={"PATH": str(tmp_path)}))
    assert up.process.wait(PATIENCE) == 1
    assert "Node 20 or newer" in up.said()


def test_a_data_directory_that_cannot_be_made_is_refused(tmp_path: Path, ups: list[Up]) -> None:
    (tmp_path / "state").write_text("a file is in the way")
    ups.append(up := Up(tmp_path, "--no-app"))
    assert up.process.wait(PATIENCE) == 1
    assert "--data-dir" in up.said()
    assert "Traceback" not in up.said()


@pytest.mark.parametrize("name", ["logs", "azurite", "eventhubs", "lock.db"])
def test_a_file_that_is_in_the_way_of_state_is_named_and_nothing_stays_behind(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("this is neither a directory nor a database")
    stack = Stack(data_dir=tmp_path, ports=Ports.free())
    with pytest.raises(StackError, match=rf"cannot keep state in .*{name}.* --data-dir"):
        stack.start()
    assert not [child for child in stack.children.values() if child.running()]


def test_a_directory_without_an_app_is_refused(tmp_path: Path, ups: list[Up]) -> None:
    ups.append(up := Up(tmp_path, "--app", str(tmp_path)))
    assert up.process.wait(PATIENCE) == 1
    assert "no function_app.py" in up.said()


def test_state_survives_a_restart_and_two_stacks_do_not_share_it(tmp_path: Path) -> None:
    with Stack(data_dir=tmp_path, ports=Ports.free()) as first:
        with BlobServiceClient.from_connection_string(first.settings["AzureWebJobsStorage"]) as service:
            service.create_container("kept").upload_blob("blob", b"content")
        with DataLakeServiceClient.from_connection_string(first.settings["DataLake"]) as lake:
            lake.get_file_client("events", "a").upload_data(b"file", overwrite=True)
        second = Stack(data_dir=tmp_path, ports=Ports.free())
        with pytest.raises(DataDirInUse, match="--data-dir"):
            second.start()
    with Stack(data_dir=tmp_path, ports=Ports.free()) as again:
        with BlobServiceClient.from_connection_string(again.settings["AzureWebJobsStorage"]) as service:
            assert service.get_blob_client("kept", "blob").download_blob().readall() == b"content"
        with DataLakeServiceClient.from_connection_string(again.settings["DataLake"]) as lake:
            file = lake.get_file_client("events", "a")
            again.children["datalake"].kill()
            again.restart("datalake")
            assert file.download_file().readall() == b"file"
