"""InitProducerId: an idempotent producer's id, under which the log tells its repeats apart."""

from __future__ import annotations

from typing import Any

from kio.schema.errors import ErrorCode

from local.eventhubs.errors import LogUnavailable
from local.eventhubs.kafka.api import NO_THROTTLE, Api, Session, make, response_module


async def _handle(request: Any, session: Session) -> Any:
    error, producer, epoch = ErrorCode.none, -1, -1
    if request.transactional_id is not None:
        # Final for a client, which then fails at once instead of waiting for a coordinator of transactions.
        error = ErrorCode.transactional_id_authorization_failed
    else:
        try:
            producer, epoch = session.namespace.log.new_producer_id(), 0
        except LogUnavailable:
            error = ErrorCode.kafka_storage_error
    return make(
        response_module(request).InitProducerIdResponse,
        throttle_time=NO_THROTTLE,
        error_code=error,
        producer_id=producer,
        producer_epoch=epoch,
    )


API = Api(22, range(5), _handle)
