"""One consumer group as a state machine: events and the time go in, answers come out.

The states, and what each request means in each, are those of Kafka's classic group coordinator (GroupCoordinator.scala
and GroupMetadata.scala of Apache Kafka 3). It holds no socket, task or clock: `now` is in seconds of a clock that never
goes back; the answers to joins and syncs, which may have to wait for other members, are collected with `take_answers`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum

from kio.schema.errors import ErrorCode

from local.eventhubs.kafka.groups.member import Join, Joined, Member, Synced
from local.eventhubs.kafka.groups.roster import Roster

# The first members of a group start at about the same time: joining is held open this long after each, so that they
# get one assignment instead of one each. Kafka and Event Hubs wait 3 s (group.initial.rebalance.delay.ms), too long
# for a test or a restart on a laptop.
INITIAL_REBALANCE_DELAY = 0.2
# A new member whose join is held cannot send heartbeats: Kafka's own limit for it (NewMemberJoinTimeoutMs).
NEW_MEMBER_TIMEOUT = 300.0
# Kafka's group.max.size has no bound by default; memory has.
MAX_MEMBERS = 500


class State(StrEnum):
    """Kafka's names, as DescribeGroups and ListGroups give them. No group here is DEAD: one that is not kept is."""

    EMPTY = "Empty"
    PREPARING_REBALANCE = "PreparingRebalance"
    COMPLETING_REBALANCE = "CompletingRebalance"
    STABLE = "Stable"
    DEAD = "Dead"


