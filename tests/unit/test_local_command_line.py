"""Numbers that make no sense are refused before anything starts."""

from __future__ import annotations

import argparse
import subprocess
import sys

import pytest

from local import lifecycle
from local.__main__ import build_parser, main
from local.stack import ROOT


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["demo", "--count", "0"], "'0' is not a whole number from 1 up"),
        (["demo", "--rate", "-5"], "'-5' is not a whole number from 1 up"),
        (["demo", "--bad", "2"], "'2' is not a part, from 0 to 1"),
        (["demo", "--bad", "few"], "'few' is not a part, from 0 to 1"),
        (["up", "--port-offset", "70000"], "gives port 75672; ports are 1 to 65535"),
        (["up", "--app", ".", "--no-app"], "not allowed with argument"),
        ([], "required: COMMAND"),
    ],
)
def test_wrong_arguments_exit_2(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    """As `python -m local env | head -1`."""
    with subprocess.Popen(
        [sys.executable, "-m", "local", "env"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as printing:
        assert printing.stdout
        assert printing.stderr
        printing.stdout.close()
        assert printing.stderr.read() == ""
    assert printing.returncode == 0


def test_the_demos_defaults_are_its_documented_job() -> None:
    options = build_parser().parse_args(["demo"])
    assert (options.count, options.rate, options.bad) == (3000, 300, 0.01)


@pytest.mark.parametrize("text", ["65536", "-1", "http", ""])
def test_a_service_refuses_what_is_no_port(text: str) -> None:
    parser = argparse.ArgumentParser(exit_on_error=False)
    lifecycle.add_arguments(parser, port=8081)
    assert parser.parse_args([]).port == 8081
    assert parser.parse_args(["--port", "65535"]).port == 65535
    with pytest.raises(argparse.ArgumentError, match="is not a port, 0 to 65535"):
        parser.parse_args([f"--port={text}"])
