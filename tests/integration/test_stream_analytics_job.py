"""The job between its hub and its stores: what it stores, what it drops, and that it goes on where it stopped."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from local.stack import Stack
from tests.integration.stream_analytics_service import LATE, RunningJob, running, send, services, shorter
from tests.waiting import wait_until

__all__ = ["services"]


class Sender:
    """Sends events that are told from those of other tests by their state, which windows are grouped by."""

    def __init__(self, stack: Stack, state: str) -> None:
        self.state = state
        self.sent: list[dict[str, Any]] = []
        self._settings = stack.settings
        self._chance = random.Random(state)

    def send(self, count: int, partition: int | None = None) -> None:
        """Send events of all kinds that happened about now: late beyond the tolerance, early, or not saying when."""
        now = int(time.time())
        more = []
        for n in range(len(self.sent), len(self.sent) + count):
            event: dict[str, Any] = {"n": n, "pk": f"k{n % 23}", "state_abbrv": self.state}
            event["epoch"] = now - self._chance.choice((0, 0, 0, 1, 30))
            if n % 3:
                event |= ({"kind": "seismic", "magnitude": n % 8 / 4}, {"kind": "weather", "temperature_f": n % 90})[
                    n % 3 - 1
                ]
            if n % 40 == 7:
                event["epoch"] = now + 3600
            if n % 40 == 8:
                event["epoch"] = "now"
            more.append(event)
            self.sent.append(event)
        send(self._settings, more, partition)

    @property
    def in_windows(self) -> int:
        """How many are in windows: those that happened more than five minutes after they arrived are in none."""
        return sum(event["n"] % 40 != 7 for event in self.sent)

    def own(self, records: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
        """Lines or documents of these events by number, each once, without when they were processed."""
        own = [record for record in records if record.get("state_abbrv") == self.state]
        times = Counter(record["n"] for record in own)
        assert [n for n, many in times.items() if many > 1] == []
        return {
            record["n"]: {name: value for name, value in record.items() if name != "EventProcessedUtcTime"}
            for record in own
        }

    def windows(self, job: RunningJob) -> dict[str, dict[str, Any]]:
        return {each["id"]: each for each in job.documents("aggregates") if each["state"] == self.state}

    def counted(self, job: RunningJob) -> int:
        """How many are in the windows that are stored."""
        return sum(window["events"] for window in self.windows(job).values())

    def wait_stored(self, job: RunningJob) -> None:
        """Until every event is a line and a document, and in a window."""
        everything = {event["n"] for event in self.sent}
        wait_until(lambda: self.own(job.documents("cosmos")).keys() >= everything, "every document", 60, every=0.3)
        wait_until(lambda: self.own(job.lines()).keys() >= everything, "every line", 60, every=0.3)
        wait_until(lambda: self.counted(job) >= self.in_windows, "every window", 60, every=0.3)


def test_a_job_killed_again_and_again_stores_what_an_undisturbed_one_does(services: Stack, tmp_path: Path) -> None:
    # GIVEN two jobs on the same hub, one of which is killed with -9 again and again while events come
    chance = random.Random(11)
    sender = Sender(services, "KILLED")
    with running(services, tmp_path / "calm") as calm, running(services, tmp_path / "killed") as killed:
        for _ in range(4):
            for partition in range(4):
                sender.send(80, partition)
            assert killed.child
            killed.child.wait(chance.uniform(0.05, 0.9))
            killed.kill()
            killed.start()

        # WHEN both have stored everything
        for job in (calm, killed):
            sender.wait_stored(job)
            assert job.stop() == 0

        # THEN they hold the same
        assert sender.own(killed.lines()) == sender.own(calm.lines())
        assert sender.own(killed.documents("cosmos")) == sender.own(calm.documents("cosmos"))
        assert sender.windows(killed) == sender.windows(calm)
        assert sender.counted(calm) == sender.in_windows
        assert "Traceback" not in killed.log.read_text()


@pytest.mark.parametrize("victim", ["eventhubs", "cosmos", "datalake"])
def test_nothing_is_lost_or_doubled_when_a_service_is_killed(services: Stack, tmp_path: Path, victim: str) -> None:
    sender = Sender(services, victim.upper())
    with running(services, tmp_path / "job") as job:
        sender.send(400)
        wait_until(lambda: sender.own(job.documents("cosmos")), "work under way")
        services.children[victim].kill()
        if victim != "eventhubs":
            sender.send(400)
        services.restart(victim)
        sender.send(400)
        sender.wait_stored(job)
        assert job.stop() == 0
        assert sender.counted(job) == sender.in_windows
        assert "Traceback" not in job.log.read_text()


def test_what_is_stored_and_what_is_dropped(services: Stack, tmp_path: Path) -> None:
    now = int(time.time())
    place = {"postal_cd": "28036", "state_abbrv": "FORM", "epoch": now, "pk": "p"}
    with running(services, tmp_path / "job") as job:
        bodies: list[object] = [
            place | {"n": 1, "id": "the producer's"},
            [place | {"n": 2}, 5, place | {"n": 3, "pk": 7}],
            json.dumps(place | {"n": 4}).encode() + b"\n" + json.dumps(place | {"n": 5}).encode() + b"\n",
            {"specversion": "1.0", "id": "e-1", "source": "/s", "type": "t", "n": 6, "state_abbrv": "FORM",
             "data": {"kind": "weather", "temperature_f": 70, "state_abbrv": "FORM", "epoch": now}},
            place | {"n": 7, "note": "\ud800 half"}, {"n": 8, "state_abbrv": "FORM"},
            b"", b"\xff\xfe", b'{"n":', b"[" * 5000, b'"text"', b'{"n": 1e999}',
        ]  # fmt: skip
        send(services.settings, bodies, partition=1)
        wait_until(lambda: len(Sender(services, "FORM").own(job.documents("cosmos"))) == 8, "documents")
        stored = {each["n"]: each for each in job.documents("cosmos") if each.get("state_abbrv") == "FORM"}

        # An event's own id makes way for that of Stream Analytics; the lake's line keeps it.
        assert stored[1]["id"] == stored[1]["stream_id"] != "the producer's"
        assert {line["n"]: line.get("id") for line in job.lines() if line.get("state_abbrv") == "FORM"}[1] == (
            "the producer's"
        )
        assert len({each["id"] for each in stored.values()}) == 8
        assert [stored[n]["stream_key"] for n in (1, 3, 8)] == ["p", "7", stored[8]["id"]]
        assert stored[3]["pk"] == 7
        assert stored[6]["data"]["temperature_f"] == 70
        assert stored[7]["note"] == "\ufffd half"
        assert stored[1]["PartitionId"] == 1
        assert stored[1]["EventEnqueuedUtcTime"].endswith("Z")

        wait_until(lambda: Sender(services, "FORM").counted(job) == 8, "windows")
        assert sum(report["undecoded"].get("eventhub", 0) for report in job.reports()) == 7
        said = job.log.read_text()
        assert "partition 1, sequence" in said
        assert "deserialization: nested 5000 deep" in said


def test_windows_close_without_further_events_and_policies_decide_where_an_event_counts(
    services: Stack, tmp_path: Path
) -> None:
    with running(services, tmp_path / "adjust") as adjusting, running(
        services, tmp_path / "drop", shorter(tmp_path / "drop-job", eventsOutOfOrderPolicy="Drop")
    ) as dropping:  # fmt: skip
        now = int(time.time())
        times = {"in time": now, "late": now - 40, "early": now + 400}
        send(
            services.settings,
            [{"kind": kind, "state_abbrv": "POLICY", "epoch": epoch, "n": 0} for kind, epoch in times.items()],
            partition=2,
        )
        stored = partial(Sender(services, "POLICY").windows)
        wait_until(lambda: len(stored(adjusting)) >= 2 and stored(dropping), "windows")

        def ends(job: RunningJob) -> dict[str, int]:
            return {each["kind"]: int(each["id"].rpartition("-")[2]) for each in stored(job).values()}

        # Windows are (start, end]: an event on a full second is in the window that ends there.
        assert ends(dropping) == {"in time": now}
        assert ends(adjusting).keys() == {"in time", "late"}
        assert ends(adjusting)["in time"] == now
        assert now - LATE <= ends(adjusting)["late"] <= int(time.time()) - LATE + 1
        counts = dropping.reports()[-1]["policies"]["eventhub"]
        assert (counts["late"] >= 1, counts["early"] >= 1) == (True, True)
