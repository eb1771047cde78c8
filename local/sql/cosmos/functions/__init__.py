"""The functions a query may call, by name; one module for each group of the documentation's.

Each takes evaluated arguments and returns a value or undefined. An argument of the wrong type makes undefined; only
the type-checking functions always answer.
"""

from __future__ import annotations

from typing import Final

from local.sql.cosmos.functions.arrays import ARRAYS
from local.sql.cosmos.functions.conversions import CONVERSIONS
from local.sql.cosmos.functions.dates import DATES
from local.sql.cosmos.functions.documents import DOCUMENT_ID
from local.sql.cosmos.functions.mathematics import MATHEMATICS
from local.sql.cosmos.functions.patterns import PATTERNS
from local.sql.cosmos.functions.spatial import SPATIAL
from local.sql.cosmos.functions.strings import STRINGS
from local.sql.cosmos.functions.table import Function
from local.sql.cosmos.functions.types import TYPES

GROUPS: Final[dict[str, tuple[Function, ...]]] = {
    "Type checking": TYPES,
    "String": (*STRINGS, *PATTERNS),
    "Conversion": CONVERSIONS,
    "Mathematical": MATHEMATICS,
    "Array and conditional": ARRAYS,
    "Date and time": DATES,
    "Spatial": SPATIAL,
    "Item": (DOCUMENT_ID,),
}
"""All functions, under what the documentation calls their groups."""

FUNCTIONS: Final[dict[str, Function]] = {
    name: function
    for group in GROUPS.values()
    for function in group
    for name in (function.name, function.also)
    if name is not None
}
"""All functions by name, in capitals."""

NOT_EVALUATED: Final = frozenset(
    (
        *("VECTORDISTANCE", "FULLTEXTCONTAINS", "FULLTEXTCONTAINSALL", "FULLTEXTCONTAINSANY", "FULLTEXTSCORE", "RRF"),
        *("DATETIMEFORMAT", "REGEXEXTRACT", "REGEXEXTRACTALL", "HASH", "COUNTIF", "MAKELIST", "MAKESET"),
        *("SUBSTRINGAFTER", "SUBSTRINGBEFORE", "LASTSUBSTRINGAFTER", "LASTSUBSTRINGBEFORE"),
    )
)
"""The functions that the service has and this engine does not."""
