"""Names and ids: which `id`s are allowed, and the resource ids (`_rid`) that the service makes up."""

from __future__ import annotations

import base64
import struct
import time
from typing import Any

from local.cosmos.errors import BadRequest

# https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits and #per-container-limits
DOCUMENT_ID_BYTES = 1023
RESOURCE_ID_CHARACTERS = 255
_FORBIDDEN = frozenset("/\\?#\t\r\n")


def check_id(value: Any, *, document: bool) -> str:
    """The `id` of a body, if the service would take it.

    Args:
        value: what the body has under "id"; None when it has nothing.
        document: documents may have longer ids than databases and containers.

    Raises:
        BadRequest: it is missing, not a string, too long, or holds / \\ ? or #.
    """
    if value is None or value == "":
        raise BadRequest("The input content is invalid because the required properties - 'id; ' - are missing")
    if type(value) is not str:
        raise BadRequest("The input content is invalid because the 'id' is not a string")
    too_long = len(value.encode()) > DOCUMENT_ID_BYTES if document else len(value) > RESOURCE_ID_CHARACTERS
    if too_long:
        limit = f"{DOCUMENT_ID_BYTES} bytes" if document else f"{RESOURCE_ID_CHARACTERS} characters"
        raise BadRequest(f"The input name is invalid. Ensure that it has at most {limit}.")
    if not _FORBIDDEN.isdisjoint(value) or value.endswith(" "):
        raise BadRequest(
            f"The input name '{value[:80]}' is invalid. Ensure to provide a unique non-empty string less than "
            f"'{DOCUMENT_ID_BYTES if document else RESOURCE_ID_CHARACTERS}' characters without / \\ ? # or a space at "
            "the end."
        )
    return value


def database_rid(number: int) -> str:
    return _encode(struct.pack(">I", number))


def container_rid(database: int, number: int) -> str:
    # The high bit tells a container's second half from a user's.
    return _encode(struct.pack(">II", database, number | 0x80000000))


def document_rid(database: int, container: int, number: int) -> str:
    return _encode(struct.pack(">IIQ", database, container | 0x80000000, number))


def etag(number: int, seconds: int) -> str:
    """A new version's etag, quotes included: unique by `number`, in the shape of the service's own."""
    return f'"{number & 0xFFFFFFFF:08x}-0000-{number >> 32 & 0xFFFF:04x}-0000-{seconds & 0xFFFFFFFFFFFF:012x}"'


def now() -> int:
    """Seconds since 1970, as `_ts` counts them."""
    return int(time.time())


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode().replace("/", "-")
