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

# Without one of these a line is no dead letter.
_REQUIRED = frozenset({"stage", "reason", "enqueued", "key", "failed_at", "size"})
# A part's id is its letter's, with the part's number behind it.
_PART_SUFFIX = re.compile(r"\.part\d+$")


class UnreadableLetter(ToolError):
    """A line of a file is not a dead letter; the message says which."""


@dataclass(frozen=True)
class DeadLetter:
    """One refused event, whole.

    Attributes:
        hub, partition, sequence, index: the event of the hub that the stage read, and the element in its body.
        enqueued: when that event entered its hub, milliseconds since 1970.
        origin: where the fact first entered any hub. A replay carries it, so that the same id is derived again.
        found_parts: how many of its `parts` were in the files read.
    """

    id: str
    stage: str
    reason: str
    errors: tuple[dict[str, Any], ...]
    hub: str
    partition: str
    sequence: int
    index: int
    enqueued: int
    origin: str
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
            "origin": self.origin, "key": self.key, "failed_at": self.failed_at, "size": self.size,
        }  # fmt: skip
        if not self.complete:
            shown |= {"parts": self.parts, "found_parts": self.found_parts}
        try:
            return {**shown, "body": self.body.decode("utf-8")}
        except UnicodeDecodeError:
            return {**shown, "body_base64": base64.b64encode(self.body).decode("ascii")}


def assemble(files: Iterable[tuple[str, bytes]]) -> list[DeadLetter]:
    """The letters in some files; one written twice is one letter, and its parts may be in several files.

    Args:
        files: the path of each and its content: a dead letter, or a part of one, on every line.

    Raises:
        UnreadableLetter: a line is not a dead letter.
    """
    parts: dict[tuple[object, ...], dict[int, dict[str, Any]]] = defaultdict(dict)
    lines = ((path, number, line) for path, content in files for number, line in enumerate(content.split(b"\n"), 1))
    for path, number, line in lines:
        if not line.strip():
            continue
        try:
            fields = orjson.loads(line)
            if missing := _REQUIRED - fields.keys():
                raise KeyError(*sorted(missing))
            letter_id = _PART_SUFFIX.sub("", fields["id"]) if fields["parts"] > 1 else fields["id"]
            identity = (letter_id, fields["hub"], fields["partition"], fields["sequence"], fields["index"])
            parts[identity][fields["part"]] = {**fields, "id": letter_id, "bytes": _body(fields)}
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, binascii.Error) as error:
            raise UnreadableLetter(f"{path}, line {number}: not a dead letter ({error!r})") from error
    return [_whole(found) for found in parts.values()]


def _body(fields: dict[str, Any]) -> bytes:
    if "body_base64" in fields:
        return base64.b64decode(fields["body_base64"], validate=True)
    return str(fields["body"]).encode("utf-8")


def _whole(found: dict[int, dict[str, Any]]) -> DeadLetter:
    ordered = [found[part] for part in sorted(found)]
    first = ordered[0]
    position = f"{first['hub']}/{first['partition']}/{first['sequence']}/{first['index']}"
    return DeadLetter(
        id=first["id"],
        stage=first["stage"],
        reason=first["reason"],
        errors=tuple(first.get("errors") or ()),
        hub=first["hub"],
        partition=str(first["partition"]),
        sequence=int(first["sequence"]),
        index=int(first["index"]),
        enqueued=int(first["enqueued"]),
        origin=first.get("origin") or f"{position}/{first['enqueued']}",
        key=first["key"],
        failed_at=first["failed_at"],
        size=int(first["size"]),
        parts=int(first["parts"]),
        found_parts=len(ordered),
        body=b"".join(part["bytes"] for part in ordered),
    )
