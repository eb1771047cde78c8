"""A dead letter: why an event was refused, where it came from, and the bytes as they were.

The function app writes one line of JSON for each; a body too large for a line is in several, told apart by `part`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from tools.errors import ToolError

# A part's id is its letter's, with the part's number behind it.
_PART_SUFFIX = re.compile(r"\.part\d+$")


class UnreadableLetter(ToolError):
    """A line of a file is not a dead letter; the message says which."""


@dataclass(frozen=True)
class DeadLetter:
    """One refused event, whole. `enqueued` is milliseconds since 1970; `index` is its place in the packed event."""

    id: str
    stage: str
    reason: str
    errors: tuple[dict[str, Any], ...]
    hub: str
    partition: str
    sequence: int
    index: int
    enqueued: int
    key: str | None
    failed_at: str
    size: int
    parts: int
    found_parts: int
    body: bytes

    @property
    def complete(self) -> bool:
        """Whether every part of its body was found: only then can it be replayed."""
        return self.found_parts == self.parts

    @property
    def origin(self) -> str:
        """Where it first entered, as the split stage reads it: a replay that carries it derives the same id."""
        return f"{self.hub}/{self.partition}/{self.sequence}/{self.index}/{self.enqueued}"

    def summary(self) -> str:
        """The first error in a line, and how many more there are."""
        if not self.errors:
            return ""
        first = self.errors[0]
        where = ".".join(str(step) for step in first.get("loc", ()))
        message = str(first.get("msg", first.get("type", "")))
        more = f" (and {len(self.errors) - 1} more)" if len(self.errors) > 1 else ""
        return f"{where}: {message}{more}" if where else message + more

    def document(self) -> dict[str, Any]:
        """What `--json` prints: the fields as stored, parts put together."""
        shown: dict[str, Any] = {
            "id": self.id, "stage": self.stage, "reason": self.reason, "errors": list(self.errors), "hub": self.hub,
            "partition": self.partition, "sequence": self.sequence, "index": self.index, "enqueued": self.enqueued,
            "key": self.key, "failed_at": self.failed_at, "size": self.size,
        }  # fmt: skip
        if not self.complete:
            shown |= {"parts": self.parts, "found_parts": self.found_parts}
        try:
            return {**shown, "body": self.body.decode("utf-8")}
        except UnicodeDecodeError:
            return {**shown, "body_base64": base64.b64encode(self.body).decode("ascii")}


def assemble(lines: Iterable[bytes], path: str) -> list[DeadLetter]:
    """The letters in the lines of one file, or of several read together; one written twice is one letter.

    Args:
        lines: JSON, a dead letter or a part of one in each; empty lines are passed over.
        path: what an error calls the place they are from.

    Raises:
        UnreadableLetter: a line is not a dead letter.
    """
    parts: dict[tuple[object, ...], dict[int, dict[str, Any]]] = defaultdict(dict)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            fields = orjson.loads(line)
            letter_id = _PART_SUFFIX.sub("", fields["id"]) if fields["parts"] > 1 else fields["id"]
            identity = (letter_id, fields["hub"], fields["partition"], fields["sequence"], fields["index"])
            parts[identity][fields["part"]] = {**fields, "id": letter_id, "bytes": _body(fields)}
        except (orjson.JSONDecodeError, KeyError, TypeError, binascii.Error) as error:
            raise UnreadableLetter(f"{path}, line {number}: not a dead letter ({error!r})") from error
    return [_whole(found) for found in parts.values()]


def _body(fields: dict[str, Any]) -> bytes:
    if "body_base64" in fields:
        return base64.b64decode(fields["body_base64"], validate=True)
    return str(fields["body"]).encode("utf-8")


def _whole(found: dict[int, dict[str, Any]]) -> DeadLetter:
    ordered = [found[part] for part in sorted(found)]
    first = ordered[0]
    return DeadLetter(
        id=first["id"], stage=first["stage"], reason=first["reason"], errors=tuple(first.get("errors") or ()),
        hub=first["hub"], partition=str(first["partition"]), sequence=int(first["sequence"]), index=int(first["index"]),
        enqueued=int(first["enqueued"]), key=first["key"], failed_at=first["failed_at"], size=int(first["size"]),
        parts=int(first["parts"]), found_parts=len(ordered), body=b"".join(part["bytes"] for part in ordered),
    )  # fmt: skip
