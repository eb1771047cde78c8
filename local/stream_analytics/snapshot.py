"""What a query remembers, as JSON and back: a job that is started again goes on as if it had not stopped.

JSON alone would turn datetimes into numbers, tuples into lists, and keys into strings. Those are written as
{"$": what, "of": its JSON}; everything else is written as it is, the events' own records above all.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from local.sql.asa.values import DateTime
from local.stream_analytics.rows import Row

_TAG: Final = "$"
_TYPES: Final[dict[str, type]] = {"bool": bool, "datetime": DateTime, "dict": dict, "list": list}
"""The types that `group_key` puts beside a value."""


class Lines(list[bytes]):
    """Parts of a state that were written before, each by `line`; in a state, they are written as they are."""


def dumps(state: Any) -> list[bytes]:
    """Write a state: a line of JSON, and after it what it holds of `Lines`, as they are.

    Raises:
        TypeError: it holds something that is no plain data.
    """
    lines: list[bytes] = []
    head = _encode(_plain(state, lines))
    return [head, *lines]


def loads(saved: Sequence[bytes]) -> Any:
    """Read what `dumps` wrote.

    Raises:
        ValueError: `saved` is not a state that was written whole.
    """
    head, *lines = saved

    def restored(found: dict[str, Any]) -> Any:
        if found.get(_TAG) == "lines":
            start, stop = found["of"]
            if stop > len(lines):
                raise ValueError(f"{stop} lines were saved, and {len(lines)} are there")
            return Lines(lines[start:stop])
        return _restored(found)

    return json.loads(head, object_hook=restored)


def line(value: Any) -> bytes:
    """Write a value that holds no `Lines`, once, for all the states that it will be part of.

    Raises:
        TypeError: it is no plain data.
    """
    return _encode(_plain(value, []))


def of_line(written: bytes) -> Any:
    """Read what `line` wrote."""
    return _LINE.decode(written.decode("utf-8", "surrogatepass"))


def _encode(plain: Any) -> bytes:
    return _JSON.encode(plain).encode("utf-8", "surrogatepass")


def _plain(value: Any, lines: list[bytes]) -> Any:
    kind = type(value)
    if value is None or kind is str or kind is int or kind is float or kind is bool:
        return value
    if kind is list:
        return [_plain(item, lines) for item in value]
    if kind is dict:
        if _TAG not in value and all(type(key) is str for key in value):
            return {key: _plain(member, lines) for key, member in value.items()}
        return {_TAG: "dict", "of": [[_plain(key, lines), _plain(member, lines)] for key, member in value.items()]}
    if kind is tuple:
        return {_TAG: "tuple", "of": [_plain(item, lines) for item in value]}
    if kind is DateTime:
        return {_TAG: "datetime", "of": int(value)}
    if kind is Row:
        return {_TAG: "row", "of": [int(value.time), _plain(value.sources, lines), _plain(value.metas, lines)]}
    if kind is Lines:
        lines += value
        return {_TAG: "lines", "of": [len(lines) - len(value), len(lines)]}
    for name, of in _TYPES.items():
        if value is of:
            return {_TAG: "type", "of": name}
    raise TypeError(f"a query's state cannot hold {value!r}: it is no plain data")


def _restored(found: dict[str, Any]) -> Any:
    kind = found.get(_TAG)
    if kind is None:
        return found
    content = found["of"]
    if kind == "datetime":
        return DateTime(content)
    if kind == "tuple":
        return tuple(content)
    if kind == "row":
        return Row(DateTime(content[0]), content[1], content[2])
    if kind == "dict":
        return dict(content)
    return _TYPES[content]


_JSON: Final = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))
_LINE: Final = json.JSONDecoder(object_hook=_restored)
