"""What is read of a trigger's events, and that reading their times stays cheap."""

from __future__ import annotations

import _strptime
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from shared.batches import Batch
from tests.unit.trigger import ENQUEUED, events


def test_bodies_positions_times_and_properties() -> None:
    batch = Batch.of(events("dev", [b"one", b""], first=7, properties={"a": "b"}))
    assert (batch.hub, batch.partition) == ("dev", "2")
    assert [(event.body, event.sequence, event.enqueued) for event in batch.events] == [
        (b"one", 7, ENQUEUED),
        (b"", 8, ENQUEUED + 1),
    ]
    assert batch.events[0].properties == {"a": "b"}


@pytest.mark.parametrize("zone", [None, UTC])
def test_a_time_without_a_zone_is_utc(zone: object) -> None:
    event = SimpleNamespace(
        get_body=lambda: b"", sequence_number=1, partition_key=None,
        enqueued_time=datetime(2026, 11, 22, 9, tzinfo=zone),
        metadata={"PartitionContext": {"EventHubName": "dev", "PartitionId": 0}},
    )  # fmt: skip
    assert Batch.of([event]).events[0].enqueued == 1_795_338_000_000


def test_events_that_a_trigger_delivers_out_of_order_are_put_in_order() -> None:
    delivered = events("dev", [b"0", b"1", b"2", b"3"])
    batch = Batch.of([delivered[number] for number in (0, 2, 1, 3)])
    assert [event.body for event in batch.events] == [b"0", b"1", b"2", b"3"]


def test_no_events_and_events_of_another_cardinality_are_errors_that_say_so() -> None:
    with pytest.raises(ValueError, match="at least one event"):
        Batch.of([])
    with pytest.raises(ValueError, match="cardinality many"):
        Batch.of([SimpleNamespace(metadata={})])


def test_the_worker_compiles_its_time_formats_once() -> None:
    events("dev", [b"x"])
    compiled = dict(_strptime._regex_cache)
    events("dev", [b"x"] * 3)
    assert len(compiled) > 5
    assert {name: id(pattern) for name, pattern in _strptime._regex_cache.items()} == {
        name: id(pattern) for name, pattern in compiled.items()
    }
