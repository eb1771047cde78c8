"""The flat document that a record becomes, the same in Cosmos DB and in the Data Lake's files."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Any, NotRequired

from pydantic import Field, with_config
from typing_extensions import TypedDict

from shared.models.fields import MODEL, Key
from shared.records import DERIVED_SOURCE, OWN_ATTRIBUTES, parse_origin, set_aside, utc_from_milliseconds

# What a document says beyond the event's own fields, and what Cosmos DB takes for its own: it would replace the system
# properties, and delete the document after `ttl` seconds.
RESERVED = frozenset(("id", "origin", "ttl", "_rid", "_self", "_etag", "_attachments", "_ts"))

# https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits: no / \ ? # in an id, 1,023 bytes at most.
# The SDK itself raises for those, for tabs and line ends, and for a space at the end: an error that no retry mends.
MAX_ID_BYTES = 1023
_FORBIDDEN = re.compile(r"[/\\?#%\x00-\x20\x7f]")
_FORBIDDEN_OR_COLON = re.compile(r"[/\\?#%\x00-\x20\x7f:]")
# As `Origin.record_id` makes them.
_DERIVED = re.compile(r"[A-Za-z0-9._-]{1,256}(-[0-9]{1,19}){2}-[0-9.]{1,160}-[0-9]{1,14}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@with_config(MODEL)
class Stored(TypedDict):
    """What a sink asks of a record's data: its kind, which names the folder of its file, and a key that is one."""

    kind: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    pk: NotRequired[Key]


def to_document(record: dict[str, Any]) -> dict[str, Any]:
    """The document of a record: `id`, `pk`, the event's own fields and what enrichment added, and `origin`.

    `origin` is an object: hub, partition, sequence, element and enqueued of where it entered; time, source and id of
    the record; its traceparent and further extension attributes where it has them.
    """
    data = record["data"]
    entered = parse_origin(record["origin"])
    origin: dict[str, Any] = {
        "hub": entered.hub,
        "partition": entered.partition,
        "sequence": entered.sequence,
        "element": entered.element,
        "enqueued": utc_from_milliseconds(entered.enqueued),
        "time": record["time"],
        "source": record["source"],
        "id": record["id"],
    }
    if "traceparent" in record:
        origin["traceparent"] = record["traceparent"]
    if len(record) > len(OWN_ATTRIBUTES) or not OWN_ATTRIBUTES.issuperset(record):
        origin["extensions"] = {name: value for name, value in record.items() if name not in OWN_ATTRIBUTES}
    document = {"id": document_id(record["id"], record["source"]), "pk": record["partitionkey"]}
    document |= set_aside(data, RESERVED)
    document["origin"] = origin
    return document


def document_id(record_id: str, source: str) -> str:
    """The document id of a record: its own where that is unique by itself, else qualified by its source.

    CloudEvents promises that source and id together are unique, not the id alone: two producers that both count from 1
    must not overwrite each other's documents. An id that Headrace derived, and a UUID, are unique as they are.
    """
    if _UUID.fullmatch(record_id) or (source.startswith(DERIVED_SOURCE) and _DERIVED.fullmatch(record_id)):
        return record_id
    # A colon in the id is escaped too: the last one then divides, and `a:b` + `c` is not `a` + `b:c`.
    qualified = f"{_FORBIDDEN.sub(_escaped, source)}:{_FORBIDDEN_OR_COLON.sub(_escaped, record_id)}"
    if len(qualified.encode()) <= MAX_ID_BYTES:
        return qualified
    return hashlib.sha256(qualified.encode()).hexdigest()


def _escaped(character: re.Match[str]) -> str:
    return f"%{ord(character[0]):02X}"
