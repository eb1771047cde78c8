"""split: a batch taken apart, validated, keyed and routed; what is bad goes alone."""

from dataclasses import replace

import orjson
import pytest

from shared.batches import Batch
from shared.bodies import take_apart
from shared.failures import ALONE, dead_letters
from shared.models import EVENT
from shared.records import BATCH_CONTENT_TYPE, REPLAY_PROPERTY, Record
from shared.stages.outcome import Outcome
from shared.stages.split import SPLIT
from tests.unit.trigger import ENQUEUED, events

PLACE = {
    "postal_cd": "28036", "country_cd": "US", "city_name": "Davidson", "state_abbrv": "NC", "latitude": 35.48,
    "longitude": -80.79, "pk": "28036", "seq": 1, "timestamp": "2026-11-22 09:00:0", "epoch": 1795338000,
    "sender": "python_ms_sdk",
}  # fmt: skip
WEATHER = {"kind": "weather", "station": "KCLT", "temperature_f": 91.4, "humidity": 62}
SEISMIC = {
    "kind": "seismic", "event_id": "us7000abcd", "network": "us", "magnitude": 4.6, "depth_km": 10.2,
    "latitude": 35.5, "longitude": -80.8,
}  # fmt: skip


def split(*bodies: object, **options: object) -> Outcome:
    return SPLIT.process(Batch.of(events("dev", bodies, **options)))  # type: ignore[arg-type]


def records(outcome: Outcome, hub: str) -> list[dict]:
    return [orjson.loads(payload) for _, payload in outcome.outputs[hub]]


def test_an_event_without_a_kind_is_a_place() -> None:
    outcome = split(PLACE)
    (record,) = records(outcome, "places")
    assert record == {
        "specversion": "1.0",
        "id": f"dev-2-418-0-{ENQUEUED}",
        "source": "/eventhubs/dev/2",
        "type": "headrace.place.v1",
        "time": "2026-11-22T09:00:00Z",
        "partitionkey": "28036",
        "origin": f"dev/2/418/0/{ENQUEUED}",
        "data": PLACE | {"kind": "place"},
    }
    assert outcome.outputs["places"][0][0] == "28036"


def test_each_kind_goes_to_its_hub_with_its_own_key() -> None:
    outcome = split([WEATHER, SEISMIC, {k: v for k, v in PLACE.items() if k != "pk"}])
    assert {hub: [key for key, _ in keyed] for hub, keyed in outcome.outputs.items()} == {
        "weather": ["KCLT"],
        "seismic": ["us"],
        "places": ["28036"],
    }
    assert [records(outcome, hub)[0]["origin"].split("/")[3] for hub in ("weather", "seismic", "places")] == [
        "0",
        "1",
        "2",
    ]


def test_numbers_and_unknown_fields_go_on_as_they_came() -> None:
    body = orjson.dumps(PLACE | {"latitude": 35, "longitude": -80, "note": {"deep": [1, 2.50]}})
    (record,) = records(split(body), "places")
    assert isinstance(record["data"]["latitude"], int)
    assert record["data"]["note"] == {"deep": [1, 2.5]}


@pytest.mark.parametrize(
    "change",
    [
        {"latitude": 123},
        {"latitude": "35.48"},
        {"latitude": True},
        {"latitude": None},
        {"postal_cd": 28036},
        {"postal_cd": "2803"},
        {"city_name": ""},
        {"state_abbrv": "nc"},
        {"kind": "plaice"},
        {"kind": 7},
        {"epoch": 1795338000000},
        {"epoch": "1795338000"},
        {"seq": 1.5},
        {"seq": -1},
        {"pk": ""},
        {"pk": 28036},
        {"timestamp": "yesterday"},
    ],
)
def test_a_producers_mistake_goes_alone_with_its_errors_and_bytes(change: dict) -> None:
    bad = orjson.dumps(PLACE | change)
    outcome = split(PLACE, bad, PLACE)
    assert [record["origin"].split("/")[2] for record in records(outcome, "places")] == ["418", "420"]
    (failure,) = outcome.failures
    assert (failure.reason, failure.hub, failure.partition, failure.sequence, failure.element) == (
        "validation", "dev", "2", 419, 0,
    )  # fmt: skip
    assert failure.body == bad
    assert failure.errors
    assert failure.errors[0]["msg"]


