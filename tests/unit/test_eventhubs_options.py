"""The command line of the namespace: a number that makes no sense is refused in a line, before anything is opened."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from local.eventhubs.command_line import main


@pytest.mark.parametrize("option", [
    "--retention-hours", "--retention-megabytes", "--retention-check-seconds", "--kafka-idle-seconds",
])  # fmt: skip
@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "1e10", "long"])
def test_an_amount_that_cannot_be(
    option: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    monkeypatch.setattr(sys, "argv", ["eventhubs", "--data-dir", str(data), "--config", "none", f"{option}={value}"])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert f"argument {option}: '{value}' is not a number above 0" in capsys.readouterr().err.splitlines()[-1]
    assert not data.exists()
