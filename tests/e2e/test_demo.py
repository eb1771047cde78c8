"""The demo, short: what it claims at its end is so, or its exit status says that it is not."""

from __future__ import annotations

import subprocess
import sys

from local.stack import ROOT


def test_events_of_both_protocols_are_stored_and_captured_to_the_last() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local", "demo", "--count", "600", "--rate", "200", "--bad", "0.02"],
        cwd=ROOT, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for check in (
        "sent 600 = documents 588 + dead letters 12",
        "lines in files 588 = documents, id by id",
        "python_ms_sdk: sent 300 = documents 294 + bad 6",
        "python_kafka_sdk: sent 300 = documents 294 + bad 6",
        "captured 600 = events that dev received 600, each once",
    ):
        assert f"ok  {check}" in done.stdout, done.stdout
