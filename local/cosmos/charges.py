"""Request units: what Microsoft publishes of how they are counted, and the optional budget that makes requests wait.

Reads, writes and feeds: https://learn.microsoft.com/azure/cosmos-db/understand-request-unit-consumption, its table by
size and its formulas of create, replace, patch and delete, for one region and session consistency. Of queries it names
the factors but no figures: those here are an estimate.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

from local.cosmos.errors import TooManyRequests

# (KB, RU of a read, RU of a write without its index terms)
_BY_SIZE: Final = (
    (1, 1.00, 4.95),
    (2, 1.04, 6.29),
    (4, 1.14, 6.67),
    (8, 1.33, 7.04),
    (16, 1.67, 9.52),
    (32, 2.19, 11.23),
    (64, 4.76, 22.67),
    (128, 9.95, 48.19),
    (256, 20.28, 98.29),
    (512, 40.95, 184.57),
    (1024, 145.90, 625.00),
    (2048, 291.80, 1250.00),
)
_SIZES: Final = tuple(row[0] for row in _BY_SIZE)
_TERM: Final = 0.2  # per index term that is added or removed
PATCH_OPERATION: Final = 0.4
"""RU that each operation of a patch costs beside the replacement that the patch is."""
LEAST: Final = 1.0  # of any request that is answered, and of one that finds nothing or is refused
# Estimates: the least that queries are seen to cost, the share of each document they load, and of each KB they return.
_QUERY: Final = 2.3
_QUERY_DOCUMENT: Final = 0.03
_QUERY_KB: Final = 0.01


def read_charge(size: int) -> float:
    """RU of a point read of `size` bytes."""
    return _by_size(size, 1)


def feed_charge(sizes: Iterable[int]) -> float:
    """RU of a page of a feed or of the change feed: as much as reading its documents one by one."""
    return max(LEAST, sum(map(read_charge, sizes)))


def create_charge(size: int, terms: int) -> float:
    """RU of a new document of `size` bytes with so many index terms; of its deletion, too."""
    return _by_size(size, 2) + _TERM * terms


def replace_charge(old_size: int, new_size: int, changed_terms: int) -> float:
    """RU of a document in the place of another: the old one is deleted, the new one inserted, terms as they differ."""
    return _by_size(old_size, 2) + _by_size(new_size, 2) + _TERM * changed_terms


def query_charge(loaded: int, returned_bytes: int) -> float:
    """RU of a page of a query that loaded `loaded` documents."""
    return _QUERY + _QUERY_DOCUMENT * loaded + _QUERY_KB * (returned_bytes // 1024)


def _by_size(size: int, column: int) -> float:
    """The table's figure for `size` bytes, in between two of its rows on the line through both."""
    kilobytes = size / 1024
    place = bisect_left(_SIZES, kilobytes)
    if place == 0:
        return _BY_SIZE[0][column]
    low, high = _BY_SIZE[place - 1], _BY_SIZE[min(place, len(_BY_SIZE) - 1)]
    if low is high:
        return low[column]
    return low[column] + (high[column] - low[column]) * (kilobytes - low[0]) / (high[0] - low[0])


class Budget:
    """RU per second, as provisioned throughput: what a request costs is known after it ran, so it may overdraw."""

    def __init__(self, per_second: float | None) -> None:
        """`per_second`: None for no limit."""
        self._rate = per_second
        self._available = per_second or 0.0
        self._updated = time.monotonic()

    def admit(self) -> None:
        """Raise `TooManyRequests` while the budget is overdrawn."""
        if self._rate is None:
            return
        now = time.monotonic()
        self._available = min(self._rate, self._available + (now - self._updated) * self._rate)
        self._updated = now
        if self._available <= 0:
            raise TooManyRequests((0.001 - self._available) / self._rate)

    def spend(self, units: float) -> None:
        self._available -= units
