"""Every error of this package, and the AMQP condition or Kafka code that tells a client about each.

EventHubsError
├── ConfigError              the hubs file cannot be used
├── LogUnavailable           the partition log cannot be opened, read or written (disk full, I/O error)
├── kafka.groups.store.OffsetsUnavailable   the file of committed offsets cannot be, either
├── kafka.errors.*           what closes a Kafka client's connection; its tree is there
├── capture.storage.*        what keeps Capture from writing a file: StorageUnavailable, NameTaken
├── KafkaError               carries a Kafka error code
│   ├── CorruptBatch         bytes that are not a record batch, or records that are not what their batch says
│   │   ├── UnsupportedMagic a batch in a format before Kafka 0.11
│   │   └── BatchTooLarge    a batch, or an event in it, beyond what the namespace takes
│   ├── OutOfOrderSequence   an idempotent producer's batch that does not follow its last
│   └── StaleEpoch           a batch of a producer that a newer one has taken over from
└── AmqpError                carries an AMQP error condition
    ├── ConnectionFault      closes the connection
    │   ├── FramingError     bytes that are not a frame
    │   └── DecodeError      a frame or message whose contents are not AMQP 1.0
    ├── SessionFault         ends the session
    └── LinkFault            detaches (or refuses) the link, or rejects the delivery
        └── sas.Refused      a token that opens nothing
"""

from __future__ import annotations


class EventHubsError(Exception):
    """Whatever goes wrong in the local namespace."""


class ConfigError(EventHubsError):
    """The hubs file cannot be used; the message says where and what to change."""


class LogUnavailable(EventHubsError):
    """The log cannot be opened, read or written. Nothing of an append is stored; it may succeed later."""


class KafkaError(EventHubsError):
    """An error that a Kafka client is told about by its code.

    Codes are those of https://kafka.apache.org/protocol#protocol_error_codes
    """

    code = -1


class CorruptBatch(KafkaError):
    """The bytes are not a record batch, or its records are not what it says they are. Nothing of it is stored."""

    code = 2


class UnsupportedMagic(CorruptBatch):
    """A message set from before Kafka 0.11 (magic 0 or 1), or of a format yet to come."""

    code = 43


class BatchTooLarge(CorruptBatch):
    """A batch that unpacks to more than the namespace holds in memory at once, or an event beyond the limit."""

    code = 10


class OutOfOrderSequence(KafkaError):
    """A batch whose sequence number does not follow the last of its producer: one before it is missing."""

    code = 45


class StaleEpoch(KafkaError):
    """A batch of an older epoch than the last of its producer."""

    code = 47


class AmqpError(EventHubsError):
    """An error that a peer is told about.

    Conditions are those of the AMQP 1.0 specification (transport, 2.8.15-2.8.18) and the `com.microsoft:` ones of
    https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-troubleshoot
    """

    condition = "amqp:internal-error"

    def __init__(self, description: str, condition: str | None = None) -> None:
        super().__init__(description)
        self.description = description
        if condition is not None:
            self.condition = condition


class ConnectionFault(AmqpError):
    """Closes the connection."""

    condition = "amqp:connection:forced"


class FramingError(ConnectionFault):
    """The bytes cannot be cut into frames."""

    condition = "amqp:connection:framing-error"


class DecodeError(ConnectionFault):
    """The bytes are not AMQP 1.0."""

    condition = "amqp:decode-error"


class SessionFault(AmqpError):
    """Ends the session."""

    condition = "amqp:session:errant-link"


class LinkFault(AmqpError):
    """Refuses or detaches a link, or rejects one delivery."""


NOT_FOUND = "amqp:not-found"
UNAUTHORIZED = "amqp:unauthorized-access"
NOT_ALLOWED = "amqp:not-allowed"
INVALID_FIELD = "amqp:invalid-field"
RESOURCE_LIMIT = "amqp:resource-limit-exceeded"
STOLEN = "amqp:link:stolen"
MESSAGE_SIZE_EXCEEDED = "amqp:link:message-size-exceeded"
TRANSFER_LIMIT_EXCEEDED = "amqp:link:transfer-limit-exceeded"
ARGUMENT_ERROR = "com.microsoft:argument-error"
ARGUMENT_OUT_OF_RANGE = "com.microsoft:argument-out-of-range"
OUT_OF_ORDER_SEQUENCE = "com.microsoft:out-of-order-sequence"
PRODUCER_EPOCH_STOLEN = "com.microsoft:producer-epoch-stolen"
SERVER_BUSY = "com.microsoft:server-busy"
