"""What goes to a hub: the bytes of one event, its key and properties; where it landed, or how the hub refused it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tools.errors import ToolError


@dataclass(frozen=True, slots=True, eq=False)
class Outgoing:
    """One event on its way. `key` decides the partition (None: any); `bad` says that it was spoilt on purpose."""

    body: bytes
    key: str | None
    properties: Mapping[str, str] = field(default_factory=dict)
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where an acknowledged event is now. AMQP tells a producer no offset."""

    event: Outgoing
    hub: str
    partition: str
    offset: int | None = None


OnDelivery = Callable[[Delivery], None]


class SendFailed(ToolError):
    """The hub did not acknowledge everything; `acknowledged` is what it did."""

    def __init__(self, message: str, acknowledged: list[Outgoing]) -> None:
        super().__init__(message)
        self.acknowledged = acknowledged


class Sender(Protocol):
    """A way into a hub: `--via` chooses one."""

    def send(self, events: list[Outgoing]) -> list[Outgoing]:
        """Send `events`, those of a key in order, and return them once the hub has acknowledged every one.

        Raises:
            SendFailed: it did not acknowledge some; later events of the same call may have been taken all the same.
        """
        ...

    def close(self) -> None:
        """Close the connections; nothing is left unsent, because `send` waits."""
        ...
