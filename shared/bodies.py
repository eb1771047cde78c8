"""What producers put in a body, taken apart: one JSON object, an array, newline-delimited JSON, or CloudEvents.

Pure: bytes in, elements out. An element that cannot be read does not touch its neighbours.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple, NotRequired

import orjson
from pydantic import Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from shared.failures import ALONE, plain_error, validation_errors
from shared.models.fields import MODEL, Key


class Element(NamedTuple):
    """The `number`-th event of a body: its data, not validated yet, and its CloudEvents attributes if it has any.

    `body` is where it was found, which is more than itself when it is an element of an array (`in_array`).
    """

    number: int
    data: Any
    attributes: dict[str, Any] | None
    body: bytes
    in_array: bool = False

    def original(self) -> bytes:
        """The event's own bytes, as its producer wrote them."""
        return element_bytes(self.body, self.number) if self.in_array else self.body


class Unreadable(NamedTuple):
    """One element, or a whole body, that is not an event in any form: `body` is its bytes."""

    number: int
    reason: str
    errors: list[dict[str, Any]]
    body: bytes


@with_config(MODEL)
class CloudEvent(TypedDict):
    """A structured CloudEvent 1.0 as a producer sends it.

    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
    """

    specversion: Literal["1.0"]
    id: Annotated[str, Field(min_length=1, max_length=1000)]
    source: Annotated[str, Field(min_length=1, max_length=1000)]
    type: Annotated[str, Field(min_length=1, max_length=255)]
    time: NotRequired[str]
    subject: NotRequired[str]
    datacontenttype: NotRequired[Annotated[str, Field(pattern=r"^[^;]*[/+]json\s*(;.*)?$")]]
    partitionkey: NotRequired[Key]
    traceparent: NotRequired[str]
    data: NotRequired[Any]
    data_base64: NotRequired[str]


_CLOUD_EVENT = TypeAdapter(CloudEvent)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NO_OBJECT = plain_error("not_an_event", "an event is a JSON object")
_ARRAY = re.compile(rb"(?:\xef\xbb\xbf)?\s*\[")
_STRING_OR_STRUCTURE = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},]', re.DOTALL)


def take_apart(body: bytes) -> tuple[list[Element], list[Unreadable]]:
    """The elements of one event's body, in order, and those that cannot be read.

    Never raises: bytes that are no form of event are one `Unreadable` with index 0 that holds them whole.
    """
    if not body.strip():
        return [], [Unreadable(0, "decode", plain_error("empty", "the body is empty"), body)]
    try:
        parsed = orjson.loads(body.removeprefix(_BYTE_ORDER_MARK))
    except orjson.JSONDecodeError as error:
        return _lines(body, error)
    if isinstance(parsed, dict):
        if "specversion" not in parsed:
            return [Element(0, parsed, None, body)], []
        return _sorted_out([_element(0, parsed, body)])
    if isinstance(parsed, list):
        return _sorted_out([_element(number, item, body, in_array=True) for number, item in enumerate(parsed)])
    return [], [Unreadable(0, "decode", plain_error("not_an_event", "the body is JSON, but no object or array"), body)]


def element_bytes(body: bytes, number: int) -> bytes:
    """The bytes of the `number`-th element of a JSON array that parses, exactly as they stand in `body`."""
    start, end = _spans(body)[number]
    return body[start:end].strip()


def is_array(body: bytes) -> bool:
    """Whether the elements of a body stand in a JSON array."""
    return _ARRAY.match(body) is not None


# One body at a time: every element of an array may be bad, and finding each from the start would take hours.
@lru_cache(maxsize=1)
def _spans(body: bytes) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    depth = start = 0
    for token in _STRING_OR_STRUCTURE.finditer(body):
        mark = token[0]
        if mark in (b"[", b"{"):
            depth += 1
            if depth == 1:
                start = token.end()
        elif mark == b"," and depth == 1:
            spans.append((start, token.start()))
            start = token.end()
        elif mark in (b"]", b"}"):
            depth -= 1
            if depth == 0:
                spans.append((start, token.start()))
    return spans


def _lines(body: bytes, whole: orjson.JSONDecodeError) -> tuple[list[Element], list[Unreadable]]:
    """Newline-delimited JSON, where one broken line is one failure; or bytes that are no JSON at all."""
    results: list[Element | Unreadable] = []
    objects = bad = 0
    errors: list[dict[str, Any]] = []
    text = body.removeprefix(_BYTE_ORDER_MARK)
    for number, line in enumerate(line for line in text.split(b"\n") if line.strip()):
        try:
            parsed = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            bad += 1
            if bad <= ALONE:
                errors = plain_error("not_json", f"not JSON: {error}")
            results.append(Unreadable(number, "decode", errors, line))
        else:
            objects += isinstance(parsed, dict)
            results.append(_element(number, parsed, line))
    # A broken array, or a broken pretty-printed object, is one thing: its lines are not events.
    if not objects or is_array(body):
        return [], [Unreadable(0, "decode", plain_error("not_json", f"not JSON: {whole}"), body)]
    return _sorted_out(results)


def _sorted_out(results: list[Element | Unreadable]) -> tuple[list[Element], list[Unreadable]]:
    return [item for item in results if isinstance(item, Element)], [
        item for item in results if isinstance(item, Unreadable)
    ]


def _element(number: int, item: Any, body: bytes, *, in_array: bool = False) -> Element | Unreadable:
    element = Element(number, item, None, body, in_array)
    if not isinstance(item, dict):
        return Unreadable(number, "validation", _NO_OBJECT, element.original())
    if "specversion" not in item:
        return element
    try:
        return _cloud_event(element)
    except ValidationError as invalid:
        errors = validation_errors(invalid)
    except ValueError as wrong:
        errors = plain_error("not_an_event", str(wrong))
    return Unreadable(number, "validation", errors, element.original())


def _cloud_event(element: Element) -> Element:
    item = element.data
    _CLOUD_EVENT.validate_python(item)
    attributes = {name: value for name, value in item.items() if name not in ("data", "data_base64")}
    if "time" in attributes:
        attributes["time"] = _utc(attributes["time"])
    data = item.get("data")
    if "data_base64" in item:
        try:
            data = orjson.loads(base64.b64decode(item["data_base64"], validate=True))
        except (binascii.Error, orjson.JSONDecodeError) as error:
            raise ValueError(f"data_base64 does not hold JSON: {error}") from None
    return element._replace(data=data, attributes=attributes)


def _utc(time: str) -> str:
    moment = datetime.fromisoformat(time)
    if moment.tzinfo is None:
        raise ValueError("time: RFC 3339 asks for an offset, such as Z")
    try:
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except OverflowError:
        raise ValueError("time: in UTC it is before the year 1 or after the year 9999") from None
