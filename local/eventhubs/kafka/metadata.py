"""Metadata: which topics there are, and where each partition's leader is: here, always."""

from __future__ import annotations

from typing import Any

from kio.schema.errors import ErrorCode

from local.eventhubs.kafka.api import NO_THROTTLE, NODE_ID, Api, Session, make, response_module
from local.eventhubs.namespace import Hub

CLUSTER_ID = "headrace"


async def _handle(request: Any, session: Session) -> Any:
    schema = response_module(request)
    if request.topics is None or (session.version == 0 and not request.topics):
        names = [hub.name for hub in session.namespace.hubs if session.may_use(hub.name)]
    else:
        names = [topic.name for topic in request.topics]
    host, port = session.address
    return make(
        schema.MetadataResponse,
        throttle_time=NO_THROTTLE,
        brokers=(make(schema.MetadataResponseBroker, node_id=NODE_ID, host=host, port=port, rack=None),),
        cluster_id=CLUSTER_ID,
        controller_id=NODE_ID,
        topics=tuple(_topic(schema, name, session) for name in names),
    )


def _topic(schema: Any, name: str, session: Session) -> Any:
    """A topic as the client spelt it: it looks for that name in the answer."""
    hub = session.hub(name)
    error, partitions = (hub, ()) if isinstance(hub, ErrorCode) else (ErrorCode.none, _partitions(schema, hub))
    return make(schema.MetadataResponseTopic, error_code=error, name=name, is_internal=False, partitions=partitions)


def _partitions(schema: Any, hub: Hub) -> tuple[Any, ...]:
    return tuple(
        make(
            schema.MetadataResponsePartition,
            error_code=ErrorCode.none,
            partition_index=partition.index,
            leader_id=NODE_ID,
            replica_nodes=(NODE_ID,),
            isr_nodes=(NODE_ID,),
        )
        for partition in hub.partitions
    )


# Not the flexible version 9: librdkafka (2.16) ends its own with a byte too many, which kio refuses.
API = Api(3, range(9), _handle)
