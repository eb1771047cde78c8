"""Idempotent producers of AMQP: a link that asks for it is told who it is, and numbers its events from there on.

An SDK sends again what it got no answer for (`enableIdempotentRetries` in JavaScript and .NET); the numbers tell the
repeat. Capability, properties, annotations and conditions are those of the SDKs' sources, and what the service makes of
them is what their live tests expect: `eventHubProducerClient.idem.spec.ts`, `IdempotentPublishingLiveTests.cs`.
"""

from __future__ import annotations

from dataclasses import dataclass

from local.eventhubs import codec, message
from local.eventhubs.appends import Published
from local.eventhubs.codec import integer, long, short, symbol
from local.eventhubs.errors import ARGUMENT_OUT_OF_RANGE, PRODUCER_EPOCH_STOLEN, LinkFault
from local.eventhubs.log import Log
from local.eventhubs.message import Event
from local.eventhubs.partition import Partition

CAPABILITY = "com.microsoft:idempotent-producer"
_ID, _EPOCH, _SEQUENCE = (f"com.microsoft:producer-{name}" for name in ("id", "epoch", "sequence-number"))
# A long, a short and an int of AMQP; sequence numbers go on from 0 behind the last.
_LIMITS = {_ID: 2**63, _EPOCH: 2**15, _SEQUENCE: 2**31}


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes on a link; `last` is the number of the last event it has published, 0 of one that begins."""

    producer: int
    epoch: int
    last: int

    def properties(self) -> bytes:
        """What its link is told."""
        return codec.mapping(
            [
                (symbol(_ID), long(self.producer)),
                (symbol(_EPOCH), short(self.epoch)),
                (symbol(_SEQUENCE), integer(self.last)),
            ]
        )

    def published(self, events: list[Event]) -> Published:
        """What the annotations of a delivery say of its events.

        Raises:
            LinkFault: it is not of this publisher, or not numbered without a gap.
        """
        sequence = _numbers(message.sent_annotations(events[0]), (_ID, _EPOCH, _SEQUENCE))
        last = _numbers(message.sent_annotations(events[-1]), (_ID, _EPOCH, _SEQUENCE))
        expected = (self.producer, self.epoch, ((sequence[2] or 0) + len(events) - 1) % _LIMITS[_SEQUENCE])
        if last != expected or sequence[:2] != expected[:2] or sequence[2] is None:
            raise LinkFault(
                f"events of producer {self.producer}, epoch {self.epoch} are annotated {sequence} to {last}",
                ARGUMENT_OUT_OF_RANGE,
            )
        return Published(self.producer, self.epoch, sequence[2], len(events), (self.last + 1) % _LIMITS[_SEQUENCE])


def admit(properties: dict[object, object], log: Log, partition: Partition) -> Publisher:
    """Who a link publishes as: what it says of itself, and for what it leaves out what is known, or a new producer.

    Raises:
        LinkFault: a number is out of range, or another has taken over with a higher epoch.
        LogUnavailable: there is no new id to be had.
    """
    producer, epoch, last = _numbers(properties, (_ID, _EPOCH, _SEQUENCE))
    if producer is None:
        producer = log.new_producer_id()
    known_epoch, known_last = log.last_published(partition, producer) or (0, 0)
    if epoch is not None and epoch < known_epoch:
        raise LinkFault(f"producer {producer}: epoch {known_epoch} has taken over from {epoch}", PRODUCER_EPOCH_STOLEN)
    return Publisher(producer, known_epoch if epoch is None else epoch, known_last if last is None else last)


def _numbers(values: dict[object, object], names: tuple[str, ...]) -> tuple[int | None, ...]:
    found: list[int | None] = []
    for name in names:
        value = values.get(name)
        if value is not None and not (isinstance(value, int) and 0 <= value < _LIMITS[name]):
            raise LinkFault(f"{name} is {value!r}, not from 0 to {_LIMITS[name] - 1}", ARGUMENT_OUT_OF_RANGE)
        found.append(value)
    return tuple(found)
