"""One captured event, as a person reads it and as a line of JSON."""

from __future__ import annotations

import base64
import contextlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

_KEYS = ("x-opt-partition-key", "x-opt-kafka-key")
# A terminal obeys these; a body of several lines, and its tabs, are shown as they are.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_BODY_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Captured:
    """An event of a captured file; `enqueued` as the file has it."""

    sequence: int
    offset: str
    enqueued: str
    system: dict[str, Any]
    properties: dict[str, Any]
    body: bytes | None

    @classmethod
    def of(cls, record: dict[str, Any]) -> Captured:
        """The event of an Avro record."""
        return cls(
            record["SequenceNumber"], record["Offset"], record["EnqueuedTimeUtc"], record["SystemProperties"],
            record["Properties"], record["Body"],
        )  # fmt: skip

    @property
    def key(self) -> str | None:
        """The partition key, or the Kafka key."""
        value = next((self.system[name] for name in _KEYS if name in self.system), None)
        return None if value is None else _shown(value)

    def document(self) -> dict[str, Any]:
        """What `--json` prints: the body as JSON where it is; bytes as text where they are, else `{"base64": ...}`."""
        return {
            "sequence": self.sequence,
            "offset": self.offset,
            "enqueued": _iso(self.enqueued),
            "key": self.key,
            "system_properties": {name: _value(value) for name, value in self.system.items()},
            "properties": {name: _value(value) for name, value in self.properties.items()},
            "body": self._body(),
        }

    def _body(self) -> Any:
        with contextlib.suppress(orjson.JSONDecodeError):
            return orjson.loads(self.body or b"")
        return _value(self.body)

    def lines(self) -> tuple[str, str]:
        """What a person reads: where it is and what goes with it, then the body."""
        place = f"sequence {self.sequence}  offset {self.offset}  {self.enqueued}"
        place += f"  key {self.key}" if self.key is not None else "  no key"
        for name, value in (*self.system.items(), *self.properties.items()):
            if name not in _KEYS:
                place += f"  {name}={_shown(value)}"
        return _escaped(_CONTROLS, place), _escaped(_BODY_CONTROLS, self._body_text())

    def _body_text(self) -> str:
        if not self.body:
            return "(no body)" if self.body is None else "(empty)"
        try:
            return self.body.decode("utf-8")
        except UnicodeDecodeError:
            return f"{len(self.body):,} bytes, not UTF-8: {self.body.hex()}"


def _value(value: Any) -> Any:
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode("ascii")}


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return f"0x{value.hex()}"
    return "null" if value is None else str(value)


def _iso(enqueued: str) -> str:
    """`6/25/2020 3:47:29 PM` as `2020-06-25T15:47:29Z`; another form as it is."""
    try:
        return f"{datetime.strptime(enqueued, '%m/%d/%Y %I:%M:%S %p'):%Y-%m-%dT%H:%M:%S}Z"
    except ValueError:
        return enqueued


def _escaped(controls: re.Pattern[str], text: str) -> str:
    return controls.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
