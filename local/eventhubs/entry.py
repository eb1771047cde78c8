"""What a partition log holds: entries, each a run of events committed at once, kept as the bytes they are sent as."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

# How an entry's body is written; the log itself never looks inside. Events as AMQP consumers get them, their lengths
# (uint32, big-endian) in front; or one record batch as Kafka consumers get it.
AMQP, KAFKA = 1, 2


class Appended(NamedTuple):
    """Where in its partition an append begins, and when it was enqueued (milliseconds since 1970). It is durable."""

    base: int
    enqueued: int


class Entry(NamedTuple):
    """A run of events: `length` of them, numbered from `base`, all enqueued at `enqueued` (milliseconds since 1970)."""

    base: int
    length: int
    enqueued: int
    format: int
    body: bytes

    @property
    def next(self) -> int:
        """The sequence number after the last."""
        return self.base + self.length


def pack(events: Sequence[bytes]) -> bytes:
    """The body of an AMQP entry."""
    return struct.pack(f">{len(events)}I", *map(len, events)) + b"".join(events)


def bounds(entry: Entry) -> list[int]:
    """Where the events of an AMQP entry lie in its body: event `i` is `body[bounds[i]:bounds[i + 1]]`."""
    lengths = struct.unpack_from(f">{entry.length}I", entry.body)
    return list(accumulate(lengths, initial=4 * entry.length))
