"""Produce: record batches into the log. The answer goes once they are on disk, or tells why they are not."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, NamedTuple

from kio.schema.errors import ErrorCode

from local.eventhubs.entry import Appended
from local.eventhubs.errors import EventHubsError, KafkaError
from local.eventhubs.kafka import old_produce
from local.eventhubs.kafka.api import NO_THROTTLE, Api, Session, make, response_module
from local.eventhubs.kafka.batch import Batch, parse
from local.eventhubs.kafka.records import GZIP, NONE


class Taken(NamedTuple):
    """Where a batch begins, and when it was appended (ms since 1970; None where its producer's times are kept)."""

    base: int
    appended: int | None


class Failure(NamedTuple):
    """Why a batch was not appended."""

    code: ErrorCode
    message: str


Outcome = Taken | Failure


async def _handle(request: Any, session: Session) -> Any:
    refusal = _refusal(request)
    appending = [
        [refusal or _append(session, topic.name, part.index, part.records or b"") for part in topic.partition_data]
        for topic in request.topic_data
    ]
    outcomes = [[await one if isinstance(one, asyncio.Future) else one for one in topic] for topic in appending]
    if request.acks == 0:
        # There is no answer in which to say so: a closed connection makes the producer look for what is wrong.
        session.ending = any(isinstance(outcome, Failure) for topic in outcomes for outcome in topic)
        return None
    schema = response_module(request)
    return make(
        schema.ProduceResponse,
        responses=tuple(
            make(
                schema.TopicProduceResponse,
                name=topic.name,
                partition_responses=tuple(
                    _partition(schema, part.index, outcome)
                    for part, outcome in zip(topic.partition_data, found, strict=True)
                ),
            )
            for topic, found in zip(request.topic_data, outcomes, strict=True)
        ),
        throttle_time=NO_THROTTLE,
    )


def _refusal(request: Any) -> Failure | None:
    """Why nothing of a request is taken."""
    if request.transactional_id is not None:
        return Failure(ErrorCode.transactional_id_authorization_failed, "transactions are not supported")
    if request.acks not in (-1, 0, 1):
        return Failure(ErrorCode.invalid_required_acks, f"acks is -1, 0 or 1, not {request.acks}")
    return None


def _append(session: Session, topic: str, index: int, records: bytes) -> asyncio.Future[Outcome] | Failure:
    partition = session.partition(topic, index)
    if isinstance(partition, ErrorCode):
        return Failure(partition, f"partition {index} of {topic!r}: {partition.name}")
    try:
        batches = parse(records)
    except KafkaError as error:
        return _failure(error)
    refusal = _unacceptable(batches, session)
    if refusal is not None:
        return refusal
    outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def done(result: Appended | EventHubsError) -> None:
        # Cancelled when the client is gone; what it sent is stored all the same.
        if outcome.done():
            return
        if isinstance(result, EventHubsError):
            outcome.set_result(_failure(result))
        else:
            outcome.set_result(Taken(result.base, None if partition.topic.create_time else result.enqueued))

    session.namespace.log.append_batch(partition, batches[0], done)
    return outcome


def _unacceptable(batches: list[Batch], session: Session) -> Failure | None:
    batch = batches[0]
    if len(batches) > 1:
        return Failure(ErrorCode.invalid_record, f"one record batch for a partition is taken, not {len(batches)}")
    if batch.control or batch.transactional:
        return Failure(ErrorCode.invalid_record, "transactions are not supported")
    if session.settings.strict and batch.compression not in (NONE, GZIP):
        return Failure(
            ErrorCode.unsupported_compression_type, "the service takes gzip alone; without --kafka-strict, so do others"
        )
    return None


def _failure(error: EventHubsError) -> Failure:
    # Without a code of its own: the log could not be written. Producers try again.
    code = ErrorCode(error.code) if isinstance(error, KafkaError) else ErrorCode.kafka_storage_error
    return Failure(code, str(error))


def _partition(schema: Any, index: int, outcome: Outcome) -> Any:
    entity = schema.PartitionProduceResponse
    if isinstance(outcome, Failure):
        code, message = outcome
        return make(
            entity, index=index, error_code=code, base_offset=-1, log_append_time=None, record_errors=(),
            error_message=message,
        )  # fmt: skip
    appended = None if outcome.appended is None else datetime.fromtimestamp(outcome.appended / 1_000, UTC)
    return make(
        entity, index=index, error_code=ErrorCode.none, base_offset=outcome.base, log_append_time=appended,
        record_errors=(), error_message=None,
    )  # fmt: skip


# Handled from version 3, yet told to clients from 0: librdkafka 2.0 (kcat) sends gzip and lz4 uncompressed otherwise.
API = Api(0, range(10), _handle, refuse_old=old_produce.refuse)
