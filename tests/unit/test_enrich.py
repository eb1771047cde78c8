"""The enrichment stages: what each adds, and what becomes of a record that a stage cannot take, drops or multiplies."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from pydantic import TypeAdapter

from shared.batches import Batch
from shared.failures import ALONE, dead_letters
from shared.models import PlaceEnrichment, SeismicEnrichment, WeatherEnrichment
from shared.records import MAX_RECORD_BYTES, REPLAY_PROPERTY, REPLAY_STAGE_PROPERTY, Record
from shared.stages.enrich import ENRICH_PLACES, ENRICH_SEISMIC, ENRICH_WEATHER
from shared.stages.outcome import Outcome, Stage
from shared.stages.records import RecordStage
from shared.stages.split import SPLIT
from tests.unit.test_split import PLACE, SEISMIC, WEATHER
from tests.unit.trigger import ENQUEUED, events


def split_records(*bodies: object) -> list[dict]:
    """Records as split makes them, of one kind."""
    outcome = SPLIT.process(Batch.of(events("dev", [list(bodies)])))
    assert not outcome.failures
    (keyed,) = outcome.outputs.values()
    return [orjson.loads(payload) for _, payload in keyed]


def run(stage: Stage, *bodies: object, **options: Any) -> Outcome:
    return stage.process(Batch.of(events("places", bodies, **options)))


def emitted(outcome: Outcome) -> list[dict]:
    return [orjson.loads(payload) for _, payload in outcome.outputs["enriched"]]


def added(stage: Stage, event: dict) -> dict:
    (record,) = emitted(run(stage, split_records(event)))
    return {name: value for name, value in record["data"].items() if name not in event and name != "kind"}


def test_a_place_gets_its_city_county_time_zone_and_centre() -> None:
    enrichment = added(ENRICH_PLACES, PLACE)
    TypeAdapter(PlaceEnrichment).validate_python(enrichment)
    assert enrichment == {
        "known": True,
        "city": "Davidson",
        "county": "Mecklenburg County",
        "state": "NC",
        "time_zone": "America/New_York",
        "centre_latitude": pytest.approx(35.49, abs=0.02),
        "centre_longitude": pytest.approx(-80.8, abs=0.05),
    }


def test_a_place_whose_code_the_reference_data_lacks_goes_on_and_says_so() -> None:
    assert added(ENRICH_PLACES, PLACE | {"postal_cd": "00000"}) == {"known": False}


def test_a_weather_report_gets_its_heat_index() -> None:
    enrichment = added(ENRICH_WEATHER, WEATHER | {"temperature_f": 90, "humidity": 70})
    TypeAdapter(WeatherEnrichment).validate_python(enrichment)
    assert enrichment == {"heat_index_f": pytest.approx(106, abs=1)}  # the NWS chart's cell


def test_an_earthquake_gets_its_nearest_place_and_class() -> None:
    enrichment = added(ENRICH_SEISMIC, SEISMIC)
    TypeAdapter(SeismicEnrichment).validate_python(enrichment)
    assert enrichment["nearest_place"] == "Davidson"
    assert enrichment["nearest_state"] == "NC"
    assert enrichment["distance_km"] < 10
    assert enrichment["magnitude_class"] == "light"


def test_id_key_origin_and_order_go_on() -> None:
    records = split_records(*[PLACE | {"seq": n} for n in range(50)])
    out = emitted(run(ENRICH_PLACES, records[:20], records[20:]))
    for name in ("id", "partitionkey", "origin", "time", "source", "type"):
        assert [record[name] for record in out] == [record[name] for record in records]
    assert [record["data"]["seq"] for record in out] == list(range(50))


def test_a_record_says_what_it_has_come_through() -> None:
    records = split_records(PLACE)
    (once,) = emitted(run(ENRICH_PLACES, records, partition="1"))
    (twice,) = emitted(run(RecordStage("again", Record[dict], lambda record: [record], to="enriched"), once))
    assert (once["through"], twice["through"]) == ("places/1", "places/1>places/2")


def test_a_field_of_the_producers_that_is_named_like_an_added_one_stays() -> None:
    (record,) = emitted(run(ENRICH_PLACES, split_records(PLACE | {"county": "as the producer says"})))
    assert record["data"]["sent_county"] == "as the producer says"
    assert record["data"]["county"] == "Mecklenburg County"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"data": {"kind": "place"}}, "validation"),
        ({"origin": "nowhere"}, "validation"),
        ({"id": 7}, "validation"),
        ({"partitionkey": "k" * 256}, "validation"),
        ({"time": "2026-99-99T99:99:99Z"}, "validation"),
    ],
)
def test_a_record_that_is_none_goes_alone_with_its_bytes(change: dict, reason: str) -> None:
    good, other = split_records(PLACE, PLACE)
    outcome = run(ENRICH_PLACES, [good, other | change, good])
    assert len(emitted(outcome)) == 2
    (failure,) = outcome.failures
    assert (failure.stage, failure.reason, failure.hub, failure.element) == ("enrich_places", reason, "places", 1)
    assert orjson.loads(failure.body) == other | change


@pytest.mark.parametrize("body", [b"", b"\xff", b"{", b"[1,2", b"7"])
def test_garbage_on_the_hub_is_a_dead_letter(body: bytes) -> None:
    outcome = run(ENRICH_PLACES, split_records(PLACE), body, split_records(PLACE))
    assert len(emitted(outcome)) == 2
    assert [failure.body for failure in outcome.failures] == [body]
    assert outcome.failures[0].origin.hub == "places"


def test_a_dead_letter_of_a_later_stage_says_where_the_fact_entered() -> None:
    (record,) = split_records(PLACE)
    outcome = run(ENRICH_PLACES, [record | {"data": {}}], first=77)
    assert str(outcome.failures[0].origin) == record["origin"]
    assert outcome.failures[0].sequence == 77


@pytest.mark.parametrize(
    "origin",
    [
        f"dev/0/{'1' * 5000}/0/1763802000123",  # more digits than Python parses
        f"dev/0/1/{'1' * 5000}/1763802000123",
        "dev/0/1/0/1000000000000000000",  # the year 31690708
        "d ev?/0/1/0/1763802000123",
        "d" * 300_000 + "/0/1/0/1763802000123",
        "dev/0/1/x/1763802000123",
        ["dev", 0, 1, 0, 1],
    ],
    ids=["sequence", "element", "enqueued", "hub", "long hub", "no element", "no text"],
)
def test_an_origin_that_no_hub_could_have_given_is_refused_and_not_passed_on(origin: object) -> None:
    (record,) = split_records(PLACE)
    outcome = run(ENRICH_PLACES, [record, record | {"origin": origin}])
    assert len(emitted(outcome)) == 1
    (failure,) = outcome.failures
    assert str(failure.origin) == f"places/2/418/1/{ENQUEUED}"


def test_a_record_that_is_large_in_every_field_still_fits_a_dead_letter() -> None:
    (record,) = split_records(PLACE)
    outcome = run(
        ENRICH_PLACES, [record | {"partitionkey": "k" * 700_000, "data": 7, "origin": "o" * 300_000 + "/0/1/0/1"}]
    )
    letters = list(dead_letters(outcome.failures[0], "2026-11-22T09:30:00.000Z"))
    assert max(len(payload) for _, payload in letters) <= MAX_RECORD_BYTES


def test_bad_records_of_known_origin_never_share_a_dead_letter_but_rubbish_does() -> None:
    (record,) = split_records(PLACE)
    assert len(run(ENRICH_PLACES, [record | {"data": {}}] * 300).failures) == 300
    outcome = run(ENRICH_PLACES, [{}, 7] * 5_000)
    assert (len(outcome.failures), outcome.dead, outcome.records) == (ALONE + 1, 10_000, 10_000)
    assert len(orjson.loads(outcome.failures[-1].original())) == 10_000 - ALONE


@pytest.mark.parametrize("key", [7, "", "another"])
def test_a_stage_that_changes_the_key_of_a_record_dead_letters_it(key: object) -> None:
    # Records that change partitions lose their order, and a key that is no string could not be sent at all.
    stage = RecordStage("rekeys", Record[dict], lambda record: [record | {"partitionkey": key}], to="enriched")
    outcome = run(stage, split_records(PLACE))
    assert not outcome.outputs["enriched"]
    assert outcome.failures[0].reason == "stage"
    assert "key" in outcome.failures[0].errors[0]["msg"]


def test_an_error_that_quotes_no_unicode_still_becomes_a_dead_letter() -> None:
    def fragile(record: dict) -> list[dict]:
        raise ValueError("\ud800")

    outcome = run(RecordStage("fragile", Record[dict], fragile, to="enriched"), split_records(PLACE))
    ((_, payload),) = dead_letters(outcome.failures[0], "2026-11-22T09:30:00.000Z")
    assert orjson.loads(payload)["data"]["errors"][0]["msg"] == "fragile: \\ud800"


def test_a_dead_letter_that_is_sent_again_and_fails_again_is_no_repeat_of_the_first() -> None:
    (record,) = split_records(PLACE)
    outcome = run(ENRICH_PLACES, record | {"data": {}}, first=900, properties={REPLAY_PROPERTY: record["origin"]})
    assert str(outcome.failures[0].origin) == f"places/2/900/0/{ENQUEUED}"


def test_one_record_that_makes_a_stage_raise_does_not_touch_its_neighbours() -> None:
    def fragile(record: dict) -> list[dict]:
        if record["data"]["seq"] == 1:
            raise ZeroDivisionError("division by zero")
        return [record]

    stage = RecordStage("fragile", Record[dict], fragile, to="enriched")
    outcome = run(stage, split_records(*[PLACE | {"seq": n} for n in range(3)]))
    assert [record["data"]["seq"] for record in emitted(outcome)] == [0, 2]
    (failure,) = outcome.failures
    assert (failure.reason, failure.errors[0]["type"]) == ("stage", "ZeroDivisionError")
    assert orjson.loads(failure.body)["data"]["seq"] == 1


def test_a_stage_may_drop_a_record_or_make_several_of_it() -> None:
    def transform(record: dict) -> list[dict]:
        return [{**record, "data": record["data"] | {"copy": n}} for n in range(record["data"]["seq"])]

    stage = RecordStage("copies", Record[dict], transform, to="enriched")
    records = split_records(*[PLACE | {"seq": n} for n in range(3)])
    out = emitted(run(stage, records))
    assert [(record["data"]["seq"], record["data"]["copy"]) for record in out] == [(1, 0), (2, 0), (2, 1)]
    assert out[0]["id"] == records[1]["id"]
    assert [record["id"] for record in out[1:]] == [f"dev-2-418-2.{n}-{ENQUEUED}" for n in range(2)]
    assert [record["origin"] for record in out[1:]] == [f"dev/2/418/2.{n}/{ENQUEUED}" for n in range(2)]


def test_a_dead_letter_that_is_sent_again_enters_anew_and_keeps_its_id() -> None:
    (record,) = split_records(PLACE)
    (again,) = emitted(run(ENRICH_PLACES, record, first=900, properties={REPLAY_PROPERTY: record["origin"]}))
    assert again["id"] == record["id"]
    assert again["origin"] == f"places/2/900/0/{ENQUEUED}"


@pytest.mark.parametrize(("stage", "count"), [("enrich_places", 1), ("check_places", 0)])
def test_a_dead_letter_sent_again_is_taken_by_the_stage_that_refused_it_alone(stage: str, count: int) -> None:
    # GIVEN a hub that another stage reads, too, and a record that one of the two had refused
    (record,) = split_records(PLACE)
    properties = {REPLAY_PROPERTY: record["origin"], REPLAY_STAGE_PROPERTY: stage}
    outcome = run(ENRICH_PLACES, record, first=900, properties=properties)
    assert (len(outcome.outputs["enriched"]), outcome.failures) == (count, [])
