"""The chain while things fail: each service killed with -9 in the middle of the work, two hosts, restarts."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.processes import children
from local.accounts import Stores, stage_counts
from local.children import Child
from local.stack import APP, ROOT, Stack
from tests.e2e.chain import assert_each_stored_once, lines, numbered, running, send, wait_stored
from tests.waiting import wait_until

EVENTS = 3000


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    # A host that was killed keeps its partitions until this is over: 10 s, if nothing is said.
    settings = "AzureFunctionsJobHost__extensions__eventHubs__"
    monkeypatch.setenv(f"{settings}partitionOwnershipExpirationInterval", "00:00:05")
    monkeypatch.setenv(f"{settings}loadBalancingUpdateInterval", "00:00:02")
    with running(tmp_path) as stack:
        send(stack, numbered(40))
        wait_stored(stack, 40)
        yield stack


def half_way(stack: Stack, start: int) -> None:
    """Until some of what was sent is stored: the work is in the middle."""
    stores = Stores(stack.settings)
    wait_until(lambda: stores.document_count() > start, "work under way", 60, every=0.1)


def send_more(stack: Stack) -> None:
    for start in range(40, EVENTS, 740):
        send(stack, numbered(740, start=start))


@pytest.mark.parametrize("victim", [APP, "eventhubs", "cosmos", "datalake"])
def test_nothing_is_lost_or_doubled_when_a_service_is_killed(stack: Stack, victim: str) -> None:
    send_more(stack)
    half_way(stack, 40)
    stack.children[victim].kill()
    stack.restart(victim)
    wait_stored(stack, EVENTS, seconds=90)
    assert_each_stored_once(stack, range(EVENTS))
    assert lines(stack, "dead-letters") == []


def test_the_function_app_killed_again_and_again(stack: Stack) -> None:
    send_more(stack)
    for stored in (40, 600, 1400):
        half_way(stack, stored)
        stack.children[APP].kill()
        stack.restart(APP)
    wait_stored(stack, EVENTS, seconds=90)
    assert_each_stored_once(stack, range(EVENTS))


def test_the_app_killed_under_its_host_again_and_again(stack: Stack) -> None:
    host = stack.children[APP].pid
    send_more(stack)
    for stored in (40, 600, 1400):
        half_way(stack, stored)
        (worker,) = children(host)
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda killed=worker: children(host) not in ([], [killed]), "another worker")
    wait_stored(stack, EVENTS, seconds=90)
    assert_each_stored_once(stack, range(EVENTS))


def test_a_clean_restart_in_the_middle_resumes_where_it_was(stack: Stack) -> None:
    send_more(stack)
    half_way(stack, 40)
    stack.restart(APP)
    wait_stored(stack, EVENTS)
    assert_each_stored_once(stack, range(EVENTS))


def test_a_throttled_account_takes_longer_and_loses_nothing(stack: Stack) -> None:
    # GIVEN an account whose budget is a fraction of what is sent: most requests are answered with 429
    stack.children["cosmos"].stop()
    stack.children["cosmos"] = Child.start_module(
        "local.cosmos", "--port", str(stack.ports.cosmos), "--data-dir", str(stack.data_dir / "cosmos"),
        "--ru-budget", "900", log=stack.logs_dir / "cosmos.log",
    )  # fmt: skip
    stack.children["cosmos"].wait_ready()
    send(stack, numbered(1000, start=40))
    wait_stored(stack, 1040, seconds=90)
    assert_each_stored_once(stack, range(1040))
    assert lines(stack, "dead-letters") == []


def test_two_hosts_share_the_work_and_one_takes_over_when_the_other_is_killed(stack: Stack, tmp_path: Path) -> None:
    log = tmp_path / "second.log"
    second = Child.start(
        "second", [sys.executable, "-m", "local.functions", "--app", str(ROOT), "--port", "0", "--stop-with-stdin"],
        log=log, environment=stack.settings,
    )  # fmt: skip
    try:
        second.wait_ready()
        sent = 40

        def both_work() -> bool:
            nonlocal sent
            send(stack, numbered(100, start=sent))
            sent += 100
            return bool(stage_counts(log))

        wait_until(both_work, "the second host has work", 60, every=0.1)
        stack.children[APP].kill()
        send(stack, numbered(1000, start=sent))
        wait_stored(stack, sent + 1000, seconds=90)
        assert_each_stored_once(stack, range(sent + 1000))
    finally:
        second.stop()
