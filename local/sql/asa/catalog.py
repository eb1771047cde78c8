"""Which functions the language has beside the scalar ones, and which of all of them this engine does not run.

Source: https://learn.microsoft.com/stream-analytics-query/built-in-functions-azure-stream-analytics and the lists that
it links to, at compatibility level 1.2.
"""

from __future__ import annotations

from typing import Final

from local.sql.asa.functions import FUNCTIONS
from local.sql.asa.tree import Call

AGGREGATES: Final[dict[str, tuple[int, int]]] = {
    "AVG": (1, 1),
    "COLLECT": (0, 1),
    "COLLECTTOP": (1, 2),
    "COUNT": (0, 1),
    "MAX": (1, 1),
    "MIN": (1, 1),
    "PERCENTILE_CONT": (1, 1),
    "PERCENTILE_DISC": (1, 1),
    "STDEV": (1, 1),
    "STDEVP": (1, 1),
    "SUM": (1, 1),
    "TOPONE": (0, 1),
    "VAR": (1, 1),
    "VARP": (1, 1),
}
"""Aggregates of a window: the least and the most arguments."""

ORDERED: Final = frozenset(("COLLECTTOP", "PERCENTILE_CONT", "PERCENTILE_DISC", "TOPONE"))
"""Aggregates with OVER (ORDER BY ...)."""

ANALYTIC: Final[dict[str, tuple[int, int]]] = {"ISFIRST": (2, 2), "LAG": (1, 3), "LAST": (1, 2)}
"""What looks back at earlier events, with OVER (... LIMIT DURATION ...): the least and the most arguments."""

STARRED: Final = frozenset(("COUNT", "LAG", "LAST"))
"""What takes * for an argument: all of the event."""

MOVING: Final = ("SUM", "AVG", "MIN", "MAX", "COUNT")
"""Aggregates that look back, too, with OVER (... LIMIT DURATION ...)."""
MOVING_NOT_RUN: Final = ("COLLECT", "COLLECTTOP", "TOPONE")
"""Those that do in Azure, and not here. Source: the page of each; that of OVER has neither these nor COUNT."""

WINDOWS: Final = {
    "TUMBLINGWINDOW": "tumbling",
    "TUMBLING": "tumbling",
    "HOPPINGWINDOW": "hopping",
    "HOPPING": "hopping",
    "SLIDINGWINDOW": "sliding",
    "SLIDING": "sliding",
    "SESSIONWINDOW": "session",
    "SESSION": "session",
}
"""What may stand in GROUP BY beside the keys."""

SEVERAL: Final = "WINDOWS"
"""Several windows, each alone or as `IDENTIFIED`(id, window)."""
IDENTIFIED: Final = "WINDOW"

ROWS: Final = {
    "GETARRAYELEMENTS": ("ArrayIndex", "ArrayValue"),
    "GETRECORDPROPERTIES": ("PropertyName", "PropertyValue"),
}
"""What APPLY takes, and the columns that it gives."""

TAKEN: Final = frozenset(("GETARRAYELEMENT", "GETRECORDPROPERTYVALUE"))
"""Functions that give a part of an event as it came."""

TIMESTAMP: Final = "SYSTEM.TIMESTAMP"
WINDOW: Final = "SYSTEM.WINDOW"
METADATA: Final = "GETMETADATAPROPERTYVALUE"

NOT_RUN: Final = frozenset(
    (
        *("ANOMALYDETECTION", "ANOMALYDETECTION_CHANGEPOINT", "ANOMALYDETECTION_SPIKEANDDIP"),
        *("CREATELINESTRING", "CREATEPOINT", "CREATEPOLYGON"),
        *("ST_DISTANCE", "ST_INTERSECTS", "ST_OVERLAPS", "ST_WITHIN"),
    )
)
"""What Azure has and this engine does not run, beside what begins with one of `PREFIXES_NOT_RUN`."""

PREFIXES_NOT_RUN: Final = ("UDF.", "UDA.")
"""Functions in JavaScript, C# or a Machine Learning endpoint."""

INSTEAD: Final = {
    "CONVERT": "CAST()",
    "TRY_CONVERT": "TRY_CAST()",
    "GETDATE": "System.Timestamp() is the time of the event or of the window",
    "GETUTCDATE": "System.Timestamp() is the time of the event or of the window",
    "SYSUTCDATETIME": "System.Timestamp() is the time of the event or of the window",
    "ISNULL": "COALESCE()",
    "IFNULL": "COALESCE()",
    "NVL": "COALESCE()",
    "IIF": "CASE WHEN ... THEN ... ELSE ... END",
    "IF": "CASE WHEN ... THEN ... ELSE ... END",
    "LENGTH": "LEN()",
    "SUBSTR": "SUBSTRING()",
    "FIRST": "ISFIRST() or TopOne()",
    "LEAD": "LAG(): what is to come is not known",
    "ROW_NUMBER": "CollectTop() ranks the events of a window",
    "RANK": "CollectTop() ranks the events of a window",
    "SNAPSHOTWINDOW": "GROUP BY System.Timestamp()",
}
"""For functions of other databases, what there is."""


def is_aggregate(call: Call) -> bool:
    """Whether a call is an aggregate of a window."""
    return call.name.upper() in AGGREGATES and not looks_back(call)


def looks_back(call: Call) -> bool:
    """Whether a call is of what looks back at earlier events: an analytic function, or an aggregate of a duration."""
    upper = call.name.upper()
    return upper in ANALYTIC or (upper in AGGREGATES and call.over is not None and call.over.limit is not None)


def known(name: str) -> bool:
    """Whether this engine runs a function, of whatever kind, in the right place."""
    upper = name.upper()
    return (
        upper in FUNCTIONS
        or upper in AGGREGATES
        or upper in ANALYTIC
        or upper in WINDOWS
        or upper in ROWS
        or upper in (SEVERAL, IDENTIFIED, TIMESTAMP, WINDOW, METADATA)
    )
