"""Child processes: what is said of one that ends before it is ready."""

from __future__ import annotations

import sys
from collections import namedtuple
from pathlib import Path

import pytest

from local.children import Child, ChildFailed
from local.ports import Ports
from local.stack import Stack, StackError

ENDS = "import sys; sys.exit(sys.argv[1] if len(sys.argv) > 1 else 3)"


def refused(log: Path, *said: str) -> str:
    child = Child.start("service", [sys.executable, "-c", ENDS, *said], log=log)
    with pytest.raises(ChildFailed) as failed:
        child.wait_ready()
    return str(failed.value)


def test_the_end_of_its_own_log_is_shown_and_nothing_of_the_run_before(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    assert refused(log, "port 1 is taken") == "service ended with status 1: port 1 is taken"
    assert refused(log) == "service ended with status 3: (its log is empty)"
    assert refused(log, "x" * 5000).endswith(": " + "x" * 1999)
    assert "port 1 is taken" in log.read_text()


def test_a_full_disk_is_named_where_nothing_could_be_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", ["free"])
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(0))
    assert refused(tmp_path / "log").endswith(f"(no space is left for {tmp_path / 'log'})")


def test_a_service_that_closes_its_connections_before_it_ends_is_waited_for(tmp_path: Path) -> None:
    stack = Stack(data_dir=tmp_path, ports=Ports.free())
    dies = "import os, time; os.close(1); time.sleep(0.3); os._exit(7)"
    stack.children["cosmos"] = Child.start("cosmos", [sys.executable, "-c", dies], log=tmp_path / "log")
    with pytest.raises(StackError, match="cosmos ended with status 7"):
        stack.check(within=20)
