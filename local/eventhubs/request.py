"""Messages of the nodes `$cbs` and `$management`: what a request asks, and the response to it."""

from __future__ import annotations

from typing import NamedTuple

from local.eventhubs import codec, message, performatives
from local.eventhubs.codec import NULL, integer, string


class Request(NamedTuple):
    """A request: `message_id` as it was encoded, for a response of the same type."""

    message_id: bytes
    reply_to: str | None
    properties: dict[str, object]
    body: object


def parse(payload: bytes) -> Request:
    """A request message.

    Raises:
        DecodeError: it is not an AMQP message.
    """
    message_id, reply_to, properties, body = NULL, None, {}, None
    for code, start, value, end in message.sections(payload):
        if code == message.APPLICATION_PROPERTIES:
            found, _ = codec.decode(payload, value)
            properties = {str(key): item for key, item in found.items()} if isinstance(found, dict) else {}
        elif code == message.PROPERTIES:
            fields = performatives.decode(payload[start:end])
            message_id = fields.raw(0)
            reply_to = str(fields.get(4)) if fields.get(4) is not None else None
        elif code == message.VALUE:
            body, _ = codec.decode(payload, value)
    return Request(message_id, reply_to, properties, body)


def response(request: Request, status: int, description: str, body: bytes = NULL) -> bytes:
    """The answer to `request`; `body` is an encoded value. SDKs differ in how they spell the status keys."""
    properties = codec.described_list(message.PROPERTIES, [NULL] * 5 + [request.message_id] + [NULL] * 7)
    application = codec.mapping(
        [
            (string("status-code"), integer(status)),
            (string("statusCode"), integer(status)),
            (string("status-description"), string(description)),
            (string("statusDescription"), string(description)),
        ]
    )
    return properties + b"\x00\x53\x74" + application + b"\x00\x53\x77" + body