class Group:
    """A group: its members, the generation, and the joins and syncs that wait for others."""

    def __init__(
        self,
        new_member_id: Callable[[str], str],
        initial_delay: float = INITIAL_REBALANCE_DELAY,
        max_members: int = MAX_MEMBERS,
    ) -> None:
        self.state = State.EMPTY
        self.generation = 0
        self.protocol_type: str | None = None
        self.protocol: str | None = None
        self.roster = Roster()
        # Ids that were given out and have not come back yet, and when each is forgotten.
        self.pending: dict[str, float] = {}
        self._late_to_sync: set[str] = set()
        self._join_by = math.inf
        self._sync_by = math.inf
        # How much longer a group's first rebalance may be held open for more members; None in later ones.
        self._extendable: float | None = None
        self._member_added = False
        self._answers: list[tuple[int, Joined | Synced]] = []
        self._new_member_id = new_member_id
        self._initial_delay = initial_delay
        self._max_members = max_members

    @property
    def in_use(self) -> bool:
        """Whether anyone is in the group or on the way in."""
        return bool(self.roster or self.pending)

    def take_answers(self) -> list[tuple[int, Joined | Synced]]:
        """What has been decided since the last call, each with the ticket of the request that it answers."""
        answers, self._answers = self._answers, []
        return answers

    def tickets(self) -> set[int]:
        """The tickets that still wait for an answer."""
        held = {ticket for member in self.roster.all() for ticket in (member.joining, member.syncing)}
        return {ticket for ticket in held if ticket is not None}

    def join(self, now: float, ticket: int, request: Join) -> None:
        """A member wants to join, or to join again."""
        error = self._refuse_join(request)
        if error is not None:
            self._answers.append((ticket, Joined(error, request.member_id)))
        elif self.pending.pop(request.member_id, None) is not None:
            self._add(now, ticket, replace(request, instance_id=None), request.member_id)
        elif request.member_id:
            self._join_again(now, ticket, request)
        else:
            self._join_anew(now, ticket, request)

    def _refuse_join(self, request: Join) -> ErrorCode | None:
        if request.member_id:
            error = None if request.member_id in self.pending else self._refuse(request.member_id, request.instance_id)
            if error is not None:
                return error
        elif (
            len(self.roster) + len(self.pending) >= self._max_members
            and self.roster.static(request.instance_id) is None
        ):
            return ErrorCode.group_max_size_reached
        if not request.protocol_type or not request.protocols:
            return ErrorCode.inconsistent_group_protocol
        if self.roster and (request.protocol_type != self.protocol_type or not self.roster.understands(request)):
            return ErrorCode.inconsistent_group_protocol
        return None

    def _join_anew(self, now: float, ticket: int, request: Join) -> None:
        member_id = self._new_member_id(request.instance_id or request.client_id)
        known = self.roster.static(request.instance_id)
        if known is not None:
            self._renew(now, ticket, request, known, member_id)
        elif request.id_required and request.instance_id is None:
            self.pending[member_id] = now + request.session_timeout
            self._answers.append((ticket, Joined(ErrorCode.member_id_required, member_id)))
        else:
            self._add(now, ticket, request, member_id)

    def _add(self, now: float, ticket: int, request: Join, member_id: str) -> None:
        if not self.roster:
            self.protocol_type = request.protocol_type
        self.roster.add(Member(member_id, request, now + NEW_MEMBER_TIMEOUT, joining=ticket))
        self._member_added = True
        self._rebalance(now)

    def _join_again(self, now: float, ticket: int, request: Join) -> None:
        member = self.roster[request.member_id]
        changed = member.request.protocols != request.protocols
        follows = self.state is State.STABLE and self.roster.leader != member.id
        if (follows or self.state is State.COMPLETING_REBALANCE) and not changed:
            # The answer that this generation began with may not have reached it. The leader of a stable group, though,
            # joins again to have partitions assigned anew.
            self._heard(now, member)
            self._answers.append((ticket, self._joined(member)))
            return
        # Whoever asks again has given up on an earlier request.
        self._answer_join(member, Joined(ErrorCode.rebalance_in_progress, member.id))
        # A member stays the instance that it is.
        member.request, member.joining = replace(request, instance_id=member.instance_id), ticket
        member.expires = now + (NEW_MEMBER_TIMEOUT if member.new else request.session_timeout)
        self._rebalance(now)

    def _renew(self, now: float, ticket: int, request: Join, old: Member, member_id: str) -> None:
        """A static member started again: it goes on as who it was, and its earlier process is fenced off."""
        led_by = self.roster.leader or ""
        self._answer_join(old, Joined(ErrorCode.fenced_instance_id, old.id))
        self._answer_sync(old, Synced(ErrorCode.fenced_instance_id))
        self._late_to_sync.discard(old.id)
        member = self.roster.renew(old, member_id, request)
        self._heard(now, member)
        if self.state is not State.STABLE or self.roster.elect_protocol() != self.protocol:
            member.joining = ticket
            self._rebalance(now)
            return
        answer = self._joined(member)
        if self.roster.leader == member_id:
            # It must not assign, as a stable group would not pass that on: it is told so, or that someone else leads.
            answer = (
                replace(answer, skip_assignment=True)
                if request.may_skip
                else replace(answer, leader=led_by, members=())
            )
        self._answers.append((ticket, answer))

    def sync(
        self,
        now: float,
        ticket: int,
        member_id: str,
        instance_id: str | None,
        generation: int,
        assignments: Mapping[str, bytes],
        protocol_type: str | None = None,
        protocol: str | None = None,
    ) -> None:
        """A member asks for its assignment; the leader brings everyone's along."""
        error = self._refuse(member_id, instance_id, generation)
        if error is None and (protocol_type not in (None, self.protocol_type) or protocol not in (None, self.protocol)):
            error = ErrorCode.inconsistent_group_protocol
        if error is None and self.state is State.PREPARING_REBALANCE:
            error = ErrorCode.rebalance_in_progress
        if error is not None:
            self._answers.append((ticket, Synced(error)))
            return
        member = self.roster[member_id]
        self._late_to_sync.discard(member_id)
        self._answer_sync(member, Synced(ErrorCode.rebalance_in_progress))
        member.syncing = ticket
        if self.state is State.COMPLETING_REBALANCE:
            if member_id != self.roster.leader:
                return
            for each in self.roster.all():
                each.assignment = assignments.get(each.id, b"")
            self.state = State.STABLE
        for each in self.roster.all():
            if each.syncing is not None:
                self._answer_sync(each, Synced(ErrorCode.none, self.protocol_type, self.protocol, each.assignment))
                self._heard(now, each)

    def heartbeat(self, now: float, member_id: str, instance_id: str | None, generation: int) -> ErrorCode:
        """A member is alive. It learns here that it should join again."""
        error = self._refuse(member_id, instance_id, generation)
        if error is not None:
            return error
        self._heard(now, self.roster[member_id])
        return ErrorCode.rebalance_in_progress if self.state is State.PREPARING_REBALANCE else ErrorCode.none

    def leave(self, now: float, member_id: str, instance_id: str | None) -> ErrorCode:
        """A member leaves; an administrator names a static member by its instance alone."""
        if self.pending.pop(member_id, None) is not None:
            self._complete_if_all_joined(now)
            return ErrorCode.none
        static = self.roster.static(instance_id)
        if not member_id and static is not None:
            member_id = static.id
        error = self._refuse(member_id, instance_id)
        if error is None:
            self._remove(self.roster[member_id])
            self._rebalance(now)
        return error or ErrorCode.none

    def commit(self, now: float, member_id: str, instance_id: str | None, generation: int) -> ErrorCode:
        """Whether offsets may be committed: by a member of this generation, or by anyone while there are no members."""
        if generation < 0 and not member_id and instance_id is None:
            return ErrorCode.unknown_member_id if self.roster else ErrorCode.none
        error = self._refuse(member_id, instance_id, generation)
        if error is not None:
            return error
        if self.state is State.COMPLETING_REBALANCE:
            return ErrorCode.rebalance_in_progress
        # While members are joining again, those of the old generation still commit what they have done.
        self._heard(now, self.roster[member_id])
        return ErrorCode.none

    def abandon(self, now: float, ticket: int) -> None:
        """Whoever waited for the answer to `ticket` has disconnected. It has its session timeout to come back."""
        for member in self.roster.all():
            if ticket == member.joining:
                member.joining = None
            elif ticket == member.syncing:
                member.syncing = None
                self._late_to_sync.add(member.id)
            else:
                continue
            self._heard(now, member)
            if member.new and member.instance_id is None and not member.request.id_required:
                # It was never told its id, so it can only come back as another member.
                self._remove(member)
                self._rebalance(now)

    def tick(self, now: float) -> None:
        """Do what is due by `now`."""
        for member_id in [member_id for member_id, expires in self.pending.items() if expires <= now]:
            del self.pending[member_id]
            self._complete_if_all_joined(now)
        for member in self.roster.all():
            # Taking one out may begin a generation, which removes some and hears of others.
            if member.id in self.roster and self._expiry(member) <= now:
                self._remove(member)
                self._rebalance(now)
        if self._join_by <= now:
            if self._extendable and self._member_added:
                delay = min(self._initial_delay, self._extendable)
                self._extendable, self._member_added = self._extendable - delay, False
                self._join_by = now + delay
            else:
                self._complete_join(now)
        if self._sync_by <= now:
            self._sync_by = math.inf
            late = [self.roster[member_id] for member_id in self._late_to_sync]
            for member in late:
                self._remove(member)
            if late:
                self._rebalance(now)

    def next_deadline(self) -> float:
        """When `tick` next has something to do; infinity without anything."""
        expiries = (self._expiry(member) for member in self.roster.all())
        return min(self._join_by, self._sync_by, *self.pending.values(), *expiries)

    def _refuse(self, member_id: str, instance_id: str | None, generation: int | None = None) -> ErrorCode | None:
        error = self.roster.refuse(member_id, instance_id)
        if error is None and generation is not None and generation != self.generation:
            error = ErrorCode.illegal_generation
        return error

    def _heard(self, now: float, member: Member) -> None:
        member.expires = now + member.request.session_timeout

    def _expiry(self, member: Member) -> float:
        """When a member counts as gone. While it waits for us it cannot be expected to send heartbeats."""
        return math.inf if member.waiting and not member.new else member.expires

    def _joined(self, member: Member) -> Joined:
        leader = self.roster.leader or ""
        members = self.roster.subscriptions(self.protocol or "") if member.id == leader else ()
        return Joined(ErrorCode.none, member.id, self.generation, self.protocol_type, self.protocol, leader, members)

    def _answer_join(self, member: Member, answer: Joined) -> None:
        if member.joining is not None:
            self._answers.append((member.joining, answer))
            member.joining = None

    def _answer_sync(self, member: Member, answer: Synced) -> None:
        if member.syncing is not None:
            self._answers.append((member.syncing, answer))
            member.syncing = None

    def _remove(self, member: Member) -> None:
        # Whoever still waits may join again, as a new member.
        self._answer_join(member, Joined(ErrorCode.unknown_member_id, ""))
        self._answer_sync(member, Synced(ErrorCode.unknown_member_id))
        self._late_to_sync.discard(member.id)
        self.roster.remove(member)

    def _rebalance(self, now: float) -> None:
        """Ask all members to join again; if they have been asked, see whether all have."""
        if self.state is not State.PREPARING_REBALANCE:
            for member in self.roster.all():
                if member.syncing is not None:
                    self._answer_sync(member, Synced(ErrorCode.rebalance_in_progress))
                    self._heard(now, member)
            self._sync_by = math.inf
            timeout = self.roster.rebalance_timeout()
            if self.state is State.EMPTY:
                self._extendable, self._member_added = max(timeout - self._initial_delay, 0.0), False
                self._join_by = now + self._initial_delay
            else:
                self._extendable = None
                self._join_by = now + timeout
            self.state = State.PREPARING_REBALANCE
        self._complete_if_all_joined(now)

    def _complete_if_all_joined(self, now: float) -> None:
        waits = bool(self.pending) or any(member.joining is None for member in self.roster.all())
        if self.state is State.PREPARING_REBALANCE and self._extendable is None and not waits:
            self._complete_join(now)

    def _complete_join(self, now: float) -> None:
        """Begin the next generation with those who have joined. A static member may be late: its place is kept."""
        for member in self.roster.all():
            if member.joining is None and member.instance_id is None:
                self._remove(member)
        joined = [member.id for member in self.roster.all() if member.joining is not None]
        self._extendable = None
        if self.roster and not joined:
            self._join_by = now + self.roster.rebalance_timeout()
            return
        self._join_by = math.inf
        self.generation += 1
        if not joined:
            self.state, self.protocol = State.EMPTY, None
            return
        if self.roster.leader not in joined:
            self.roster.leader = joined[0]
        self.state, self.protocol = State.COMPLETING_REBALANCE, self.roster.elect_protocol()
        self._late_to_sync = {member.id for member in self.roster.all()}
        self._sync_by = now + self.roster.rebalance_timeout()
        for member in self.roster.all():
            self._answer_join(member, self._joined(member))
            self._heard(now, member)
            member.new = False