@pytest.mark.parametrize("missing", ["postal_cd", "city_name", "state_abbrv", "latitude", "longitude"])
def test_a_missing_field_is_named(missing: str) -> None:
    outcome = split({name: value for name, value in PLACE.items() if name != missing})
    assert missing in outcome.failures[0].errors[0]["loc"]


def test_one_bad_element_of_an_array_leaves_its_neighbours() -> None:
    outcome = split([PLACE, PLACE | {"latitude": 123}, WEATHER])
    assert (len(outcome.outputs["places"]), len(outcome.outputs["weather"]), outcome.records) == (1, 1, 3)
    (failure,) = outcome.failures
    assert failure.element == 1
    assert orjson.loads(failure.body) == PLACE | {"latitude": 123}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"null",
        b"[" * 5000 + b"]" * 5000,
        b'{"a":' * 400 + b"1" + b"}" * 400,
        b"\x00" * 1_000_000,
    ],
    ids=["empty", "not UTF-8", "truncated", "null", "deep array", "deep object", "1 MB of zeros"],
)
def test_garbage_is_one_dead_letter_and_its_neighbours_go_on(body: bytes) -> None:
    outcome = split(PLACE, body, PLACE)
    assert len(outcome.outputs["places"]) == 2
    (failure,) = outcome.failures
    assert failure.sequence == 419
    assert failure.body == body


def test_an_event_nested_deeper_than_can_be_written_is_a_dead_letter() -> None:
    deep = orjson.dumps(PLACE)[:-1] + b',"deep":' + b"[" * 300 + b"]" * 300 + b"}"
    outcome = split(deep, PLACE)
    assert (len(outcome.outputs["places"]), outcome.failures[0].reason) == (1, "decode")


def test_a_record_larger_than_a_hub_takes_is_a_dead_letter() -> None:
    outcome = split(orjson.dumps(PLACE | {"note": "x" * 1_046_400}), PLACE)
    assert (len(outcome.outputs["places"]), outcome.failures[0].reason) == (1, "too-large")


def test_a_large_event_that_fits_goes_on() -> None:
    (record,) = records(split(PLACE | {"note": "x" * 1_000_000}), "places")
    assert len(record["data"]["note"]) == 1_000_000


def test_a_cloud_event_keeps_its_id_source_type_time_trace_and_extensions() -> None:
    event = {
        "specversion": "1.0", "id": "a-1", "source": "/billing", "type": "com.example.reading",
        "time": "2026-11-22T10:00:00Z", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "tenant": "blue", "data": WEATHER,
    }  # fmt: skip
    (record,) = records(split(event), "weather")
    assert {name: record[name] for name in event if name != "data"} == {n: v for n, v in event.items() if n != "data"}
    assert record["partitionkey"] == "KCLT"


def test_the_key_an_event_names_itself_wins_over_its_envelopes() -> None:
    envelope = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "partitionkey": "envelope"}
    (own,) = records(split(envelope | {"data": WEATHER | {"pk": "own"}}), "weather")
    (other,) = records(split(envelope | {"data": WEATHER}), "weather")
    assert (own["partitionkey"], other["partitionkey"]) == ("own", "envelope")


def test_a_cloud_events_type_tells_the_kind_of_data_that_names_none() -> None:
    data = {name: value for name, value in WEATHER.items() if name != "kind"}
    envelope = {"specversion": "1.0", "id": "1", "source": "/s", "type": "headrace.weather.v1", "data": data}
    assert len(records(split(envelope), "weather")) == 1


def test_a_replay_carries_the_same_ids_and_bytes() -> None:
    bodies = [PLACE, [WEATHER, SEISMIC], orjson.dumps(PLACE) + b"\n" + orjson.dumps(WEATHER)]
    assert split(*bodies).outputs == split(*bodies).outputs


def test_a_hub_created_anew_does_not_repeat_ids() -> None:
    (before,) = records(split(PLACE), "places")
    (after,) = records(split(PLACE, enqueued=ENQUEUED + 1), "places")
    assert before["id"] != after["id"]


def test_a_dead_letter_sent_again_gets_the_id_it_would_have_had_and_enters_where_it_is_sent() -> None:
    (record,) = records(split(PLACE, first=900, properties={REPLAY_PROPERTY: "dev/1/7/3/1763800000000"}), "places")
    assert record["id"] == "dev-1-7-3-1763800000000"
    assert record["origin"] == f"dev/2/900/0/{ENQUEUED}"


