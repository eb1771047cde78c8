"""Records: what travels between hubs. A record is one fact, a CloudEvent 1.0 with its key and its origin.

Specification: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
Extension attributes: `partitionkey` and `traceparent` (the specification's Partitioning and Distributed Tracing), and
ours: `origin`, where the fact first entered, `hub/partition/sequence/element/enqueued` (milliseconds since 1970), and
`through`, the hubs and partitions that it has come through since, `places/2` or `places/2>checked/2`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Generic, Literal, NamedTuple, NotRequired, TypeVar

import orjson
from pydantic import Field, with_config
from typing_extensions import TypedDict

from shared.models.fields import MODEL, Key

BATCH_CONTENT_TYPE = "application/cloudevents-batch+json"

# Event Hubs bills ingress in units of 64 KB and counts an event per unit, so a pack of at most one unit wastes nothing.
# https://learn.microsoft.com/azure/event-hubs/event-hubs-faq#what-are-ingress-events
PACK_BYTES = 64_000

# What Event Hubs takes in one message, from Standard up, and the largest record that fits beside its annotations.
# https://learn.microsoft.com/azure/event-hubs/event-hubs-quotas
MESSAGE_BYTES = 1_048_576
MAX_RECORD_BYTES = 1_046_528

# The source of a record whose producer named none: its id is derived, and unique by itself.
DERIVED_SOURCE = "/eventhubs/"

# A dead letter that is sent again carries its origin in this property: it keeps its id, and enters where it is sent.
REPLAY_PROPERTY = "headrace-origin"

# And the stage that refused it in this one: of several that read the hub, it alone takes it again.
REPLAY_STAGE_PROPERTY = "headrace-stage"

# Bounded, so that what passes can be read: Python refuses to parse integers of thousands of digits, a time ends with
# the year 9999, and a name or a path made of it has a limit.
_ORIGIN = r"([A-Za-z0-9._-]{1,256})/([0-9]{1,5})/([0-9]{1,19})/([0-9]{1,9}(?:\.[0-9]{1,9}){0,15})/([0-9]{1,14})"
_ORIGIN_PARTS = re.compile(_ORIGIN)
_DATE = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"

Data = TypeVar("Data")


@with_config(MODEL)
class Record(TypedDict, Generic[Data]):
    """A CloudEvent whose `data` is one validated event. Further extension attributes are kept."""

    specversion: Literal["1.0"]
    id: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]
    type: Annotated[str, Field(min_length=1)]
    time: Annotated[str, Field(pattern=f"^{_DATE}T{_TIME}Z$")]
    partitionkey: Key
    origin: Annotated[str, Field(pattern=f"^{_ORIGIN}$")]
    through: NotRequired[Annotated[str, Field(max_length=2000)]]
    traceparent: NotRequired[str]
    data: Data


OWN_ATTRIBUTES = frozenset(
    (
        "specversion",
        "id",
        "source",
        "type",
        "time",
        "partitionkey",
        "origin",
        "through",
        "traceparent",
        "datacontenttype",
        "data",
    )
)


class Origin(NamedTuple):
    """Where a fact first entered: `element` is its place in the body (`4`, or `4.1` once a stage made two of it)."""

    hub: str
    partition: str
    sequence: int
    element: str
    enqueued: int

    def __str__(self) -> str:
        return f"{self.hub}/{self.partition}/{self.sequence}/{self.element}/{self.enqueued}"

    def record_id(self) -> str:
        """The id of a fact whose producer gave none: the same on every replay, another in a hub created anew."""
        return f"{self.hub}-{self.partition}-{self.sequence}-{self.element}-{self.enqueued}"

    def child(self, number: int) -> Origin:
        """The origin of the `number`-th of several records that a stage makes of one."""
        return self._replace(element=f"{self.element}.{number}")


def parse_origin(text: str) -> Origin:
    """Read `str(origin)` back.

    Raises:
        ValueError: not `hub/partition/sequence/element/enqueued`, or one that no hub could have given.
    """
    parts = _ORIGIN_PARTS.fullmatch(text)
    if parts is None:
        raise ValueError(f"not an origin (hub/partition/sequence/element/enqueued): {text[:100]}")
    hub, partition, sequence, element, enqueued = parts.groups()
    return Origin(hub, partition, int(sequence), element, int(enqueued))


def pack(payloads: Iterable[bytes], limit: int = PACK_BYTES) -> Iterator[tuple[bytes, int]]:
    """Join serialised records into CloudEvents JSON batches of at most `limit` bytes, in order.

    Yields:
        A body (`[...]`) and how many records it holds. A record above `limit` travels alone.
    """
    held: list[bytes] = []
    size = 1
    for payload in payloads:
        if held and size + len(payload) + 1 > limit:
            yield b"[" + b",".join(held) + b"]", len(held)
            held, size = [], 1
        held.append(payload)
        size += len(payload) + 1
    if held:
        yield b"[" + b",".join(held) + b"]", len(held)


@lru_cache(maxsize=4096)
def utc_from_seconds(seconds: int) -> str:
    """`2026-11-22T09:00:00Z`; cached because the events of a batch share their seconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def utc_from_milliseconds(milliseconds: int) -> str:
    """`2026-11-22T09:00:00.123Z`."""
    return f"{utc_from_seconds(milliseconds // 1000)[:-1]}.{milliseconds % 1000:03d}Z"


def set_aside(data: dict[str, Any], names: Set[str]) -> dict[str, Any]:
    """The data with these names free for ours: a producer's own field of such a name stays, `id` as `sent_id`."""
    if names.isdisjoint(data):
        return data
    kept = {}
    for name, value in data.items():
        free = name
        while free in names or (free != name and free in data):
            free = f"sent_{free}"
        kept[free] = value
    return kept


class Unsendable(ValueError):
    """A record that no hub takes: `reason` and `errors` are what its dead letter says."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.errors = [{"loc": [], "msg": message, "type": reason.replace("-", "_")}]


def to_json(value: Mapping[str, Any]) -> bytes:
    """A value as JSON, in as much memory as it is long.

    What orjson returns still holds the buffer that it grew: 8 KB for 900 bytes (measured), in a batch of thousands.

    Raises:
        orjson.JSONEncodeError: nested deeper than 254 levels, or a value that JSON has no form for.
    """
    return memoryview(orjson.dumps(value)).tobytes()


def serialise(record: Mapping[str, Any]) -> bytes:
    """A record as JSON.

    Raises:
        Unsendable: more than an event holds, nested deeper than JSON writers go (254 levels in orjson), or a value
            that JSON has no form for.
    """
    try:
        payload = to_json(record)
    except TypeError as error:
        raise Unsendable("decode", f"nested too deeply, or no JSON: {error}") from None
    if len(payload) > MAX_RECORD_BYTES:
        raise Unsendable("too-large", f"the record takes {len(payload)} bytes; a hub takes {MAX_RECORD_BYTES}")
    return payload
