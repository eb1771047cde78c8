"""A consumer group's life, as Kafka's coordinator defines it, on a clock that the test moves."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from kio.schema.errors import ErrorCode

from local.eventhubs.kafka.groups.group import INITIAL_REBALANCE_DELAY, NEW_MEMBER_TIMEOUT, Group, State
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


def test_members_that_start_together_get_one_generation_and_its_leader_alone_learns_of_them() -> None:
    world = World()
    first, second = world.join(), world.join()
    assert not world.answers

    world.pass_(INITIAL_REBALANCE_DELAY * 3)

    leader, follower = world.joined(first), world.joined(second)
    assert (leader.error, leader.generation, leader.protocol, leader.leader) == (ErrorCode.none, 1, "range", "client-1")
    assert [member.id for member in leader.members] == ["client-1", "client-2"]
    assert (follower.leader, follower.members, follower.generation) == ("client-1", (), 1)


def test_the_first_rebalance_is_held_open_for_each_new_member_but_not_past_the_rebalance_timeout() -> None:
    world = World()
    first = world.join(rebalance_timeout=1.0)
    for _ in range(30):
        world.pass_(INITIAL_REBALANCE_DELAY / 2)
        world.join(rebalance_timeout=1.0)
        if first in world.answers:
            break

    assert world.now - 1000.0 == pytest.approx(1.0, abs=INITIAL_REBALANCE_DELAY)


def test_assignments_go_out_when_the_leader_brings_them() -> None:
    world = World()
    first, second = world.join(), world.join()
    world.pass_(1)
    leader, follower = world.joined(first).member_id, world.joined(second).member_id

    waiting = world.sync(follower)
    assert waiting not in world.answers
    own = world.assign(leader, {leader: b"0,1", follower: b"2,3", "stranger": b"4"})

    assert world.synced(own).assignment == b"0,1"
    assert world.synced(waiting) == Synced(ErrorCode.none, "consumer", "range", b"2,3")
    assert world.group.state is State.STABLE


def test_a_new_member_makes_the_others_join_again_and_commit_before() -> None:
    world = World()
    leader, follower = world.stable()
    newcomer = world.join()

    assert world.heartbeat(leader) is ErrorCode.rebalance_in_progress
    assert world.group.commit(world.now, follower, None, 1) is ErrorCode.none
    again = world.join(leader)
    assert again not in world.answers
    world.join(follower)

    assert world.joined(newcomer).generation == 2
    assert world.group.commit(world.now, follower, None, 2) is ErrorCode.rebalance_in_progress
    assert world.group.commit(world.now, follower, None, 1) is ErrorCode.illegal_generation


def test_a_member_that_does_not_join_again_in_time_is_out() -> None:
    world = World()
    leader, follower = world.stable()
    again = world.join(leader)
    world.join()
    for _ in range(int(REBALANCE // 5) + 1):
        world.heartbeat(follower)
        world.pass_(5)

    assert world.joined(again).generation == 2
    assert world.heartbeat(follower) is ErrorCode.unknown_member_id


def test_a_silent_member_is_out_after_its_session_timeout_and_the_others_share_its_work() -> None:
    world = World()
    leader, follower = world.stable()
    world.pass_(SESSION - 1)
    assert world.heartbeat(leader) is ErrorCode.none
    world.pass_(1.5)

    assert world.heartbeat(leader) is ErrorCode.rebalance_in_progress
    assert world.heartbeat(follower) is ErrorCode.unknown_member_id
    again = world.joined(world.join(leader))
    assert [member.id for member in again.members] == [leader]


def test_when_the_leader_dies_before_it_assigns_the_others_begin_anew_without_it() -> None:
    world = World()
    first, second = world.join(), world.join()
    world.pass_(1)
    follower = world.joined(second).member_id
    waiting = world.sync(follower)

    world.pass_(SESSION)

    assert world.synced(waiting).error is ErrorCode.rebalance_in_progress
    again = world.joined(world.join(follower))
    assert (again.leader, again.generation) == (follower, 2)
    assert first in world.answers


def test_a_member_that_heartbeats_but_never_syncs_is_out_after_the_rebalance_timeout() -> None:
    world = World()
    leader, follower = world.stable()
    world.join(leader), world.join(follower)
    world.assign(leader, {leader: b"all"})
    for _ in range(int(REBALANCE // 5) + 1):
        for member in (leader, follower):
            world.heartbeat(member)
        world.pass_(5)

    assert world.heartbeat(follower) is ErrorCode.unknown_member_id
    assert world.heartbeat(leader) is ErrorCode.rebalance_in_progress


def test_leaving_frees_the_work_at_once_and_the_last_to_leave_empties_the_group() -> None:
    world = World()
    leader, follower = world.stable()
    assert world.leave(leader) is ErrorCode.none
    assert world.leave(leader) is ErrorCode.unknown_member_id
    assert world.joined(world.join(follower)).leader == follower
    assert world.leave(follower) is ErrorCode.none
    assert (world.group.state, world.group.in_use) == (State.EMPTY, False)


def test_a_member_without_an_id_has_to_come_again_with_the_one_it_is_given() -> None:
    world = World()
    given = world.joined(world.join(id_required=True))
    assert (given.error, given.generation) == (ErrorCode.member_id_required, -1)
    assert not len(world.group.roster)

    again = world.join(given.member_id, id_required=True)
    world.pass_(INITIAL_REBALANCE_DELAY)
    assert world.joined(again).member_id == given.member_id


def test_an_id_that_nobody_comes_back_for_is_forgotten_and_delays_a_rebalance_no_longer() -> None:
    world = World()
    (leader,) = world.stable(1)
    given = world.joined(world.join(id_required=True)).member_id
    assert world.group.state is State.STABLE, "an id given out must not disturb the group"
    newcomer = world.join()
    again = world.join(leader)
    assert again not in world.answers
    world.pass_(SESSION)

    assert world.joined(newcomer).generation == 2
    assert world.joined(world.join(given, id_required=True)).error is ErrorCode.unknown_member_id


def test_a_group_elects_the_protocol_that_most_like_best_among_those_that_all_know() -> None:
    world = World()
    tickets = [
        world.join(protocols=["range", "roundrobin", "sticky"]),
        world.join(protocols=["sticky", "roundrobin"]),
        world.join(protocols=["sticky", "roundrobin"]),
        world.join(protocols=["sticky", "roundrobin"]),
    ]
    world.pass_(1)
    assert {world.joined(ticket).protocol for ticket in tickets} == {"sticky"}


@pytest.mark.parametrize(
    "request_",
    [{"protocols": ["cooperative-sticky"]}, {"protocols": []}, {"protocol_type": "connect"}, {"protocol_type": ""}],
)
def test_who_shares_no_protocol_with_the_group_is_refused(request_: dict[str, object]) -> None:
    world = World()
    world.stable()
    assert world.joined(world.join(**request_)).error is ErrorCode.inconsistent_group_protocol  # type: ignore[arg-type]
    assert world.group.state is State.STABLE


def test_a_sync_for_another_protocol_is_refused() -> None:
    world = World()
    (leader,) = world.stable(1)
    world.group.sync(world.now, 99, leader, None, 1, {}, "consumer", "sticky")
    assert world.group.take_answers() == [(99, Synced(ErrorCode.inconsistent_group_protocol))]


def test_only_members_of_this_generation_commit_while_there_are_any_and_anyone_once_there_are_none() -> None:
    world = World()
    assert world.group.commit(world.now, "", None, -1) is ErrorCode.none
    leader, _ = world.stable()
    assert world.group.commit(world.now, "", None, -1) is ErrorCode.unknown_member_id
    assert world.group.commit(world.now, leader, None, 7) is ErrorCode.illegal_generation
    assert world.group.commit(world.now, "stranger", None, 1) is ErrorCode.unknown_member_id
    assert world.group.commit(world.now, leader, None, 1) is ErrorCode.none


def test_a_follower_that_joins_again_unchanged_learns_its_place_and_a_leader_starts_a_rebalance() -> None:
    world = World()
    leader, follower = world.stable()
    assert world.joined(world.join(follower)).generation == 1
    assert world.group.state is State.STABLE
    world.join(leader)
    assert world.group.state is State.PREPARING_REBALANCE


def test_joining_again_and_committing_are_signs_of_life() -> None:
    world = World()
    leader, follower = world.stable()
    world.pass_(SESSION - 1)
    world.join(follower)
    world.group.commit(world.now, leader, None, 1)
    world.pass_(SESSION - 1)
    assert {world.heartbeat(leader), world.heartbeat(follower)} == {ErrorCode.none}


def test_whoever_missed_the_answer_to_a_join_gets_it_again() -> None:
    world = World()
    first, second = world.join(), world.join()
    world.pass_(1)
    for ticket in (first, second):
        answer = world.joined(ticket)
        assert world.joined(world.join(answer.member_id)) == answer
    assert world.group.state is State.COMPLETING_REBALANCE


def test_a_member_waits_for_the_others_for_as_long_as_they_may_take() -> None:
    world = World()
    leader, follower = world.stable(2, rebalance_timeout=3600.0)
    held = world.join(leader)
    for _ in range(int(NEW_MEMBER_TIMEOUT // 5) + 1):
        world.heartbeat(follower)
        world.pass_(5)
    world.join(follower)
    assert world.joined(held).generation == 2


def test_a_rebalance_forgets_who_was_late_in_the_last_generation() -> None:
    world = World()
    leader, follower = world.stable()
    world.join(leader), world.join(follower)
    world.pass_(5)
    world.join(leader, protocols=["range", "sticky"])
    for _ in range(int(REBALANCE // 5) - 1):
        world.heartbeat(follower)
        world.pass_(5)
    assert follower in world.group.roster
    assert world.group.generation == 2


def test_a_follower_whose_subscription_changed_starts_a_rebalance() -> None:
    world = World()
    _, follower = world.stable()
    world.join(follower, protocols=["range", "sticky"])
    assert world.group.state is State.PREPARING_REBALANCE


def test_a_full_group_refuses_newcomers_but_not_its_members() -> None:
    world = World(max_members=2)
    leader, follower = world.stable()
    assert world.joined(world.join()).error is ErrorCode.group_max_size_reached
    assert world.joined(world.join(id_required=True)).error is ErrorCode.group_max_size_reached
    world.join(leader)
    assert world.joined(world.join(follower)).generation == 2


def test_a_static_member_that_starts_again_gets_its_work_back_without_a_rebalance() -> None:
    world = World()
    first, second = world.join(instance_id="a"), world.join(instance_id="b")
    world.pass_(1)
    leader, follower = world.joined(first).member_id, world.joined(second).member_id
    world.sync(follower, "b")
    world.group.sync(world.now, 50, leader, "a", 1, {leader: b"one", follower: b"two"})
    world.group.take_answers()

    again = world.joined(world.join(instance_id="b"))

    assert (again.error, again.generation, world.group.state) == (ErrorCode.none, 1, State.STABLE)
    assert again.member_id != follower
    assert world.synced(world.sync(again.member_id, "b")).assignment == b"two"
    assert world.heartbeat(follower, 1, "b") is ErrorCode.fenced_instance_id
    assert world.group.commit(world.now, follower, "b", 1) is ErrorCode.fenced_instance_id
    assert world.heartbeat(leader, 1, "a") is ErrorCode.none


@pytest.mark.parametrize("may_skip", [True, False])
def test_a_static_leader_that_starts_again_does_not_assign(may_skip: bool) -> None:
    world = World()
    first = world.join(instance_id="a")
    world.pass_(1)
    old = world.joined(first).member_id
    world.group.sync(world.now, 50, old, "a", 1, {old: b"all"})
    world.group.take_answers()

    again = world.joined(world.join(instance_id="a", may_skip=may_skip))

    assert again.skip_assignment is may_skip
    assert again.leader == (again.member_id if may_skip else old)
    assert world.synced(world.sync(again.member_id, "a")).assignment == b"all"


def static_pair(world: World) -> tuple[str, str]:
    """Two static members, `a` and `b`, that have joined and not yet synced; `a` leads."""
    first = world.join(instance_id="a", protocols=["range", "sticky"])
    second = world.join(instance_id="b", protocols=["range", "sticky"])
    world.pass_(1)
    return world.joined(first).member_id, world.joined(second).member_id


def test_a_static_member_that_starts_again_before_it_has_its_work_is_waited_for_under_its_new_id() -> None:
    world = World()
    leader, follower = static_pair(world)
    waiting = world.sync(follower, "b")
    again = world.join(instance_id="b", protocols=["range", "sticky"])
    assert world.synced(waiting).error is ErrorCode.fenced_instance_id
    leads = world.joined(world.join(leader, instance_id="a", protocols=["range", "sticky"]))
    assert {member.id for member in leads.members} == {leader, world.joined(again).member_id}


def test_a_static_member_may_start_again_while_the_others_have_their_work_and_it_has_not() -> None:
    world = World()
    leader, follower = static_pair(world)
    world.sync(leader, "a", **{leader: b"one", follower: b"two"})
    again = world.joined(world.join(instance_id="b", protocols=["range", "sticky"])).member_id
    for _ in range(int(REBALANCE // 5) + 1):
        world.heartbeat(leader, instance_id="a"), world.heartbeat(again, instance_id="b")
        world.pass_(5)
    assert (world.group.state, world.group.generation) == (State.STABLE, 1)


def test_a_static_member_that_starts_again_with_another_wish_starts_a_rebalance_if_it_decides() -> None:
    world = World()
    leader, follower = static_pair(world)
    world.sync(leader, "a", **{leader: b"one", follower: b"two"})
    held = world.join(instance_id="b", protocols=["sticky"])
    assert world.group.state is State.PREPARING_REBALANCE
    world.join(leader, instance_id="a", protocols=["range", "sticky"])
    assert world.joined(held).protocol == "sticky"


def test_while_a_static_leader_is_late_another_leads() -> None:
    world = World()
    leader, follower = static_pair(world)
    world.sync(leader, "a", **{leader: b"one", follower: b"two"})
    again = world.join(follower, instance_id="b", protocols=["sticky"])
    for _ in range(int(REBALANCE // 5) + 1):
        world.heartbeat(leader, instance_id="a")
        world.pass_(5)
    answer = world.joined(again)
    assert answer.leader == follower
    assert {member.id for member in answer.members} == {leader, follower}


def test_a_static_member_that_joins_again_without_its_instance_stays_what_it_is() -> None:
    world = World()
    world.join(instance_id="a")
    world.pass_(1)
    world.join("a-1")
    again = world.join(instance_id="a")
    assert world.joined(again).member_id != "a-1"
    assert len(world.group.roster) == 1


def test_a_second_process_of_a_static_member_takes_the_place_of_one_that_waits() -> None:
    world = World()
    first = world.join(instance_id="a")
    second = world.join(instance_id="a")
    assert world.joined(first).error is ErrorCode.fenced_instance_id
    world.pass_(1)
    assert world.joined(second).error is ErrorCode.none
    assert len(world.group.roster) == 1


def test_a_static_member_keeps_its_place_through_a_rebalance_until_its_session_ends() -> None:
    world = World()
    first, second = world.join(instance_id="a", session_timeout=100.0), world.join()
    world.pass_(1)
    static, other = world.joined(first).member_id, world.joined(second).member_id
    world.sync(other)
    world.group.sync(world.now, 50, static, "a", 1, {})
    world.group.take_answers()
    world.join(other, protocols=["range", "sticky"])
    world.pass_(REBALANCE + 1)

    assert world.group.generation == 2
    assert static in world.group.roster
    world.pass_(101)
    assert static not in world.group.roster


def test_an_administrator_removes_a_static_member_by_its_instance() -> None:
    world = World()
    world.join(instance_id="a")
    world.pass_(1)
    assert world.leave("", "b") is ErrorCode.unknown_member_id
    assert world.leave("", "a") is ErrorCode.none
    assert not world.group.in_use


def test_a_held_join_whose_client_has_gone_does_not_hold_up_the_others_past_its_session_timeout() -> None:
    world = World()
    (leader,) = world.stable(1)
    given = world.joined(world.join(id_required=True)).member_id
    held = world.join(given, id_required=True)
    world.abandon(held)
    again = world.join(leader)
    assert again not in world.answers, "it may still come back"
    world.pass_(SESSION)

    assert [member.id for member in world.joined(again).members] == [leader]
    assert held not in world.answers


def test_a_client_that_lost_its_connection_while_joining_comes_back_as_the_same_member() -> None:
    world = World()
    (leader,) = world.stable(1)
    given = world.joined(world.join(id_required=True)).member_id
    world.abandon(world.join(given, id_required=True))
    world.pass_(SESSION - 1)
    world.heartbeat(leader)
    back = world.join(given, id_required=True)
    world.pass_(SESSION - 1)
    world.join(leader)

    assert world.joined(back).generation == 2
    assert len(world.group.roster) == 2


def test_a_client_that_never_learnt_its_id_leaves_nothing_behind() -> None:
    world = World()
    world.abandon(world.join())
    assert not world.group.in_use


def test_a_new_member_is_held_for_five_minutes_at_most() -> None:
    world = World()
    leader, follower = world.stable(2, rebalance_timeout=3600.0)
    held = world.join(rebalance_timeout=3600.0)
    for _ in range(int(NEW_MEMBER_TIMEOUT // 5) + 1):
        world.heartbeat(leader), world.heartbeat(follower)
        world.pass_(5)
    assert world.joined(held).error is ErrorCode.unknown_member_id


def test_asking_again_answers_the_earlier_request() -> None:
    world = World()
    leader, follower = world.stable()
    earlier = world.join(leader)
    world.join(leader)
    assert world.joined(earlier).error is ErrorCode.rebalance_in_progress
    world.join(follower)
    first = world.sync(follower)
    world.sync(follower)
    assert world.synced(first).error is ErrorCode.rebalance_in_progress