def test_a_dead_letter_that_is_sent_again_and_fails_again_keeps_the_id_of_the_next() -> None:
    first = "dev/1/7/3/1763800000000"
    (failure,) = split(b"{", first=900, properties={REPLAY_PROPERTY: first}).failures
    assert str(failure.origin) == f"dev/2/900/0/{ENQUEUED}"  # or its sink would take it for a repeat
    ((_, payload),) = dead_letters(failure, "2026-11-22T09:30:00.000Z")
    assert orjson.loads(payload)["data"]["origin"] == first


@pytest.mark.parametrize("key", ["\ud800", 7, "k" * 256])
def test_a_partition_key_that_no_hub_takes_is_left_out_of_the_dead_letter(key: object) -> None:
    (failure,) = split(b"{").failures
    ((_, payload),) = dead_letters(replace(failure, key=key), "2026-11-22T09:30:00.000Z")
    assert orjson.loads(payload)["data"]["key"] is None


@pytest.mark.parametrize("text", [f"dev/0/{'1' * 5000}/0/1", "dev/0/1/a?b/1", "dev/1/2/3/4\n", 7, {"a": 1}])
def test_a_replay_property_that_no_hub_could_have_given_is_ignored(text: object) -> None:
    (record,) = records(split(PLACE, properties={REPLAY_PROPERTY: text}), "places")
    assert record["id"] == f"dev-2-418-0-{ENQUEUED}"


@pytest.mark.parametrize(
    ("start", "between", "end"), [(b"[", b",", b"]"), (b"\xef\xbb\xbf [", b" ,\n", b"]"), (b"", b"\n", b"")]
)
def test_an_event_of_very_many_bad_elements_is_a_bounded_number_of_dead_letters(
    start: bytes, between: bytes, end: bytes
) -> None:
    bad = [b'{"kind":"weather"}', b"7", b"{}"] * 2_000
    good = orjson.dumps(WEATHER)
    body = start + between.join([*bad[:3000], good, *bad[3000:], good]) + end
    outcome = split(body, PLACE | {"latitude": 123})
    assert [record["origin"].split("/")[3] for record in records(outcome, "weather")] == ["3000", "6001"]
    *alone, shared = [failure for failure in outcome.failures if failure.sequence == 418]
    assert (len(alone), len(outcome.failures), outcome.dead, outcome.records) == (ALONE, ALONE + 2, 6001, 6003)
    elements, unreadable = take_apart(shared.original())
    kept = [element.original() for element in elements] + [item.body for item in unreadable]
    assert sorted(kept + [failure.original() for failure in alone]) == sorted(bad)
    ((_, payload),) = dead_letters(shared, "2026-11-22T09:30:00.000Z")
    assert "5899 more" in orjson.loads(payload)["data"]["errors"][-1]["msg"]


def test_what_a_shared_dead_letter_holds_gets_ids_of_its_own_when_it_is_sent_again() -> None:
    *_, shared = split([WEATHER | {"humidity": 101}] * (ALONE + 3)).failures
    mended = shared.original().replace(b"101", b"99")
    again = split(mended, first=900, properties={REPLAY_PROPERTY: str(shared.origin)})
    ids = [record["id"] for record in records(again, "weather")]
    assert ids == [f"dev-2-418-{ALONE}{child}-{ENQUEUED}" for child in ("", ".1", ".2")]


def test_a_replay_property_of_someone_elses_is_ignored() -> None:
    (record,) = records(split(PLACE, properties={REPLAY_PROPERTY: "nonsense"}), "places")
    assert record["id"] == f"dev-2-418-0-{ENQUEUED}"


def test_the_order_of_a_key_is_the_order_of_the_batch() -> None:
    outcome = split(*[[PLACE | {"seq": number}, PLACE | {"seq": number + 1}] for number in range(0, 100, 2)])
    assert [record["data"]["seq"] for record in records(outcome, "places")] == list(range(100))


def test_what_split_sends_is_a_valid_record() -> None:
    from pydantic import TypeAdapter

    outcome = split([PLACE, WEATHER, SEISMIC])
    adapter = TypeAdapter(Record[dict])
    for hub in ("places", "weather", "seismic"):
        (record,) = records(outcome, hub)
        adapter.validate_python(record)
        EVENT.validate_python(record["data"])
    assert BATCH_CONTENT_TYPE == "application/cloudevents-batch+json"
