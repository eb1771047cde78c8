"""One event as it was received, and the records inside when it is packed."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson

from tools import printable

# CloudEvents 1.0, JSON event format, section 4: the content type of a batch.
BATCH_CONTENT_TYPE = "application/cloudevents-batch+json"


@dataclass(frozen=True)
class Received:
    """An event of a hub, or one record of a packed event (`index` is then its place, from 0)."""

    partition: str
    sequence: int
    offset: str
    enqueued: str
    key: str | None
    content_type: str | None
    properties: dict[str, str]
    body: bytes
    index: int | None = None

    def document(self) -> dict[str, Any]:
        """What `--json` prints; the body is JSON where it can be, otherwise text, otherwise base64."""
        shown: dict[str, Any] = {
            "partition": self.partition,
            "sequence": self.sequence,
            "offset": self.offset,
            "enqueued": self.enqueued,
            "key": self.key,
        }
        if self.index is not None:
            shown["index"] = self.index
        if self.content_type:
            shown["content_type"] = self.content_type
        if self.properties:
            shown["properties"] = self.properties
        try:
            return {**shown, "body": printable.json_value(self.body)}
        except ValueError:
            pass
        try:
            return {**shown, "body": self.body.decode("utf-8")}
        except UnicodeDecodeError:
            return {**shown, "body_base64": base64.b64encode(self.body).decode("ascii")}

    def lines(self) -> tuple[str, str]:
        """What a person reads: where it is, then the body as it is."""
        place = f"partition {self.partition}  sequence {self.sequence}  offset {self.offset}  {self.enqueued}"
        place += f"  key {self.key}" if self.key is not None else "  no key"
        if self.index is not None:
            place += f"  record {self.index}"
        for name, value in self.properties.items():
            place += f"  {name}={value}"
        return printable.line(place), printable.block(self._body_text())

    def _body_text(self) -> str:
        try:
            return self.body.decode("utf-8") or "(empty)"
        except UnicodeDecodeError:
            return f"{len(self.body):,} bytes, not UTF-8: {base64.b64encode(self.body).decode('ascii')}"


def unpack(event: Received) -> Iterator[Received]:
    """The records of a packed event, each with its own key; the event itself when it is not packed, or is broken."""
    if (event.content_type or "").partition(";")[0].strip().lower() != BATCH_CONTENT_TYPE:
        yield event
        return
    try:
        records = printable.json_value(event.body)
    except ValueError:
        records = None
    if not isinstance(records, list):
        yield event
        return
    for index, record in enumerate(records):
        key = record.get("partitionkey", event.key) if isinstance(record, dict) else event.key
        yield replace(event, key=key, index=index, content_type=None, body=orjson.dumps(record))
