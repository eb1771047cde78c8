"""The functions of texts. Positions count from 1; comparisons heed case, but REGEXMATCH does not."""

from __future__ import annotations

from typing import Final

from local.sql import regular_expressions
from local.sql.asa.conversions import Mismatch
from local.sql.asa.mathematics import Undefined
from local.sql.like import like_pattern

_LONGEST: Final = 8_000_000  # characters: what REPLICATE and SPACE may make of one event
_ANY_CASE: Final = regular_expressions.IGNORE_CASE | regular_expressions.ASCII
_WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
"""What TRIM, LTRIM and RTRIM remove, which in T-SQL is the space alone. Source: the "Remarks" of their pages."""


def charindex(wanted: str, searched: str, start: int = 1) -> int:
    return searched.find(wanted, max(start, 1) - 1) + 1


def concat(*values: str | None) -> str:
    """NULL is the empty text."""
    return "".join(value for value in values if value is not None)


def concat_ws(separator: str | None, *values: str | None) -> str:
    """NULLs are left out, and have no separator."""
    return (separator or "").join(value for value in values if value is not None)


def left(value: str, count: int) -> str:
    return value[: _count(count)]


def right(value: str, count: int) -> str:
    return value[max(len(value) - _count(count), 0) :]


def length(value: str) -> int:
    """Blanks at the end do not count."""
    return len(value.rstrip(" "))


def ltrim(value: str) -> str:
    return value.lstrip(_WHITE_SPACE)


def rtrim(value: str) -> str:
    return value.rstrip(_WHITE_SPACE)


def trim(value: str) -> str:
    return value.strip(_WHITE_SPACE)


def nchar(code: int) -> str | None:
    return chr(code) if 0 <= code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else None


def unicode(value: str) -> int | None:
    return ord(value[0]) if value else None


def replace(value: str, old: str, new: str) -> str:
    return value.replace(old, new) if old else value


def replicate(value: str, times: int) -> str | None:
    if times < 0:
        return None
    if len(value) * times > _LONGEST:
        raise Undefined(f"the text would be longer than {_LONGEST} characters")
    return value * times


def space(count: int) -> str | None:
    return replicate(" ", count)


def reverse(value: str) -> str:
    return value[::-1]


def stuff(value: str, start: int, count: int, put: str) -> str:
    """`count` characters from `start` on are taken out, `put` is put there.

    A start before the text is its first character, one behind it makes the empty text: not as T-SQL has it.
    """
    first, count = max(start, 1) - 1, _count(count)
    return "" if start > len(value) else value[:first] + put + value[first + count :]


def substring(value: str, start: int, count: int) -> str:
    """A start before the text counts: SUBSTRING('abc', 0, 2) is 'a'."""
    return value[max(start - 1, 0) : max(start - 1 + _count(count), 0)]


def translate(value: str, characters: str, replacements: str) -> str:
    if len(characters) != len(replacements):
        raise Undefined("its second and third arguments differ in length")
    table: dict[int, str] = {}
    for old, new in zip(characters, replacements, strict=True):
        table.setdefault(ord(old), new)
    return value.translate(table)


def _count(count: int) -> int:
    if count < 0:
        raise Mismatch(count, "length: it is negative")
    return count


def regexmatch(value: str, pattern: str) -> int:
    """Where the pattern is found first, in any case; 0 when it is not, or is no regular expression."""
    compiled = regular_expressions.pattern(pattern, _ANY_CASE)
    if compiled is None:
        return 0
    try:
        found = regular_expressions.search(compiled, value)
    except regular_expressions.GivenUp as given_up:
        raise Undefined(str(given_up)) from None
    return found.start() + 1 if found else 0


def patindex(pattern: str, value: str) -> int:
    """Where a LIKE pattern matches first; without % at an end it must match there."""
    inner = pattern.lstrip("%")
    found = like_pattern(inner)
    if inner == pattern:
        return 1 if found.fullmatch(value) else 0
    if not inner:
        return 1
    return next((start + 1 for start in range(len(value) + 1) if found.fullmatch(value, start)), 0)
