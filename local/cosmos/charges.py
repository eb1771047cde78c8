"""Request units: an estimate in the service's proportions, and the optional budget that makes requests wait.

A point read of 1 KB is 1 RU and of 100 KB 10 RU; a write is about five times its read
(https://learn.microsoft.com/azure/cosmos-db/request-units).
"""

from __future__ import annotations

import time

from local.cosmos.errors import TooManyRequests


def read_charge(size: int) -> float:
    """RU of a point read of `size` bytes."""
    return 1.0 + 0.09 * (size // 1024)


def write_charge(size: int) -> float:
    """RU of a write that stores `size` bytes."""
    return 5.0 * read_charge(size)


def query_charge(scanned: int, returned_bytes: int) -> float:
    """RU of a page of a query that looked at `scanned` documents."""
    return 2.3 + 0.03 * scanned + 0.09 * (returned_bytes // 1024)


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
