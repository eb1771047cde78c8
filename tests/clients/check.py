"""Runs Microsoft's SDKs and Kafka clients of other languages, unchanged, against the local stack.

`make check-clients` runs every language whose tools are installed; `python -m tests.clients.check java go` runs these.
Each program reads the settings that `python -m local env` prints, says `ok  CASE` or `FAILED  CASE: reason` a line, and
ends with status 1 when a case failed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.ports import Ports
from local.stack import ROOT, Stack, StackError

HERE = Path(__file__).resolve().parent
_RUN_SECONDS = 300


@dataclass(frozen=True)
class Language:
    """The tools it needs, how its pinned packages are installed, and how its program runs; both in its directory."""

    tools: tuple[str, ...]
    install: tuple[str, ...]
    run: tuple[str, ...]


LANGUAGES = {
    "javascript": Language(
        ("node", "npm"), ("npm", "ci", "--silent", "--no-audit", "--no-fund"), ("node", "check.mjs")
    ),
    "java": Language(("java", "mvn"), ("mvn", "-q", "-B", "compile"), ("mvn", "-q", "-B", "exec:exec")),
    "go": Language(("go",), ("go", "build", "-o", "build/check", "."), ("build/check",)),
}


def main() -> int:
    """Run the languages named, or all that can; 0 when there is one, and every case of each holds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE", help=f"some of {', '.join(LANGUAGES)}; all without")
    chosen = parser.parse_args().languages
    if unknown := [name for name in chosen if name not in LANGUAGES]:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(LANGUAGES)}")
    held, failed = [], []
    for name in chosen or LANGUAGES:
        language = LANGUAGES[name]
        if missing := [tool for tool in language.tools if not shutil.which(tool)]:
            print(f"{name}: skipped, {' and '.join(missing)} not installed")
            failed += [name] if chosen else []
        else:
            (held if _holds(name, language) else failed).append(name)
    if failed:
        print(f"FAILED: {', '.join(failed)}")
    elif held:
        print(f"{', '.join(held)}: every client does what it does in Azure")
    else:
        print("nothing was checked: install the tools of a language")
    return 0 if held and not failed else 1


def _holds(name: str, language: Language) -> bool:
    print(f"{name}: installing its packages", flush=True)
    if subprocess.run(language.install, cwd=HERE / name, check=False).returncode:
        return False
    try:
        with (
            tempfile.TemporaryDirectory(prefix="headrace-clients-") as directory,
            Stack(data_dir=Path(directory), ports=Ports.free(), app=ROOT, kafka_create_topics=True) as stack,
        ):
            status = _run(name, language, stack.settings)
            stack.check()
    except StackError as error:
        print(f"{name}: {error}")
        return False
    return status == 0


def _run(name: str, language: Language, settings: Mapping[str, str]) -> int:
    """Run a language's program; its exit status, 1 when it had to be ended."""
    # A group of its own, as Maven starts a JVM that would go on without it.
    program = subprocess.Popen(language.run, cwd=HERE / name, env={**os.environ, **settings}, start_new_session=True)
    try:
        return program.wait(_RUN_SECONDS)
    except subprocess.TimeoutExpired:
        print(f"{name}: did not end within {_RUN_SECONDS} s")
        return 1
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()


if __name__ == "__main__":
    sys.exit(main())
