"""What Microsoft's own engine gave for a query, against the same query text: every recorded row, the same count."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.asa_queries import run

RECORDINGS = Path(__file__).parents[3] / "shared" / "data" / "stream_analytics"
QUERY = """
SELECT countyName, COUNT(*) AS count, System.Timestamp() AS timestamps
FROM input TIMESTAMP BY pickupTime
GROUP BY countyName, HoppingWindow(second, 60, 5)
"""


def read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings are not part of the repository")
@pytest.mark.parametrize("recording", ["taxi-a", "taxi-b"])
def test_the_query_gives_what_the_service_gave(recording: str) -> None:
    recorded = read(RECORDINGS / recording / "expected.jsonl")

    rows = run(QUERY, input=read(RECORDINGS / recording / "input.jsonl"))["output"]

    ours = {(row["countyName"], row["timestamps"]): row["count"] for row in rows}
    assert len(ours) == len(rows)
    assert recorded
    for row in recorded:
        assert ours.get((row["countyName"], row["timestamps"])) == row["count"], row
