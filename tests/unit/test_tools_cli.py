"""The command line: help that teaches, and failures that are one line with an exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ServiceRequestError
from azure.eventhub.exceptions import AuthenticationError, ConnectError, EventHubError

from shared.settings import SettingsError
from tools.cli import main
from tools.errors import ToolError, UsageError, exit_code, explain


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("EventHubs", "Cosmos", "DataLake", "AzureWebJobsStorage", "AZURE_STREAMPOC_EVENTHUB_CONN_STRING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "command",
    [
        "send", "receive", "query", "topology", "capture", "capture list", "capture show",
        "dead-letters", "dead-letters list", "dead-letters show", "dead-letters replay",
    ],
)  # fmt: skip
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--help"])
    assert ended.value.code == 0
    assert "usage:" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command",
    ["send", "receive", "query", "topology", "capture", "capture show", "dead-letters", "dead-letters replay"],
)
def test_help_teaches_by_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*command.split(), "--help"])
    assert f"  python -m tools {command.partition(' ')[0]}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "setting"),
    [
        (["send"], "EventHubs"),
        (["receive"], "EventHubs"),
        (["query", "SELECT * FROM c"], "Cosmos"),
        (["topology"], "EventHubs"),
        (["capture", "list"], "AzureWebJobsStorage"),
        (["dead-letters", "list"], "DataLake"),
        (["dead-letters", "replay", "--all"], "DataLake"),
    ],
)
def test_a_missing_setting_is_one_line_and_exit_2(
    arguments: list[str], setting: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {setting} is not set")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value", "arguments"),
    [
        ("EventHubs", "Endpoint=nothing", ["send"]),
        ("EventHubs", "nonsense", ["receive"]),
        ("Cosmos", "AccountKey=only", ["query", "SELECT 1"]),
        ("DataLake", "nonsense", ["dead-letters", "list"]),
    ],
)
def test_a_malformed_setting_is_one_line_and_exit_2(
    name: str, value: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {name}: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["send", "--count", "0"],
        ["send", "--rate", "-1"],
        ["send", "--bad", "1.5"],
        ["send", "--kind", "tide"],
        ["send", "--via", "pigeon"],
        ["query"],
        ["dead-letters"],
        ["dead-letters", "replay"],
        ["dead-letters", "replay", "--all", "--stage", "split"],
        ["dead-letters", "list", "--since", "yesterday"],
    ],
)
def test_wrong_arguments_exit_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_dry_run_prints_the_bodies_and_needs_no_settings(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["send", "--kind", "mixed", "--count", "5", "--dry-run"]) == 0
    lines = capfdbinary.readouterr().out.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (SettingsError("X is not set"), 2, "X is not set"),
        (UsageError("no partition 9"), 2, "no partition 9"),
        (ToolError("broken"), 1, "broken"),
        (AuthenticationError("CBS Token authentication failed"), 1, "access was refused"),
        (ClientAuthenticationError("DefaultAzureCredential failed\nand more"), 1, "az login"),
        (ConnectError("Status code: 404"), 1, "no such hub"),
        (ConnectError("Connection refused"), 1, "cannot be reached"),
        (ServiceRequestError("Connection refused"), 1, "python -m local up"),
        (EventHubError("odd"), 1, "odd"),
        (HttpResponseError("The index path of the specified order-by item is excluded."), 1, "infra/cosmos.json"),
        (HttpResponseError("Syntax error, near 'FORM'"), 1, "near 'FORM'"),
    ],
)
def test_a_failure_becomes_one_line(error: Exception, status: int, words: str) -> None:
    line = explain(error)
    assert line is not None
    assert words in line
    assert "\n" not in line
    assert exit_code(error) == status


def test_a_mistake_of_ours_keeps_its_traceback() -> None:
    assert explain(ZeroDivisionError("ours")) is None


def test_a_command_waits_for_no_sdk_that_it_does_not_use() -> None:
    sdks = ("azure.cosmos", "azure.identity", "azure.storage.blob", "azure.storage.filedatalake")
    code = f"import sys, tools.cli; print(*(name for name in {sdks} if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
