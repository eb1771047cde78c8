"""Fetch: what a consumer reads; when there is too little, once there is more, or its time is up."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from kio.schema.errors import ErrorCode

from local.eventhubs import transcode
from local.eventhubs.errors import LogUnavailable
from local.eventhubs.kafka.api import NO_THROTTLE, Api, Session, make, response_module
from local.eventhubs.log import Log
from local.eventhubs.partition import Partition

# The most that one answer holds, though a client may ask for more: 50 MB is what they ask for by default.
_ANSWER_BYTES = 4 * 1024 * 1024


@dataclass
class _Reading:
    """One partition of a fetch, and what was found."""

    topic: str
    index: int
    partition: Partition | None
    error: ErrorCode
    position: int
    room: int
    records: list[bytes] = field(default_factory=list)


class _Fetch:
    """A fetch under way: at most `room` bytes more, beyond which it takes one batch at least."""

    def __init__(self, log: Log, readings: list[_Reading], room: int) -> None:
        self._log = log
        self.readings = readings
        self._room = room
        self.size = 0
        self.full = False

    @property
    def failed(self) -> bool:
        return any(reading.error for reading in self.readings)

    async def read(self) -> None:
        """Take what there is."""
        for reading in self.readings:
            if reading.partition is None or reading.error:
                continue
            if self._room <= 0 and self.size:
                self.full = True
                break
            try:
                # Each step may read a file, and convert what it finds: others want their turn in between.
                while self._take(reading, reading.partition):  # noqa: ASYNC110
                    await asyncio.sleep(0)
            except LogUnavailable:
                reading.error = ErrorCode.kafka_storage_error

    def _take(self, reading: _Reading, partition: Partition) -> bool:
        """Take some entries; whether there may be more for this reading."""
        entries = self._log.read(partition, reading.position)
        for entry in entries:
            records = transcode.kafka(entry)
            # However little a consumer has room for, it goes on: with one batch, of the first partition that has any.
            if len(records) > min(reading.room, self._room) and self.size:
                self.full = True
                if len(records) > self._room:
                    self._room = 0
                return False
            reading.records.append(records)
            reading.position = entry.next
            reading.room -= len(records)
            self._room -= len(records)
            self.size += len(records)
        return bool(entries) and reading.position < partition.next


async def _handle(request: Any, session: Session) -> Any:
    schema = response_module(request)
    if getattr(request, "session_id", 0):
        # None was given out: each fetch names all that it wants (KIP-227 leaves that to the broker).
        return _response(schema, ErrorCode.fetch_session_id_not_found, [])
    readings = [_reading(session, topic.topic, wanted) for topic in request.topics for wanted in topic.partitions]
    fetch = _Fetch(session.namespace.log, readings, min(request.max_bytes, _ANSWER_BYTES))
    await _gather(fetch, request.min_bytes, request.max_wait.total_seconds())
    return _response(schema, ErrorCode.none, readings)


def _reading(session: Session, topic: str, wanted: Any) -> _Reading:
    found = session.partition(topic, wanted.partition)
    partition, error = (None, found) if isinstance(found, ErrorCode) else (found, ErrorCode.none)
    if partition is not None and not partition.first <= wanted.fetch_offset <= partition.next:
        error = ErrorCode.offset_out_of_range
    return _Reading(topic, wanted.partition, partition, error, wanted.fetch_offset, wanted.partition_max_bytes)


async def _gather(fetch: _Fetch, at_least: int, seconds: float) -> None:
    """Read until there are `at_least` so many bytes, all that fits, something to complain of, or time is up."""
    more = asyncio.Event()
    partitions = {reading.partition for reading in fetch.readings if reading.partition is not None}
    for partition in partitions:
        partition.wait(more.set)
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    try:
        while True:
            more.clear()
            await fetch.read()
            # The clock, too: where little comes all the time, there is never a wait that could run out.
            if fetch.size >= at_least or fetch.full or fetch.failed or loop.time() >= until:
                return
            async with asyncio.timeout_at(until):
                await more.wait()
    except TimeoutError:
        pass
    finally:
        for partition in partitions:
            partition.leave(more.set)


def _response(schema: Any, error: ErrorCode, readings: list[_Reading]) -> Any:
    topics: dict[str, list[_Reading]] = {}
    for reading in readings:
        topics.setdefault(reading.topic, []).append(reading)
    return make(
        schema.FetchResponse,
        throttle_time=NO_THROTTLE,
        error_code=error,
        session_id=0,
        responses=tuple(
            make(schema.FetchableTopicResponse, topic=topic, partitions=tuple(_partition(schema, one) for one in found))
            for topic, found in topics.items()
        ),
    )


def _partition(schema: Any, reading: _Reading) -> Any:
    partition = reading.partition
    end = partition.next if partition is not None and not reading.error else -1
    return make(
        schema.PartitionData,
        partition_index=reading.index,
        error_code=reading.error,
        high_watermark=end,
        last_stable_offset=end,
        log_start_offset=partition.first if partition is not None else -1,
        aborted_transactions=None,
        records=b"".join(reading.records),
    )


API = Api(1, range(4, 13), _handle)
