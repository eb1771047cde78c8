"""What the Kafka endpoint is told on the command line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """How the endpoint behaves.

    Attributes:
        strict: refuse what the service refuses though Kafka takes it: codecs other than gzip.
        plaintext: let clients in that do not authenticate.
        create_topics: let clients create hubs.
        idle_seconds: close a connection on which nothing came for so long (240, as the service does).
        retention_milliseconds: what clients are told that events are kept.
    """

    strict: bool = False
    plaintext: bool = False
    create_topics: bool = False
    idle_seconds: float = 240.0
    retention_milliseconds: int = 24 * 3600 * 1000
