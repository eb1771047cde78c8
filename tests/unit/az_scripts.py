"""The az scripts as tests run them: with an `az` that writes down what it is asked and answers from a table."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "infra" / "az"
SOURCED = {"env.sh", "verbs.sh", "roles.sh"}
RUNNABLE = sorted(path.name for path in SCRIPTS.glob("*.sh") if path.name not in SOURCED)
SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"

AZ = r"""#!/bin/bash
printf '%q ' "$@" >>"$AZ_STATE/calls"
echo >>"$AZ_STATE/calls"
for answer in "$AZ_STATE"/answers/*; do
    command=$(<"$answer/command") times=$(<"$answer/times")
    [[ "$*" == "$command"* && $times != 0 ]] || continue
    echo $((times - 1)) >"$answer/times"
    cat "$answer/out"
    cat "$answer/error" >&2
    exit "$(<"$answer/status")"
done
while (($#)); do
    case $1 in
    --query) query=$2 ;;
    --output) output=$2 ;;
    --name | --ids) name=${2##*/} ;;
    esac
    shift
done
if [[ $query == {* ]]; then
    echo '{'
    while [[ $query =~ ([A-Za-z]+):(.*) ]]; do
        echo "  \"${BASH_REMATCH[1]}\": \"${BASH_REMATCH[1]}-of-$name\","
        query=${BASH_REMATCH[2]}
    done
    echo '  "last": "one"
}'
elif [[ $output == tsv ]]; then
    echo "$query-of-$name"
fi
"""
"""Writes down what it is asked, a line of quoted words, and answers as answers/N say: to a command that begins so, so
often (-1: always), with this status, output and error. Otherwise what --query asks for, with its own name in it."""


@dataclass
class Az:
    """A directory to run scripts in: a PATH with that az first, and answers of its own."""

    directory: Path

    def __post_init__(self) -> None:
        binary = self.directory / "bin" / "az"
        binary.parent.mkdir(parents=True)
        binary.write_text(AZ)
        binary.chmod(0o755)
        self.answer("account show", out=json.dumps({"id": SUBSCRIPTION, "name": "ours", "tenantId": "t"}))
        self.answer("account show --query id", out=f"{SUBSCRIPTION}\n")
        self.answer("rest --only-show-errors --method get", out="Created\n")

    def answer(self, command: str, *, out: str = "", error: str = "", status: int = 0, times: int = -1) -> None:
        """Have `az COMMAND...` answer so; later answers go before earlier ones."""
        answers = self.directory / "answers"
        answer = answers / str(999 - len(list(answers.glob("*"))))
        answer.mkdir(parents=True)
        for name, value in {"command": command, "times": times, "status": status, "out": out, "error": error}.items():
            (answer / name).write_text(str(value))

    def run(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        settings = {
            # python3 itself: where a version manager stands before it, it takes ten times as long to start.
            "PATH": f"{self.directory / 'bin'}:{Path(sys.executable).resolve().parent}:{os.environ['PATH']}",
            "AZ_STATE": str(self.directory),
            "HEADRACE_ANSWERS": str(self.directory / "out"),
            "RETRY_SECONDS": "0",
            "HEADRACE_JOB_PAUSE": "0",
            "AZURE_ENV_NAME": "test",
        }
        return subprocess.run(
            [SCRIPTS / script, *arguments],
            env=settings | environment, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def calls(self) -> list[list[str]]:
        """What az was asked so far; what it is asked later starts a new list."""
        file = self.directory / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return [shlex.split(line) for line in lines]

    def kept(self, name: str) -> dict[str, str]:
        answer: dict[str, str] = json.loads((self.directory / "out" / "test" / f"{name}.json").read_text())
        return answer


def shown(output: str) -> list[list[str]]:
    """The commands of a dry run, as words."""
    return [shlex.split(line[2:]) for line in output.splitlines() if line.startswith("+ ")]


def option(command: list[str], name: str) -> str | None:
    """What follows `--name`."""
    return command[command.index(name) + 1] if name in command else None


def after(command: list[str], name: str) -> list[str]:
    """All words between `--name` and the next option."""
    words = command[command.index(name) + 1 :]
    return words[: next((i for i, word in enumerate(words) if word.startswith("--")), len(words))]
