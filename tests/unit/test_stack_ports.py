"""Where the laptop's services listen, and what their connection strings say."""

from __future__ import annotations

import json
import shlex
import socket
from pathlib import Path

import pytest

from local import stack
from local.__main__ import main
from local.ports import Ports

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_settings_are_those_of_the_documented_ports() -> None:
    values = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
    expected = stack.settings(Ports())
    assert {name: values.get(name) for name in expected} == expected


@pytest.mark.parametrize("name", ["AzureWebJobsStorage", "DataLake"])
def test_storage_connection_strings_have_what_every_sdk_takes(name: str) -> None:
    parts = stack.settings(Ports())[name].rstrip(";").split(";")
    # Java's SDK refuses a string that has anything else.
    known = {f"{service}Endpoint" for service in ("Blob", "Queue", "Table")}
    known |= {"DefaultEndpointsProtocol", "AccountName", "AccountKey"}
    assert {part.partition("=")[0] for part in parts} <= known


def test_an_offset_moves_every_port() -> None:
    assert dict(Ports.at_offset(100).items()) == {name: port + 100 for name, port in Ports().items()}


@pytest.mark.parametrize("offset", [-5672, 60000])
def test_an_offset_that_leaves_the_range_is_refused(offset: int) -> None:
    with pytest.raises(ValueError, match="1 to 65535"):
        Ports.at_offset(offset)


def test_a_taken_port_is_named() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        taken = Ports(**{name: 0 for name, _ in Ports().items()} | {"cosmos": port}).taken()
    assert taken == {"cosmos": port}


def test_env_prints_what_a_shell_a_program_and_a_file_take(capsys: pytest.CaptureFixture[str]) -> None:
    expected = stack.settings(Ports.at_offset(7))

    def printed(form: str) -> str:
        assert main(["env", "--port-offset", "7", "--format", form]) == 0
        return capsys.readouterr().out

    assert json.loads(printed("json")) == expected
    assert expected["EventHubs__kafkaBootstrapServers"] == "localhost:9099"
    assert printed("shell").splitlines() == [f"export {name}={shlex.quote(value)}" for name, value in expected.items()]
    assert printed("dotenv").splitlines() == [f'{name}="{value}"' for name, value in expected.items()]
