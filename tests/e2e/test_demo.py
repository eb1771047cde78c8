"""The demo, short: what it claims at its end is so, or its exit status says that it is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from bench.processes import children
from local.stack import ROOT
from tests.waiting import PATIENCE, wait_until


def test_events_of_both_protocols_are_stored_and_captured_to_the_last() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local", "demo", "--count", "600", "--rate", "200", "--bad", "0.02"],
        cwd=ROOT, capture_output=True, text=True, timeout=4 * PATIENCE, check=False,
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


def test_a_service_that_dies_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    output = tmp_path / "output"
    with output.open("wb") as sink:
        demo = subprocess.Popen(
            [sys.executable, "-m", "local", "demo", "--rate", "50"], cwd=ROOT, stdout=sink, stderr=subprocess.STDOUT
        )
    try:
        wait_until(lambda: "Up in" in output.read_text() or demo.poll() is not None, "the services")
        (cosmos,) = [pid for pid in children(demo.pid) if "local.cosmos" in Path(f"/proc/{pid}/cmdline").read_text()]
        os.kill(cosmos, signal.SIGKILL)
        assert demo.wait(PATIENCE) == 1
    finally:
        demo.kill()
        demo.wait()
    assert "cosmos ended with status -9; the end of" in output.read_text()
    assert "Traceback" not in output.read_text()
