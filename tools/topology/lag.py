"""How far a consumer group is behind a hub: what the hub holds, held against what the group has checkpointed.

A checkpoint is a blob's metadata, in the layout that the Functions host and every azure-eventhub processor write:
`{namespace}/{hub}/{consumer group}/checkpoint/{partition}` with `sequencenumber`, all in lower case (azure-eventhub's
`extensions/checkpointstoreblobaio/_blobstoragecsaio.py`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PartitionEnds:
    """Sequence numbers of the first and the last event that a partition holds; of an empty one, last < first."""

    first: int
    last: int

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> PartitionEnds:
        """From what the SDK's `get_partition_properties` returns. An emptied partition still tells its last number."""
        first, last = int(properties["beginning_sequence_number"]), int(properties["last_enqueued_sequence_number"])
        return cls(last + 1, last) if properties["is_empty"] else cls(first, last)


@dataclass(frozen=True)
class Lag:
    """Where a consumer group is in one partition.

    `checkpoint` is the sequence number of the last event that it is done with; None when it has stored none.
    """

    partition: str
    ends: PartitionEnds
    checkpoint: int | None

    @property
    def behind(self) -> int:
        """How many events of the partition it has yet to be done with: all it holds, of a group without checkpoint."""
        done = self.ends.first - 1 if self.checkpoint is None else max(self.checkpoint, self.ends.first - 1)
        return max(self.ends.last - done, 0)

    @property
    def expired(self) -> int:
        """How many events after its checkpoint are no longer there: their retention was over, so it has missed them."""
        return 0 if self.checkpoint is None else max(self.ends.first - 1 - self.checkpoint, 0)

    @property
    def ahead(self) -> bool:
        """Whether the checkpoint is of an event that the hub has not had: it is of a hub that was deleted since."""
        return self.checkpoint is not None and self.checkpoint > self.ends.last

    def document(self) -> dict[str, Any]:
        return {
            "partition": self.partition, "first": self.ends.first, "last": self.ends.last,
            "checkpoint": self.checkpoint, "behind": self.behind, "expired": self.expired, "ahead": self.ahead,
        }  # fmt: skip


def prefix(namespace: str, hub: str, group: str) -> str:
    """What the names of a group's checkpoints begin with."""
    return f"{namespace}/{hub}/{group}/checkpoint/".lower()


def checkpoints(blobs: Iterable[tuple[str, Mapping[str, str] | None]]) -> dict[str, int]:
    """The sequence number of each checkpoint blob, by the blob's name; blobs that are none are left out."""
    found: dict[str, int] = {}
    for name, metadata in blobs:
        with contextlib.suppress(KeyError, ValueError):
            found[name] = int({key.lower(): value for key, value in (metadata or {}).items()}["sequencenumber"])
    return found
