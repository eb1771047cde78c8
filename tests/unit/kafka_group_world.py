"""A consumer group on a clock that the test moves, and all that came out of it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from kio.schema.errors import ErrorCode

from local.eventhubs.kafka.groups.group import INITIAL_REBALANCE_DELAY, Group, State
from local.eventhubs.kafka.groups.member import Join, Joined, Protocol, Synced

SESSION, REBALANCE = 10.0, 60.0


@dataclass
class World:
    """A group, its clock, and the answers that came out of it, by ticket."""

    now: float = 1000.0
    max_members: int = 500
    answers: dict[int, Joined | Synced] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ids = itertools.count(1)
        self._tickets = itertools.count(1)
        self.group = Group(lambda prefix: f"{prefix}-{next(ids)}", max_members=self.max_members)

    def _collect(self) -> None:
        for ticket, answer in self.group.take_answers():
            assert ticket not in self.answers, "answered twice"
            self.answers[ticket] = answer

    def join(self, member_id: str = "", protocols: Sequence[str] = ("range",), **changes: object) -> int:
        request: dict[str, object] = {
            "member_id": member_id,
            "instance_id": None,
            "client_id": "client",
            "client_host": "127.0.0.1",
            "session_timeout": SESSION,
            "rebalance_timeout": REBALANCE,
            "protocol_type": "consumer",
            "protocols": tuple(Protocol(name, b"topics") for name in protocols),
            "id_required": False,
            "may_skip": False,
            **changes,
        }
        ticket = next(self._tickets)
        self.group.join(self.now, ticket, Join(**request))  # type: ignore[arg-type]
        self._collect()
        return ticket

    def sync(self, member_id: str, instance_id: str | None = None, **assignments: bytes) -> int:
        ticket = next(self._tickets)
        self.group.sync(self.now, ticket, member_id, instance_id, self.group.generation, assignments)
        self._collect()
        return ticket

    def assign(self, leader: str, assignments: dict[str, bytes]) -> int:
        return self.sync(leader, **assignments)

    def heartbeat(self, member_id: str, generation: int | None = None, instance_id: str | None = None) -> ErrorCode:
        generation = self.group.generation if generation is None else generation
        return self.group.heartbeat(self.now, member_id, instance_id, generation)

    def leave(self, member_id: str, instance_id: str | None = None) -> ErrorCode:
        error = self.group.leave(self.now, member_id, instance_id)
        self._collect()
        return error

    def abandon(self, ticket: int) -> None:
        self.group.abandon(self.now, ticket)
        self._collect()

    def pass_(self, seconds: float) -> None:
        """Let time pass, stopping whenever the group has something to do."""
        end = self.now + seconds
        while (due := self.group.next_deadline()) <= end:
            self.now = max(self.now, due)
            self.group.tick(self.now)
            self._collect()
        self.now = end

    def joined(self, ticket: int) -> Joined:
        answer = self.answers[ticket]
        assert isinstance(answer, Joined)
        return answer

    def synced(self, ticket: int) -> Synced:
        answer = self.answers[ticket]
        assert isinstance(answer, Synced)
        return answer

    def stable(self, count: int = 2, **join: object) -> list[str]:
        """The ids of `count` members in a stable group; the first leads."""
        tickets = [self.join(**join) for _ in range(count)]  # type: ignore[arg-type]
        self.pass_(INITIAL_REBALANCE_DELAY * (count + 1))
        members = [self.joined(ticket).member_id for ticket in tickets]
        for member in members[1:]:
            self.sync(member)
        self.assign(members[0], {member: f"part of {member}".encode() for member in members})
        assert self.group.state is State.STABLE
        return members
