"""What Microsoft's own engine gave for a hopping window, against the operators: every recorded row, the same count."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from local.sql.asa.values import TICKS_PER_SECOND, field, format_datetime, parse_datetime
from local.stream_analytics.accumulators import CountRows
from local.stream_analytics.operator import Node
from local.stream_analytics.rows import Row
from local.stream_analytics.watermark import InputOrder, Released
from local.stream_analytics.window_aggregate import HoppingAggregate
from local.stream_analytics.windows import Hopping

RECORDINGS = Path(__file__).parents[3] / "shared" / "data" / "stream_analytics"


def read(recording: str, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (RECORDINGS / recording / name).read_text(encoding="utf-8").splitlines()]


def county(row: Row) -> Any:
    return field(row.record, "countyName")


def pickup_time(row: Row) -> Any:
    return field(row.record, "pickupTime")


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings are not part of the repository")
@pytest.mark.parametrize("recording", ["taxi-a", "taxi-b"])
def test_a_hopping_window_counts_what_the_service_counted(recording: str) -> None:
    order = InputOrder(pickup_time)
    windows = Node(HoppingAggregate(Hopping(60 * TICKS_PER_SECOND, 5 * TICKS_PER_SECOND), [county], [CountRows()]))
    counted = windows.collect()

    def feed(released: list[Released]) -> None:
        for _, rows, watermark in released:
            for row in rows:
                windows.push(row)
            windows.advance(watermark)

    for event in read(recording, "input.jsonl"):
        arrival = parse_datetime(event["pickupTime"])
        assert arrival is not None
        feed(order.push(0, event, arrival))
    feed(order.finish())

    ours = {(keys[0], format_datetime(row.time)): results[0] for row in counted for keys, results in [row.sources]}
    theirs = {(row["countyName"], row["timestamps"]): row["count"] for row in read(recording, "expected.jsonl")}
    assert theirs
    assert {key: ours.get(key) for key in theirs} == theirs
