"""The nodes `$cbs` and `$management`: a link pair that carries requests one way and answers the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from local.eventhubs import frames, performatives, request, serial
from local.eventhubs.errors import MESSAGE_SIZE_EXCEEDED, LinkFault
from local.eventhubs.link import Link
from local.eventhubs.performatives import Performative
from local.eventhubs.request import Request

if TYPE_CHECKING:
    from local.eventhubs.session import Session

# Requests are small: a token and some names.
_MAX_REQUEST_SIZE = 65_536
_CREDIT = 100
# Answers that wait for credit; a client that asks on without taking any is cut off.
_MAX_WAITING = 100


class RequestLink(Link):
    """Requests to a node; `answer` turns one into the message to send back."""

    def __init__(self, session: Session, attach: Performative, node: str, answer: Callable[[Request], bytes]) -> None:
        super().__init__(session, attach, ())
        self._node = node
        self._answer = answer
        self._parts: list[bytes] = []
        self._delivery = 0
        self._received = attach.number(9, 0)
        session.send(performatives.attach(attach, role=performatives.RECEIVER, max_message_size=_MAX_REQUEST_SIZE))
        self._grant_credit()

    def on_transfer(self, transfer: Performative) -> None:
        if not self._parts:
            self._delivery = transfer.number(1)
        self._parts.append(transfer.body[transfer.payload :])
        if sum(map(len, self._parts)) > _MAX_REQUEST_SIZE:
            raise LinkFault(f"a request to {self._node} exceeds {_MAX_REQUEST_SIZE} bytes", MESSAGE_SIZE_EXCEEDED)
        if transfer.flag(5):
            return
        payload = b"".join(self._parts)
        self._parts.clear()
        self._received = serial.add(self._received, 1)
        session = self.session
        if not transfer.flag(9):
            asked = request.parse(payload)
            # Before the disposition: the Python SDK takes one frame every 50 ms while it connects.
            session.respond(self._node, asked.reply_to, self._answer(asked))
            if not transfer.flag(4):
                session.send(performatives.disposition(self._delivery, self._delivery, performatives.ACCEPTED_STATE))
        self._credit -= 1
        if self._credit <= _CREDIT // 2:
            self._grant_credit()

    def _grant_credit(self) -> None:
        self._credit = _CREDIT
        self.session.send_flow(self.handle, self._received, _CREDIT)


class ResponseLink(Link):
    """Answers of a node."""

    def __init__(self, session: Session, request: Performative, node: str) -> None:
        super().__init__(session, request, ())
        self.node = node
        target = performatives.terminus(request.get(6))
        self.address = target[0] if target and isinstance(target[0], str) else None
        self._waiting: deque[bytes] = deque()
        self._delivered = 0
        self._credit = 0
        session.send(performatives.attach(request, role=performatives.SENDER))

    def on_flow(self, flow: Performative) -> None:
        credit = flow.optional_number(6)
        if credit is not None:
            self._credit = max(0, credit + serial.difference(flow.number(5, 0), self._delivered))
        self.resume()
        if flow.flag(8) and self._credit:
            self._delivered = serial.add(self._delivered, self._credit)
            self._credit = 0
            self.session.send_flow(self.handle, self._delivered, 0, drain=True)

    def send(self, response: bytes) -> None:
        """Send `response` as soon as there is credit."""
        if len(self._waiting) >= _MAX_WAITING:
            self.detach(LinkFault(f"{_MAX_WAITING} answers of {self.node} wait for credit"))
            return
        self._waiting.append(response)
        self.resume()

    def resume(self) -> None:
        session = self.session
        largest = session.connection.peer_max_frame_size
        while self._waiting and self._credit > 0 and session.window > 0:
            response = self._waiting.popleft()
            delivery = session.next_delivery(frames.count(len(response), largest))
            session.connection.write(
                b"".join(frames.transfer(session.channel, self.handle, delivery, response, largest))
            )
            self._credit -= 1
            self._delivered = serial.add(self._delivered, 1)
