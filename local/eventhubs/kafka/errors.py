"""The errors of a connection to the Kafka endpoint; what a request is answered with is in `local.eventhubs.errors`.

EventHubsError
├── ProtocolFault            bytes that are no request, or one that may not come now: closes the connection
└── Refused                  a client that does not authenticate; it is told why
"""

from __future__ import annotations

from local.eventhubs.errors import EventHubsError


class ProtocolFault(EventHubsError):
    """Closes the connection, as Kafka does on a request that it cannot read or will not take."""


class Refused(EventHubsError):
    """A client did not prove who it is; the message says what to change."""
