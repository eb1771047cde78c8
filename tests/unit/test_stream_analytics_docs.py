"""The worked example of docs/stream-analytics.md does what the page says; and the job runs over files, too."""

from __future__ import annotations

import json
import re
from pathlib import Path

from local.__main__ import main
from local.stack import JOB_DIR, REFERENCE, ROOT

PAGE = (ROOT / "docs" / "stream-analytics.md").read_text("utf-8")


def test_the_worked_example_gives_what_the_page_says(tmp_path: Path) -> None:
    (query,) = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    events, results = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    (command,) = re.findall(r"python -m local (asa \.local/heat\.asaql .*)", PAGE)
    (tmp_path / "heat.asaql").write_text(query)
    (tmp_path / "weather.jsonl").write_text(events)
    assert main(command.replace(".local", str(tmp_path)).split()) == 0
    assert (tmp_path / "results" / "hot.jsonl").read_text("utf-8") == results


def test_the_job_counts_and_measures_by_kind_and_state(tmp_path: Path) -> None:
    start = 1_795_338_000  # 2026-11-22T09:00:00Z
    events = [
        {"kind": "weather", "state_abbrv": "NC", "temperature_f": 70, "epoch": start + 1},
        {"kind": "weather", "state_abbrv": "NC", "temperature_f": 80.5, "epoch": start + 60},
        {"kind": "weather", "state_abbrv": "VA", "temperature_f": 60, "epoch": start + 59},
        {"postal_cd": "28036", "state_abbrv": "NC", "epoch": start + 2},
        {"specversion": "1.0", "data": {"kind": "seismic", "magnitude": 4.5, "epoch": start + 3}},
        {"kind": "seismic", "magnitude": "high", "epoch": start + 61},
        # A time that is none: when it was enqueued.
        {"kind": "seismic", "magnitude": 2, "epoch": 1e300, "EventEnqueuedUtcTime": "2026-11-22T09:00:30Z"},
        {"data": 5, "EventEnqueuedUtcTime": "2026-11-22T09:00:30Z"},
    ]
    file = tmp_path / "events.jsonl"
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    job = str(JOB_DIR / "job.asaql")
    reference = f"readings={REFERENCE / 'readings.json'}"
    command = ["asa", job, "--input", f"eventhub={file}", "--reference", reference, "--out", str(tmp_path / "out")]
    assert main(command) == 0
    windows = [json.loads(line) for line in (tmp_path / "out" / "aggregates.jsonl").read_text().splitlines()]
    found = {
        window["id"]: (window["events"], window["least"], window["average"], window["greatest"]) for window in windows
    }
    assert found == {
        f"weather-NC-{start + 60}": (2, 70.0, 75.25, 80.5),
        f"weather-VA-{start + 60}": (1, 60.0, 60.0, 60.0),
        f"place-NC-{start + 60}": (1, None, None, None),
        f"place-none-{start + 60}": (1, None, None, None),
        f"seismic-none-{start + 60}": (2, 2.0, 3.25, 4.5),
        f"seismic-none-{start + 120}": (1, None, None, None),
    }
    assert {(window["kind"], window["reading"], window["unit"]) for window in windows} == {
        ("weather", "temperature_f", "degF"),
        ("seismic", "magnitude", "Mw"),
        ("place", None, None),
    }
    assert {window["window_end"] for window in windows} == {
        "2026-11-22T09:01:00.0000000Z",
        "2026-11-22T09:02:00.0000000Z",
    }
    assert len((tmp_path / "out" / "adl.jsonl").read_text().splitlines()) == len(events)
