"""One log, two protocols: an entry as AMQP consumers get it, and as Kafka consumers do, whoever wrote it.

An entry is kept as its producer's protocol has it, and converted when a consumer of the other reads it. What becomes of
what is as Event Hubs does it:
https://learn.microsoft.com/azure/event-hubs/event-hubs-exchange-events-different-protocols
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import accumulate

from local.eventhubs.entry import AMQP, KAFKA, Entry, bounds
from local.eventhubs.errors import CorruptBatch
from local.eventhubs.kafka import batch, records
from local.eventhubs.message import stamp
from local.eventhubs.transcode import amqp_to_kafka, kafka_to_amqp

# Converted entries kept, with what they were made from: several groups of consumers that read at the same pace convert
# once.
_CACHE_BYTES = 16 * 1024 * 1024
# An int and its place in a list.
_BOUND_BYTES = 40

_AmqpForm = tuple[bytes, list[int]]


class _Cache:
    """The conversions used last, up to a size. Entries compare by content, so one read from disk again hits."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Entry, tuple[_AmqpForm, int]] = OrderedDict()
        self._size = 0

    def get(self, entry: Entry) -> _AmqpForm | None:
        found = self._kept.get(entry)
        if found is None:
            return None
        self._kept.move_to_end(entry)
        return found[0]

    def put(self, entry: Entry, form: _AmqpForm) -> None:
        size = len(entry.body) + len(form[0]) + len(form[1]) * _BOUND_BYTES
        if size > _CACHE_BYTES:
            return
        self._kept[entry] = form, size
        self._size += size
        while self._size > _CACHE_BYTES:
            self._size -= self._kept.popitem(last=False)[1][1]


_CACHE = _Cache()


def amqp(entry: Entry) -> _AmqpForm:
    """The entry's events for AMQP consumers: event `i` is `body[bounds[i]:bounds[i + 1]]`.

    Raises:
        CorruptBatch: the entry is a record batch that is not what was stored.
    """
    if entry.format == AMQP:
        return entry.body, bounds(entry)
    form = _CACHE.get(entry)
    if form is None:
        try:
            batch.check_stored(entry.body, entry.length)
            stamped = stamp(kafka_to_amqp.events(entry.body), entry.base, entry.enqueued)
        except CorruptBatch as error:
            raise CorruptBatch(f"the record batch stored at offset {entry.base} is damaged: {error}") from None
        form = b"".join(stamped), list(accumulate(map(len, stamped), initial=0))
        _CACHE.put(entry, form)
    return form


def kafka(entry: Entry) -> bytes:
    """The entry's events for Kafka consumers, as one record batch."""
    if entry.format == KAFKA:
        return entry.body
    form = _CACHE.get(entry)
    if form is None:
        built = records.build(amqp_to_kafka.events(entry), entry.enqueued)
        form = batch.stamp(built, entry.base, entry.enqueued), []
        _CACHE.put(entry, form)
    return form[0]
