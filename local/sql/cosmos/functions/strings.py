"""String functions.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/<function>, one page each. What they leave open (nothing
to replace, a negative start) is as in the offline engine of the .NET SDK's tests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from local.sql.cosmos.functions.table import MANY, Function, integer, of_text
from local.sql.cosmos.values import UNDEFINED

_LONGEST: Final = 10_000  # characters REPLICATE may make, by its page


def _contains(test: Callable[[str, str], bool]) -> Callable[..., Any]:
    """CONTAINS and its kin: two strings, and an optional boolean that makes the test case-insensitive."""

    def call(text: Any, part: Any, ignore_case: Any = False) -> Any:
        if type(text) is not str or type(part) is not str or type(ignore_case) is not bool:
            return UNDEFINED
        return test(text.lower(), part.lower()) if ignore_case else test(text, part)

    return call


def _contains_many(decisive: bool, ignore_case: bool) -> Callable[..., Any]:
    """CONTAINS with AND or OR in between: "equivalent to CONTAINS(...) OR ... OR CONTAINS(...)"."""

    def call(text: Any, *parts: Any) -> Any:
        if type(text) is not str:
            return UNDEFINED
        searched = text.lower() if ignore_case else text
        found = [
            (part.lower() if ignore_case else part) in searched if type(part) is str else UNDEFINED for part in parts
        ]
        if decisive in found:
            return decisive
        return UNDEFINED if UNDEFINED in found else not decisive

    return call


def _trim(strip: Callable[..., str]) -> Callable[..., Any]:
    """TRIM and its kin: of whitespace, or of the characters of a second string."""

    def call(text: Any, characters: Any = None) -> Any:
        if type(text) is not str or not isinstance(characters, str | None):
            return UNDEFINED
        return strip(text, characters)

    return call


def _in_case(change: Callable[[str], str]) -> Callable[[str], str]:
    """LOWER and UPPER: character by character, as .NET has them, so that the length stays (UPPER of ß is ß)."""

    def call(text: str) -> str:
        changed = change(text)
        if len(changed) == len(text):
            return changed
        return "".join(new if len(new := change(old)) == 1 else old for old in text)

    return call


def _concat(*texts: Any) -> Any:
    return "".join(texts) if all(type(text) is str for text in texts) else UNDEFINED


def _substring(text: Any, start: Any, length: Any) -> Any:
    first, count = integer(start), integer(length)
    if type(text) is not str or first is None or count is None:
        return UNDEFINED
    return text[first : first + max(count, 0)] if first >= 0 else ""


def _left(text: Any, length: Any) -> Any:
    count = integer(length)
    return UNDEFINED if type(text) is not str or count is None else text[: max(count, 0)]


def _right(text: Any, length: Any) -> Any:
    count = integer(length)
    if type(text) is not str or count is None:
        return UNDEFINED
    return text[-count:] if count > 0 else ""


def _replace(text: Any, old: Any, new: Any) -> Any:
    if not all(type(part) is str for part in (text, old, new)) or not old:
        return UNDEFINED
    return text.replace(old, new)


def _replicate(text: Any, times: Any) -> Any:
    count = integer(times)
    if type(text) is not str or count is None or count < 0 or len(text) * count > _LONGEST:
        return UNDEFINED
    return text * count


def _index_of(text: Any, part: Any, start: Any = 0) -> Any:
    first = integer(start)
    if type(text) is not str or type(part) is not str or first is None:
        return UNDEFINED
    return text.find(part, max(first, 0))


def _last_index_of(text: Any, part: Any, start: Any = None) -> Any:
    """`start` is where the search begins, on its way to the front."""
    if type(text) is not str or type(part) is not str:
        return UNDEFINED
    if start is None:
        return text.rfind(part)
    last = integer(start)
    if last is None:
        return UNDEFINED
    return text.rfind(part, 0, last + 1) if last >= 0 else -1


def _join(texts: Any, separator: Any) -> Any:
    if type(texts) is not list or type(separator) is not str or not all(type(text) is str for text in texts):
        return UNDEFINED
    return separator.join(texts)


def _split(text: Any, separator: Any) -> Any:
    if type(text) is not str or type(separator) is not str:
        return UNDEFINED
    return text.split(separator) if separator else [text]


STRINGS: Final = (
    Function("CONCAT", 2, MANY, _concat),
    Function("CONTAINS", 2, 3, _contains(lambda text, part: part in text)),
    Function("CONTAINS_ALL_CI", 2, MANY, _contains_many(decisive=False, ignore_case=True)),
    Function("CONTAINS_ALL_CS", 2, MANY, _contains_many(decisive=False, ignore_case=False)),
    Function("CONTAINS_ANY_CI", 2, MANY, _contains_many(decisive=True, ignore_case=True)),
    Function("CONTAINS_ANY_CS", 2, MANY, _contains_many(decisive=True, ignore_case=False)),
    Function("ENDSWITH", 2, 3, _contains(str.endswith)),
    Function("INDEX_OF", 2, 3, _index_of),
    Function("LASTINDEXOF", 2, 3, _last_index_of),
    Function("LEFT", 2, 2, _left),
    Function("LENGTH", 1, 1, of_text(len)),
    Function("LOWER", 1, 1, of_text(_in_case(str.lower))),
    Function("LTRIM", 1, 2, _trim(str.lstrip)),
    Function("REPLACE", 3, 3, _replace),
    Function("REPLICATE", 2, 2, _replicate),
    Function("REVERSE", 1, 1, of_text(lambda text: text[::-1])),
    Function("RIGHT", 2, 2, _right),
    Function("RTRIM", 1, 2, _trim(str.rstrip)),
    Function("STARTSWITH", 2, 3, _contains(str.startswith)),
    Function("STRINGEQUALS", 2, 3, _contains(str.__eq__), "STRING_EQUALS"),
    Function("STRINGJOIN", 2, 2, _join, "STRING_JOIN"),
    Function("STRINGSPLIT", 2, 2, _split, "STRING_SPLIT"),
    Function("SUBSTRING", 3, 3, _substring),
    Function("TRIM", 1, 2, _trim(str.strip)),
    Function("UPPER", 1, 1, of_text(_in_case(str.upper))),
)
