"""A job that joins with reference data: read before the first event, in effect by the time in its name, and the same
after a kill."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local.sql.asa.values import TICKS_PER_SECOND, DateTime
from local.stack import Stack
from local.stream_analytics.definition import ReferenceInput
from local.stream_analytics.errors import ReferenceDataError
from local.stream_analytics.paths import ReferencePath
from local.stream_analytics.reference import ReferenceData
from local.stream_analytics.reference_reader import ReferenceReader
from local.stream_analytics.rows import START
from tests.integration.reference_data import (
    MINUTE,
    OPTIONS,
    PARTITIONS,
    SCAN,
    hub,
    job_of,
    labels,
    said,
    stored,
    wait_for,
)
from tests.integration.stream_analytics_service import running, services
from tests.waiting import wait_until

__all__ = ["services"]


def test_events_are_joined_with_a_blob_that_stands_still_until_the_job_starts_again(
    services: Stack, tmp_path: Path
) -> None:
    with labels(services) as data:
        data.put("labels.json", b'{"code": 1, "label": "one"}\n{"code": 2.0, "label": "two"}\n')  # lines of JSON, too
        job_dir = job_of(tmp_path / "job-dir", "dev", data.name, "labels.json")
        with hub(services, "dev") as events, running(services, tmp_path / "job", job_dir, OPTIONS) as job:
            now = int(time.time())
            events.send([{"n": n, "code": n, "epoch": now} for n in range(4)])
            events.pass_time(now + 9)
            found = wait_for(job, 4)
            assert [found[n]["label"] for n in range(4)] == [None, "one", "two", None]

            # Overwritten, it is not read again, as in Azure, but by a job that starts.
            data.put("labels.json", [{"code": 1, "label": "uno"}])
            events.send([{"n": 4, "code": 1, "epoch": now + 10}])
            events.pass_time(now + 19)
            assert wait_for(job, 5)[4]["label"] == "one"
            assert job.stop() == 0
            job.start()
            events.send([{"n": 5, "code": 1, "epoch": now + 20}])
            events.pass_time(now + 29)
            assert wait_for(job, 6)[5]["label"] == "uno"
            assert said(job, "labels.json: 2 rows") == 1


def test_a_job_without_its_reference_data_waits_for_it_and_loses_nothing(services: Stack, tmp_path: Path) -> None:
    with labels(services) as data:
        job_dir = job_of(tmp_path / "job-dir", "places", data.name, "deep/labels.json")
        with hub(services, "places") as events, running(services, tmp_path / "job", job_dir) as job:
            now = int(time.time())
            events.send([{"n": n, "code": 1, "epoch": now} for n in range(3)])
            where = f"input labels, {data.name}/deep/labels.json: "
            wait_until(lambda: said(job, f"{where}there is no such blob; the job waits for it"), "what it says")
            assert stored(job) == {}

            data.put("deep/labels.json", [{"code": 1, "label": "one"}])
            events.pass_time(now + 9)
            assert {line["label"] for line in wait_for(job, 3).values()} == {"one"}
            assert said(job, "deep/labels.json: it can be read; the job begins") == 1


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "there is no such blob; the job waits for it"),
        (b'[{"code": 1, "lab', "no JSON: .*; the job waits for it"),
        (b'[{"code": 1}, 5]', "element 1 of an array is JSON, but no object; the job waits for it"),
        (b"", "empty; the job waits for it"),
    ],
)
async def test_what_is_no_reference_data_is_waited_for(services: Stack, content: bytes | None, complaint: str) -> None:
    with labels(services) as data:
        if content is not None:
            data.put("labels.json", content)
        source = ReferenceInput("labels", "DataLake", data.name, ReferencePath("labels.json"))
        tables = ReferenceData()
        reader = ReferenceReader(source, services.settings["DataLake"], tables)
        try:
            with pytest.raises(ReferenceDataError, match=f"input labels, {data.name}/labels.json: {complaint}"):
                await reader.open()
            assert len(tables) == 0
            data.put("labels.json", b"[]")
            await reader.open()
            assert tables.at(START).rows == ()
        finally:
            await reader.close()


async def test_an_edition_that_is_there_in_time_is_in_effect_on_time_however_late_the_job_looks(
    services: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    minute = int(time.time()) // MINUTE * MINUTE + 2 * MINUTE
    path = ReferencePath("labels/{date}/{time}.json", "yyyy-MM-dd", "HH-mm")
    with labels(services) as data:
        data.edition(minute - 10 * MINUTE)
        source = ReferenceInput("labels", "DataLake", data.name, path)
        reader = ReferenceReader(source, services.settings["DataLake"], ReferenceData())
        try:
            await reader.open()
            name = data.edition(minute)
            held_up = DateTime((minute + 60 * MINUTE) * TICKS_PER_SECOND)
            monkeypatch.setattr("local.stream_analytics.reference_reader._now", lambda: held_up)
            await reader.refresh()
            assert dict(reader.known)[name] == minute * TICKS_PER_SECOND
        finally:
            await reader.close()


def test_an_event_meets_the_edition_of_its_own_time(services: Stack, tmp_path: Path) -> None:
    minute = int(time.time()) // MINUTE * MINUTE + 2 * MINUTE  # its time has not come; that of events may run ahead
    old, gone = minute - 10 * MINUTE, minute - 20 * MINUTE
    with labels(services) as data:
        data.put("labels/notes.txt", b"no edition")
        data.edition(gone)
        data.edition(old)
        job_dir = job_of(tmp_path / "job-dir", "weather", data.name, "labels/{date}/{time}.json")
        with hub(services, "weather") as events, running(services, tmp_path / "job", job_dir, OPTIONS) as job:
            events.pass_time(minute - MINUTE)
            wait_until(lambda: said(job, "rows, in effect from"), "that it has read something")

            # One more while it runs: in effect from the moment on that its name says, whatever comes first.
            name = data.edition(minute)

            def found() -> bool:
                events.pass_time(minute - MINUTE)
                return bool(said(job, f"{name}: 1 rows, in effect from"))

            wait_until(found, "the next one", every=SCAN)
            times = [minute + 1, minute - 1, minute, minute + 2, minute - 2]
            events.send([{"n": n, "code": 1, "epoch": at} for n, at in enumerate(sorted(times))], 2)
            events.pass_time(minute + MINUTE)
            lines = wait_for(job, 5)
            assert {line["epoch"]: line["edition"] for line in lines.values()} == {
                at: old if at < minute else minute for at in times
            }
            # What no event can meet any more was never read.
            text = job.log.read_text()
            assert datetime.fromtimestamp(gone, UTC).strftime("in effect from %Y-%m-%dT%H:%M") not in text


def test_one_that_is_found_late_is_in_effect_from_then_on_after_a_kill_as_well(services: Stack, tmp_path: Path) -> None:
    now = int(time.time())
    minute = now // MINUTE * MINUTE
    old, late = minute - 5 * MINUTE, minute - 3 * MINUTE
    with labels(services) as data:
        data.edition(old)
        job_dir = job_of(
            tmp_path / "job-dir", "dead-letters", data.name, "labels/{date}/{time}.json",
            eventsLateArrivalMaxDelayInSeconds=1200,
        )  # fmt: skip
        with hub(services, "dead-letters") as events, running(services, tmp_path / "job", job_dir, OPTIONS) as job:
            events.pass_time(now - 4 * MINUTE)
            wait_until(lambda: said(job, "rows, in effect from"), "that it has read something")
            data.edition(late)

            def found() -> bool:
                events.pass_time(now - 4 * MINUTE)
                return said(job, "rows, in effect from") == 2

            wait_until(found, "the late one", every=SCAN)
            job.kill()
            job.start()
            times = [minute - 2 * MINUTE, now - 1, int(time.time()) + 1]
            events.send([{"n": n, "code": 1, "epoch": at} for n, at in enumerate(times)])
            events.pass_time(times[-1] + MINUTE)
            lines = wait_for(job, len(times))
            assert [lines[n]["edition"] for n in range(len(times))] == [old, old, late]


def test_while_its_store_is_away_a_job_waits_and_joins_nothing_with_less(services: Stack, tmp_path: Path) -> None:
    now = int(time.time())
    minute = now // MINUTE * MINUTE
    with labels(services) as data:
        data.edition(minute - MINUTE)
        job_dir = job_of(tmp_path / "job-dir", "places", data.name, "labels/{date}/{time}.json")
        with hub(services, "places") as events, running(services, tmp_path / "job", job_dir, OPTIONS) as job:
            events.pass_time(now)

            def delivered() -> bool:
                return sum(line["epoch"] == now for line in job.lines()) == PARTITIONS

            wait_until(delivered, "all that was sent", every=0.1)
            first = 1_000  # others send to this hub, too
            numbers = iter(range(first, 2 * first))

            def noticed() -> bool:
                # Ahead of the others, they wait for them: there is nothing to deliver that would be waited for first.
                events.send([{"n": next(numbers), "code": 1, "epoch": now + MINUTE}])
                return bool(said(job, f"input labels, {data.name}/labels/{{date}}/{{time}}.json: "))

            services.children["datalake"].kill()
            try:
                wait_until(noticed, "what it says", every=SCAN)
            finally:
                services.restart("datalake")
            events.pass_time(now + 2 * MINUTE)
            sent = list(range(first, next(numbers)))

            def joined() -> list[dict[str, Any]]:
                return [line for line in job.lines() if line["n"] >= first]

            wait_until(lambda: len(joined()) >= len(sent), "all that was sent", every=0.1)
            assert sorted(line["n"] for line in joined()) == sent
            assert {line["edition"] for line in joined()} == {minute - MINUTE}
            assert job.stop() == 0
            assert "Traceback" not in job.log.read_text()


def test_an_edition_that_cannot_be_read_leaves_the_one_before_in_effect_and_is_said_at_every_look(
    services: Stack, tmp_path: Path
) -> None:
    now = int(time.time())
    minute = now // MINUTE * MINUTE
    with labels(services) as data:
        data.edition(minute - 5 * MINUTE)
        job_dir = job_of(tmp_path / "job-dir", "seismic", data.name, "labels/{date}/{time}.json")
        with hub(services, "seismic") as events, running(services, tmp_path / "job", job_dir, OPTIONS) as job:
            events.pass_time(now)
            wait_until(lambda: said(job, "rows, in effect from"), "that it has read something")
            broken = data.edition(minute - 4 * MINUTE, b'[{"code": 1}, 5]')
            complaint = f"{data.name}/{broken}: element 1 of an array is JSON, but no object: the one before it stays"

            def heard() -> bool:
                events.pass_time(int(time.time()))
                return said(job, complaint) >= 2

            wait_until(heard, "what it says, at two looks", every=SCAN)
            events.send([{"n": 0, "code": 1, "epoch": int(time.time())}])
            assert wait_for(job, 1)[0]["edition"] == minute - 5 * MINUTE

            # A later one that can be read ends it. It is found late, and so in effect from now on.
            later = minute - 3 * MINUTE
            data.edition(later)

            def renewed() -> bool:
                events.pass_time(int(time.time()))
                return bool(said(job, f"{datetime.fromtimestamp(later, UTC):%H-%M}.json: 1 rows, in effect from"))

            wait_until(renewed, "the later one", every=SCAN)
            events.send([{"n": 1, "code": 1, "epoch": int(time.time()) + 1}])
            assert wait_for(job, 2)[1]["edition"] == later
            count = said(job, complaint)
            events.pass_time(int(time.time()) + 1)
            assert said(job, complaint) == count


def test_a_job_killed_again_and_again_joins_each_event_with_the_edition_of_its_time(
    services: Stack, tmp_path: Path
) -> None:
    # GIVEN editions of every minute, and a job that is killed with -9 while events of those minutes come
    chance = random.Random(7)
    now = int(time.time())
    minutes = [now // MINUTE * MINUTE - back * MINUTE for back in (6, 5, 4, 3)]
    sent: dict[int, int] = {}
    with labels(services) as data:
        for minute in minutes:
            data.edition(minute)
        job_dir = job_of(
            tmp_path / "job-dir", "enriched", data.name, "labels/{date}/{time}.json",
            eventsLateArrivalMaxDelayInSeconds=1200,
        )  # fmt: skip
        with hub(services, "enriched") as events, running(services, tmp_path / "job", job_dir, OPTIONS) as job:
            for start in range(minutes[0] + 20, minutes[-1] + 40, 45):  # some within a minute, some across two
                for partition in range(PARTITIONS):
                    times = sorted(start + chance.randrange(45) for _ in range(20))
                    numbers = range(len(sent), len(sent) + len(times))
                    sent |= dict(zip(numbers, times, strict=True))
                    events.send([{"n": n, "code": 1, "epoch": sent[n]} for n in numbers], partition)
                assert job.child
                job.child.wait(chance.uniform(0.05, 0.7))
                job.kill()
                job.start()

            # WHEN everything is through
            events.pass_time(minutes[-1] + 2 * MINUTE)
            found = wait_for(job, len(sent))

            # THEN each event has met the edition of its time, once
            assert {n: line["edition"] for n, line in found.items()} == {
                n: max(minute for minute in minutes if minute <= at) for n, at in sent.items()
            }
            assert "Traceback" not in job.log.read_text()
