"""`$management`: what a hub and its partitions look like now.

https://learn.microsoft.com/azure/event-hubs/event-hubs-amqp-protocol-guide and the SDKs' management clients.
"""

from __future__ import annotations

from collections.abc import Callable

from local.eventhubs import codec
from local.eventhubs.codec import boolean, integer, long, string, timestamp
from local.eventhubs.errors import NOT_FOUND, UNAUTHORIZED, LinkFault
from local.eventhubs.namespace import Hub, Namespace
from local.eventhubs.partition import Partition
from local.eventhubs.request import Request, response

NODE = "$management"
HUB, PARTITION = "com.microsoft:eventhub", "com.microsoft:partition"
# 0001-01-01, .NET's DateTime.MinValue: what the service answers for a time that never was.
_NEVER = -62_135_596_800_000
_STATUS = {NOT_FOUND: 404, UNAUTHORIZED: 401}


def answer(request: Request, namespace: Namespace, authorise: Callable[[tuple[str, ...], object], None]) -> bytes:
    """Answer one request.

    Args:
        authorise: raises a LinkFault when neither this connection nor the request's own token opens the path.
    """
    properties = request.properties
    operation, kind, name = properties.get("operation"), properties.get("type"), properties.get("name")
    if operation != "READ" or kind not in (HUB, PARTITION) or not isinstance(name, str):
        return response(request, 400, f"cannot {operation!r} a {kind!r} named {name!r}: READ {HUB} or {PARTITION}")
    try:
        # Go's SDK puts a token for `HUB/$management`, Python's for the hub, which covers it; .NET's puts none.
        authorise((name.lower(), NODE), properties.get("security_token"))
        hub = namespace.hub(name)
        if kind == HUB:
            return response(request, 200, "OK", _describe_hub(hub))
        return response(request, 200, "OK", _describe_partition(hub, hub.partition(str(properties.get("partition")))))
    except LinkFault as fault:
        return response(request, _STATUS.get(fault.condition, 500), fault.description)


def _describe_hub(hub: Hub) -> bytes:
    return codec.mapping(
        [
            (string("name"), string(hub.name)),
            (string("type"), string(HUB)),
            (string("created_at"), timestamp(hub.created)),
            # Replicas in other regions; the SDKs of .NET and Go read it, and Go's takes no answer without it.
            (string("georeplication_factor"), integer(1)),
            (string("partition_count"), integer(len(hub.partitions))),
            (string("partition_ids"), codec.string_array(str(partition.index) for partition in hub.partitions)),
        ]
    )


def _describe_partition(hub: Hub, partition: Partition) -> bytes:
    last = partition.next - 1
    return codec.mapping(
        [
            (string("name"), string(hub.name)),
            (string("type"), string(PARTITION)),
            (string("partition"), string(str(partition.index))),
            (string("begin_sequence_number"), long(partition.first if partition.next else -1)),
            (string("last_enqueued_sequence_number"), long(last)),
            (string("last_enqueued_offset"), string(str(last))),
            (
                string("last_enqueued_time_utc"),
                timestamp(partition.last_enqueued if partition.last_enqueued >= 0 else _NEVER),
            ),
            (string("is_partition_empty"), boolean(partition.empty)),
        ]
    )
