"""Who may receive: epochs (owner levels) and the limit on shared receivers, per consumer group and partition.

https://learn.microsoft.com/azure/event-hubs/event-hubs-event-processor-host#epoch
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from typing import Protocol

from local.eventhubs.errors import RESOURCE_LIMIT, STOLEN, LinkFault

MAX_SHARED_RECEIVERS = 5


class Receiver(Protocol):
    """A consumer's link."""

    epoch: int | None

    def detach(self, fault: LinkFault) -> None:
        """Take the link away from its client."""


class Ownership:
    """The receivers of every consumer group and partition."""

    def __init__(self) -> None:
        self._receivers: defaultdict[Hashable, list[Receiver]] = defaultdict(list)

    def claim(self, place: Hashable, receiver: Receiver) -> None:
        """Let `receiver` in at `place` (consumer group and partition).

        An equal or higher epoch takes the place from all who hold it.

        Raises:
            LinkFault: a higher epoch holds the place, or five receivers without one share it already.
        """
        present = self._receivers[place]
        epochs = [other.epoch for other in present if other.epoch is not None]
        held = max(epochs, default=None)
        if receiver.epoch is None:
            if held is not None:
                raise LinkFault(
                    f"A receiver with epoch '{held}' is connected to {place}: receivers without an epoch are refused "
                    "while it is there.",
                    STOLEN,
                )
            if len(present) >= MAX_SHARED_RECEIVERS:
                raise LinkFault(
                    f"Exceeded the maximum number of allowed receivers per partition in a consumer group, which is "
                    f"{MAX_SHARED_RECEIVERS} ({place}).",
                    RESOURCE_LIMIT,
                )
        else:
            if held is not None and receiver.epoch < held:
                raise LinkFault(
                    f"Receiver with epoch '{receiver.epoch}' is refused: one with a higher epoch '{held}' is connected "
                    f"to {place}.",
                    STOLEN,
                )
            for other in list(present):
                other.detach(
                    LinkFault(f"New receiver with epoch '{receiver.epoch}' took over {place} from this one.", STOLEN)
                )
        self._receivers[place].append(receiver)

    def release(self, place: Hashable, receiver: Receiver) -> None:
        """`receiver` is gone; nothing happens when it was not at `place`."""
        present = self._receivers.get(place, [])
        if receiver in present:
            present.remove(receiver)
        if not present:
            self._receivers.pop(place, None)
