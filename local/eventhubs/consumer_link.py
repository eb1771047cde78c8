"""A link that a consumer receives events on: from a position in a partition, as far as its credit reaches."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from local.eventhubs import codec, frames, message, performatives, position, serial, transcode
from local.eventhubs.codec import string, symbol, timestamp
from local.eventhubs.entry import Entry
from local.eventhubs.errors import INVALID_FIELD, CorruptBatch, LinkFault, LogUnavailable
from local.eventhubs.link import Link
from local.eventhubs.partition import Partition
from local.eventhubs.performatives import Performative

if TYPE_CHECKING:
    from local.eventhubs.session import Session

EPOCH_PROPERTY = "com.microsoft:epoch"
RUNTIME_METRIC = "com.microsoft:enable-receiver-runtime-metric"
# What one link may write before others have their turn.
_TURN_BYTES = 256 * 1024


class ConsumerLink(Link):
    """From one partition to a consumer.

    Attributes:
        epoch: the owner level, None when the consumer shares the partition.
    """

    def __init__(
        self, session: Session, request: Performative, path: tuple[str, ...], partition: Partition, place: str
    ) -> None:
        super().__init__(session, request, path)
        namespace = session.connection.namespace
        self._log = namespace.log
        self._ownership = namespace.ownership
        self._partition = partition
        self._place = place
        self.epoch = _epoch(request)
        self._metrics = RUNTIME_METRIC in request.symbols(12)
        source = performatives.terminus(request.get(5))
        self._next = position.start(self._log, partition, source[7] if len(source) > 7 else None)
        self._ahead: list[Entry] = []
        self._body = b""
        self._bounds: list[int] = []
        self._delivered = 0
        self._credit = 0
        self._drain = False
        self._again = False
        self._ownership.claim(place, self)
        session.send(performatives.attach(request, role=performatives.SENDER))
        partition.wait(self.resume)

    def release(self) -> None:
        super().release()
        self._partition.leave(self.resume)
        self._ownership.release(self._place, self)
        self._ahead.clear()

    def on_flow(self, flow: Performative) -> None:
        credit = flow.optional_number(6)
        if credit is not None:
            # The receiver's count lags behind ours by what is on its way (part 2.6.7).
            count = flow.number(5, 0)
            self._credit = max(0, credit + serial.difference(count, self._delivered))
        self._drain = flow.flag(8)
        self.resume()
        if flow.flag(9) and self.attached:
            self._send_flow()

    def resume(self) -> None:
        """Send what credit, window and the write buffer allow."""
        session = self.session
        turn = _TURN_BYTES
        while self.attached and self._credit > 0 and session.window > 0 and not session.connection.congested:
            if turn <= 0:
                self._resume_later()
                return
            current = self._current()
            if current is None:
                if self._drain and self.attached:
                    self._delivered = serial.add(self._delivered, self._credit)
                    self._credit = 0
                    self._drain = False
                    self._send_flow(drain=True)
                return
            turn -= self._send_from(current)

    def _resume_later(self) -> None:
        def again() -> None:
            self._again = False
            self.resume()

        if not self._again:
            self._again = True
            self.session.connection.loop.call_soon(again)

    def _current(self) -> Entry | None:
        """The entry that holds the next event; the next one there is when older ones were trimmed."""
        while self._ahead and self._ahead[0].next <= self._next:
            self._ahead.pop(0)
            self._bounds = []
        try:
            if not self._ahead:
                self._ahead = self._log.read(self._partition, self._next)
            if not self._ahead:
                return None
            current = self._ahead[0]
            if not self._bounds:
                self._body, self._bounds = transcode.amqp(current)
        except (LogUnavailable, CorruptBatch) as error:
            self.detach(LinkFault(str(error)))
            return None
        self._next = max(self._next, current.base)
        return current

    def _send_from(self, current: Entry) -> int:
        """Send events of one entry, and return how many bytes they took."""
        session = self.session
        connection = session.connection
        bounds, body, channel, handle = self._bounds, self._body, session.channel, self.handle
        largest = connection.peer_max_frame_size
        first = self._next - current.base
        last = min(current.length, first + self._credit)
        pieces: list[bytes] = []
        size = sent = 0
        metrics = self._runtime_metrics() if self._metrics else None
        for index in range(first, last):
            event = body[bounds[index] : bounds[index + 1]]
            if metrics is not None:
                event = message.with_delivery_annotations(event, metrics)
            needed = 1 if len(event) + frames.TRANSFER_OVERHEAD <= largest else frames.count(len(event), largest)
            # A delivery that begins goes out whole: the window may go below zero once, by a large event's frames.
            if session.window <= 0 or size > _TURN_BYTES:
                break
            pieces += frames.transfer(channel, handle, session.next_delivery(needed), event, largest)
            size += len(event)
            sent += 1
        self._next += sent
        self._credit -= sent
        self._delivered = serial.add(self._delivered, sent)
        connection.write(b"".join(pieces))
        return size

    def _runtime_metrics(self) -> bytes:
        partition = self._partition
        last = partition.next - 1
        return codec.mapping(
            [
                (symbol("last_enqueued_sequence_number"), codec.long(last)),
                (symbol("last_enqueued_offset"), string(str(last))),
                (symbol("last_enqueued_time_utc"), timestamp(partition.last_enqueued)),
                (symbol("runtime_info_retrieval_time_utc"), timestamp(time.time_ns() // 1_000_000)),
            ]
        )

    def _send_flow(self, drain: bool = False) -> None:
        self.session.send_flow(self.handle, self._delivered, self._credit, drain=drain)


def _epoch(request: Performative) -> int | None:
    epoch = request.properties(13).get(EPOCH_PROPERTY)
    if epoch is None:
        return None
    if not isinstance(epoch, int) or isinstance(epoch, bool) or epoch < 0:
        raise LinkFault(f"{EPOCH_PROPERTY} is a long from 0 up, not {epoch!r}", INVALID_FIELD)
    return epoch
