"""Regular expressions that queries bring along: compiled and searched for by `regex`, which can be told to give up.

What takes `re` for ever (repetitions within repetitions) would hold a service as long. `regex` knows more of PCRE's and
ECMAScript's syntax, too. What it does not bound is how large a pattern becomes, as what has to be there n times is
compiled n times.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import regex  # type: ignore[import-untyped]  # no stubs without a package of their own

IGNORE_CASE: Final = int(regex.IGNORECASE)
MULTILINE: Final = int(regex.MULTILINE)
DOT_ALL: Final = int(regex.DOTALL)
VERBOSE: Final = int(regex.VERBOSE)
ASCII: Final = int(regex.ASCII)

SECONDS: Final = 1.0
"""Of CPU time that a search may take; what is not catastrophic takes microseconds."""

LARGEST: Final = 65_536
"""Characters, sets and the like that a pattern may come to, each repetition counted as often as it has to be there.

A set counts for more the longer it is: it is compiled, and searched for, character by character, without a limit.

PCRE's limit on a compiled pattern is as much, by default (https://www.pcre.org/current/doc/html/pcre2limits.html); to
compile so many takes 50 ms (measured).
"""

_SET_CHARACTERS: Final = 32
"""Of a set, that count as much as a character beside it."""

_TOKEN: Final = re.compile(
    r"""
    (?P<atom> \\(?:[pPNgkx]\{[^{}]*\}|.) | \[\^?\]?(?:\\.|\[:\^?[a-z]+:\]|[^\]\\])*\] )
    | (?P<open> \( )
    | (?P<close> \) )
    | (?P<times> [*+?] | \{(?P<least>[0-9]+)(?:,[0-9]*)?\} )
    | (?P<brace> \{ )
    | .
    """,
    re.VERBOSE | re.DOTALL,
)


class GivenUp(Exception):
    """A search that took too long, or too much memory."""


@lru_cache(maxsize=256)
def pattern(text: str, flags: int) -> regex.Pattern[str] | None:
    """Compile a pattern; None when it is none, or is too large.

    As in PCRE and ECMAScript, a brace that begins no quantifier stands for itself. To `regex`, {e} is an edit distance.
    """
    if len(text) > LARGEST or _size(text) > LARGEST:
        return None
    literal = _TOKEN.sub(lambda token: "\\{" if token["brace"] else token[0], text)
    try:
        return regex.compile(literal, flags, cache_pattern=False)
    except (regex.error, OverflowError, RecursionError, ValueError):
        return None


def search(compiled: regex.Pattern[str], text: str) -> regex.Match[str] | None:
    """Find the first match. Other threads run meanwhile.

    Raises:
        GivenUp: it takes too long, or too much memory.
    """
    try:
        return compiled.search(text, timeout=SECONDS)
    except (TimeoutError, MemoryError):
        raise GivenUp(
            f"the regular expression takes too much on a text of {len(text)} characters: given up after "
            f"{SECONDS:g} s, or sooner for its memory; repetitions within repetitions do that"
        ) from None


def _size(text: str) -> int:
    """What a pattern comes to; of a larger one than `LARGEST`, any number above that."""
    groups, last = [0], 0
    for token in _TOKEN.finditer(text):
        if token["open"]:
            groups.append(0)
            last = 0
        elif token["close"]:
            # Of one too many (in a comment), all that is before it is the group: rather too large than too small.
            last = groups.pop()
            groups = groups or [0]
            groups[-1] += last
        elif token["times"]:
            # To compile, what has to be there once is there twice, and so on.
            least = 1 if token["times"] == "+" else int((token["least"] or "0")[:9])
            groups[-1] += last * least
            last *= least + 1
        else:
            last = 1 + len(token[0]) // _SET_CHARACTERS
            groups[-1] += last
        if last > LARGEST:
            return last
    return sum(groups)
