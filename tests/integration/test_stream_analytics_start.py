"""How a job starts, does not start, and stops: one line says what is wrong, before an event is read if it can."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import local.eventhubs
from local.children import Child
from local.ports import Ports
from local.stack import JOB_DIR, Stack, settings
from local.stream_analytics.definition import HubInput
from local.stream_analytics.errors import HubError
from local.stream_analytics.hub import HubReader, Inbox
from local.stream_analytics.store import Memory, Store
from tests.integration.stream_analytics_service import (
    RunningJob,
    refused_start,
    running,
    send,
    services,
    shorter,
)
from tests.sending import send_bodies
from tests.waiting import wait_until

__all__ = ["services"]

NOWHERE = settings(Ports.at_offset(30_000))


def replacing(old: str, new: str) -> Callable[[str], str]:
    def replace(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return replace


@pytest.mark.parametrize(
    ("old", "new", "at", "said"),
    [
        ("SELECT * INTO adl", "SELECT * INTO elsewhere", "elsewhere", "elsewhere"),
        ("MIN(value)", "AnomalyDetection_ChangePoint(value)", "Anomaly", "valid in Azure Stream Analytics but"),
        ("FROM measured", "FROM measure", "measure\n", "measure"),
        ("TumblingWindow(second, 1)", "TumblingWindow(second, 1", ")", ""),
    ],
)
def test_a_query_that_cannot_run_is_refused_with_where(tmp_path: Path, old: str, new: str, at: str, said: str) -> None:
    job = shorter(tmp_path / "job", query=replacing(old, new))
    status, error = refused_start(job, tmp_path / "state", NOWHERE)
    assert (status, error.count("\n")) == (1, 0)
    assert error.startswith(f"{job / 'job.asaql'}:")
    assert said in error
    if said:
        text = (job / "job.asaql").read_text()
        line = text[: text.index(at)].count("\n") + 1
        assert f"job.asaql:{line}:" in error
    assert not (tmp_path / "state").exists()


def test_settings_that_are_missing_or_no_connection_strings(tmp_path: Path) -> None:
    status, error = refused_start(JOB_DIR, tmp_path, {**NOWHERE, "Cosmos": ""})
    assert (status, error) == (1, "not set: Cosmos; they hold connection strings (python -m local env)")
    for name in ("EventHubs", "Cosmos", "DataLake"):
        status, error = refused_start(JOB_DIR, tmp_path, {**NOWHERE, name: "nonsense"})
        assert (status, error.splitlines()[-1].startswith(f"{name}: "), "Traceback" in error) == (1, True, False)


def test_a_definition_that_is_not_run_is_refused(tmp_path: Path) -> None:
    job = shorter(tmp_path / "job", compatibilityLevel="1.0")
    status, error = refused_start(job, tmp_path / "state", NOWHERE)
    assert (status, "compatibilityLevel" in error, "Traceback" in error) == (1, True, False)


def test_a_job_whose_hub_is_away_starts_waits_for_it_and_can_be_stopped(tmp_path: Path) -> None:
    child = Child.start_module(
        "local.stream_analytics", "--job", str(JOB_DIR), "--data-dir", str(tmp_path / "state"),
        log=tmp_path / "job.log", environment=NOWHERE,
    )  # fmt: skip
    child.wait_ready()
    wait_until(lambda: "hub dev: " in child.log_tail(), "that it waits")
    assert child.stop() == 0
    assert "Traceback" not in child.log_tail()


async def test_a_hub_that_lets_one_in_and_says_nothing_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.stream_analytics.hub._LOOK_SECONDS", 0.5)
    connected: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: connected.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    source = HubInput("eventhub", "EventHubs", "dev", "stream-analytics")
    reader = HubReader(source, local.eventhubs.connection_string(port), Inbox())
    try:
        with pytest.raises(HubError, match="input eventhub, hub dev: TimeoutError"):
            await asyncio.wait_for(reader.look(), 60)
        assert connected
    finally:
        await reader.close()
        for writer in connected:
            writer.close()
        server.close()


def test_two_jobs_do_not_share_a_directory(services: Stack, tmp_path: Path) -> None:
    with running(services, tmp_path / "job") as job:
        status, error = refused_start(job.job, job.directory / "state", services.settings)
        assert (status, "another --data-dir" in error, "Traceback" in error) == (1, True, False)


def test_rows_of_an_output_that_the_job_has_no_more_wait_and_are_spoken_of_once(
    services: Stack, tmp_path: Path
) -> None:
    job = RunningJob(services, tmp_path / "job")
    store = Store(job.directory / "state")
    store.commit({}, Memory("another query", [b""]), {"gone": [b'{"n":1}']}, 1.0)
    store.close()
    try:
        job.start()
        for n in range(2):
            send(services.settings, [{"n": n, "test": "gone"}], partition=1)
            wait_until(lambda n=n: n in [line["n"] for line in job.lines() if line.get("test") == "gone"], "a line")
    finally:
        job.stop()
    assert job.log.read_text().count("output gone: the job has it no more") == 1
    store = Store(job.directory / "state")
    assert [delivery.output for delivery in store.pending()] == ["gone"]
    store.close()


def test_a_query_that_changes_goes_on_where_the_old_one_had_read_to(services: Stack, tmp_path: Path) -> None:
    def numbers(job: RunningJob) -> list[int]:
        return [line["n"] for line in job.lines() if line.get("test") == "changes"]

    with running(services, tmp_path / "job") as job:
        send(services.settings, [{"n": n, "test": "changes", "state_abbrv": "CH"} for n in range(5)], partition=0)
        wait_until(lambda: len(numbers(job)) == 5, "lines")
        wait_until(lambda: "CH" in [each["state"] for each in job.documents("aggregates")], "nothing that waits")
        assert job.stop() == 0
        query = job.job / "job.asaql"
        query.write_text(query.read_text().replace("SELECT * INTO adl", "SELECT n + 100 AS n, test INTO adl"))
        job.start()
        send(services.settings, [{"n": n, "test": "changes"} for n in range(5, 10)], partition=0)
        wait_until(lambda: len(numbers(job)) == 10, "lines")
        assert sorted(numbers(job)) == [0, 1, 2, 3, 4, 105, 106, 107, 108, 109]
        assert "without the windows that were open" in job.log.read_text()


def test_an_event_that_the_query_cannot_take_stops_the_job_and_is_read_again(services: Stack, tmp_path: Path) -> None:
    strict = shorter(
        tmp_path / "strict", query=replacing("SELECT * INTO adl", "SELECT CAST(strict AS bigint) AS n INTO adl")
    )
    with running(services, tmp_path / "job", strict) as job:
        assert job.child
        send(services.settings, [{"strict": "7"}, {"strict": "seven"}], partition=1)
        assert job.child.wait(30) == 1
        said = job.log.read_text()
        assert f"the job has stopped: {job.job / 'job.asaql'}:" in said
        assert '"seven" (nvarchar(max)) is no bigint' in said
        assert "Traceback" not in said

        query = job.job / "job.asaql"
        query.write_text(query.read_text().replace("CAST(strict", "TRY_CAST(strict"))
        job.start()
        wait_until(lambda: 7 in [line["n"] for line in job.lines()], "the line")


def test_a_hub_that_was_created_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    def create_anew() -> None:
        stack.stop_services("eventhubs")
        for file in (stack.data_dir / "eventhubs").iterdir():
            file.unlink()
        stack.restart("eventhubs")

    with Stack(data_dir=tmp_path / "stack", ports=Ports.free()) as stack, running(stack, tmp_path / "job") as job:
        send(stack.settings, [{"n": n} for n in range(3)], partition=0)
        wait_until(lambda: len(job.lines()) == 3, "lines")
        assert job.stop() == 0
        create_anew()
        send(stack.settings, [{"n": 7}], partition=0)
        job.start()
        wait_until(lambda: [line["n"] for line in job.lines()].count(7) == 1, "the new hub's line")
        assert "created anew" in job.log.read_text()

        # While the job reads, and with more in it than the job had read of the old one: only the first is left out.
        create_anew()
        send(stack.settings, [{"n": 10 + n} for n in range(4)], partition=0)
        assert job.child
        assert job.child.wait(60) == 1
        said = job.log.read_text().splitlines()[-1]
        assert ("created anew" in said, "start the job again" in said) == (True, True), said
        job.start()
        wait_until(lambda: {10, 11, 12, 13} <= {line["n"] for line in job.lines()}, "all of the third hub")


def test_a_job_that_is_given_another_hub_reads_that_from_its_beginning(services: Stack, tmp_path: Path) -> None:
    """Hubs of one namespace can have been created in the same millisecond."""

    def reading(hub: str) -> None:
        source = definition["inputs"][0]["properties"]["datasource"]["properties"]
        source |= {"eventHubName": hub, "consumerGroupName": "$Default"}
        (job.job / "job.json").write_text(json.dumps(definition))

    def numbers(hub: str) -> list[int]:
        return [line["n"] for line in job.lines() if line.get("hub") == hub]

    job = RunningJob(services, tmp_path / "job")
    definition = json.loads((job.job / "job.json").read_text())
    try:
        for hub in ("weather", "places", "seismic"):
            bodies = [json.dumps({"hub": hub, "n": n}).encode() for n in range(3)]
            send_bodies(services.settings["EventHubs"], hub, bodies, partition="2")
            reading(hub)
            job.start()
            wait_until(lambda hub=hub: len(numbers(hub)) >= 3, f"all of {hub}")
            assert numbers(hub) == [0, 1, 2]
            assert job.stop() == 0
    finally:
        job.stop()


@pytest.mark.parametrize("policy", ["Drop", "Stop"])
def test_a_document_that_is_refused_is_dropped_or_holds_the_job_as_the_policy_says(
    services: Stack, tmp_path: Path, policy: str
) -> None:
    job_dir = shorter(
        tmp_path / "job-dir", outputErrorPolicy=policy,
        query=replacing(
            "GetMetadataPropertyValue(eventhub, 'EventId') AS stream_id",
            f"CASE mark WHEN '{policy}' THEN docId ELSE GetMetadataPropertyValue(eventhub, 'EventId') END AS stream_id",
        ),
    )  # fmt: skip
    with running(services, tmp_path / "job", job_dir) as job:
        marks = [f"{policy}-{n}" for n in range(3)]
        bad = {"docId": "not/an/id", "pk": "k", "mark": policy}
        send(services.settings, [{"docId": mark, "pk": "k", "mark": policy} for mark in marks] + [bad], partition=3)

        def stored() -> list[str]:
            return sorted(each["id"] for each in job.documents("cosmos") if each.get("mark") == policy)

        wait_until(lambda: stored() == marks, "the others")
        said = "character that an id cannot have"
        wait_until(lambda: said in job.log.read_text(), "what is said")
        send(services.settings, [{"docId": f"{policy}-9", "pk": "k", "mark": policy}], partition=3)
        if policy == "Drop":
            wait_until(lambda: stored() == [*marks, "Drop-9"], "the next")
            assert sum(report["refused"].get("cosmos", 0) for report in job.reports()) >= 1
        else:
            wait_until(lambda: job.log.read_text().count(said) >= 3, "attempts")
            assert stored() == marks


def test_its_log_says_what_it_did_and_it_stays_small(services: Stack, tmp_path: Path) -> None:
    with running(services, tmp_path / "job") as job:
        send(services.settings, [{"n": n, "epoch": int(time.time())} for n in range(20)], partition=2)
        wait_until(lambda: sum(each["rows"].get("cosmos", 0) for each in job.reports()) >= 20, "reports")
        reports = job.reports()
        assert sum(report["events"].get("eventhub", 0) for report in reports) >= 20
        assert sum(report["rows"].get("adl", 0) for report in reports) == len(job.lines())
        assert all(report.get("watermark_delay", 0) > -2 for report in reports)
        assert job.child
        status = Path(f"/proc/{job.child.pid}/status")
        if status.exists():
            resident = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
            assert int(resident.split()[1]) < 200_000  # KB
