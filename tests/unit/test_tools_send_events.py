"""What `send` generates: valid by the app's own models, the same for a seed, and bad exactly where asked."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.batches import Batch, HubEvent
from shared.models import EVENT
from shared.stages.split import SPLIT
from tools.send.command import outgoing
from tools.send.events import KINDS, MIXED_SHARES, generate
from tools.send.faults import FAULTS, bad_sequences, spoil

SEED = 7


def now() -> float:
    return 1795338000.9  # 2026-11-22 09:00:00 UTC, and most of a second


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_is_valid(kind: str) -> None:
    for key, event in generate(kind, 500, SEED, now):
        EVENT.validate_python({"kind": "place", **event})
        assert event["pk"] == key


def test_events_carry_what_the_producers_add() -> None:
    events = [event for _, event in generate("place", 3, SEED, now)]
    assert [event["seq"] for event in events] == [1, 2, 3]
    for event in events:
        assert event["timestamp"] == "2026-11-22 09:00:00"
        assert event["epoch"] == 1795338000
        assert event["sender"] == "python_ms_sdk"


def test_a_place_is_a_north_carolina_postal_code_without_a_kind() -> None:
    for key, event in generate("place", 200, SEED, now):
        assert "kind" not in event
        assert event["state_abbrv"] == "NC"
        assert key == event["postal_cd"]
        assert key[:2] in ("27", "28")


def test_keys_are_stations_and_networks() -> None:
    assert all(key == event["station"] for key, event in generate("weather", 50, SEED, now))
    assert all(key == event["network"] for key, event in generate("seismic", 50, SEED, now))


def test_mixed_holds_its_shares() -> None:
    kinds = Counter(event.get("kind", "place") for _, event in generate("mixed", 5000, SEED, now))
    for kind, share in MIXED_SHARES.items():
        assert kinds[kind] / 5000 == pytest.approx(share / 100, abs=0.03)


def test_the_same_seed_gives_the_same_events_and_another_gives_others() -> None:
    first = list(generate("mixed", 50, SEED, now))
    assert first == list(generate("mixed", 50, SEED, now))
    assert first != list(generate("mixed", 50, SEED + 1, now))


@given(count=st.integers(1, 2000), fraction=st.floats(0, 1), seed=st.integers())
def test_exactly_the_part_asked_for_is_bad(count: int, fraction: float, seed: int) -> None:
    bad = bad_sequences(count, fraction, seed)
    assert len(bad) == round(count * fraction)
    assert all(1 <= sequence <= count for sequence in bad)
    turns = Counter(bad.values())
    assert max(turns.values(), default=0) - min((turns[name] for name in FAULTS), default=0) <= 1


def test_bad_events_are_spread_and_keep_their_keys() -> None:
    good = list(outgoing("mixed", 1000, 0.0, SEED, now))
    some = list(outgoing("mixed", 1000, 0.04, SEED, now))
    assert [event.key for event in some] == [event.key for event in good]
    assert sum(event.bad for event in some) == 40
    where = [number for number, event in enumerate(some) if event.bad]
    assert max(later - earlier for earlier, later in pairwise(where)) < 200
    assert all(one.body == other.body for one, other in zip(good, some, strict=True) if not other.bad)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", ["place", "weather", "seismic"])
def test_a_bad_event_makes_exactly_one_dead_letter(kind: str, fault: str) -> None:
    for number, (key, event) in enumerate(generate(kind, 20, SEED, now)):
        body = spoil(event, fault)
        outcome = SPLIT.process(batch_of(body, key, number))
        assert len(outcome.failures) == 1, body
        assert outcome.failures[0].body == body
        assert not any(outcome.outputs.values()), body


def test_a_good_event_makes_one_record() -> None:
    for number, event in enumerate(outgoing("mixed", 100, 0.0, SEED, now)):
        outcome = SPLIT.process(batch_of(event.body, event.key or "", number))
        assert not outcome.failures
        assert [len(records) for records in outcome.outputs.values()] == [1]


def test_bodies_are_compact_json() -> None:
    (event,) = outgoing("weather", 1, 0.0, SEED, now)
    assert event.body == orjson.dumps(orjson.loads(event.body))


def batch_of(body: bytes, key: str, sequence: int) -> Batch:
    return Batch("dev", "0", [HubEvent(body, sequence, 1795338000123, key, {})])
