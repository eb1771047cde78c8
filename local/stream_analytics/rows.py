"""What flows between a query's operators: a row, its time, and the sources that its names resolve to.

A name resolves to a *slot*: its place in `sources`. Who puts what there:

- an input or a step: the event's own dict, untouched, in slot 0;
- a JOIN: the slots of the left side, then those of the right (None in each that a LEFT JOIN found nothing for);
- analytic functions, CROSS APPLY: one slot more, at the end;
- GROUP BY: slot 0 is the tuple of its keys, slot 1 the tuple of its aggregates, both in the order they were given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from local.sql.asa.values import GREATEST_DATETIME, LEAST_DATETIME, DateTime

START: Final = LEAST_DATETIME
"""The watermark before the first row: nothing is known."""
END: Final = DateTime(GREATEST_DATETIME + 1)
"""The watermark after the last row: every window closes."""


class Row:
    """A row of a stream.

    Attributes:
        time: `System.Timestamp()` of the row, in ticks.
        sources: what each slot holds; see the module.
        metas: per slot, the input's metadata (partition, enqueued time, ...), for GetMetadataPropertyValue and
            PARTITION BY. A slot beyond the end has none.
    """

    __slots__ = ("metas", "sources", "time")

    def __init__(self, time: DateTime, sources: tuple[Any, ...], metas: tuple[Any, ...] = ()) -> None:
        self.time = time
        self.sources = sources
        self.metas = metas

    @property
    def record(self) -> Any:
        """The first source: the event itself, where there is only one."""
        return self.sources[0]

    def with_source(self, source: Any) -> Row:
        """The row with one slot more, at the end."""
        return Row(self.time, (*self.sources, source), self.metas)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Row):
            return NotImplemented
        return (self.time, self.sources, self.metas) == (other.time, other.sources, other.metas)

    __hash__ = None  # type: ignore[assignment]  # its sources are dicts

    def __repr__(self) -> str:
        return f"Row({self.time!r}, {self.sources!r}, {self.metas!r})"


Evaluate = Callable[[Row], Any]
"""A compiled expression."""
