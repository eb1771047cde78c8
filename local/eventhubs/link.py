"""What every link has: its handle, what it is for, and how it goes away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.eventhubs import performatives
from local.eventhubs.errors import NOT_ALLOWED, AmqpError, LinkFault
from local.eventhubs.performatives import Performative

if TYPE_CHECKING:
    from local.eventhubs.session import Session


class Link:
    """One attached link, from our side.

    Attributes:
        path: what its address names, as authorisation compares it; empty for `$cbs`, which anyone may use.
        attached: false once it was detached, by either side.
    """

    def __init__(self, session: Session, request: Performative, path: tuple[str, ...]) -> None:
        self.session = session
        self.handle = request.number(1)
        self.path = path
        self.attached = True

    def detach(self, fault: AmqpError | None = None) -> None:
        """Tell the peer that the link is gone, and why; then let go of what it held."""
        if self.attached:
            self.session.send(performatives.detach(self.handle, fault))
            self.release()
            self.session.forget(self)

    def release(self) -> None:
        """Let go of what the link held: the peer, or the connection, is gone."""
        self.attached = False

    def on_flow(self, flow: Performative) -> None:
        """The peer's credit, or its word on how much it will send."""

    def on_transfer(self, transfer: Performative) -> None:
        """A message, or a part of one, from the peer."""
        raise LinkFault("a transfer on a link that only sends", NOT_ALLOWED)

    def resume(self) -> None:
        """The connection, or the session's window, has room again."""
