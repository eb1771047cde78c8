"""Results that are not read to their end yet, so that a page of them need not compute everything again."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

_RESULTS = 32
_BYTES = 32 * 1024 * 1024
_ROW_BYTES = 200  # beside its text


@dataclass(frozen=True, slots=True)
class KeptResult:
    """One result.

    Attributes:
        rows: what is to be returned, as JSON.
        places: the place of each row in the order of the query; empty where rows have none.
        lsn: the last change of the container that is in it.
        fresh_until: the second at which the first of the container's documents expires; None for never.
    """

    rows: list[bytes]
    places: list[Any]
    lsn: int
    fresh_until: int | None


class KeptResults:
    """The last few results, by number. Whoever asks for one that was pushed out does without."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._results: OrderedDict[int, tuple[KeptResult, int]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def keep(self, result: KeptResult) -> int:
        """Keep `result` for a while; returns its number."""
        size = sum(map(len, result.rows)) + _ROW_BYTES * len(result.rows)
        with self._lock:
            number = next(self._numbers)
            self._results[number] = (result, size)
            self._size += size
            while len(self._results) > _RESULTS or (self._size > _BYTES and len(self._results) > 1):
                _, (_, dropped) = self._results.popitem(last=False)
                self._size -= dropped
        return number

    def get(self, number: int) -> KeptResult | None:
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
