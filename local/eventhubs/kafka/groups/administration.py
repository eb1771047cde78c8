"""DescribeGroups, ListGroups and DeleteGroups: what administrators see and do."""

from __future__ import annotations

from typing import Any

from kio.schema.errors import ErrorCode

from local.eventhubs.kafka.api import NO_THROTTLE, Api, Session, make, response_module
from local.eventhubs.kafka.groups.group import Group, State
from local.eventhubs.kafka.groups.ids import refuse_id
from local.eventhubs.kafka.groups.store import OffsetsUnavailable

# "Nobody asked": https://kafka.apache.org/protocol#The_Messages_DescribeGroups
_NO_OPERATIONS = -(2**31)
# As opposed to those of KIP-848, which are not served.
_TYPE = "classic"


async def _describe(request: Any, session: Session) -> Any:
    schema = response_module(request)
    return make(
        schema.DescribeGroupsResponse,
        throttle_time=NO_THROTTLE,
        groups=tuple(_description(schema, group_id, session) for group_id in request.groups),
    )


def _description(schema: Any, group_id: str, session: Session) -> Any:
    error, group = refuse_id(group_id), None
    try:
        group = session.groups.find(group_id) if error is ErrorCode.none else None
    except OffsetsUnavailable:
        error = ErrorCode.coordinator_not_available
    state = group.state if group is not None else State.DEAD
    return make(
        schema.DescribedGroup,
        error_code=error,
        group_id=group_id,
        group_state=str(state) if error is ErrorCode.none else "",
        protocol_type=(group and group.protocol_type) or "",
        protocol_data=(group and group.state is State.STABLE and group.protocol) or "",
        members=_members(schema, group) if group is not None else (),
        authorized_operations=_NO_OPERATIONS,
    )


def _members(schema: Any, group: Group) -> tuple[Any, ...]:
    """Only a stable group's members have something to show that holds."""
    stable = group.state is State.STABLE
    return tuple(
        make(
            schema.DescribedGroupMember,
            member_id=member.id,
            group_instance_id=member.instance_id,
            client_id=member.request.client_id,
            client_host=f"/{member.request.client_host}",
            member_metadata=member.metadata(group.protocol or "") if stable else b"",
            member_assignment=member.assignment if stable else b"",
        )
        for member in group.roster.all()
    )


async def _list(request: Any, session: Session) -> Any:
    schema = response_module(request)
    states = {state.lower() for state in getattr(request, "states_filter", ())}
    types = {type_.lower() for type_ in getattr(request, "types_filter", ())}
    error, found = ErrorCode.none, {}
    try:
        found = session.groups.all() if not types or _TYPE in types else {}
    except OffsetsUnavailable:
        error = ErrorCode.coordinator_not_available
    return make(
        schema.ListGroupsResponse,
        throttle_time=NO_THROTTLE,
        error_code=error,
        groups=tuple(
            make(
                schema.ListedGroup,
                group_id=group_id,
                protocol_type=group.protocol_type or "",
                group_state=str(group.state),
                group_type=_TYPE,
            )
            for group_id, group in found.items()
            if not states or group.state.lower() in states
        ),
    )


async def _delete(request: Any, session: Session) -> Any:
    schema = response_module(request)
    return make(
        schema.DeleteGroupsResponse,
        throttle_time=NO_THROTTLE,
        results=tuple(
            make(schema.DeletableGroupResult, group_id=group_id, error_code=_delete_group(group_id, session))
            for group_id in request.groups_names
        ),
    )


def _delete_group(group_id: str, session: Session) -> ErrorCode:
    error = refuse_id(group_id)
    if error is not ErrorCode.none:
        return error
    try:
        if not all(session.may_use(place.hub) for place in session.groups.offsets(group_id)):
            # Its connection string opens one hub, and the group has read others.
            return ErrorCode.group_authorization_failed
        return session.groups.delete(group_id)
    except OffsetsUnavailable:
        return ErrorCode.coordinator_not_available


APIS = [
    Api(15, range(6), _describe),
    Api(16, range(6), _list),
    Api(42, range(3), _delete),
]
