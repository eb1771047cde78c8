"""A consumer group's life, as Kafka's coordinator defines it."""

from __future__ import annotations

import pytest
from kio.schema.errors import ErrorCode

from local.eventhubs.kafka.groups.group import INITIAL_REBALANCE_DELAY, NEW_MEMBER_TIMEOUT, State
from local.eventhubs.kafka.groups.member import Synced
from tests.unit.kafka_group_world import REBALANCE, SESSION, World


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
