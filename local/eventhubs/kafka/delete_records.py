"""DeleteRecords: what Kafka Streams asks for once it has read what it wrote to itself (its repartition topics).

Hubs of the hubs file are not for clients to empty: Capture and other readers count on their retention.
"""

from __future__ import annotations

import asyncio
from typing import Any

from kio.schema.errors import ErrorCode

from local.eventhubs.errors import LogUnavailable
from local.eventhubs.kafka.api import NO_THROTTLE, Api, Session, make, response_module

# Of an offset: all there is (https://kafka.apache.org/protocol#The_Messages_DeleteRecords).
_ALL = -1


async def _handle(request: Any, session: Session) -> Any:
    schema = response_module(request)
    topics = []
    for topic in request.topics:
        results = []
        for wanted in topic.partitions:
            error, first = await _delete(session, topic.name, wanted.partition_index, wanted.offset)
            results.append(
                make(
                    schema.DeleteRecordsPartitionResult,
                    partition_index=wanted.partition_index,
                    low_watermark=first,
                    error_code=error,
                )
            )
        topics.append(make(schema.DeleteRecordsTopicResult, name=topic.name, partitions=tuple(results)))
    return make(schema.DeleteRecordsResponse, throttle_time=NO_THROTTLE, topics=tuple(topics))


async def _delete(session: Session, topic: str, index: int, offset: int) -> tuple[ErrorCode, int]:
    """Delete what comes before `offset`, in whole batches; why not, and the oldest offset kept (-1 on an error)."""
    hub, partition = session.hub(topic), session.partition(topic, index)
    if isinstance(hub, ErrorCode):
        return hub, -1
    if isinstance(partition, ErrorCode):
        return partition, -1
    if not hub.made_by_client:
        return ErrorCode.policy_violation, -1
    before = partition.next if offset == _ALL else offset
    if not 0 <= before <= partition.next:
        return ErrorCode.offset_out_of_range, -1
    try:
        # Each step deletes some: others want their turn in between.
        while session.namespace.log.drop(partition, before):  # noqa: ASYNC110
            await asyncio.sleep(0)
    except LogUnavailable:
        return ErrorCode.kafka_storage_error, -1
    return ErrorCode.none, partition.first


API = Api(21, range(3), _handle)
