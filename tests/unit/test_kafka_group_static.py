"""Static members: instances that keep their place when they start again."""

from __future__ import annotations

import pytest
from kio.schema.errors import ErrorCode

from local.eventhubs.kafka.groups.group import State
from tests.unit.kafka_group_world import REBALANCE, World


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
