"""Sorted results that are not read to their end yet, so that a page of ORDER BY need not sort everything again."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict

_RESULTS = 32
_BYTES = 32 * 1024 * 1024


class SortedResults:
    """The last few results, by number. One that was pushed out is computed again by whoever asks for it."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._results: OrderedDict[int, tuple[list[bytes], int]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def keep(self, rows: list[bytes]) -> int:
        """Keep `rows` for a while; returns their number."""
        size = sum(map(len, rows))
        with self._lock:
            number = next(self._numbers)
            self._results[number] = (rows, size)
            self._size += size
            while len(self._results) > _RESULTS or (self._size > _BYTES and len(self._results) > 1):
                _, (_, dropped) = self._results.popitem(last=False)
                self._size -= dropped
        return number

    def get(self, number: int) -> list[bytes] | None:
        with self._lock:
            found = self._results.get(number)
            if found is None:
                return None
            self._results.move_to_end(number)
            return found[0]

    def forget(self, number: int) -> None:
        """`number` was read to its end."""
        with self._lock:
            if found := self._results.pop(number, None):
                self._size -= found[1]
