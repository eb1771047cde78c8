"""Produce before version 3, which carries the message formats before Kafka 0.11: refused, so that the client sees why.

These versions differ from version 3, which kio knows, by little: a request lacks the transactional id in front.
"""

from __future__ import annotations

import struct
from typing import Any

from kio.schema.errors import ErrorCode
from kio.schema.produce.v3.request import ProduceRequest
from kio.schema.request_header.v1.header import RequestHeader
from kio.serial import entity_reader

from local.eventhubs.kafka.errors import ProtocolFault

_NO_TRANSACTIONAL_ID = b"\xff\xff"
_REASON = ErrorCode.unsupported_for_message_format


def refuse(version: int, frame: memoryview) -> bytes | None:
    """The body of the answer to a request of `version` 0, 1 or 2; None when the client wants none (acks 0).

    Raises:
        ProtocolFault: the request is malformed.
    """
    try:
        _, size = entity_reader(RequestHeader)(frame, 0)
        request, _ = entity_reader(ProduceRequest)(_NO_TRANSACTIONAL_ID + frame[size:], 0)
    except Exception as error:  # kio raises its own DecodeError, ValueError, and whatever a field's type does
        raise ProtocolFault(f"Produce, version {version}: the request is malformed: {error}") from None
    return _answer(version, request) if request.acks else None


def _answer(version: int, request: Any) -> bytes:
    parts = [struct.pack(">i", len(request.topic_data))]
    for topic in request.topic_data:
        name = topic.name.encode()
        parts.append(struct.pack(f">h{len(name)}si", len(name), name, len(topic.partition_data)))
        for partition in topic.partition_data:
            parts.append(struct.pack(">ihq", partition.index, _REASON, -1))
            # Version 2 added the time of the append, version 1 that of throttling.
            parts.append(struct.pack(">q", -1) if version >= 2 else b"")
    parts.append(struct.pack(">i", 0) if version >= 1 else b"")
    return b"".join(parts)
