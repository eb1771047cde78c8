"""The document and the file line of a record: own fields kept, ids that never collide, the folder of its file."""

from __future__ import annotations

import orjson
import pytest
from azure.cosmos._base import _validate_resource

from shared.batches import Batch
from shared.documents import MAX_ID_BYTES, Stored, document_id
from shared.failures import PART_BYTES, Failure, dead_letters
from shared.records import Origin, Record
from shared.stages.enrich import ENRICH_PLACES
from shared.stages.split import SPLIT
from shared.stages.stored import STORE_DEAD_LETTERS, STORE_DOCUMENTS, StoreStage, dead_letter_entry, event_entry
from tests.unit.test_split import PLACE
from tests.unit.trigger import ENQUEUED, events


def stored(event: dict) -> list:
    split = SPLIT.process(Batch.of(events("dev", [event])))
    record = orjson.loads(split.outputs["places"][0][1])
    enriched = ENRICH_PLACES.process(Batch.of(events("places", [[record]])))
    read, outcome = STORE_DOCUMENTS.read(
        Batch.of(events("enriched", [b"[" + enriched.outputs["enriched"][0][1] + b"]"]))
    )
    assert not outcome.failures
    return read


def test_a_document_is_flat_and_keeps_the_events_own_fields() -> None:
    (item,) = stored(PLACE | {"note": [1]})
    document = item.document
    assert {name: document[name] for name in PLACE} == PLACE
    assert (document["kind"], document["county"], document["note"]) == ("place", "Mecklenburg County", [1])
    assert document["id"] == f"dev-2-418-0-{ENQUEUED}"
    assert document["origin"] == {
        "hub": "dev", "partition": "2", "sequence": 418, "element": "0", "enqueued": "2025-11-22T09:00:00.123Z",
        "time": "2026-11-22T09:00:00Z", "source": "/eventhubs/dev/2", "id": f"dev-2-418-0-{ENQUEUED}",
    }  # fmt: skip
    assert orjson.loads(item.line) == document


def test_an_own_id_or_origin_stays_under_another_name() -> None:
    (item,) = stored(PLACE | {"id": 17, "origin": "here"})
    assert (item.document["sent_id"], item.document["sent_origin"]) == (17, "here")
    assert item.document["id"] == f"dev-2-418-0-{ENQUEUED}"


@pytest.mark.parametrize("name", ["ttl", "_rid", "_self", "_etag", "_attachments", "_ts"])
def test_a_field_that_cosmos_db_takes_for_its_own_stays_under_another_name(name: str) -> None:
    # It would replace the system properties, and delete a document whose event says "ttl": 1 a second later.
    (item,) = stored(PLACE | {name: 1})
    assert (item.document[f"sent_{name}"], name in item.document) == (1, False)


def test_a_field_that_is_called_as_another_will_be_stays_beside_it() -> None:
    for sent in ({"id": 1, "sent_id": 2}, {"sent_id": 2, "id": 1}):
        (item,) = stored(PLACE | sent)
        assert (item.document["sent_sent_id"], item.document["sent_id"]) == (1, 2)


def test_a_cloud_events_trace_and_extensions_are_in_its_origin() -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    (item,) = stored(
        {
            "specversion": "1.0",
            "id": "a/1",
            "source": "/s",
            "type": "t",
            "traceparent": trace,
            "tenant": "b",
            "data": PLACE,
        }
    )
    assert item.document["origin"]["traceparent"] == trace
    assert item.document["origin"]["extensions"] == {"tenant": "b"}
    assert item.document["origin"]["id"] == "a/1"
    assert item.document["id"] == "%2Fs:a%2F1"


def test_ids_that_two_sources_both_use_are_two_documents() -> None:
    assert document_id("1", "/a") != document_id("1", "/b")
    assert document_id("1", "/a") == document_id("1", "/a")


def test_ids_that_escaping_could_confuse_stay_apart() -> None:
    assert len({document_id(text, "/a") for text in ("x/y", "x%2Fy", "x%252Fy", "x\\y", "x?y", "x#y")}) == 6


def test_a_colon_in_a_source_or_an_id_confuses_no_two() -> None:
    assert document_id("1", "urn:x") != document_id("x:1", "urn")


def test_an_id_from_a_source_that_only_looks_like_ours_is_qualified() -> None:
    ids = {document_id("1", "/eventhubs/a"), document_id("1", "/eventhubs/b"), document_id("1/?", "/eventhubs/b")}
    assert len(ids) == 3
    assert not [text for text in ids if set("/?") & set(text)]


@pytest.mark.parametrize("text", ["a ", "a\n", "a\tb", "a\r", "\x00", "a\\", "😀", "a/b", " "])
def test_the_sdk_takes_every_id(text: str) -> None:
    # It raises a ValueError for some, which would stop their partition for ever.
    for source in ("/s", " ", "/eventhubs/dev/2", "s\n"):
        _validate_resource({"id": document_id(text, source)})
        _validate_resource({"id": document_id(source, text)})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"data": {"kind": "place", "pk": {"a": 1}}}, "validation"),
        ({"data": {"kind": "place", "pk": 7}}, "validation"),
        ({"data": {"kind": "../place"}}, "validation"),
        ({"origin": f"dev/2/{'1' * 5000}/0/{ENQUEUED}"}, "validation"),
        ({"origin": f"dev/2/1/{'1' * 5000}/{ENQUEUED}"}, "validation"),
        ({"origin": "dev/2/1/0/1000000000000000000"}, "validation"),
        ({"time": "٢٠٢٦-11-22T09:00:00Z"}, "validation"),
    ],
)
def test_a_record_that_cannot_become_a_document_or_a_line_goes_alone(change: dict, reason: str) -> None:
    record = stored(PLACE)[0].record
    read, outcome = STORE_DOCUMENTS.read(Batch.of(events("enriched", [[record, record | change, record]])))
    assert [event_entry(item).lane for item in read] == ["dev/2/places/2"] * 2
    (failed,) = outcome.failures
    assert (failed.reason, failed.element, str(failed.origin)[:4]) == (reason, 1, failed_origin(change))


