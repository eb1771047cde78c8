"""The chain while things fail: each service killed with -9 in the middle of the work, two hosts, restarts."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.processes import children
from local.accounts import stage_counts
from local.children import Child
from local.stack import APP, ROOT, Stack
from tests.e2e.chain import Run, run_through, running
from tests.waiting import wait_until

EVENTS = 3000


@pytest.fixture(scope="module")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    # A host that was killed keeps its partitions until this is over: 10 s, if nothing is said.
    settings = "AzureFunctionsJobHost__extensions__eventHubs__"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(f"{settings}partitionOwnershipExpirationInterval", "00:00:05")
        patch.setenv(f"{settings}loadBalancingUpdateInterval", "00:00:02")
        with running(tmp_path_factory.mktemp("failures")) as stack:
            yield stack


@pytest.fixture
def stack(shared_stack: Stack) -> Stack:
    """Whole, also after a test that failed half-way."""
    for name, child in list(shared_stack.children.items()):
        if not child.running():
            shared_stack.restart(name)
    return shared_stack


@pytest.fixture
def run(stack: Stack) -> Iterator[Run]:
    """A run whose first events have arrived: the chain is at work."""
    with run_through(stack) as run:
        run.send(run.numbered(40))
        run.wait_stored(40)
        yield run


def half_way(run: Run, start: int) -> None:
    """Until some of what was sent is stored: the work is in the middle."""
    wait_until(lambda: run.document_count() > start, "work under way", 60, every=0.1)


def send_more(run: Run) -> None:
    for start in range(40, EVENTS, 740):
        run.send(run.numbered(740, start=start))


@pytest.mark.parametrize("victim", [APP, "eventhubs", "cosmos", "datalake"])
def test_nothing_is_lost_or_doubled_when_a_service_is_killed(stack: Stack, run: Run, victim: str) -> None:
    send_more(run)
    half_way(run, 40)
    stack.children[victim].kill()
    stack.restart(victim)
    run.wait_stored(EVENTS, seconds=90)
    run.assert_each_stored_once(range(EVENTS))
    assert run.letters() == []


def test_the_function_app_killed_again_and_again(stack: Stack, run: Run) -> None:
    send_more(run)
    for stored in (40, 600, 1400):
        half_way(run, stored)
        stack.children[APP].kill()
        stack.restart(APP)
    run.wait_stored(EVENTS, seconds=90)
    run.assert_each_stored_once(range(EVENTS))


def test_the_app_killed_under_its_host_again_and_again(stack: Stack, run: Run) -> None:
    host = stack.children[APP].pid
    send_more(run)
    for stored in (40, 600, 1400):
        half_way(run, stored)
        (worker,) = children(host)
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda killed=worker: children(host) not in ([], [killed]), "another worker", 60)
    run.wait_stored(EVENTS, seconds=90)
    run.assert_each_stored_once(range(EVENTS))


def test_a_clean_restart_in_the_middle_resumes_where_it_was(stack: Stack, run: Run) -> None:
    send_more(run)
    half_way(run, 40)
    stack.restart(APP)
    run.wait_stored(EVENTS)
    run.assert_each_stored_once(range(EVENTS))


def test_a_throttled_account_takes_longer_and_loses_nothing(stack: Stack, run: Run) -> None:
    # GIVEN an account whose budget is a fraction of what is sent: most requests are answered with 429
    stack.children["cosmos"].stop()
    stack.children["cosmos"] = Child.start_module(
        "local.cosmos", "--port", str(stack.ports.cosmos), "--data-dir", str(stack.data_dir / "cosmos"),
        "--ru-budget", "900", log=stack.logs_dir / "cosmos.log",
    )  # fmt: skip
    try:
        stack.children["cosmos"].wait_ready()
        run.send(run.numbered(1000, start=40))
        run.wait_stored(1040, seconds=90)
        run.assert_each_stored_once(range(1040))
        assert run.letters() == []
    finally:
        stack.restart("cosmos")


def test_two_hosts_share_the_work_and_one_takes_over_when_the_other_is_killed(
    stack: Stack, run: Run, tmp_path: Path
) -> None:
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
            run.send(run.numbered(100, start=sent))
            sent += 100
            return bool(stage_counts(log))

        wait_until(both_work, "the second host has work", 60, every=0.1)
        stack.children[APP].kill()
        run.send(run.numbered(1000, start=sent))
        run.wait_stored(sent + 1000, seconds=90)
        run.assert_each_stored_once(range(sent + 1000))
    finally:
        second.stop()
