"""OffsetCommit, OffsetFetch and OffsetDelete: how far a group has read."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from kio.schema.errors import ErrorCode

from local.eventhubs.kafka.api import NO_THROTTLE, Api, Session, make, response_module
from local.eventhubs.kafka.groups.ids import refuse_id
from local.eventhubs.kafka.groups.store import Committed, OffsetsUnavailable, Place

# https://learn.microsoft.com/azure/event-hubs/event-hubs-quotas
MAX_METADATA_BYTES = 1_024
_NO_EPOCH = -1
_NOTHING = Committed(-1, _NO_EPOCH, "")


async def _commit(request: Any, session: Session) -> Any:
    schema = response_module(request)
    refused = refuse_id(request.group_id)
    offsets: dict[Place, Committed] = {}
    errors: dict[tuple[str, int], ErrorCode] = {}
    try:
        if refused is ErrorCode.none:
            refused = session.groups.may_commit(
                request.group_id,
                request.member_id,
                getattr(request, "group_instance_id", None),
                request.generation_id_or_member_epoch,
            )
        for topic in request.topics:
            for partition in topic.partitions:
                error = _refuse_offset(topic.name, partition, session) if refused is ErrorCode.none else refused
                errors[topic.name, partition.partition_index] = error
                if error is ErrorCode.none:
                    epoch = getattr(partition, "committed_leader_epoch", _NO_EPOCH)
                    offsets[Place(topic.name.lower(), partition.partition_index)] = Committed(
                        partition.committed_offset, epoch, partition.committed_metadata
                    )
        if offsets:
            session.groups.commit(request.group_id, offsets.items())
    except OffsetsUnavailable:
        # Clients look for the coordinator again, and commit again.
        errors = {
            (topic.name, partition.partition_index): ErrorCode.coordinator_not_available
            for topic in request.topics
            for partition in topic.partitions
        }
    return make(
        schema.OffsetCommitResponse,
        throttle_time=NO_THROTTLE,
        topics=_outcomes(
            schema.OffsetCommitResponseTopic, schema.OffsetCommitResponsePartition, request.topics, errors
        ),
    )


def _refuse_offset(topic: str, partition: Any, session: Session) -> ErrorCode:
    found = session.partition(topic, partition.partition_index)
    if isinstance(found, ErrorCode):
        return found
    if len((partition.committed_metadata or "").encode()) > MAX_METADATA_BYTES:
        return ErrorCode.offset_metadata_too_large
    # A negative offset is kept, as Kafka keeps it: clients take it for none, and KafkaJS resets a group by it.
    return ErrorCode.none


async def _fetch(request: Any, session: Session) -> Any:
    schema = response_module(request)
    if session.version < 8:
        error, topics = _fetch_group(request.group_id, request.topics, session)
        return make(
            schema.OffsetFetchResponse,
            throttle_time=NO_THROTTLE,
            error_code=error,
            topics=_topics(schema.OffsetFetchResponseTopic, schema.OffsetFetchResponsePartition, topics),
        )
    groups = []
    for group in request.groups:
        error, topics = _fetch_group(group.group_id, group.topics, session)
        groups.append(
            make(
                schema.OffsetFetchResponseGroup,
                group_id=group.group_id,
                error_code=error,
                topics=_topics(schema.OffsetFetchResponseTopics, schema.OffsetFetchResponsePartitions, topics),
            )
        )
    return make(schema.OffsetFetchResponse, throttle_time=NO_THROTTLE, groups=tuple(groups))


_Found = list[tuple[str, list[tuple[int, Committed, ErrorCode]]]]


def _fetch_group(group_id: str, wanted: Iterable[Any] | None, session: Session) -> tuple[ErrorCode, _Found]:
    """What a group has committed: for each topic that is wanted, or each that there is (None)."""
    error, committed = refuse_id(group_id), {}
    if error is ErrorCode.none:
        try:
            committed = session.groups.offsets(group_id)
        except OffsetsUnavailable:
            error = ErrorCode.coordinator_not_available
    if wanted is None:
        return error, _everything(committed, session)
    found: _Found = []
    for topic in wanted:
        refused = error if session.may_use(topic.name) else ErrorCode.topic_authorization_failed
        partitions = [
            (
                index,
                committed.get(Place(topic.name.lower(), index), _NOTHING) if refused is ErrorCode.none else _NOTHING,
                refused,
            )
            for index in topic.partition_indexes
        ]
        found.append((topic.name, partitions))
    return error, found


def _everything(committed: dict[Place, Committed], session: Session) -> _Found:
    found: _Found = []
    for name, places in groupby(committed, key=lambda place: place.hub):
        hub = session.hub(name)
        if not isinstance(hub, ErrorCode):
            found.append((hub.name, [(place.partition, committed[place], ErrorCode.none) for place in places]))
    return found


def _topics(topic_class: Any, partition_class: Any, topics: _Found) -> tuple[Any, ...]:
    return tuple(
        make(
            topic_class,
            name=name,
            partitions=tuple(
                make(
                    partition_class,
                    partition_index=index,
                    committed_offset=committed.offset,
                    committed_leader_epoch=committed.leader_epoch,
                    metadata=committed.metadata,
                    error_code=error,
                )
                for index, committed, error in partitions
            ),
        )
        for name, partitions in topics
    )


async def _delete(request: Any, session: Session) -> Any:
    schema = response_module(request)
    error = refuse_id(request.group_id)
    errors: dict[tuple[str, int], ErrorCode] = {}
    try:
        group = session.groups.find(request.group_id) if error is ErrorCode.none else None
        if error is ErrorCode.none and group is None:
            error = ErrorCode.group_id_not_found
        elif group is not None and group.in_use:
            # Kafka looks into the members' subscriptions for which topics are read; here nobody may be reading.
            error = ErrorCode.non_empty_group
        if error is ErrorCode.none:
            errors = {
                (topic.name, partition.partition_index): ErrorCode.none
                if session.may_use(topic.name)
                else ErrorCode.topic_authorization_failed
                for topic in request.topics
                for partition in topic.partitions
            }
            session.groups.delete_offsets(
                request.group_id,
                [Place(name.lower(), index) for (name, index), refused in errors.items() if refused is ErrorCode.none],
            )
    except OffsetsUnavailable:
        error, errors = ErrorCode.coordinator_not_available, {}
    return make(
        schema.OffsetDeleteResponse,
        error_code=error,
        throttle_time=NO_THROTTLE,
        topics=_outcomes(
            schema.OffsetDeleteResponseTopic,
            schema.OffsetDeleteResponsePartition,
            request.topics if errors else (),
            errors,
        ),
    )


def _outcomes(
    topic_class: Any, partition_class: Any, topics: Iterable[Any], errors: dict[tuple[str, int], ErrorCode]
) -> tuple[Any, ...]:
    """How it went with each partition that a request names."""
    return tuple(
        make(
            topic_class,
            name=topic.name,
            partitions=tuple(
                make(
                    partition_class,
                    partition_index=partition.partition_index,
                    error_code=errors[topic.name, partition.partition_index],
                )
                for partition in topic.partitions
            ),
        )
        for topic in topics
    )


# kio begins OffsetCommit with version 2, OffsetFetch with 1: before them offsets were kept elsewhere. OffsetFetch 9 is
# of the next group protocol (KIP-848).
APIS = [
    Api(8, range(2, 10), _commit),
    Api(9, range(1, 9), _fetch),
    Api(47, range(1), _delete),
]
