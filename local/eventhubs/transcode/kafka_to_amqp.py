"""What Kafka producers sent, as AMQP events: keys as an annotation, headers as properties that are always binary."""

from __future__ import annotations

from collections.abc import Iterator

from local.eventhubs import codec
from local.eventhubs.codec import NULL, binary, string, symbol
from local.eventhubs.kafka import records
from local.eventhubs.message import Event

# https://learn.microsoft.com/azure/developer/java/sdk/troubleshooting-messaging-event-hubs-producer: a Kafka key does
# not become the partition key, which would name another partition; each protocol names the other's.
KAFKA_KEY = "x-opt-kafka-key"
_KEY_ANNOTATION = symbol(KAFKA_KEY)
_DATA_SECTION = b"\x00\x53\x75"
_APPLICATION_PROPERTIES_SECTION = b"\x00\x53\x74"


def events(batch: bytes) -> Iterator[Event]:
    """The events of a record batch. A null value is an empty body.

    Raises:
        CorruptBatch: its records cannot be read.
    """
    headers_before: list[tuple[str, bytes | None]] = []
    section = b""
    for record in records.read(batch):
        key, headers = record.key, record.headers
        # Those of one producer often have the same headers.
        if headers != headers_before:
            headers_before, section = headers, _application_properties(headers)
        body = section + _DATA_SECTION + binary(record.value or b"")
        if key is None:
            yield Event(b"", b"", 0, body)
        else:
            yield Event(b"", _KEY_ANNOTATION + binary(key), 2, body)


def _application_properties(headers: list[tuple[str, bytes | None]]) -> bytes:
    if not headers:
        return b""
    # Kafka's headers may repeat a name, a map's keys may not: the last one counts, as for Headers.lastHeader.
    named = dict(headers)
    return _APPLICATION_PROPERTIES_SECTION + codec.mapping(
        (string(name), NULL if value is None else binary(value)) for name, value in named.items()
    )
