"""COUNT, SUM, AVG, MIN and MAX: one accumulator per call in the SELECT list.

Source: Azure Cosmos DB for NoSQL, query language, one page per aggregate. Undefined is skipped; SUM and AVG of
anything that is not a number, and MIN and MAX of arrays or objects, are undefined as a whole. Over no rows COUNT and
SUM are 0 and the others undefined (as the aggregators of the .NET SDK start).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from local.sql.cosmos.values import ARRAY_RANK, NUMBERS, RANK, UNDEFINED, number, sort_key


class Accumulator(Protocol):
    """Takes the values of one aggregate call, row by row."""

    def add(self, value: Any) -> None:
        """One more value."""

    def result(self) -> Any:
        """The aggregate of the values so far, or `UNDEFINED`."""


class Count:
    """How many values are defined."""

    def __init__(self) -> None:
        self._count = 0

    def add(self, value: Any) -> None:
        if value is not UNDEFINED:
            self._count += 1

    def result(self) -> Any:
        return self._count


class Total:
    """The sum, or (with `mean`) the average."""

    def __init__(self, mean: bool = False) -> None:
        self._mean = mean
        self._sum: float = 0
        self._count = 0
        self._valid = True

    def add(self, value: Any) -> None:
        if type(value) in NUMBERS:
            self._sum += value
            self._count += 1
        elif value is not UNDEFINED:
            self._valid = False

    def result(self) -> Any:
        if not self._valid or (self._mean and not self._count):
            return UNDEFINED
        return number(self._sum / self._count if self._mean else self._sum)


class Extreme:
    """The least value, or (with `greatest`) the greatest, over null < booleans < numbers < strings."""

    def __init__(self, greatest: bool = False) -> None:
        self._greatest = greatest
        self._key: tuple[Any, ...] | None = None
        self._value: Any = UNDEFINED
        self._valid = True

    def add(self, value: Any) -> None:
        if value is UNDEFINED:
            return
        if RANK[type(value)] >= ARRAY_RANK:
            self._valid = False
            return
        key = sort_key(value)
        if self._key is None or (key > self._key if self._greatest else key < self._key):
            self._key, self._value = key, value

    def result(self) -> Any:
        return self._value if self._valid else UNDEFINED


AGGREGATES: dict[str, Callable[[], Accumulator]] = {
    "COUNT": Count,
    "SUM": Total,
    "AVG": lambda: Total(mean=True),
    "MIN": Extreme,
    "MAX": lambda: Extreme(greatest=True),
}
