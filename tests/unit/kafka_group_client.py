"""A client of the APIs of consumer groups, in any version of each: all of a connection but its socket."""

from __future__ import annotations

import io
import typing
from datetime import timedelta
from typing import Any

import kio.index
from kio.schema.errors import ErrorCode
from kio.serial import entity_reader, entity_writer
from kio.static.constants import EntityType

from local.eventhubs.kafka.api import Session, make
from local.eventhubs.kafka.groups.handlers import APIS

BY_KEY = {api.key: api for api in APIS}
FIND, JOIN, SYNC, HEARTBEAT, LEAVE, COMMIT, FETCH, DESCRIBE, LIST, DELETE, DELETE_OFFSETS = (
    10, 11, 14, 12, 13, 8, 9, 15, 16, 42, 47,
)  # fmt: skip
HUB, OTHER = "readings", "other"


class Client:
    """A connection without its socket: requests and answers pass through their bytes."""

    def __init__(self, session: Session) -> None:
        self.session = session

    async def ask(self, key: int, version: int, /, **values: Any) -> Any:
        module = kio.index.load_payload_module(key, version, EntityType.request)
        request = _filled(module, kio.index.load_request_schema(key, version), values)
        self.session.version = version
        answer = await BY_KEY[key].handle(_through_bytes(request), self.session)
        return _through_bytes(answer)

    async def join(self, version: int = 9, member_id: str = "", protocol: str = "range", **values: Any) -> Any:
        asked: dict[str, Any] = {
            "group_id": "g",
            "session_timeout": timedelta(seconds=10),
            "rebalance_timeout": timedelta(seconds=30),
            "member_id": member_id,
            "group_instance_id": None,
            "protocol_type": "consumer",
            "protocols": [{"name": protocol, "metadata": b"topics"}],
            "reason": None,
        }
        return await self.ask(JOIN, version, **{**asked, **values})

    async def member(self, version: int = 9, sync_version: int = 5) -> str:
        """Become the only member of the group `g`, with an assignment."""
        joined = await self.join(version)
        if joined.error_code is ErrorCode.member_id_required:
            joined = await self.join(version, joined.member_id)
        assert joined.error_code is ErrorCode.none
        assert joined.leader == joined.member_id
        assert [(each.member_id, each.metadata) for each in joined.members] == [(joined.member_id, b"topics")]
        synced = await self.sync(joined.member_id, sync_version, [(joined.member_id, b"all")])
        assert (synced.error_code, synced.assignment) == (ErrorCode.none, b"all")
        return str(joined.member_id)

    async def sync(self, member_id: str, version: int, assignments: list[tuple[str, bytes]] | None = None) -> Any:
        return await self.ask(
            SYNC, version, group_id="g", generation_id=1, member_id=member_id, group_instance_id=None,
            protocol_type="consumer", protocol_name="range",
            assignments=[{"member_id": each, "assignment": part} for each, part in assignments or ()],
        )  # fmt: skip

    async def commit(
        self, offset: int, *, version: int = 9, topic: str = HUB, partition: int = 0, group_id: str = "g",
        member_id: str = "", generation: int = -1, metadata: str | None = "note",
    ) -> ErrorCode:  # fmt: skip
        answer = await self.ask(
            COMMIT, version, group_id=group_id, generation_id_or_member_epoch=generation, member_id=member_id,
            group_instance_id=None, retention_time=timedelta(milliseconds=-1),
            topics=[{"name": topic, "partitions": [{
                "partition_index": partition, "committed_offset": offset, "committed_leader_epoch": 0,
                "committed_metadata": metadata}]}],
        )  # fmt: skip
        error: ErrorCode = answer.topics[0].partitions[0].error_code
        return error

    async def committed(self, version: int = 8, topics: list[tuple[str, list[int]]] | None = None) -> dict[Any, Any]:
        """What the group `g` has committed, by topic and partition: offset, note and error."""
        wanted = topics and [{"name": name, "partition_indexes": indexes} for name, indexes in topics]
        asked: dict[str, Any] = {"group_id": "g", "topics": wanted}
        answer = await self.ask(FETCH, version, require_stable=True, groups=[asked], **asked)
        found = answer.groups[0] if version >= 8 else answer
        assert getattr(found, "error_code", ErrorCode.none) is ErrorCode.none
        return {
            (topic.name, each.partition_index): (each.committed_offset, each.metadata, each.error_code)
            for topic in found.topics
            for each in topic.partitions
        }


def _filled(module: Any, entity: Any, values: dict[str, Any]) -> Any:
    """`entity`, with the dicts in lists made into entities of the class that the field is a tuple of."""
    hints = typing.get_type_hints(entity, vars(module))
    made = {}
    for name, value in values.items():
        if name in hints and isinstance(value, list):
            options = [hints[name], *typing.get_args(hints[name])]
            inner = next(typing.get_args(each)[0] for each in options if typing.get_origin(each) is tuple)
            value = tuple(_filled(module, inner, each) if isinstance(each, dict) else each for each in value)
        made[name] = value
    return make(entity, **made)


def _through_bytes(entity: Any) -> Any:
    out = io.BytesIO()
    entity_writer(type(entity))(out, entity)
    again, size = entity_reader(type(entity))(out.getvalue(), 0)
    assert size == len(out.getvalue())
    return again
