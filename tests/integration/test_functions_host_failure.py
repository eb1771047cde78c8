"""What happens to a batch whose function fails: retried under a policy, checkpointed over without one."""

from __future__ import annotations

from tests.integration.functions_service import AppFactory, Namespace, app, azurite, namespace
from tests.waiting import wait_until

__all__ = ["app", "azurite", "namespace"]

RETRIED = """
@on_hub()
@app.retry(strategy="fixed_delay", max_retry_count="{retries}", delay_interval="00:00:0{delay}")
def stage(events: Events, context: func.Context) -> None:
    retry = context.retry_context
    record(bodies=[event.get_body().decode() for event in events], count=retry.retry_count, of=retry.max_retry_count,
           error=retry.exception.message if retry.exception else None)
    if not told("healthy"):
        raise RuntimeError("downstream is away")
"""


def test_a_policy_without_a_limit_holds_the_partition_until_it_succeeds(app: AppFactory, namespace: Namespace) -> None:
    app.write(RETRIED.format(retries=-1, delay=0))
    host = app.start(namespace)
    namespace.send("a", "b")
    wait_until(lambda: len(app.records()) > 5, "five retries")
    namespace.send("c")
    assert app.checkpoint(namespace) is None
    app.tell("healthy")
    wait_until(lambda: app.checkpoint(namespace) == 2, "the checkpoint once it is healthy")
    told = app.records()
    *batches, last = [entry["bodies"] for entry in told]
    assert {tuple(bodies) for bodies in batches} == {("a", "b")}
    assert last == ["c"]
    assert [entry["count"] for entry in told[:3]] == [0, 1, 2]
    assert told[1]["of"] == -1
    assert told[0]["error"] is None
    assert told[1]["error"] == "RuntimeError: downstream is away"
    assert "before retrying function execution. Next attempt: '1'. Max retry count: '-1'" in host.log()


def test_an_exhausted_policy_is_checkpointed_over(app: AppFactory, namespace: Namespace) -> None:
    app.write(RETRIED.format(retries=2, delay=0))
    host = app.start(namespace)
    namespace.send("a")
    wait_until(lambda: app.checkpoint(namespace) == 0, "the checkpoint past the failed batch")
    assert [entry["count"] for entry in app.records()] == [0, 1, 2]
    assert "Function execution failed after '2' retries." in host.log()


def test_a_failure_without_a_policy_is_checkpointed_over(app: AppFactory, namespace: Namespace) -> None:
    app.write("""
@on_hub()
async def stage(events: Events) -> None:
    record(bodies=[event.get_body().decode() for event in events])
    raise ValueError("a poison event")
""")
    host = app.start(namespace)
    namespace.send("a")
    wait_until(lambda: app.checkpoint(namespace) == 0, "the checkpoint past the failed batch")
    assert app.bodies() == ["a"]
    assert "[Error] Function.stage: Executed 'Functions.stage' (Failed, Id=" in host.log()
    assert "ValueError: a poison event" in host.log()


def test_one_failing_partition_does_not_hold_the_others(app: AppFactory, namespace: Namespace) -> None:
    app.write("""
@on_hub()
@app.retry(strategy="fixed_delay", max_retry_count="-1", delay_interval="00:00:01")
def stage(events: Events) -> None:
    record(bodies=[event.get_body().decode() for event in events])
    if events[0].get_body() == b"bad":
        raise RuntimeError("bad")
""")
    app.start(namespace)
    namespace.send("bad", partition=0)
    namespace.send("good", partition=1)
    wait_until(lambda: app.checkpoint(namespace, 1) == 0, "the healthy partition's checkpoint")
    assert app.checkpoint(namespace, 0) is None


def test_a_value_returned_without_a_return_binding_fails(app: AppFactory, namespace: Namespace) -> None:
    app.write('@on_hub()\ndef stage(events: Events) -> str:\n    return "lost"\n')
    host = app.start(namespace)
    namespace.send("a")
    wait_until(lambda: app.checkpoint(namespace) == 0, "the checkpoint")
    assert "without a $return binding returned str" in host.log()


def test_an_asynchronous_function_past_its_time_is_cancelled_and_retried(app: AppFactory, namespace: Namespace) -> None:
    app.write(
        """
@on_hub()
@app.retry(strategy="fixed_delay", max_retry_count="-1", delay_interval="00:00:00")
async def stage(events: Events) -> None:
    record(bodies=[event.get_body().decode() for event in events])
    if not told("healthy"):
        await asyncio.sleep(3600)
""",
        host_json={"functionTimeout": "00:00:00.2"},
    )
    host = app.start(namespace)
    namespace.send("a")
    wait_until(lambda: len(app.records()) >= 2, "a second attempt")
    app.tell("healthy")
    wait_until(lambda: app.checkpoint(namespace) == 0, "the checkpoint")
    assert "Timeout value of 00:00:00.2000000 exceeded by function 'Functions.stage'" in host.log()
