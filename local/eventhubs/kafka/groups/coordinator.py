"""All groups of a namespace: each a state machine, given its requests and woken when it has something due."""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import sqlite3
import time
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path

from kio.schema.errors import ErrorCode

from local.eventhubs import log_file
from local.eventhubs.kafka.groups.group import INITIAL_REBALANCE_DELAY, Group
from local.eventhubs.kafka.groups.member import Join, Joined, Synced
from local.eventhubs.kafka.groups.store import Committed, OffsetsUnavailable, Place, Store

_LOG = logging.getLogger(__name__)

MAX_GROUPS = 1_000
# In all groups together: with what one may bring along (membership.py), some 100 MiB.
MAX_MEMBERS = 1_000
# Kafka's own (offsets.retention.minutes), counted from when a group was last used: by a member, or by a commit.
OFFSET_RETENTION_SECONDS = 7 * 24 * 3600
_EXPIRE_EVERY_SECONDS = 3600
# 4 MiB of write-ahead log: each writes about two pages of 4 KB.
_CHECKPOINT_WRITES = 500


class Groups:
    """The groups of a namespace, and how far each has read."""

    def __init__(self, path: Path, initial_delay: float = INITIAL_REBALANCE_DELAY) -> None:
        """Open the file of committed offsets at `path`; only who has the event log open may.

        Args:
            path: of the file.
            initial_delay: how long a new group waits for more members, in seconds.

        Raises:
            OffsetsUnavailable: it cannot be opened.
        """
        self._store = Store(path)
        self._initial_delay = initial_delay
        # A group is here while it has members; one that has only committed offsets is in the store.
        self._groups: dict[str, Group] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._waiting: dict[int, asyncio.Future[Joined | Synced]] = {}
        self._tickets = itertools.count(1)
        self._writes = 0
        self._checkpoint: asyncio.Task[None] | None = None
        self._closed = False
        self._expire_next = 0
        self._expire_if_due()

    async def join(self, group_id: str, request: Join) -> Joined:
        """Join a group; the answer comes when all its members have."""
        group = self._groups.get(group_id)
        if not request.member_id and (
            (group is None and len(self._groups) >= MAX_GROUPS)
            or sum(len(each.roster) + len(each.pending) for each in self._groups.values()) >= MAX_MEMBERS
        ):
            return Joined(ErrorCode.group_max_size_reached, "")
        if group is None:
            group = self._groups[group_id] = self._new_group()
        ticket = next(self._tickets)
        group.join(_now(), ticket, request)
        answer = await self._answer(group_id, group, ticket)
        assert isinstance(answer, Joined)
        return answer

    async def sync(
        self,
        group_id: str,
        member_id: str,
        instance_id: str | None,
        generation: int,
        assignments: Mapping[str, bytes],
        protocol_type: str | None,
        protocol: str | None,
    ) -> Synced:
        """Ask for a member's assignment; the answer comes when the leader has brought it."""
        group = self._groups.get(group_id)
        if group is None:
            return Synced(ErrorCode.unknown_member_id)
        ticket = next(self._tickets)
        group.sync(_now(), ticket, member_id, instance_id, generation, assignments, protocol_type, protocol)
        answer = await self._answer(group_id, group, ticket)
        assert isinstance(answer, Synced)
        return answer

    def heartbeat(self, group_id: str, member_id: str, instance_id: str | None, generation: int) -> ErrorCode:
        group = self._groups.get(group_id)
        if group is None:
            return ErrorCode.unknown_member_id
        # Only moves what is due to later: the timer finds that out by itself.
        return group.heartbeat(_now(), member_id, instance_id, generation)

    def leave(self, group_id: str, members: Iterable[tuple[str, str | None]]) -> list[ErrorCode]:
        """Take members (id, instance) out; how it went with each."""
        group = self._groups.get(group_id)
        if group is None:
            return [ErrorCode.unknown_member_id for _ in members]
        errors = [group.leave(_now(), member_id, instance_id) for member_id, instance_id in members]
        self._settle(group_id, group)
        return errors

    def may_commit(self, group_id: str, member_id: str, instance_id: str | None, generation: int) -> ErrorCode:
        """Whether a commit comes from whom it should come from, and is not the first of one group too many.

        Raises:
            OffsetsUnavailable: the file cannot be read.
        """
        group = self._groups.get(group_id)
        if group is None and self._store.group(group_id) is None and len(self._store.groups()) >= MAX_GROUPS:
            return ErrorCode.group_max_size_reached
        return (group or self._new_group()).commit(_now(), member_id, instance_id, generation)

    def commit(self, group_id: str, offsets: Iterable[tuple[Place, Committed]]) -> None:
        """Keep `offsets`; they are in the file when this returns.

        Raises:
            OffsetsUnavailable: they could not be written.
        """
        self._expire_if_due()
        group = self._groups.get(group_id)
        protocol_type = group.protocol_type if group is not None else None
        self._store.commit(group_id, protocol_type or "", offsets, _wall_milliseconds())
        self._wrote()

    def offsets(self, group_id: str) -> dict[Place, Committed]:
        """All that a group has committed.

        Raises:
            OffsetsUnavailable: the file cannot be read.
        """
        return self._store.offsets(group_id)

    def find(self, group_id: str) -> Group | None:
        """A group: without members if it has only committed offsets, None if it has neither.

        Raises:
            OffsetsUnavailable: the file cannot be read.
        """
        if group_id in self._groups:
            return self._groups[group_id]
        protocol_type = self._store.group(group_id)
        return None if protocol_type is None else self._new_group(protocol_type)

    def all(self) -> dict[str, Group]:
        """Every group by its id.

        Raises:
            OffsetsUnavailable: the file cannot be read.
        """
        stored = self._store.groups().items()
        return {group_id: self._new_group(protocol_type) for group_id, protocol_type in stored} | self._groups

    def delete(self, group_id: str) -> ErrorCode:
        """Forget a group that has no members, and its offsets.

        Raises:
            OffsetsUnavailable: they could not be deleted.
        """
        group = self.find(group_id)
        if group is None:
            return ErrorCode.group_id_not_found
        if group.in_use:
            return ErrorCode.non_empty_group
        self._store.delete(group_id)
        self._wrote()
        return ErrorCode.none

    def delete_offsets(self, group_id: str, places: Iterable[Place]) -> None:
        """Forget what a group has committed for `places`.

        Raises:
            OffsetsUnavailable: it could not be deleted.
        """
        self._store.delete(group_id, places)
        self._wrote()

    async def close(self) -> None:
        """Let go of the file, and of whoever still waits."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        for future in self._waiting.values():
            future.cancel()
        if self._checkpoint is not None:
            await self._checkpoint
        self._store.close()

    def _new_group(self, protocol_type: str | None = None) -> Group:
        group = Group(_new_member_id, self._initial_delay)
        group.protocol_type = protocol_type
        return group

    async def _answer(self, group_id: str, group: Group, ticket: int) -> Joined | Synced:
        future: asyncio.Future[Joined | Synced] = asyncio.get_running_loop().create_future()
        self._waiting[ticket] = future
        self._settle(group_id, group)
        try:
            return await future
        except asyncio.CancelledError:
            # The client is gone.
            group.abandon(_now(), ticket)
            self._settle(group_id, group)
            raise
        finally:
            self._waiting.pop(ticket, None)

    def _settle(self, group_id: str, group: Group) -> None:
        """Hand out what the group has decided, and see to it that it is woken in time."""
        if self._closed:
            return
        for ticket, answer in group.take_answers():
            future = self._waiting.get(ticket)
            if future is not None and not future.done():
                future.set_result(answer)
        if self._groups.get(group_id) is not group:
            # Everyone left it, and others have begun it anew since.
            return
        timer = self._timers.pop(group_id, None)
        if timer is not None:
            timer.cancel()
        if not group.in_use:
            del self._groups[group_id]
            self._touch([group_id])
            return
        due = group.next_deadline()
        if due < math.inf:
            loop = asyncio.get_running_loop()
            self._timers[group_id] = loop.call_at(due, self._wake, group_id, group)

    def _wake(self, group_id: str, group: Group) -> None:
        group.tick(_now())
        self._settle(group_id, group)

    def _expire_if_due(self) -> None:
        """Forget, once an hour, the offsets of groups that nobody has used for long."""
        now = _wall_milliseconds()
        if now < self._expire_next:
            return
        self._expire_next = now + _EXPIRE_EVERY_SECONDS * 1000
        self._touch(self._groups)
        try:
            expired = self._store.expire(now - OFFSET_RETENTION_SECONDS * 1000)
        except OffsetsUnavailable as error:
            _LOG.warning("%s", error)
            return
        if expired:
            _LOG.info("the offsets of %s are dropped: nobody has used them for a week", ", ".join(expired))

    def _touch(self, group_ids: Iterable[str]) -> None:
        try:
            self._store.touch(group_ids, _wall_milliseconds())
        except OffsetsUnavailable as error:
            _LOG.warning("%s", error)
        else:
            self._wrote()

    def _wrote(self) -> None:
        """A transaction was committed: see to it that the write-ahead log does not grow for ever."""
        self._writes += 1
        if self._writes >= _CHECKPOINT_WRITES and (self._checkpoint is None or self._checkpoint.done()):
            self._writes = 0
            self._checkpoint = asyncio.get_running_loop().create_task(self._move())

    async def _move(self) -> None:
        """Move the write-ahead log into the database: with its fsyncs on a thread, where they hold up no one."""
        try:
            await asyncio.to_thread(log_file.checkpoint, self._store.path)
        except (OSError, sqlite3.Error) as error:
            _LOG.warning("%s: checkpoint: %s", self._store.path, error)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _wall_milliseconds() -> int:
    return time.time_ns() // 1_000_000


def _new_member_id(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4()}"
