"""What a hub drops before the job has read it: it is said, and the job goes on with what comes after."""

from __future__ import annotations

from pathlib import Path

from azure.eventhub import EventHubConsumerClient

from local.children import Child
from local.ports import Ports
from local.stack import HUBS, Stack
from tests.integration.stream_analytics_service import running, send
from tests.waiting import wait_until


def expire_everything(stack: Stack, log: Path) -> None:
    """Let every event of the hubs be past its time, and the partitions be empty."""
    stack.stop_services("eventhubs")
    child = Child.start_module(
        "local.eventhubs", "--port", str(stack.ports.event_hubs), "--kafka-port", "0", "--config", str(HUBS),
        "--data-dir", str(stack.data_dir / "eventhubs"), "--retention-hours", str(0.1 / 3600),
        "--retention-check-seconds", "0.1", log=log,
    )  # fmt: skip
    try:
        child.wait_ready()
        with EventHubConsumerClient.from_connection_string(
            stack.settings["EventHubs"], "$Default", eventhub_name="dev"
        ) as client:
            wait_until(lambda: client.get_partition_properties("0")["is_empty"], "the events to go")
    finally:
        child.stop()
    stack.restart("eventhubs")


def test_a_partition_whose_unread_events_expired_holds_up_no_other(tmp_path: Path) -> None:
    with Stack(data_dir=tmp_path / "stack", ports=Ports.free()) as stack, running(stack, tmp_path / "job") as job:
        # GIVEN a job that has read some of a partition, and stops for so long that the rest expires
        send(stack.settings, [{"n": n} for n in range(3)], partition=0)
        wait_until(lambda: len(job.lines()) == 3, "the lines")
        assert job.stop() == 0
        send(stack.settings, [{"n": "expired"} for _ in range(3)], partition=0)
        expire_everything(stack, tmp_path / "expiring.log")

        # WHEN events come elsewhere, and none there
        send(stack.settings, [{"n": 7, "state_abbrv": "AFTER"}], partition=1)
        job.start()

        # THEN they are stored, their window closes, and what is lost is said
        wait_until(lambda: 7 in [line["n"] for line in job.lines()], "the line of another partition")
        wait_until(lambda: "AFTER" in [window["state"] for window in job.documents("aggregates")], "its window")
        assert "partition 0: the events 3 to 5 were dropped from the hub before they were read" in job.log.read_text()

        # AND a job that begins with what the hub has left is held up by none either, and misses nothing
        with running(stack, tmp_path / "new") as new:
            wait_until(lambda: 7 in [line["n"] for line in new.lines()], "the line in the new job")
            wait_until(lambda: "AFTER" in [window["state"] for window in new.documents("aggregates")], "its window")
            assert "dropped" not in new.log.read_text()
