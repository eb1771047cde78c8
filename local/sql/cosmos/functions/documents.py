"""DOCUMENTID: the number of a document in its partition, as its resource id has it.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/documentid, whose example reads 13 out of the _rid
"36ZyAPW+uN8NAAAAAAAAAA==": the eight bytes after those of the container, the lowest first.
"""

from __future__ import annotations

import base64
from typing import Any, Final

from local.sql.cosmos.functions.table import Function
from local.sql.cosmos.values import UNDEFINED


def _document_id(document: Any) -> Any:
    rid = document.get("_rid") if type(document) is dict else None
    if type(rid) is not str:
        return UNDEFINED
    try:
        return int.from_bytes(base64.b64decode(rid.replace("-", "/"), validate=True)[8:16], "little")
    except ValueError:
        return UNDEFINED


DOCUMENT_ID: Final = Function("DOCUMENTID", 1, 1, _document_id)
"""Its argument must be the container's alias; see `expressions`."""
