"""Records into documents of Cosmos DB, and how they are cut into requests. Pure.

https://learn.microsoft.com/azure/stream-analytics/stream-analytics-documentdb-output, at compatibility level 1.2: a
document with the id of another one replaces it.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from local.sql.asa.values import field
from local.stream_analytics.definition import CosmosOutput
from local.stream_analytics.store import Delivery

# https://learn.microsoft.com/azure/cosmos-db/transactional-batch#limitations
BATCH_OPERATIONS: Final = 100
BATCH_BYTES: Final = 2 * 1024 * 1024 - 64 * 1024  # 2 MB less room for the operations around the documents

MAX_ID: Final = 255
"""Characters: https://learn.microsoft.com/azure/stream-analytics/data-error-codes#cosmosdboutputinvalidid"""
_NO_ID = re.compile(r"[/\\?#\x00-\x1f\x7f]| $")


@dataclass(frozen=True)
class Refused:
    """A record that the output will never take, and why: a data conversion error, in Azure's words."""

    what: str
    why: str


class Document(NamedTuple):
    """A document, the value of its partition key, and its size in bytes of JSON."""

    id: str
    key: str
    content: dict[str, Any]
    size: int


def documents(output: CosmosOutput, run: str, delivery: Delivery) -> tuple[list[Document], list[Refused]]:
    """The documents of a delivery, in order, and the records that cannot be one.

    Without a column for it, a document's id is made of where in the job's run it stands, so that a repetition replaces
    it. A partition key of any type becomes text, as in Azure.
    """
    found, refused = [], []
    for index, line in enumerate(delivery.lines):
        content: dict[str, Any] = json.loads(line)
        if output.document_id is None:
            own = content.get("id")
            name = own if type(own) is str else str(uuid.uuid5(uuid.UUID(run), f"{delivery.number}/{index}"))
        else:
            name = _as_text(field(content, output.document_id))
        key = _as_text(field(content, output.partition_key))
        if why := _refusal(output, name, key):
            refused.append(Refused(line[:100].decode("utf-8", "replace"), why))
            continue
        content["id"], content[output.partition_key] = name, key
        found.append(Document(name, key, content, len(line) + len(name) + 16))
    return found, refused


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if type(value) is str else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _refusal(output: CosmosOutput, name: str, key: str) -> str | None:
    if not name:
        return f"it has no {output.document_id}, which is to be the document's id"
    if len(name) > MAX_ID:
        return f"its id has {len(name)} characters, and {MAX_ID} is the most"
    if _NO_ID.search(name):
        return "its id has a character that an id cannot have: / \\ ? #, a control character, or a space at its end"
    if not key:
        return f"it has no {output.partition_key}, which is the partition key"
    return None


def batches(same_key: Sequence[Document]) -> Iterator[list[Document]]:
    """Cut the documents of one key into transactional batches, in order; of two with one id the later stays."""
    last = {document.id: place for place, document in enumerate(same_key)}
    batch: list[Document] = []
    size = 0
    for place, document in enumerate(same_key):
        if last[document.id] != place:
            continue
        if batch and (len(batch) == BATCH_OPERATIONS or size + document.size > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += document.size
    if batch:
        yield batch
