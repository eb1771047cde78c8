"""FindCoordinator, JoinGroup, SyncGroup, Heartbeat and LeaveGroup: how a client gets into a group, and out."""

from __future__ import annotations

from typing import Any

from kio.schema.errors import ErrorCode

from local.eventhubs.kafka.api import NO_THROTTLE, NODE_ID, Api, Session, make, response_module
from local.eventhubs.kafka.groups.ids import refuse_id
from local.eventhubs.kafka.groups.member import Join, Joined, Protocol, Synced

# session.timeout.ms: https://learn.microsoft.com/azure/event-hubs/apache-kafka-configurations
MIN_SESSION_SECONDS, MAX_SESSION_SECONDS = 6.0, 300.0
# What a group holds in memory for each member: its subscriptions, and its part of the work.
MAX_MEMBER_BYTES = 64 * 1024
MAX_PROTOCOLS = 100
# Kafka's clients refuse longer ones themselves, as they do topics' names.
MAX_INSTANCE_ID_CHARACTERS = 249
# It becomes part of each member id.
_CLIENT_ID_CHARACTERS = 255

_GROUP, _TRANSACTION = 0, 1
# From these versions on a client understands: that it has to come again with the id it is given (KIP-394); that a
# protocol's name may be null; that there is nothing to assign (KIP-814).
_ID_REQUIRED, _PROTOCOL_NULLABLE, _MAY_SKIP = 4, 7, 9


async def _find_coordinator(request: Any, session: Session) -> Any:
    schema = response_module(request)
    key_type = getattr(request, "key_type", _GROUP)
    if session.version < 4:
        return make(schema.FindCoordinatorResponse, **_coordinator(request.key, key_type, session))
    return make(
        schema.FindCoordinatorResponse,
        throttle_time=NO_THROTTLE,
        coordinators=tuple(
            make(schema.Coordinator, key=key, **_coordinator(key, key_type, session))
            for key in request.coordinator_keys
        ),
    )


def _coordinator(key: str, key_type: int, session: Session) -> dict[str, Any]:
    """Where the coordinator is: here, as everything, whatever the group's id: clients ask again for ever on errors."""
    error, message = ErrorCode.none, None
    if key_type == _TRANSACTION:
        error = ErrorCode.transactional_id_authorization_failed
        message = "Transactions are not supported: leave transactional.id out."
    elif key_type != _GROUP:
        error, message = ErrorCode.invalid_request, f"There is no coordinator for keys of type {key_type}."
    node, host, port = (NODE_ID, *session.address) if error is ErrorCode.none else (-1, "", -1)
    return {
        "throttle_time": NO_THROTTLE,
        "error_code": error,
        "error_message": message,
        "node_id": node,
        "host": host,
        "port": port,
    }


async def _join(request: Any, session: Session) -> Any:
    error = _refuse_join(request)
    if error is ErrorCode.none:
        answer = await session.groups.join(request.group_id, _as_join(request, session))
    else:
        answer = Joined(error, request.member_id)
    schema = response_module(request)
    no_name = None if session.version >= _PROTOCOL_NULLABLE else ""
    return make(
        schema.JoinGroupResponse,
        throttle_time=NO_THROTTLE,
        error_code=answer.error,
        generation_id=answer.generation,
        protocol_type=answer.protocol_type,
        protocol_name=no_name if answer.protocol is None else answer.protocol,
        leader=answer.leader,
        skip_assignment=answer.skip_assignment,
        member_id=answer.member_id,
        members=tuple(
            make(
                schema.JoinGroupResponseMember,
                member_id=member.id,
                group_instance_id=member.instance_id,
                metadata=member.metadata,
            )
            for member in answer.members
        ),
    )


def _refuse_join(request: Any) -> ErrorCode:
    error = refuse_id(request.group_id)
    if error is not ErrorCode.none:
        return error
    if not MIN_SESSION_SECONDS <= request.session_timeout.total_seconds() <= MAX_SESSION_SECONDS:
        return ErrorCode.invalid_session_timeout
    size = sum(len(protocol.name) + len(protocol.metadata) for protocol in request.protocols)
    instance_id = _instance_id(request)
    if (
        size > MAX_MEMBER_BYTES
        or len(request.protocols) > MAX_PROTOCOLS
        or (instance_id is not None and not 0 < len(instance_id) <= MAX_INSTANCE_ID_CHARACTERS)
    ):
        return ErrorCode.invalid_request
    return ErrorCode.none


def _as_join(request: Any, session: Session) -> Join:
    session_timeout = request.session_timeout.total_seconds()
    # Version 0 has none, and one of nothing would leave nobody the time to join again.
    rebalance_timeout = getattr(request, "rebalance_timeout", NO_THROTTLE).total_seconds()
    return Join(
        member_id=request.member_id,
        instance_id=_instance_id(request),
        client_id=session.client_id[:_CLIENT_ID_CHARACTERS],
        client_host=session.client_host,
        session_timeout=session_timeout,
        rebalance_timeout=rebalance_timeout if rebalance_timeout > 0 else session_timeout,
        protocol_type=request.protocol_type,
        protocols=tuple(Protocol(protocol.name, protocol.metadata) for protocol in request.protocols),
        id_required=session.version >= _ID_REQUIRED,
        may_skip=session.version >= _MAY_SKIP,
    )


async def _sync(request: Any, session: Session) -> Any:
    error = refuse_id(request.group_id)
    if any(len(each.assignment) > MAX_MEMBER_BYTES for each in request.assignments):
        error = ErrorCode.invalid_request
    if error is ErrorCode.none:
        answer = await session.groups.sync(
            request.group_id,
            request.member_id,
            _instance_id(request),
            request.generation_id,
            {each.member_id: each.assignment for each in request.assignments},
            getattr(request, "protocol_type", None),
            getattr(request, "protocol_name", None),
        )
    else:
        answer = Synced(error)
    return make(
        response_module(request).SyncGroupResponse,
        throttle_time=NO_THROTTLE,
        error_code=answer.error,
        protocol_type=answer.protocol_type,
        protocol_name=answer.protocol,
        assignment=answer.assignment,
    )


async def _heartbeat(request: Any, session: Session) -> Any:
    error = refuse_id(request.group_id)
    if error is ErrorCode.none:
        error = session.groups.heartbeat(
            request.group_id, request.member_id, _instance_id(request), request.generation_id
        )
    return make(response_module(request).HeartbeatResponse, throttle_time=NO_THROTTLE, error_code=error)


async def _leave(request: Any, session: Session) -> Any:
    schema = response_module(request)
    error = refuse_id(request.group_id)
    one = session.version < 3
    leaving = (
        [(request.member_id, None)] if one else [(each.member_id, each.group_instance_id) for each in request.members]
    )
    errors = session.groups.leave(request.group_id, leaving) if error is ErrorCode.none else []
    if one:
        return make(schema.LeaveGroupResponse, throttle_time=NO_THROTTLE, error_code=errors[0] if errors else error)
    return make(
        schema.LeaveGroupResponse,
        throttle_time=NO_THROTTLE,
        error_code=error,
        members=tuple(
            make(schema.MemberResponse, member_id=member_id, group_instance_id=instance_id, error_code=member_error)
            for (member_id, instance_id), member_error in zip(leaving, errors, strict=False)
        ),
    )


def _instance_id(request: Any) -> str | None:
    instance_id: str | None = getattr(request, "group_instance_id", None)
    return instance_id


APIS = [
    Api(10, range(5), _find_coordinator),
    Api(11, range(10), _join),
    Api(14, range(6), _sync),
    Api(12, range(5), _heartbeat),
    Api(13, range(6), _leave),
]
