"""One partition as it is now: where its log begins and ends, its hot entries, and who waits for more."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from operator import attrgetter

from local.eventhubs.entry import Entry
from local.eventhubs.topic_config import DEFAULT, TopicConfig

_BASE = attrgetter("base")


class Partition:
    """The state of one partition; the log owns it, and changes it once a commit is done.

    Attributes:
        hub: the hub's name as the hubs file spells it.
        index: the partition's id, from 0.
        key: the number of its table in the log.
        topic: what its hub was created with.
        first: the sequence number of the oldest event kept; equal to `next` when there is none.
        next: the sequence number that the next event gets.
        last_enqueued: milliseconds since 1970 of the newest event; -1 before there was any.
    """

    def __init__(self, hub: str, index: int, key: int, topic: TopicConfig = DEFAULT) -> None:
        self.hub = hub
        self.index = index
        self.key = key
        self.topic = topic
        self.first = 0
        self.next = 0
        self.last_enqueued = -1
        self._hot: deque[Entry] = deque()
        self._waiting: set[Callable[[], None]] = set()

    @property
    def empty(self) -> bool:
        return self.first >= self.next

    def __str__(self) -> str:
        return f"hub {self.hub}, partition {self.index}"

    def committed(self, entry: Entry) -> None:
        """`entry` is durable."""
        self.next = entry.next
        self.last_enqueued = entry.enqueued
        self._hot.append(entry)

    def cool(self) -> int:
        """Forget the oldest hot entry; returns its size in bytes."""
        return len(self._hot.popleft().body)

    def hot_from(self, sequence: int, size: int) -> list[Entry]:
        """Some `size` bytes of hot entries from the one that holds `sequence` on; none when that one is not hot."""
        hot = self._hot
        if not hot or sequence < hot[0].base:
            return []
        found = []
        for index in range(bisect_right(hot, sequence, key=_BASE) - 1, len(hot)):
            found.append(hot[index])
            size -= len(hot[index].body)
            if size <= 0:
                break
        return found

    def wait(self, notify: Callable[[], None]) -> None:
        """Call `notify` after every commit, until `leave`."""
        self._waiting.add(notify)

    def leave(self, notify: Callable[[], None]) -> None:
        self._waiting.discard(notify)

    def notify(self) -> None:
        for notify in list(self._waiting):
            notify()
