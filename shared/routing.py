"""Which hub a kind of event goes to, and which field is its key. Adding a source is a row here."""

from __future__ import annotations

import zlib
from typing import Any, NamedTuple

ENTRY_HUB = "dev"
ENRICHED_HUB = "enriched"


class Route(NamedTuple):
    """Where events of one kind go: the hub, and the field that keys them when the producer names no key (`pk`)."""

    hub: str
    key: str


ROUTES = {
    "place": Route("places", "postal_cd"),
    "weather": Route("weather", "station"),
    "seismic": Route("seismic", "network"),
}

# Hubs whose events carry one record each, for readers outside Headrace. Every other hub is packed.
UNPACKED_HUBS: frozenset[str] = frozenset()


def key_of(data: dict[str, Any]) -> str:
    """The key of a validated event: its order is kept by this, from the first hub to the stores."""
    return data.get("pk") or str(data[ROUTES[data["kind"]].key])


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key, the same in every stage and every process: CRC-32 modulo the number of partitions."""
    return zlib.crc32(key.encode()) % partitions
