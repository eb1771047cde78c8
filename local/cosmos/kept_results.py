"""Results that are not read to their end yet, so that a page of them need not compute everything again."""

from __future__ import annotations

import itertools
import secrets
import threading
from array import array
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Protocol

_RESULTS = 32
_BYTES = 32 * 1024 * 1024
_ROW_BYTES = 40  # that Python needs for a row beside its text


class KeptResult(Protocol):
    """What can be kept."""

    @property
    def size(self) -> int:
        """About how many bytes of memory it holds."""


@dataclass(frozen=True, slots=True)
class KeptRows:
    """The rows of a result of one piece, as JSON."""

    rows: list[bytes]

    @property
    def size(self) -> int:
        return sum(map(len, self.rows)) + _ROW_BYTES * len(self.rows)


@dataclass(frozen=True, slots=True)
class KeptOrder:
    """The order of a result's rows.

    Attributes:
        numbers: of the document of each row.
        places: which of its document's rows each is.
        state: what is the same as long as nothing in the container has changed.
        long_values: the values of ORDER BY at the ends of pages, where they are too long for a token.
    """

    numbers: array[int]
    places: array[int]
    state: tuple[int, int | None]
    long_values: dict[int, list[Any]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return 12 * len(self.numbers)


class KeptResults:
    """The last few results, by number. Whoever asks for one that was pushed out does without."""

    def __init__(self) -> None:
        # A token from before a restart must not name another result.
        self._numbers = itertools.count(1 + secrets.randbits(60))
        self._results: OrderedDict[int, tuple[KeptResult, int]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def keep(self, result: KeptResult) -> int:
        """Keep `result` for a while; returns its number."""
        size = result.size
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
