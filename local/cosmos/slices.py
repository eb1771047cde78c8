"""Slices of a container: the documents that a request's headers and its WHERE leave, read in order from SQLite.

What pins ids or partition keys down is looked up by index; a range of effective partition keys is checked key by key.
Two orders: by number (a scan: a document keeps its place for life) and by LSN (the change feed: newest change last).
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import orjson

from local.cosmos.catalog import Container
from local.cosmos.effective_key import effective_key
from local.cosmos.partition_key import canonical
from local.sql.cosmos.select import Select

# Hierarchical keys that are pinned level by level are looked up one by one; past this many, they are scanned for.
_COMBINATIONS = 10_000
_PREFIXES = 100


@dataclass(frozen=True, slots=True)
class Slice:
    """Which documents a request may see.

    Attributes:
        now: the second at which they must be alive.
        keys: their partition keys; None for any.
        key_prefixes: what their hierarchical partition keys begin with, as text; None for anything.
        ids: their ids; None for any.
        effective_range: the range of their effective partition keys, end excluded; None for any.
    """

    container: Container
    now: int
    keys: tuple[str, ...] | None = None
    key_prefixes: tuple[str, ...] | None = None
    ids: tuple[str, ...] | None = None
    effective_range: tuple[str, str] | None = None


def narrow(slice_: Slice, query: Select) -> Slice:
    """`slice_` narrowed by what the query's WHERE pins down: ids, partition keys."""
    ids = query.pinned.get(("id",))
    if ids is not None and all(isinstance(id_, str) for id_ in ids):
        slice_ = replace(slice_, ids=tuple(ids))
    paths = slice_.container.partition_key.paths
    pinned = [query.pinned[path] for path in itertools.takewhile(query.pinned.__contains__, paths)]
    if slice_.keys is not None or not pinned:
        return slice_
    if prod(map(len, pinned)) > _COMBINATIONS and len(paths) > 1:
        return slice_
    if any(isinstance(value, (list, dict)) for values in pinned for value in values):
        return slice_
    keys = tuple(dict.fromkeys(map(canonical, itertools.product(*pinned))))
    if len(pinned) == len(paths):
        return replace(slice_, keys=keys)
    if slice_.key_prefixes is not None or len(keys) > _PREFIXES:
        return slice_
    return replace(slice_, key_prefixes=tuple(map(prefix_text, keys)))


def prefix_text(prefix: str) -> str:
    """What canonical keys begin with whose first levels are the canonical `prefix`."""
    return f"{prefix[:-1]},"


def documents(connection: sqlite3.Connection, slice_: Slice, after: int = 0) -> Iterator[tuple[int, bytes]]:
    """(number, body) in order of number, after number `after`."""
    return _ordered(connection, slice_, "number", ["number > ?"], [after])


def changes(
    connection: sqlite3.Connection, slice_: Slice, after: int, since: int | None
) -> Iterator[tuple[int, bytes]]:
    """(lsn, body) in order of LSN, after LSN `after`.

    Args:
        since: the first second at which they changed; None for any.
    """
    terms, values = ["lsn > ?"], [after]
    if since is not None:
        terms.append("ts >= ?")
        values.append(since)
    return _ordered(connection, slice_, "lsn", terms, values)


def _ordered(
    connection: sqlite3.Connection, slice_: Slice, column: str, terms: list[str], values: list[Any]
) -> Iterator[tuple[int, bytes]]:
    table = f"documents_{slice_.container.number}"
    where = f"{' AND '.join(terms)} AND (expires IS NULL OR expires > ?)"
    values = [*values, slice_.now]
    if (slice_.keys, slice_.key_prefixes, slice_.ids, slice_.effective_range) == (None, None, None, None):
        yield from connection.execute(f"SELECT {column}, body FROM {table} WHERE {where} ORDER BY {column}", values)
        return
    # By the index on (key, id), whose order is not ours: sort the numbers, then fetch body by body.
    for name, wanted in (("key", slice_.keys), ("id", slice_.ids)):
        if wanted is not None:
            where += f" AND {name} IN (SELECT value FROM json_each(?))"
            values.append(orjson.dumps(wanted).decode())
    if slice_.key_prefixes is not None:
        # "-" comes right after the comma that ends a prefix.
        where += f" AND ({' OR '.join(['key >= ? AND key < ?'] * len(slice_.key_prefixes)) or 'FALSE'})"
        values += [bound for prefix in slice_.key_prefixes for bound in (prefix, f"{prefix[:-1]}-")]
    sql = f"SELECT {column}, number, key FROM {table} WHERE {where} ORDER BY {column}"
    for place, number, key in connection.execute(sql, values).fetchall():
        if slice_.effective_range is not None:
            effective = effective_key(slice_.container.partition_key, key)
            if not slice_.effective_range[0] <= effective < slice_.effective_range[1]:
                continue
        yield place, connection.execute(f"SELECT body FROM {table} WHERE number = ?", (number,)).fetchone()[0]
