"""From a batch of received events to what the worker is handed: the trigger's data and their metadata.

The metadata has the shapes of the host's binding data (EventHubTriggerBindingStrategy of the .NET extension): parallel
arrays for cardinality many, single values for one, times without a zone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from azure.eventhub import EventData
from azure.eventhub.amqp import AmqpMessageBodyType

from local.functions.bindings import BINARY, STRING
from local.functions.messages import Data

_KNOWN_ANNOTATIONS = {b"x-opt-sequence-number", b"x-opt-offset", b"x-opt-enqueued-time", b"x-opt-partition-key"}


@dataclass(frozen=True)
class Partition:
    """The partition that a batch came from; the namespace is a host name, with the port when it is not the usual."""

    namespace: str
    hub: str
    consumer_group: str
    id: str


@dataclass(frozen=True)
class Event:
    """What the host reads from one AMQP message, once."""

    body: bytes
    sequence_number: int
    offset: str
    enqueued: str
    partition_key: str | None
    properties: dict[str, Any]
    system: dict[str, Any]


def read(event: EventData) -> Event:
    """Take an event of the SDK apart."""
    system = {_text(key): _plain(value) for key, value in event.system_properties.items()
              if key not in _KNOWN_ANNOTATIONS}  # fmt: skip
    moment = event.enqueued_time
    key = event.partition_key
    offset = event.offset or ""
    number = event.sequence_number or 0
    enqueued = _moment(moment) if moment else ""
    text_key = None if key is None else _text(key)
    system.update(
        SequenceNumber=number,
        Offset=int(offset) if offset.lstrip("-").isdecimal() else -1,
        OffsetString=offset,
        PartitionKey=text_key,
        EnqueuedTimeUtc=enqueued,
    )
    properties = {_text(name): _plain(value) for name, value in (event.properties or {}).items()}
    return Event(_body(event), number, offset, enqueued, text_key, properties, system)


def _body(event: EventData) -> bytes:
    body: Any = event.body
    if event.body_type is AmqpMessageBodyType.DATA:
        parts = list(body)
        return parts[0] if len(parts) == 1 else b"".join(parts)
    # A client other than Event Hubs' own sent an AMQP value or sequence: the .NET extension has no bytes for it.
    value = body if event.body_type is AmqpMessageBodyType.VALUE else list(body)
    return value if isinstance(value, bytes) else orjson.dumps(_plain(value))


def metadata_many(events: Sequence[Event], partition: Partition, *, checkpointing: bool) -> dict[str, Data]:
    """Trigger metadata for a batch: JSON written once for all of it."""
    context = _partition_context(partition, checkpointing)
    return {
        "PartitionKeyArray": Data(
            "collection_string",
            # A collection of strings has no nulls: the array is shorter than the batch when some events have no key.
            [event.partition_key for event in events if event.partition_key is not None],
        ),
        "OffsetArray": Data("collection_string", [event.offset for event in events]),
        "SequenceNumberArray": Data("collection_sint64", [event.sequence_number for event in events]),
        "EnqueuedTimeUtcArray": _json([event.enqueued for event in events]),
        "PropertiesArray": _json([event.properties for event in events]),
        "SystemPropertiesArray": _json([event.system for event in events]),
        "PartitionContext": context,
        "TriggerPartitionContext": context,
    }


def metadata_one(event: Event, partition: Partition, *, checkpointing: bool) -> dict[str, Data]:
    """Trigger metadata for a single event."""
    context = _partition_context(partition, checkpointing)
    metadata = {
        "Offset": Data("string", event.offset),
        "SequenceNumber": Data("int", event.sequence_number),
        "EnqueuedTimeUtc": _json(event.enqueued),
        "Properties": _json(event.properties),
        "SystemProperties": _json(event.system),
        "PartitionContext": context,
        "TriggerPartitionContext": context,
    }
    if event.partition_key is not None:
        metadata["PartitionKey"] = Data("string", event.partition_key)
    return metadata


def body_many(bodies: Sequence[bytes], data_type: int) -> Data:
    """The bodies of a batch as the host sends them for a binding's data type.

    Raises:
        ValueError: no data type, and a body is not JSON.
    """
    if data_type == BINARY:
        return Data("collection_bytes", bodies)
    if data_type == STRING:
        # Empty strings are lost on the way, and then bodies and metadata no longer match: so it is in Azure.
        return Data("collection_string", [_decoded(body) for body in bodies if body])
    return Data("json", json.dumps([_parsed(body) for body in bodies]))


def body_one(body: bytes, data_type: int) -> Data:
    """The body of a single event; see `body_many`."""
    if data_type == BINARY:
        return Data("bytes", body)
    if data_type == STRING:
        return Data("string", _decoded(body))
    return Data("json", json.dumps(_parsed(body)))


def _partition_context(partition: Partition, checkpointing: bool) -> Data:
    return _json({
        "IsCheckpointingAfterInvocation": checkpointing,
        "FullyQualifiedNamespace": partition.namespace,
        "EventHubName": partition.hub,
        "ConsumerGroup": partition.consumer_group,
        "PartitionId": partition.id,
    })  # fmt: skip


def _json(value: Any) -> Data:
    return Data("json", orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode())


def _plain(value: Any) -> Any:
    """AMQP values as JSON has them: bytes are text, times are without a zone."""
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, dict):
        return {_text(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _moment(moment: datetime) -> str:
    # Newtonsoft writes a DateTime of unspecified kind: milliseconds without trailing zeros, and no Z.
    text = f"{moment:%Y-%m-%dT%H:%M:%S}"
    return f"{text}.{moment.microsecond:06}".rstrip("0").rstrip(".") if moment.microsecond else text


def _decoded(body: bytes) -> str:
    return body.decode(errors="replace")


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        raise ValueError(
            "the binding has no data_type, so the host parses every body as JSON, and one is not "
            f"({error}); write data_type=func.DataType.BINARY"
        ) from error
