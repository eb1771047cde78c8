"""Several hosts on one consumer group, and a host that stops: partitions move, and no event is lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.functions.event_hub_trigger import RELEASE
from tests.integration.azurite_service import Azurite, running_azurite
from tests.integration.functions_service import SOON, AppFactory, Namespace, app, azurite, namespace
from tests.waiting import PATIENCE, wait_until

__all__ = ["app", "azurite", "namespace"]


@pytest.fixture
def own_azurite(tmp_path: Path) -> Iterator[Azurite]:
    """One that a test may kill."""
    with running_azurite(tmp_path / "own-azurite") as running:
        yield running


RECORD = """
@on_hub()
def stage(events: Events) -> None:
    record(bodies=[event.get_body().decode() for event in events],
           partition=events[0].metadata["PartitionContext"]["PartitionId"])
"""


def send_to_all(namespace: Namespace, label: str) -> set[str]:
    for partition in range(4):
        namespace.send(f"{label}-{partition}", partition=partition)
    return {f"{label}-{partition}" for partition in range(4)}


def owners(app: AppFactory, namespace: Namespace) -> dict[str, str]:
    marker = f"/{namespace.hub}/stage/ownership/"
    return {name: found["ownerid"] for name, found in app.checkpoints().items() if marker in name}


def test_two_hosts_share_the_partitions_and_one_takes_over_when_the_other_is_killed(
    app: AppFactory, namespace: Namespace
) -> None:
    app.write(RECORD, host_json=SOON)
    app.start(namespace, name="a")
    b = app.start(namespace, name="b")
    wait_until(
        lambda: (
            sorted(list(owners(app, namespace).values()).count(owner) for owner in owners(app, namespace).values())
            == [2, 2, 2, 2]
        ),
        "two partitions each",
    )
    sent = send_to_all(namespace, "shared")
    wait_until(lambda: sent <= set(app.bodies()), "every event, from both")
    assert {entry["host"] for entry in app.records()} == {"a", "b"}

    b.child.kill()
    sent = send_to_all(namespace, "orphaned")
    wait_until(lambda: sent <= set(app.bodies("a")), "every event from the survivor")
    assert len(set(owners(app, namespace).values())) == 1


def test_a_clean_stop_drains_and_releases(app: AppFactory, namespace: Namespace) -> None:
    """As in the real host, a batch that ends after the stop began is not checkpointed: it comes again."""
    app.write(
        """
@on_hub()
def stage(events: Events) -> None:
    bodies = [event.get_body().decode() for event in events]
    record(bodies=[], started=bodies)
    while not told("go"):
        time.sleep(0.01)
    record(bodies=bodies)
""",
        host_json=SOON,
    )
    host = app.start(namespace, name="a")
    namespace.send("slow")
    wait_until(lambda: any(entry.get("started") for entry in app.records()), "the invocation to start")
    host.child._process.terminate()
    wait_until(lambda: "Stopping" in host.log(), "the drain to begin")
    assert app.bodies() == []
    app.tell("go")
    assert host.child.wait(PATIENCE) == 0
    assert app.bodies() == ["slow"]
    assert app.checkpoint(namespace) is None
    assert set(owners(app, namespace).values()) == {""}

    app.start(namespace, name="b")
    wait_until(lambda: app.bodies("b") == ["slow"], "the batch again")


def test_a_drain_ends_at_its_deadline(app: AppFactory, namespace: Namespace) -> None:
    app.write("""
@on_hub()
def stage(events: Events) -> None:
    record(bodies=["started"])
    time.sleep(3600)
""")
    host = app.start(namespace, options=("--drain", "0.5"))
    namespace.send("x")
    wait_until(app.bodies, "the invocation to start")
    assert host.child.stop(PATIENCE) == 1
    assert "still ran after" in host.log()


def test_a_stop_ends_the_wait_for_a_retry(app: AppFactory, namespace: Namespace) -> None:
    app.write("""
@on_hub()
@app.retry(strategy="fixed_delay", max_retry_count="-1", delay_interval="01:00:00")
def stage(events: Events) -> None:
    record(bodies=["tried"])
    raise RuntimeError("later")
""")
    host = app.start(namespace)
    namespace.send("x")
    wait_until(lambda: "before retrying" in host.log(), "the wait to begin")
    assert host.child.stop(PATIENCE) == 0
    assert app.bodies() == ["tried"]
    assert app.checkpoint(namespace) is None


def test_a_stop_does_not_wait_for_an_account_that_is_away(
    app: AppFactory, namespace: Namespace, own_azurite: Azurite
) -> None:
    app.storage = own_azurite.connection_string
    app.write(RECORD)
    host = app.start(namespace)
    sent = send_to_all(namespace, "before")
    wait_until(lambda: sent <= set(app.bodies()), "every event")
    own_azurite.child.kill()
    sent = send_to_all(namespace, "after")
    wait_until(lambda: sent <= set(app.bodies()), "the events whose checkpoints cannot be written")
    assert host.child.stop(RELEASE + 10) == 0, host.log()
    assert "Not released after" in host.log()


def test_receiving_goes_on_when_the_namespace_comes_back(app: AppFactory, namespace: Namespace) -> None:
    app.write(RECORD, host_json=SOON)
    app.start(namespace)
    namespace.send("before")
    wait_until(lambda: app.bodies() == ["before"], "the first event")
    namespace.restart()
    namespace.send("after")
    wait_until(lambda: app.bodies() == ["before", "after"], "the event sent after the restart")
