"""What holds of a consumer group whatever its members do, in whatever order, however late."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from kio.schema.errors import ErrorCode

from local.eventhubs.kafka.groups.group import Group, State
from local.eventhubs.kafka.groups.member import Join, Joined, Protocol, Synced

MAX_MEMBERS = 6
INSTANCES = st.sampled_from([None, None, None, "a", "b"])
OFFERED = (Protocol("range", b"range"), Protocol("sticky", b"sticky"))
OFFERS = st.sampled_from([("range",), ("range", "sticky"), ("sticky", "range"), ("sticky",)])


class Life(RuleBasedStateMachine):
    """Clients that join, sync, heartbeat, commit, leave, disconnect and die at random, and a clock that jumps."""

    ids = Bundle("ids")
    tickets = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        new_ids, self.new_ticket = itertools.count(1), itertools.count(1)
        self.group = Group(lambda prefix: f"{prefix}-{next(new_ids)}", max_members=MAX_MEMBERS)
        self.now = 0.0
        self.asked: set[int] = set()
        self.generation = 0
        self.assigned: dict[tuple[str, int], bytes] = {}

    def _collect(self) -> None:
        for ticket, answer in self.group.take_answers():
            assert ticket in self.asked, f"{ticket} was answered twice, or never asked"
            self.asked.remove(ticket)
            if isinstance(answer, Joined) and answer.error is ErrorCode.none:
                self._check_joined(answer)
            if isinstance(answer, Synced) and answer.error is ErrorCode.none and answer.assignment:
                member, generation = answer.assignment.decode().rsplit("@", 1)
                assert int(generation) == self.group.generation, "an assignment of another generation"
                assert member

    def _check_joined(self, answer: Joined) -> None:
        assert answer.generation == self.group.generation
        assert answer.member_id in self.group.roster
        if answer.members:
            assert answer.leader == answer.member_id
            assert {member.id for member in answer.members} == {member.id for member in self.group.roster.all()}

    @rule(target=ids, known=st.one_of(st.just(""), st.just(""), ids), instance=INSTANCES, offers=OFFERS,
          modern=st.booleans(), session=st.sampled_from([6.0, 30.0]),
          rebalance=st.sampled_from([1.0, 5.0, 60.0]))  # fmt: skip
    def join(
        self, known: str, instance: str | None, offers: tuple[str, ...], modern: bool, session: float, rebalance: float
    ) -> str:
        before = {member.id for member in self.group.roster.all()} | set(self.group.pending)
        protocols = tuple(Protocol(name, name.encode()) for name in offers)
        self._join(Join(known, instance, "c", "h", session, rebalance, "consumer", protocols, modern, modern))
        after = {member.id for member in self.group.roster.all()} | set(self.group.pending)
        return next(iter(sorted(after - before)), known or "nobody")

    def _join(self, request: Join) -> None:
        ticket = next(self.new_ticket)
        self.asked.add(ticket)
        self.group.join(self.now, ticket, request)
        self._collect()

    @rule(member=ids, instance=INSTANCES, lag=st.sampled_from([0, 0, 0, 1]))
    def sync(self, member: str, instance: str | None, lag: int) -> None:
        ticket = next(self.new_ticket)
        self.asked.add(ticket)
        generation = self.group.generation - lag
        assignments = {each.id: f"{each.id}@{generation}".encode() for each in self.group.roster.all()}
        self.group.sync(self.now, ticket, member, instance, generation, assignments)
        self._collect()

    @rule()
    def all_do_as_they_should(self) -> None:
        """Every member and every id given out joins, and syncs: what most of a group's life is."""
        if self.group.state is State.PREPARING_REBALANCE:
            absent = [member for member in self.group.roster.all() if member.joining is None]
            for request in [replace(member.request, member_id=member.id) for member in absent]:
                self._join(request)
            for member_id in list(self.group.pending):
                self._join(Join(member_id, None, "c", "h", 30.0, 60.0, "consumer", OFFERED, True, True))
            self.wait(2.0)
        for member in self.group.roster.all():
            if member.id in self.group.roster:
                self.sync(member.id, member.instance_id, 0)

    @rule(member=ids, instance=INSTANCES, lag=st.sampled_from([0, 0, 1]), commits=st.booleans())
    def heartbeat(self, member: str, instance: str | None, lag: int, commits: bool) -> None:
        generation = self.group.generation - lag
        act = self.group.commit if commits else self.group.heartbeat
        error = act(self.now, member, instance, generation)
        self._collect()
        if error in (ErrorCode.none, ErrorCode.rebalance_in_progress):
            assert generation == self.group.generation
            assert member in self.group.roster

    @rule(member=ids, instance=INSTANCES)
    def leave(self, member: str, instance: str | None) -> None:
        error = self.group.leave(self.now, member, instance)
        self._collect()
        if error is ErrorCode.none:
            assert member not in self.group.roster
            assert member not in self.group.pending

    @rule(data=st.data())
    def disconnect(self, data: st.DataObject) -> None:
        held = sorted(self.group.tickets())
        if held:
            ticket = data.draw(st.sampled_from(held))
            self.asked.remove(ticket)
            self.group.abandon(self.now, ticket)
            self._collect()

    @rule(seconds=st.sampled_from([0.1, 0.3, 1.0, 7.0, 70.0]))
    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        for _ in range(1000):
            due = self.group.next_deadline()
            if due > end:
                break
            self.now = max(self.now, due)
            self.group.tick(self.now)
            self._collect()
        self.now = end

    @rule(seconds=st.sampled_from([1.0, 400.0]))
    def wake_late(self, seconds: float) -> None:
        self.now += seconds
        self.group.tick(self.now)
        self._collect()

    @invariant()
    def no_request_is_forgotten(self) -> None:
        assert self.asked == self.group.tickets()

    @invariant()
    def generations_only_grow(self) -> None:
        assert self.group.generation >= self.generation
        self.generation = self.group.generation

    @invariant()
    def members_have_one_leader_among_them_and_share_a_protocol(self) -> None:
        roster = self.group.roster
        assert (roster.leader in roster) if roster else roster.leader is None
        assert len(roster) + len(self.group.pending) <= MAX_MEMBERS
        if self.group.state in (State.STABLE, State.COMPLETING_REBALANCE):
            assert roster
            assert all(
                self.group.protocol in [each.name for each in member.request.protocols] for member in roster.all()
            )

    @invariant()
    def only_a_rebalance_waits_for_joins_and_only_an_unassigned_generation_for_syncs(self) -> None:
        for member in self.group.roster.all():
            assert member.joining is None or self.group.state is State.PREPARING_REBALANCE
            assert member.syncing is None or self.group.state is State.COMPLETING_REBALANCE

    @invariant()
    def whoever_waits_is_waited_for_no_longer_than_a_deadline(self) -> None:
        if self.group.tickets() or self.group.in_use:
            assert self.group.next_deadline() < math.inf


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=150, stateful_step_count=50, derandomize=True)
