"""One event of a hub as the query is given it: its records, when it arrived, and what GetMetadataPropertyValue() reads.

https://learn.microsoft.com/stream-analytics-query/getmetadatapropertyvalue
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from azure.eventhub import EventData
from azure.eventhub.amqp import AmqpMessageBodyType

from local.sql.asa.values import GREATEST_BIGINT, LEAST_BIGINT, TICKS_PER_SECOND, DateTime, to_json
from local.stream_analytics.decoding import DeserializationError, decode

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EVENT_IDS: Final = uuid.uuid5(uuid.NAMESPACE_URL, "https://learn.microsoft.com/stream-analytics-query/EventId")


@dataclass(frozen=True)
class Received:
    """An event: the records of its body, each with its metadata, and why parts of the body are none."""

    sequence: int
    arrival: DateTime
    records: Sequence[tuple[dict[str, Any], dict[str, Any]]]
    errors: Sequence[str]


def read(event: EventData, hub: str, partition: int, processed: DateTime) -> Received:
    """Take an event of the SDK apart.

    A record's EventId is made of where it stands in the hub: it is the same whenever it is read, and no other's.
    """
    sequence = event.sequence_number or 0
    arrival = ticks(event.enqueued_time or _EPOCH)
    try:
        records, errors = decode(_body(event))
    except DeserializationError as error:
        return Received(sequence, arrival, [], [str(error)])
    properties = {
        "EventProcessedUtcTime": processed,
        "PartitionId": partition,
        "EventEnqueuedUtcTime": arrival,
        "Offset": event.offset,
        "SequenceNumber": sequence,
        "PartitionKey": _plain(event.partition_key),
    }
    user = {str(_plain(name)): _plain(value) for name, value in (event.properties or {}).items()}
    place = f"{hub}/{partition}/{sequence}/{int(arrival)}"
    return Received(
        sequence,
        arrival,
        [
            (record, {"EventId": str(uuid.uuid5(_EVENT_IDS, f"{place}/{n}")), "EventHub": properties, "User": user})
            for n, record in enumerate(records)
        ],
        errors,
    )


def ticks(moment: datetime) -> DateTime:
    """A moment as a query has it, to the microsecond."""
    past = moment - _EPOCH
    return DateTime((past.days * 86_400 + past.seconds) * TICKS_PER_SECOND + past.microseconds * 10)


def _body(event: EventData) -> bytes:
    body: Any = event.body
    if event.body_type is AmqpMessageBodyType.DATA:
        return b"".join(body)
    # An AMQP value or sequence (a list that may be cut into several), which other clients than Event Hubs' can send.
    value = body if event.body_type is AmqpMessageBodyType.VALUE else [item for section in body for item in section]
    return value if isinstance(value, bytes) else json.dumps(to_json(_deep(value))).encode()


def _deep(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(_plain(name)): _deep(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_deep(item) for item in value]
    return _plain(value)


def _plain(value: Any) -> Any:
    """A value of AMQP as one of a query; a text, where there is none that fits."""
    if type(value) is bytes:
        return value.decode("utf-8", "replace")
    if type(value) is datetime:
        return ticks(value if value.tzinfo else value.replace(tzinfo=UTC))
    if value is None or type(value) in (str, bool) or (type(value) is float and math.isfinite(value)):
        return value
    return int(value) if type(value) is int and LEAST_BIGINT <= value <= GREATEST_BIGINT else str(value)
