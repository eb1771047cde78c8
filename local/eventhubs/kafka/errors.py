"""The errors of the Kafka endpoint.

EventHubsError
└── KafkaError
    ├── ProtocolFault        bytes that are no request, or one that may not come now: closes the connection
    └── Refused              a client that does not authenticate; it is told why
"""

from __future__ import annotations

from local.eventhubs.errors import EventHubsError


class KafkaError(EventHubsError):
    """Whatever goes wrong on a Kafka connection."""


class ProtocolFault(KafkaError):
    """Closes the connection, as Kafka does on a request that it cannot read or will not take."""


class Refused(KafkaError):
    """A client did not prove who it is; the message says what to change."""
