"""Parses every command that the az scripts would run with azure-cli's own parser: do they exist, with these options?

Run by `make check-az` with a Python that has requirements.txt of this directory installed, which the tests' has not:
it is large. No command is run and nobody is signed in.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

os.environ.setdefault("AZURE_CONFIG_DIR", tempfile.mkdtemp(prefix="azure-cli-"))
os.environ.setdefault("AZURE_CORE_COLLECT_TELEMETRY", "no")

from azure.cli.core import get_default_cli


def parse(cli: Any, words: list[str]) -> str | None:
    """What is wrong with a command; None when it parses."""
    invoker = cli.invocation_cls(
        cli_ctx=cli, parser_cls=cli.parser_cls, commands_loader_cls=cli.commands_loader_cls, help_cls=cli.help_cls
    )
    cli.invocation = invoker
    loader = invoker.commands_loader
    loader.load_command_table(words)
    # The longest beginning of it that is a command.
    name = next((" ".join(words[:n]) for n in range(8, 0, -1) if " ".join(words[:n]) in loader.command_table), None)
    if name is None:
        return "there is no such command"
    loader.command_table = {name: loader.command_table[name]}
    loader.command_name = invoker.data["command_string"] = name
    loader.load_arguments(name)
    invoker.parser.cli_ctx = cli
    invoker.parser.load_command_table(loader)
    said = StringIO()
    try:
        with redirect_stderr(said):
            invoker.parser.parse_args(words)
    except SystemExit:
        return " ".join(said.getvalue().split()) or "it does not parse"
    except Exception as error:  # validators and types of azure-cli raise whatever they like
        return f"{type(error).__name__}: {error}"
    return None


def commands() -> list[list[str]]:
    """What every script shows for every verb, once each, without the `az`."""
    scripts = Path(__file__).resolve().parents[2] / "infra" / "az"
    shown: set[str] = set()
    for script in sorted(scripts.glob("*.sh")):
        if os.access(script, os.X_OK):
            for verb in ("recreate", "info"):
                environment = os.environ | {"HEADRACE_PRODUCER_IDS": "a", "HEADRACE_OPERATOR_IDS": "b"}
                dry = subprocess.run(
                    [script, verb, "--dry-run"], capture_output=True, text=True, check=True, env=environment
                )
                shown.update(line for line in dry.stdout.splitlines() if line.startswith("+ az "))
    return [shlex.split(line)[2:] for line in sorted(shown)]


def main() -> int:
    cli = get_default_cli()
    found = commands()
    wrong = 0
    for words in found:
        if problem := parse(cli, words):
            wrong += 1
            print(f"az {shlex.join(words)}\n    {problem}", file=sys.stderr)
    print(f"{len(found)} commands checked with azure-cli's parser, {wrong} of them wrong")
    return 1 if wrong or not found else 0


if __name__ == "__main__":
    sys.exit(main())
