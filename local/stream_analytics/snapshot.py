"""What a query remembers, as JSON and back: a job that is started again goes on as if it had not stopped.

JSON alone would turn datetimes into numbers, tuples into lists, and keys into strings. Those are written as
{"$": what, "of": its JSON}; everything else is written as it is, the events' own records above all.
"""

from __future__ import annotations

import json
from typing import Any, Final

from local.sql.asa.values import DateTime
from local.stream_analytics.rows import Row

_TAG: Final = "$"
_TYPES: Final[dict[str, type]] = {"bool": bool, "datetime": DateTime, "dict": dict, "list": list}
"""The types that `group_key` puts beside a value."""


def dumps(state: Any) -> str:
    """Write a state.

    Raises:
        TypeError: it holds something that is no plain data.
    """
    return json.dumps(_plain(state), ensure_ascii=False, separators=(",", ":"))


def loads(text: str) -> Any:
    """Read what `dumps` wrote.

    Raises:
        ValueError: `text` is not a state that was written whole.
    """
    return json.loads(text, object_hook=_restored)


def _plain(value: Any) -> Any:
    kind = type(value)
    if value is None or kind is str or kind is int or kind is float or kind is bool:
        return value
    if kind is list:
        return [_plain(item) for item in value]
    if kind is dict:
        if _TAG not in value and all(type(key) is str for key in value):
            return {key: _plain(member) for key, member in value.items()}
        return {_TAG: "dict", "of": [[_plain(key), _plain(member)] for key, member in value.items()]}
    if kind is tuple:
        return {_TAG: "tuple", "of": [_plain(item) for item in value]}
    if kind is DateTime:
        return {_TAG: "datetime", "of": int(value)}
    if kind is Row:
        return {_TAG: "row", "of": [int(value.time), _plain(value.sources), _plain(value.metas)]}
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
