"""What producers put in a body: every form that is taken, and what becomes of what is not."""

import base64

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.bodies import element_bytes, take_apart

CLOUD_EVENT = {"specversion": "1.0", "id": "a-1", "source": "/billing", "type": "com.example.place", "data": {"a": 1}}


def datas(body: bytes) -> list:
    elements, unreadable = take_apart(body)
    assert not unreadable
    return [element.data for element in elements]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a":1}', [{"a": 1}]),
        (b'  {"a":1}\n', [{"a": 1}]),
        (b'\xef\xbb\xbf{"a":1}', [{"a": 1}]),
        (b'[{"a":1},{"a":2}]', [{"a": 1}, {"a": 2}]),
        (b"[]", []),
        (b'{"a":1}\n{"a":2}\n', [{"a": 1}, {"a": 2}]),
        (b'{"a":1}\r\n\r\n{"a":2}', [{"a": 1}, {"a": 2}]),
        (b'\xef\xbb\xbf{"a":1}\r\n{"a":2}', [{"a": 1}, {"a": 2}]),
        (orjson.dumps(CLOUD_EVENT), [{"a": 1}]),
        (orjson.dumps([CLOUD_EVENT, {"a": 2}]), [{"a": 1}, {"a": 2}]),
        (orjson.dumps(CLOUD_EVENT) + b"\n" + b'{"a":2}', [{"a": 1}, {"a": 2}]),
    ],
)
def test_takes_every_form_apart(body: bytes, expected: list) -> None:
    assert datas(body) == expected


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "empty"),
        (b" \r\n ", "empty"),
        (b"\xff\xfe\x00", "not_json"),
        (b'{"a":1', "not_json"),
        (b'[{"a":1},{"a":2', "not_json"),
        (b'[\n{"a":1},\n{"a":2}\n', "not_json"),
        (b'\xef\xbb\xbf[\n{"a":1}\n,\n{"a":2}\n', "not_json"),
        (b'{\n "a": {\n  "b": 1\n }\n', "not_json"),
        (b"hello\nworld", "not_json"),
        (b"42", "not_an_event"),
        (b'"text"', "not_an_event"),
        (b"[" * 5000 + b"]" * 5000, "not_json"),
        (b'{"a":NaN}', "not_json"),
    ],
)
def test_a_body_that_is_no_event_is_one_failure_that_holds_it_whole(body: bytes, kind: str) -> None:
    elements, unreadable = take_apart(body)
    assert elements == []
    (only,) = unreadable
    assert only.body == body
    assert only.reason == "decode"
    assert only.errors[0]["type"] == kind


def test_one_broken_line_does_not_touch_its_neighbours() -> None:
    elements, (bad,) = take_apart(b'{"a":1}\n{"a":\n{"a":3}')
    assert [(element.number, element.data) for element in elements] == [(0, {"a": 1}), (2, {"a": 3})]
    assert (bad.number, bad.body) == (1, b'{"a":')


def test_an_element_that_is_no_object_is_its_own_failure() -> None:
    elements, (bad,) = take_apart(b'[{"a":1}, 7 , {"a":3}]')
    assert [element.number for element in elements] == [0, 2]
    assert (bad.number, bad.reason, bad.body) == (1, "validation", b"7")


def test_a_cloud_event_keeps_its_attributes_and_its_time_becomes_utc() -> None:
    event = CLOUD_EVENT | {"time": "2026-11-22T10:00:00+01:00", "partitionkey": "k", "tenant": "blue"}
    ((element,), _) = take_apart(orjson.dumps(event))
    assert element.attributes == {
        "specversion": "1.0",
        "id": "a-1",
        "source": "/billing",
        "type": "com.example.place",
        "time": "2026-11-22T09:00:00Z",
        "partitionkey": "k",
        "tenant": "blue",
    }


def test_a_cloud_event_with_base64_data() -> None:
    event = {**CLOUD_EVENT, "data_base64": base64.b64encode(b'{"a":5}').decode()}
    del event["data"]
    assert datas(orjson.dumps(event)) == [{"a": 5}]


@pytest.mark.parametrize(
    "change",
    [
        {"specversion": "0.3"},
        {"id": ""},
        {"source": None},
        {"time": "yesterday"},
        {"time": "2026-11-22T10:00:00"},
        {"time": ""},
        {"time": "0001-01-01T00:00:00+01:00"},
        {"time": "9999-12-31T23:59:59-01:00"},
        {"datacontenttype": "text/xml"},
        {"data_base64": "!"},
        {"data_base64": base64.b64encode(b"\x00\x01").decode()},
    ],
)
def test_a_malformed_cloud_event_is_a_validation_failure(change: dict) -> None:
    elements, (bad,) = take_apart(orjson.dumps([CLOUD_EVENT, CLOUD_EVENT | change]))
    assert len(elements) == 1
    assert (bad.number, bad.reason) == (1, "validation")
    assert orjson.loads(bad.body) == CLOUD_EVENT | change


def test_element_bytes_are_exactly_what_the_producer_wrote() -> None:
    body = b' [ {"a" : 1.50, "b":"\\u00e9"} ,\n [1, 2] ,"x" ]'
    assert element_bytes(body, 0) == b'{"a" : 1.50, "b":"\\u00e9"}'
    assert element_bytes(body, 1) == b"[1, 2]"
    assert element_bytes(body, 2) == b'"x"'


def test_element_bytes_are_found_beside_what_is_deep_and_what_looks_like_structure() -> None:
    deep = b"[" * 1000 + b"]" * 1000
    body = b"\xef\xbb\xbf[" + deep + b', {"a":"],[\\\\"} ,"\\"]"]'
    assert [element_bytes(body, number) for number in range(3)] == [deep, b'{"a":"],[\\\\"}', b'"\\"]"']


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_no_bytes_raise_and_none_are_lost(body: bytes) -> None:
    elements, unreadable = take_apart(body)
    assert elements or unreadable or orjson.loads(body) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=5))
@settings(max_examples=200)
def test_every_element_of_an_array_is_accounted_for_with_its_bytes(items: list) -> None:
    body = orjson.dumps(items)
    elements, unreadable = take_apart(body)
    assert sorted([item.number for item in elements] + [item.number for item in unreadable]) == list(range(len(items)))
    for bad in unreadable:
        assert orjson.loads(bad.body) == items[bad.number]
    for element in elements:
        assert orjson.loads(element.original()) == items[element.number]
