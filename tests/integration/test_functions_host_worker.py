"""The host and its worker are two processes: what happens to events when either dies in the middle of a batch."""

from __future__ import annotations

import json
import os
import signal
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.children import ChildFailed
from tests.integration.functions_service import SOON, AppFactory, AppHost, Namespace, app, azurite, namespace
from tests.waiting import PATIENCE, wait_until

__all__ = ["app", "azurite", "namespace"]

HELD = """
@on_hub()
def stage(events: Events) -> None:
    bodies = [event.get_body().decode() for event in events]
    record(bodies=[], started=bodies, pid=os.getpid())
    while not told("go"):
        time.sleep(0.01)
    record(bodies=bodies, pid=os.getpid())
"""


def started(app: AppFactory, count: int) -> int:
    """Wait for `count` invocations to have begun; the process that runs the last one."""

    def pids() -> list[int]:
        return [entry["pid"] for entry in app.records() if entry.get("started")]

    wait_until(lambda: len(pids()) >= count, f"{count} invocations to start")
    return pids()[-1]


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def status(host: AppHost) -> int | None:
    return host.child.wait(PATIENCE)


def test_what_a_killed_worker_ran_is_given_to_the_next_one(app: AppFactory, namespace: Namespace) -> None:
    # GIVEN a function without a retry policy, whose failure would be checkpointed over
    app.write(HELD)
    host = app.start(namespace)
    namespace.send("a", "b")
    first = started(app, 1)
    assert first != host.child.pid

    # WHEN its process dies in the middle of a batch
    os.kill(first, signal.SIGKILL)

    # THEN another one is given the same events, and the checkpoint waits for it
    second = started(app, 2)
    assert second != first
    assert app.checkpoint(namespace) is None
    app.tell("go")
    wait_until(lambda: app.checkpoint(namespace) == 1, "the checkpoint")
    assert app.bodies() == ["a", "b"]
    assert f"The worker (pid {first}) ended: killed by SIGKILL, while it ran stage" in host.log()
    namespace.send("c")
    wait_until(lambda: app.bodies() == ["a", "b", "c"], "what was sent later")
    assert host.child.stop() == 0


def test_a_lost_call_is_no_attempt_of_the_retry_policy(app: AppFactory, namespace: Namespace) -> None:
    app.write(HELD.replace("@on_hub()", '@on_hub()\n@app.retry("fixed_delay", "0", delay_interval="00:00:01")'))
    app.start(namespace)
    namespace.send("a")
    os.kill(started(app, 1), signal.SIGKILL)
    os.kill(started(app, 2), signal.SIGKILL)
    app.tell("go")
    wait_until(lambda: app.bodies() == ["a"], "the third call")


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("sys.exit(3)", "function stage called sys.exit(3)"),
        ("ctypes.string_at(0)", "killed by SIGSEGV"),
    ],
)
def test_a_function_that_ends_its_process_takes_nothing_with_it(
    app: AppFactory, namespace: Namespace, end: str, expected: str
) -> None:
    app.write(f"""
import ctypes, sys

@on_hub()
def stage(events: Events) -> None:
    if not told("ended"):
        open(os.path.join(DIRECTORY, "ended"), "x").close()
        {end}
    record(bodies=[event.get_body().decode() for event in events])
""")
    host = app.start(namespace)
    namespace.send("a")
    wait_until(lambda: app.checkpoint(namespace) == 0, "the checkpoint")
    assert app.bodies() == ["a"]
    assert expected in host.log()


def test_a_worker_that_ends_every_time_ends_the_host(app: AppFactory, namespace: Namespace) -> None:
    app.write("""
@on_hub()
def stage(events: Events) -> None:
    os._exit(7)
""")
    host = app.start(namespace)
    namespace.send("a")
    assert status(host) == 1
    last = host.log().splitlines()[-1]
    assert last.startswith("functions: the worker ended 5 times in a row")
    assert "status 7, while it ran stage" in last
    assert app.checkpoint(namespace) is None


