"""REGEXMATCH: regular expressions, with the modifiers m, s, i and x.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/regexmatch. The service's are PCRE, these are Python's:
what Python has no syntax for (recursion, \\K, \\Q...\\E) is undefined here, as what is no pattern is there.
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from typing import Any, Final

from local.sql.cosmos.functions.table import Function
from local.sql.cosmos.values import UNDEFINED

_MODIFIERS: Final = {"m": re.MULTILINE, "s": re.DOTALL, "i": re.IGNORECASE, "x": re.VERBOSE}


@lru_cache(maxsize=256)
def _pattern(text: str, modifiers: str) -> re.Pattern[str] | None:
    if not set(modifiers) <= _MODIFIERS.keys():
        return None
    flags = re.RegexFlag(0)
    for modifier in modifiers:
        flags |= _MODIFIERS[modifier]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of syntax that Python is going to read in another way
            return re.compile(text, flags)
    except (re.error, OverflowError, RecursionError):
        return None


def _matches(text: Any, pattern: Any, modifiers: Any = "") -> Any:
    if type(text) is not str or type(pattern) is not str or type(modifiers) is not str:
        return UNDEFINED
    compiled = _pattern(pattern, modifiers)
    return UNDEFINED if compiled is None else compiled.search(text) is not None


PATTERNS: Final = (Function("REGEXMATCH", 2, 3, _matches),)
