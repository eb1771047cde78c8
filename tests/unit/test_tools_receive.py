"""What `receive` shows of an event, and how it opens a packed one."""

from __future__ import annotations

import json
from dataclasses import replace

import orjson
import pytest

from tools.receive.received import BATCH_CONTENT_TYPE, Received, unpack

PLAIN = Received(
    partition="2", sequence=418, offset="12345", enqueued="2026-11-22T09:00:00.123+00:00", key="28036",
    content_type=None, properties={}, body=b'{"postal_cd":"28036"}',
)  # fmt: skip
RECORDS = [{"id": "a", "partitionkey": "28036"}, {"id": "b", "partitionkey": "KCLT"}, {"id": "c"}]
DEEP = b"[" * 300 + b"]" * 300  # orjson reads it, and does not write it
PACKED = replace(PLAIN, content_type=BATCH_CONTENT_TYPE, body=json.dumps(RECORDS).encode())


def test_a_packed_event_is_its_records_each_with_its_own_key() -> None:
    records = list(unpack(PACKED))
    assert [json.loads(record.body)["id"] for record in records] == ["a", "b", "c"]
    assert [record.index for record in records] == [0, 1, 2]
    assert [record.key for record in records] == ["28036", "KCLT", "28036"]
    assert {record.sequence for record in records} == {418}


@pytest.mark.parametrize(
    "event",
    [
        PLAIN,
        replace(PLAIN, body=b"[1, 2]"),  # a producer's array is not packed by us
        replace(PACKED, body=b"[truncated"),
        replace(PACKED, body=b'{"not": "a batch"}'),
        replace(PACKED, body=b""),
        replace(PACKED, body=DEEP),
    ],
)
def test_anything_else_is_shown_as_it_is(event: Received) -> None:
    assert list(unpack(event)) == [event]


def test_a_content_type_may_have_parameters() -> None:
    assert len(list(unpack(replace(PACKED, content_type=f"{BATCH_CONTENT_TYPE}; charset=utf-8")))) == 3


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        (b'{"a": 1}', "body", {"a": 1}),
        (b"hello", "body", "hello"),
        (b"", "body", ""),
        (DEEP, "body", DEEP.decode()),
        (b"caf\xe9", "body_base64", "Y2Fm6Q=="),
    ],
)
def test_json_output_holds_any_body(body: bytes, field: str, value: object) -> None:
    document = replace(PLAIN, body=body).document()
    assert document[field] == value
    assert orjson.loads(orjson.dumps(document)) == document


def test_a_person_reads_where_it_is_then_the_body_as_it_is() -> None:
    place, body = replace(PLAIN, properties={"headrace-origin": "dev/2/1/0/5"}).lines()
    for part in ("partition 2", "sequence 418", "offset 12345", "key 28036", "headrace-origin=dev/2/1/0/5"):
        assert part in place
    assert body == '{"postal_cd":"28036"}'
    assert replace(PLAIN, body=b"").lines()[1] == "(empty)"
    assert "not UTF-8" in replace(PLAIN, body=b"\xe9").lines()[1]
    assert "no key" in replace(PLAIN, key=None).lines()[0]


def test_what_a_terminal_would_obey_is_spelled_out() -> None:
    """GIVEN escape sequences in a key, a property and a body THEN none of them reaches the terminal."""
    place, body = replace(PLAIN, key="k\x1b[2J", properties={"p": "v\nw"}, body=b"a\x1b[2J\tb\nc\x07").lines()
    assert place.endswith("key k\\x1b[2J  p=v\\nw")
    assert body == "a\\x1b[2J\tb\nc\\x07"
