"""One partition as it is now: where its log begins and ends, its hot entries, and who waits for more."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from operator import attrgetter

from local.eventhubs.entry import Entry

_BASE = attrgetter("base")


class Partition:
    """The state of one partition; the log owns it and changes it once a commit is done.

    Attributes:
        hub: the hub's name as the hubs file spells it.
        index: the partition's id, from 0.
        key: the number of its table in the log.
        first: the sequence number of the oldest event kept; equal to `next` when there is none.
        next: the sequence number that the next event gets.
        last_enqueued: milliseconds since 1970 of the newest event; -1 before there was any.
        size: bytes of event bodies kept.
    """

    def __init__(self, hub: str, index: int, key: int) -> None:
        self.hub = hub
        self.index = index
        self.key = key
        self.first = 0
        self.next = 0
        self.last_enqueued = -1
        self.size = 0
        self.hot: deque[Entry] = deque()
        self._waiting: set[Callable[[], None]] = set()

    @property
    def empty(self) -> bool:
        return self.first >= self.next

    def __str__(self) -> str:
        return f"hub {self.hub}, partition {self.index}"

    def committed(self, entry: Entry) -> None:
        """`entry` is durable: show it to those who wait."""
        self.next = entry.next
        self.last_enqueued = entry.enqueued
        self.size += len(entry.body)
        self.hot.append(entry)

    def hot_from(self, sequence: int) -> list[Entry]:
        """The hot entries from the one that holds `sequence` on; none when that one is not hot."""
        if not self.hot or sequence < self.hot[0].base:
            return []
        start = bisect_right(self.hot, sequence, key=_BASE) - 1
        return [self.hot[index] for index in range(start, min(start + 16, len(self.hot)))]

    def wait(self, notify: Callable[[], None]) -> None:
        """Call `notify` after every commit, until `leave`."""
        self._waiting.add(notify)

    def leave(self, notify: Callable[[], None]) -> None:
        self._waiting.discard(notify)

    def notify(self) -> None:
        for notify in list(self._waiting):
            notify()
