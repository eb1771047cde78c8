"""One captured event, as a person reads it and as a line of JSON."""

from __future__ import annotations

import base64
import contextlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tools import printable

_KEYS = ("x-opt-partition-key", "x-opt-kafka-key")


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
        with contextlib.suppress(ValueError):
            return printable.json_value(self.body or b"")
        return _value(self.body)

    def lines(self) -> tuple[str, str]:
        """What a person reads: where it is and what goes with it, then the body."""
        place = f"sequence {self.sequence}  offset {self.offset}  {self.enqueued}"
        place += f"  key {self.key}" if self.key is not None else "  no key"
        for name, value in (*self.system.items(), *self.properties.items()):
            if name not in _KEYS:
                place += f"  {name}={_shown(value)}"
        return printable.line(place), printable.block(self._body_text())

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
