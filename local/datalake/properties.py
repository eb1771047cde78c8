"""A file's properties, between the headers that the DFS endpoint uses and those of blobs."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from local.datalake.errors import bad_request

# A blob written by the DFS endpoint carries this index tag. A hierarchical account has no tags of its own, so no client
# sees it, and Set Blob Metadata leaves it alone: it tells, after any restart, which files may be appended to.
WRITTEN_HERE = {"x-ms-tags": "written-by=dfs"}
TAG_COUNT = "x-ms-tag-count"
FOLDER = "x-ms-meta-hdi_isfolder"  # how ADLS marks a directory among blobs

CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
_CONTENT = ("cache-control", "content-type", "content-encoding", "content-language", "content-disposition")


def blob_content_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """x-ms-content-type and its kin (of a DFS request) as x-ms-blob-content-type and its kin."""
    found = {f"x-ms-blob-{name}": headers[f"x-ms-{name}"] for name in _CONTENT if f"x-ms-{name}" in headers}
    if "x-ms-content-md5" in headers:
        found["x-ms-blob-content-md5"] = headers["x-ms-content-md5"]
    return found


def carried_headers(answer: Mapping[str, str]) -> dict[str, str]:
    """What a blob has now (by Get Blob Properties), as the headers that give it to its next version."""
    found = {f"x-ms-blob-{name}": answer[name] for name in _CONTENT if name in answer}
    return found | {name.lower(): value for name, value in answer.items() if name.lower().startswith("x-ms-meta-")}


def metadata_headers(properties: str) -> dict[str, str]:
    """x-ms-properties (`name=base64,name=base64`) as x-ms-meta-* headers.

    Raises:
        Refused: 400 InvalidPropertyName, it is malformed, or a value is not ASCII.
    """
    found = {}
    for part in filter(None, (part.strip() for part in properties.split(","))):
        name, equals, encoded = part.partition("=")
        try:
            value = base64.b64decode(encoded, validate=True).decode("ascii")
        except (binascii.Error, UnicodeDecodeError):
            value = None
        if not (name and equals) or value is None or not value.isprintable():
            raise bad_request("InvalidPropertyName", f"x-ms-properties: not name=base64 of printable ASCII: {part}")
        found[f"x-ms-meta-{name}"] = value
    return found


def conditions(headers: Mapping[str, str], *extra: str) -> dict[str, str]:
    """The conditional headers of a request (and `extra` ones), as they are."""
    return {name: headers[name] for name in (*CONDITIONS, *extra) if headers.get(name)}
