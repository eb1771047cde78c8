"""Which partition a key goes to, so that events of a key keep their order whatever protocol each of them takes.

Kafka clients hash keys in ways of their own (murmur2, CRC-32); the Event Hubs SDK has another, and `--via sdk` leaves
the choice to it. Its buffered producer gives keys with a negative hash another partition than the service would
(`abs(hash % n)` instead of `abs(hash) % n`), and so the SDK's own function is what both must use.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from azure.eventhub._buffered_producer._partition_resolver import PartitionResolver


@cache
def partition_of(key: str, partitions: int) -> int:
    """The partition that the SDK's buffered producer sends `key` to, of a hub of `partitions`."""
    resolver: Any = PartitionResolver
    return int(resolver(range(partitions)).get_partition_id_by_partition_key(key))