def test_a_worker_that_ends_while_it_imports_the_app_is_one_clear_line(app: AppFactory) -> None:
    app.write("os._exit(9)\n")
    host = app.start(ready=False)
    with pytest.raises(ChildFailed, match=r"functions: the worker ended \(status 9\) while it imported"):
        host.wait_ready()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('raise RuntimeError("half an edit")\n', "half an edit"),
        (HELD.replace("def stage", "def another"), "not those that the host started with: start the host again"),
    ],
)
def test_an_app_that_was_changed_meanwhile_ends_the_host(
    app: AppFactory, namespace: Namespace, source: str, said: str
) -> None:
    app.write(HELD)
    host = app.start(namespace)
    namespace.send("a")
    worker = started(app, 1)
    app.write(source)
    os.kill(worker, signal.SIGKILL)
    assert status(host) == 1
    assert said in host.log().splitlines()[-1]
    assert app.checkpoint(namespace) is None


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_no_worker_outlives_a_killed_host(app: AppFactory, namespace: Namespace, kind: str) -> None:
    """Not even one whose event loop is held up by a function that blocks it."""
    app.write(HELD.replace("def stage", f"{kind} stage"), host_json=SOON)
    host = app.start(namespace, name="a")
    namespace.send("a")
    worker = started(app, 1)
    host.child.kill()
    wait_until(lambda: not alive(worker), "the worker to end")
    app.tell("go")
    app.start(namespace, name="b")
    wait_until(lambda: app.bodies() == ["a"], "the batch, from another host")


def test_a_worker_that_hangs_at_the_stop_is_killed(app: AppFactory) -> None:
    app.write("""
import atexit
atexit.register(time.sleep, 3600)
record(pid=os.getpid())
""")
    host = app.start(options=("--drain", "0.5"))
    (entry,) = app.records()
    assert host.child.stop(PATIENCE) == 1
    assert not alive(entry["pid"])
    assert "did not end" in host.log()


def test_a_synchronous_function_past_its_time_ends_its_worker_and_is_retried(
    app: AppFactory, namespace: Namespace
) -> None:
    source = HELD.replace("@on_hub()", '@on_hub()\n@app.retry("fixed_delay", "-1", delay_interval="00:00:00")')
    app.write(source, host_json={"functionTimeout": "00:00:00.2"})
    host = app.start(namespace)
    namespace.send("a")
    first = started(app, 1)
    assert started(app, 2) != first
    app.tell("go")
    wait_until(lambda: app.checkpoint(namespace) == 0, "the checkpoint")
    assert "Timeout value of 00:00:00.2000000 exceeded by function 'Functions.stage'" in host.log()


def test_a_request_whose_worker_dies_is_a_500_and_the_next_one_is_answered(app: AppFactory) -> None:
    app.write("""
@app.route()
async def pid(req: func.HttpRequest) -> str:
    if req.params.get("hold"):
        record(bodies=[], started=True, pid=os.getpid())
        await asyncio.sleep(3600)
    return str(os.getpid())
""")
    host = app.start()
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(urllib.request.urlopen, f"{host.url}/api/pid?hold=1", timeout=PATIENCE)
        worker = started(app, 1)
        os.kill(worker, signal.SIGKILL)
        with pytest.raises(urllib.error.HTTPError, match="500"):
            held.result(PATIENCE)
    with urllib.request.urlopen(f"{host.url}/api/pid", timeout=PATIENCE) as response:
        assert int(response.read()) != worker


def test_what_an_app_prints_is_in_the_log(app: AppFactory) -> None:
    app.write("""
print(json.dumps({"ready": "not the host"}))

@app.timer_trigger(arg_name="timer", schedule="01:00:00", run_on_startup=True)
def tick(timer: func.TimerRequest) -> None:
    print("printed by a function")
    record(stdin=open(0).read())
""")
    host = app.start()
    wait_until(app.records, "the timer")
    assert app.records()[0]["stdin"] == ""
    assert host.child.ready["ready"] == "functions"
    assert json.dumps({"ready": "not the host"}) in host.log().splitlines()
    assert "printed by a function" in host.log().splitlines()
