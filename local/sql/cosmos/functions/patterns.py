"""REGEXMATCH: regular expressions, with the modifiers m, s, i and x.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/regexmatch. The service's are PCRE, these are those of
`local.sql.regular_expressions`: what they have no syntax for (\\Q...\\E, \\x{...}) is undefined here, as what is no
pattern is there.
"""

from __future__ import annotations

from typing import Any, Final

from local.sql import regular_expressions
from local.sql.cosmos.errors import EvaluationError
from local.sql.cosmos.functions.table import Function
from local.sql.cosmos.values import UNDEFINED

_MODIFIERS: Final = {
    "m": regular_expressions.MULTILINE,
    "s": regular_expressions.DOT_ALL,
    "i": regular_expressions.IGNORE_CASE,
    "x": regular_expressions.VERBOSE,
}


def _matches(text: Any, pattern: Any, modifiers: Any = "") -> Any:
    if type(text) is not str or type(pattern) is not str or type(modifiers) is not str:
        return UNDEFINED
    if not set(modifiers) <= _MODIFIERS.keys():
        return UNDEFINED
    compiled = regular_expressions.pattern(pattern, sum({_MODIFIERS[modifier] for modifier in modifiers}))
    if compiled is None:
        return UNDEFINED
    try:
        return regular_expressions.search(compiled, text) is not None
    except regular_expressions.GivenUp as given_up:
        raise EvaluationError(f"REGEXMATCH: {given_up}") from None


PATTERNS: Final = (Function("REGEXMATCH", 2, 3, _matches),)
