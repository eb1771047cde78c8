"""Documents as a table that fits: the columns of what came back, as many as there is room for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools import printable

# https://learn.microsoft.com/rest/api/cosmos-db/cosmosdb-resource-uri-syntax-for-rest: what the service adds itself.
SYSTEM_PROPERTIES = frozenset({"_rid", "_self", "_etag", "_attachments", "_ts"})
# Of `SELECT VALUE ...`, whose results are no documents.
VALUE_COLUMN = "value"
_WIDEST = 40
# Rich puts a space and a rule on each side of a cell.
_PADDING = 3
_ELLIPSIS = "…"


@dataclass(frozen=True)
class Table:
    """Column names, cells already cut to their width, and the columns for which there was no room."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: tuple[str, ...]


def tabulate(items: Sequence[Any], width: int) -> Table:
    """The results of a query as a table of at most `width` characters.

    Columns come in the order in which the documents first name them; system properties are not shown. The first column
    is always there.
    """
    documents = [_without_system(item) if isinstance(item, Mapping) else {VALUE_COLUMN: item} for item in items]
    names = tuple(dict.fromkeys(name for document in documents for name in document))
    cells = {name: [_cell(document[name]) if name in document else "" for document in documents] for name in names}
    room = width - 1
    shown: list[str] = []
    for name in names:
        room -= max(len(_cut(name)), *(len(cell) for cell in cells[name])) + _PADDING
        if room < 0 and shown:
            break
        shown.append(name)
    return Table(
        columns=tuple(_cut(name) for name in shown),
        rows=tuple(zip(*(cells[name] for name in shown), strict=True)),
        left_out=names[len(shown) :],
    )


def _without_system(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in SYSTEM_PROPERTIES}


def _cell(value: Any) -> str:
    return _cut(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _cut(text: str) -> str:
    """At most `_WIDEST` characters, on one line."""
    line = printable.line(text.replace("\n", "⏎").replace("\r", "").replace("\t", " "))
    return line if len(line) <= _WIDEST else line[: _WIDEST - 1] + _ELLIPSIS
