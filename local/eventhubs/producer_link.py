"""A link that a producer sends events on: put deliveries together, append them, answer once they are durable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.eventhubs import message, performatives, publisher, serial
from local.eventhubs.appends import Refusal
from local.eventhubs.codec import NULL
from local.eventhubs.entry import Appended
from local.eventhubs.errors import (
    MESSAGE_SIZE_EXCEEDED,
    OUT_OF_ORDER_SEQUENCE,
    PRODUCER_EPOCH_STOLEN,
    SERVER_BUSY,
    TRANSFER_LIMIT_EXCEEDED,
    AmqpError,
    DecodeError,
    LinkFault,
    LogUnavailable,
    OutOfOrderSequence,
    StaleEpoch,
)
from local.eventhubs.link import Link
from local.eventhubs.namespace import Hub
from local.eventhubs.partition import Partition
from local.eventhubs.performatives import Performative

if TYPE_CHECKING:
    from local.eventhubs.session import Session

# https://learn.microsoft.com/azure/event-hubs/event-hubs-quotas: 1 MB for an event or a batch.
MAX_MESSAGE_SIZE = 1_048_576
_CREDIT = 1_000
_CONDITIONS = {
    LogUnavailable: SERVER_BUSY,
    OutOfOrderSequence: OUT_OF_ORDER_SEQUENCE,
    StaleEpoch: PRODUCER_EPOCH_STOLEN,
}


class ProducerLink(Link):
    """From a producer to a hub, or to one partition of it."""

    def __init__(
        self, session: Session, request: Performative, path: tuple[str, ...], hub: Hub, partition: Partition | None
    ) -> None:
        super().__init__(session, request, path)
        self._hub = hub
        self._partition = partition
        self._delivery: _Delivery | None = None
        self._received = request.number(9, 0)
        self._credit = 0
        # Sequence numbers are those of a partition.
        wanted = publisher.CAPABILITY in request.symbols(12)
        self._publisher = self._admit(request, partition) if wanted and partition is not None else None
        session.send(
            performatives.attach(
                request, role=performatives.RECEIVER, max_message_size=MAX_MESSAGE_SIZE,
                offered=[publisher.CAPABILITY] if self._publisher else (),
                properties=self._publisher.properties() if self._publisher else NULL,
            )
        )  # fmt: skip
        self._grant_credit()

    def _admit(self, request: Performative, partition: Partition) -> publisher.Publisher:
        try:
            return publisher.admit(request.properties(13), self.session.connection.namespace.log, partition)
        except LogUnavailable as error:
            raise LinkFault(str(error), SERVER_BUSY) from None

    def on_transfer(self, transfer: Performative) -> None:
        delivery = self._delivery
        if delivery is None:
            if self._credit <= 0:
                raise LinkFault("a delivery came without link credit", TRANSFER_LIMIT_EXCEEDED)
            delivery = self._delivery = _Delivery(transfer)
        delivery.add(transfer.body, transfer.payload)
        delivery.settled = delivery.settled or transfer.flag(4)
        if transfer.flag(9):
            self._complete()
        elif not transfer.flag(5):
            self._complete()
            self._accept(delivery)

    def _complete(self) -> None:
        self._delivery = None
        self._received = serial.add(self._received, 1)
        self._credit -= 1
        if self._credit <= _CREDIT // 2:
            self._grant_credit()

    def _accept(self, delivery: _Delivery) -> None:
        try:
            if delivery.size > MAX_MESSAGE_SIZE:
                raise LinkFault(
                    f"The received message (delivery-id: {delivery.identifier}, size: {delivery.size} bytes) exceeds "
                    f"the limit ({MAX_MESSAGE_SIZE} bytes) currently allowed on the link.",
                    MESSAGE_SIZE_EXCEEDED,
                )
            events, key = message.events(delivery.payload(), delivery.format)
            published = self._publisher.published(events) if self._publisher else None
        except (LinkFault, DecodeError) as fault:
            self._settle(delivery, fault)
            return
        partition = self._partition or self._hub.route(key)
        log = self.session.connection.namespace.log
        log.append(partition, events, lambda outcome: self._settle(delivery, _refusal(outcome)), published)

    def _settle(self, delivery: _Delivery, fault: AmqpError | None) -> None:
        if delivery.settled or not self.attached:
            return
        state = performatives.ACCEPTED_STATE if fault is None else performatives.rejected(fault)
        self.session.send(performatives.disposition(delivery.identifier, delivery.identifier, state))

    def _grant_credit(self) -> None:
        self._credit = _CREDIT
        self.session.send_flow(self.handle, self._received, _CREDIT)

    def on_flow(self, flow: Performative) -> None:
        if flow.flag(9):
            self._grant_credit()


class _Delivery:
    """A delivery as it comes in, frame by frame. Past the size limit its bytes are counted but not kept."""

    def __init__(self, transfer: Performative) -> None:
        self.identifier = transfer.number(1)
        self.format = transfer.number(3, 0)
        self.settled = False
        self.size = 0
        self._parts: list[bytes] = []

    def add(self, body: bytes, start: int) -> None:
        self.size += len(body) - start
        if self.size <= MAX_MESSAGE_SIZE:
            self._parts.append(body[start:])
        else:
            self._parts.clear()

    def payload(self) -> bytes:
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)


def _refusal(outcome: Appended | Refusal) -> AmqpError | None:
    """What a producer is told of events that are not stored. When the log could not commit, it may send again."""
    return None if isinstance(outcome, Appended) else AmqpError(str(outcome), _CONDITIONS[type(outcome)])
