"""Dead letters: what is kept of an event, or one element of it, that a stage cannot take, and how it travels.

A dead letter is a record like any other, on the hub `dead-letters`: the reason, where it failed, the original bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

import orjson
from pydantic import Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from shared.models.fields import MODEL, Key
from shared.records import Origin, to_json

HUB = "dead-letters"
RECORD_TYPE = "headrace.dead-letter.v1"

# Bad elements of one event that are described, each in a dead letter of its own; any further share one. A message of
# 1 MB has room for 500,000 that are no events: with a dead letter each they would take gigabytes, and a worker that
# dies of an event meets it again for ever.
ALONE = 100

# A body above this is kept in several dead letters: with its text escaped or in base64 each still fits one event.
PART_BYTES = 256 * 1024
MAX_ERRORS = 20
MAX_MESSAGE = 500
MAX_LOCATION = 100
MAX_DEPTH = 20

_KEY = TypeAdapter(Key, config=MODEL)


@with_config(MODEL)
class DeadLetter(TypedDict):
    """What a sink asks of a dead letter's data: the stage names the folder of its file."""

    id: str
    stage: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    hub: Annotated[str, Field(max_length=256)]
    partition: Annotated[str, Field(max_length=10)]


@dataclass(frozen=True)
class Failure:
    """One event, or one element of its body, that `stage` could not take.

    Attributes:
        reason: `decode` (not JSON), `validation`, `stage` (its own code raised), `too-large`, `refused` (by a store).
        errors: what was wrong, as pydantic lists it: `loc`, `msg`, `type`.
        hub, partition, sequence, element, enqueued: the position in the hub that the stage consumes.
        origin: where the fact first entered; the same position when the stage is the first.
        body: the original bytes.
        key: the event's partition key or the record's, as it came: it may be anything.
        in_array: whether `body` is one element of a JSON array.
        more: further bad elements of the same event, where there are so many that they share a dead letter.
        through: what the record says it has come through.
        replay_of: the origin that a replay carried with it. It is what the next replay is to carry, for its id.
    """

    stage: str
    reason: str
    errors: list[dict[str, Any]]
    hub: str
    partition: str
    sequence: int
    element: int
    enqueued: int
    origin: Origin
    body: bytes
    key: Any = None
    in_array: bool = False
    more: list[bytes] = field(default_factory=list)
    through: str = ""
    replay_of: Origin | None = None

    def original(self) -> bytes:
        """The bytes to keep: sent again, they are the same elements."""
        if not self.more:
            return self.body
        elements = [self.body, *self.more]
        return b"[" + b",".join(elements) + b"]" if self.in_array else b"\n".join(elements)


def validation_errors(error: ValidationError) -> list[dict[str, Any]]:
    """Pydantic's errors without the input, which the dead letter holds whole."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        {"loc": [_location(part) for part in item["loc"][:MAX_DEPTH]], "msg": _text(item["msg"]), "type": item["type"]}
        for item in details[:MAX_ERRORS]
    ]


def plain_error(kind: str, message: str) -> list[dict[str, Any]]:
    """One error in the same shape, for what pydantic did not find."""
    return [{"loc": [], "msg": _text(message), "type": kind}]


def _location(part: int | str) -> int | str:
    return part if isinstance(part, int) else part[:MAX_LOCATION]


def _text(message: str) -> str:
    # An exception may quote what is no Unicode (a lone surrogate), and no JSON writer takes that.
    return message[:MAX_MESSAGE].encode("utf-8", "backslashreplace").decode("utf-8")


def _key(key: Any) -> str | None:
    try:
        _KEY.validate_python(key)
        key.encode("utf-8")
    except ValueError:
        return None
    return str(key)


def dead_letters(failure: Failure, failed_at: str) -> Iterator[tuple[str, bytes]]:
    """The records of one failure, with their key: one, or one per `PART_BYTES` of the original bytes.

    The id derives from the origin and the stage, so a replay carries the same. The key is the partition consumed: dead
    letters of one partition stay in order.
    """
    identity = f"{failure.stage}-{failure.origin.record_id()}"
    position = f"{failure.hub}/{failure.partition}"
    body, errors = failure.original(), failure.errors
    if failure.more:
        errors = errors + plain_error("shared", f"and {len(failure.more)} more elements of this event cannot be taken")
    size = len(body)
    parts = max(1, -(-size // PART_BYTES))
    for part in range(parts):
        name = identity if part == 0 else f"{identity}.part{part}"
        data: dict[str, Any] = {
            "id": name,
            "kind": "dead-letter",
            "stage": failure.stage,
            "reason": failure.reason,
            "errors": errors,
            "hub": failure.hub,
            "partition": failure.partition,
            "sequence": failure.sequence,
            "index": failure.element,
            "enqueued": failure.enqueued,
            "origin": str(failure.replay_of or failure.origin),
            "key": _key(failure.key),
            "failed_at": failed_at,
            "size": size,
            "part": part,
            "parts": parts,
        }
        data |= _body(body[part * PART_BYTES : (part + 1) * PART_BYTES])
        record = {
            "specversion": "1.0",
            "id": name,
            "source": f"/headrace/{failure.stage}",
            "type": RECORD_TYPE,
            "time": failed_at,
            "partitionkey": position,
            # Parts differ in their origin, or a sink would take the second for a repeat of the first.
            "origin": str(failure.origin if parts == 1 else failure.origin.child(part)),
            "through": failure.through[:1000],
            "data": data,
        }
        yield position, to_json(record)


def _body(part: bytes) -> dict[str, str]:
    """As text where it is text; in base64 where it is not, or where escaping would swell it beyond what base64 does."""
    try:
        text = part.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        if len(orjson.dumps(text)) <= 2 * len(part) + 2:
            return {"body": text}
    return {"body_base64": base64.b64encode(part).decode("ascii")}
