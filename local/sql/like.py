"""LIKE patterns as regular expressions: % any text, _ any character, [a-f] and [^a-f] one of (not of) a set.

What follows a % is looked for once, from the left: a second place to find it would be no better, and trying them all
would take time that grows with the power of the number of %s.
"""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=256)
def like_pattern(pattern: str, escape: str | None = None) -> re.Pattern[str]:
    """The regular expression that matches the whole of a text (`fullmatch`) where LIKE does.

    Args:
        pattern: the LIKE pattern.
        escape: the character after which any other stands for itself.
    """
    first, *rest = _segments(pattern, escape)
    if not rest:
        return re.compile(first, re.DOTALL)
    between = "".join(f"(?>.*?{segment})" for segment in rest[:-1])
    return re.compile(f"{first}{between}.*{rest[-1]}", re.DOTALL)


def _segments(pattern: str, escape: str | None) -> list[str]:
    """What stands between the %s, as regular expressions of fixed length."""
    segments = [""]
    position = 0
    while position < len(pattern):
        sign = pattern[position]
        position += 1
        closing = pattern.find("]", position + 1) if sign == "[" else -1
        if sign == escape and position < len(pattern):
            segments[-1] += re.escape(pattern[position])
            position += 1
        elif sign == "%":
            segments.append("")
        elif sign == "_":
            segments[-1] += "."
        elif closing > 0:
            segments[-1] += _set(pattern[position:closing])
            position = closing + 1
        else:
            segments[-1] += re.escape(sign)
    return segments


def _set(inside: str) -> str:
    negated = inside.startswith("^") and len(inside) > 1
    found: list[str] = []
    rest = inside[negated:]
    while rest:
        if len(rest) > 2 and rest[1] == "-":
            if rest[0] <= rest[2]:
                found.append(f"{re.escape(rest[0])}-{re.escape(rest[2])}")
            rest = rest[3:]
        else:
            found.append(re.escape(rest[0]))
            rest = rest[1:]
    if not found:
        return "." if negated else "(?!)"
    return f"[{'^' if negated else ''}{''.join(found)}]"
