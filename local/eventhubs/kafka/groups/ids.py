"""What may be the id of a group."""

from __future__ import annotations

from kio.schema.errors import ErrorCode

# https://learn.microsoft.com/azure/event-hubs/event-hubs-quotas
MAX_GROUP_ID_CHARACTERS = 256


def refuse_id(group_id: str) -> ErrorCode:
    """`none` when `group_id` can be a group's."""
    return ErrorCode.none if 0 < len(group_id) <= MAX_GROUP_ID_CHARACTERS else ErrorCode.invalid_group_id
