"""ListOffsets: where a partition begins and ends, and where it was at a time."""

from __future__ import annotations

from typing import Any

from kio.schema.errors import ErrorCode

from local.eventhubs.errors import LogUnavailable
from local.eventhubs.kafka.api import NO_THROTTLE, Api, Session, make, response_module
from local.eventhubs.log import Log
from local.eventhubs.partition import Partition

# Times that are none: https://kafka.apache.org/protocol#The_Messages_ListOffsets
LATEST, EARLIEST, MAX_TIMESTAMP = -1, -2, -3
_NONE = (-1, -1)


async def _handle(request: Any, session: Session) -> Any:
    schema = response_module(request)
    return make(
        schema.ListOffsetsResponse,
        throttle_time=NO_THROTTLE,
        topics=tuple(
            make(
                schema.ListOffsetsTopicResponse,
                name=topic.name,
                partitions=tuple(_answer(schema, session, topic.name, wanted) for wanted in topic.partitions),
            )
            for topic in request.topics
        ),
    )


def _answer(schema: Any, session: Session, topic: str, wanted: Any) -> Any:
    partition = session.partition(topic, wanted.partition_index)
    error, (timestamp, offset) = ErrorCode.none, _NONE
    if isinstance(partition, ErrorCode):
        error = partition
    else:
        try:
            timestamp, offset = find(session.namespace.log, partition, wanted.timestamp)
        except LogUnavailable:
            error = ErrorCode.kafka_storage_error
    return make(
        schema.ListOffsetsPartitionResponse,
        partition_index=wanted.partition_index,
        error_code=error,
        timestamp=timestamp,
        offset=offset,
    )


def find(log: Log, partition: Partition, timestamp: int) -> tuple[int, int]:
    """The timestamp and offset of the first event at `timestamp` (ms since 1970, or one of the above) or later.

    The two are -1 without such an event; the timestamp of a place, which is not an event's, is -1.

    Raises:
        LogUnavailable: the log cannot be read.
    """
    if timestamp == LATEST:
        return -1, partition.next
    if timestamp == EARLIEST:
        return -1, partition.first
    if partition.empty:
        return _NONE
    if timestamp == MAX_TIMESTAMP:
        timestamp = partition.last_enqueued
    offset = log.first_after(partition, timestamp, inclusive=True)
    if offset >= partition.next:
        return _NONE
    return log.read(partition, offset)[0].enqueued, offset


API = Api(2, range(1, 8), _handle)
