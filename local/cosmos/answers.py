"""What a handler returns: status, body and the headers that say what it cost and where it happened."""

from __future__ import annotations

from dataclasses import dataclass, field

from local.cosmos.catalog import Container
from local.cosmos.documents import Document


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer on its way out. `charge` is in request units: 1 where no document is read or changed."""

    body: bytes = b""
    status: int = 200
    charge: float = 1.0
    headers: dict[str, str] = field(default_factory=dict)


def container_headers(container: Container) -> dict[str, str]:
    """The headers of every answer about documents: SDKs keep session tokens by them."""
    return {
        "x-ms-alt-content-path": container.link,
        "x-ms-content-path": container.rid,
        "x-ms-session-token": container.session_token,
        "x-ms-documentdb-partitionkeyrangeid": "0",
        "lsn": str(container.lsn),
    }


def document_answer(
    container: Container, document: Document, *, status: int, charge: float, with_body: bool = True
) -> Answer:
    """The answer of a read or a write of one document."""
    headers = container_headers(container)
    headers["etag"] = document.etag
    headers["x-ms-item-lsn"] = str(document.lsn)
    return Answer(document.body if with_body else b"", status, charge, headers)