def failed_origin(change: dict) -> str:
    return "enri" if "origin" in change else "dev/"


def test_a_record_that_makes_the_document_raise_goes_alone() -> None:
    def fragile(record: dict) -> dict:
        return {"a": 1 / record["data"]["seq"]}

    stage = StoreStage("store_fragile", Record[Stored], fragile)
    record = stored(PLACE)[0].record
    bad = record | {"data": record["data"] | {"seq": 0}}
    read, outcome = stage.read(Batch.of(events("enriched", [[record, bad, record]])))
    assert (len(read), outcome.failures[0].reason, outcome.failures[0].element) == (2, "stage", 1)


def test_a_dead_letter_that_cannot_be_stored_becomes_one_that_can() -> None:
    # store_dead_letters sends it to the very hub that it reads: with the origin it had it would come back for ever.
    ((_, payload),) = dead_letters(failure(b"{"), "2026-11-22T09:30:00.000Z")
    for origin in ("dev/1/5/x/1", "d ev/1/5/2/1", f"dev/1/{'1' * 5000}/2/1"):
        bad = orjson.dumps([orjson.loads(payload) | {"origin": origin}])
        _, outcome = STORE_DEAD_LETTERS.read(Batch.of(events("dead-letters", [bad])))
        ((_, again),) = dead_letters(outcome.failures[0], "2026-11-22T09:30:00.000Z")
        read, outcome = STORE_DEAD_LETTERS.read(Batch.of(events("dead-letters", [b"[" + again + b"]"])))
        assert (len(read), outcome.failures) == (1, [])


@pytest.mark.parametrize("source", ["/s" * 400, "é" * 900])
def test_a_long_id_is_hashed_to_what_cosmos_takes(source: str) -> None:
    name = document_id("i" * 1000, source)
    assert len(name.encode()) <= MAX_ID_BYTES
    assert name != document_id("i" * 999, source)


def test_an_id_that_is_unique_by_itself_stays_as_it_is() -> None:
    assert document_id("dev-2-418-0-1", "/eventhubs/dev/2") == "dev-2-418-0-1"
    assert document_id("9f1c2d3e-0000-4000-8000-000000000000", "/api/events") == "9f1c2d3e-0000-4000-8000-000000000000"


def test_a_line_goes_by_kind_and_the_records_own_time() -> None:
    entry = event_entry(stored(PLACE)[0])
    assert entry.folder == "kind=place/date=2026-11-22/hour=09"
    assert entry.lane == "dev/2/places/2"
    assert entry.mark == (418, (0,), ENQUEUED)


def failure(body: bytes, sequence: int = 5) -> Failure:
    return Failure(
        stage="split", reason="decode", errors=[{"loc": [], "msg": "m", "type": "t"}], hub="dev", partition="1",
        sequence=sequence, element=2, enqueued=ENQUEUED, origin=Origin("dev", "1", sequence, "2", ENQUEUED), body=body,
        key="28036",
    )  # fmt: skip


def letters(body: bytes) -> list[dict]:
    payloads = [payload for _, payload in dead_letters(failure(body), "2026-11-22T09:30:00.000Z")]
    assert all(len(payload) < 1_000_000 for payload in payloads)
    read, outcome = STORE_DEAD_LETTERS.read(Batch.of(events("dead-letters", [b"[" + p + b"]" for p in payloads])))
    assert not outcome.failures
    assert {dead_letter_entry(item).folder for item in read} == {"stage=split/date=2026-11-22/hour=09"}
    marks = [dead_letter_entry(item).mark for item in read]
    assert marks == sorted(set(marks))  # or a sink would take the second part for a repeat
    return [orjson.loads(item.line) for item in read]


def original(letter: dict) -> bytes:
    import base64

    return letter["body"].encode() if "body" in letter else base64.b64decode(letter["body_base64"])


def test_a_dead_letter_says_why_where_and_what() -> None:
    (letter,) = letters(b'{"a":')
    assert letter == {
        "id": f"split-dev-1-5-2-{ENQUEUED}", "kind": "dead-letter", "stage": "split", "reason": "decode",
        "errors": [{"loc": [], "msg": "m", "type": "t"}], "hub": "dev", "partition": "1", "sequence": 5, "index": 2,
        "enqueued": ENQUEUED, "origin": f"dev/1/5/2/{ENQUEUED}", "key": "28036",
        "failed_at": "2026-11-22T09:30:00.000Z", "size": 5, "part": 0, "parts": 1, "body": '{"a":',
    }  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe", b"\x00" * 300_000, b"x" * 1_048_576, "é€😀".encode() * 60_000, bytes(range(256)) * 4096],
    ids=["empty", "not UTF-8", "zeros", "1 MB of text", "UTF-8 cut at part boundaries", "1 MB of bytes"],
)
def test_the_original_bytes_come_back_whole_whatever_they_are(body: bytes) -> None:
    parts = letters(body)
    assert b"".join(original(part) for part in parts) == body
    assert [part["part"] for part in parts] == list(range(parts[0]["parts"]))
    assert len(parts) == max(1, -(-len(body) // PART_BYTES))
