"""Consumer groups with real clients: partitions are shared out, moved and taken over, and no record is left out."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient
from kafka import KafkaConsumer

from tests.integration import kafka_service
from tests.integration.eventhubs_service import HUB, PARTITIONS, Namespace, make_namespace, namespace
from tests.integration.kafka_group_members import Members, Sender, Victim, members_of, reads_all, shared_out
from tests.waiting import wait_until

__all__ = ["make_namespace", "namespace"]


@pytest.fixture
def members(namespace: Namespace) -> Iterator[Members]:
    with members_of(namespace) as running:
        yield running


@pytest.fixture
def sender(namespace: Namespace) -> Iterator[Sender]:
    sending = Sender(namespace, range(PARTITIONS))
    yield sending
    sending.stop()


@pytest.mark.parametrize("strategy", ["range", "roundrobin", "cooperative-sticky"])
def test_members_come_and_go_while_records_flow(members: Members, sender: Sender, strategy: str) -> None:
    first = members.start("g", partition_assignment_strategy=strategy)
    wait_until(reads_all(first), "one reads all partitions")
    second = members.start("g", partition_assignment_strategy=strategy)
    wait_until(shared_out(first, second), "two share the partitions")
    assert len(first.holds) == len(second.holds) == 2

    third = members.start("g", partition_assignment_strategy=strategy)
    wait_until(shared_out(first, second, third), "three share the partitions")
    third.leave()
    wait_until(shared_out(first, second), "two share the partitions again")

    sent = sender.stop()
    wait_until(lambda: members.seen() >= sent, "every record was delivered")
    assert members.seen() == sent
    assert not members.errors()
    assert not members.out_of_turn()


def test_a_cooperative_rebalance_takes_away_only_what_moves(members: Members, sender: Sender) -> None:
    first = members.start("g", partition_assignment_strategy="cooperative-sticky")
    wait_until(shared_out(first), "one has all partitions")
    second = members.start("g", partition_assignment_strategy="cooperative-sticky")
    wait_until(shared_out(first, second), "two share the partitions")

    assert [len(partitions) for partitions in first.history.revoked if partitions] == [2]
    assert not [partitions for partitions in second.history.revoked if partitions]
    kept = first.holds
    wait_until(
        lambda: {record.partition for record in first.history.seen[-50:]} == kept, "it goes on with what it kept"
    )
    # Reading what stayed was never interrupted, so nothing of it came twice.
    stayed = [record for record in first.history.seen if record.partition in kept]
    assert len(stayed) == len(set(stayed))


def test_an_eager_rebalance_takes_everything_away_first(members: Members) -> None:
    first = members.start("g", partition_assignment_strategy="range")
    wait_until(shared_out(first), "one has all partitions")
    second = members.start("g", partition_assignment_strategy="range")
    wait_until(shared_out(first, second), "two share the partitions")
    assert {0, 1, 2, 3} in first.history.revoked


def test_the_work_of_a_killed_member_goes_to_the_others(namespace: Namespace, members: Members, sender: Sender) -> None:
    survivor = members.start("g", partition_assignment_strategy="range")
    wait_until(reads_all(survivor), "it reads all partitions")
    victim = Victim(namespace, "g", **{"partition_assignment_strategy": "range", "enable_auto_commit": False})
    try:
        wait_until(shared_out(survivor, victim), "both have work")
    finally:
        victim.kill()
    wait_until(shared_out(survivor), "the survivor has all of it")
    sent = sender.stop()
    wait_until(lambda: members.seen() >= sent, "every record was delivered")
    assert not members.out_of_turn()


def test_a_static_member_starts_again_without_a_rebalance(members: Members, sender: Sender) -> None:
    instance = {"partition_assignment_strategy": "range"}
    first = members.start("g", group_instance_id="one", **instance)
    second = members.start("g", group_instance_id="two", **instance)
    wait_until(shared_out(first, second), "both have work")
    work, upheavals = set(second.holds), len(first.history.assigned)

    second.leave()
    again = members.start("g", group_instance_id="two", **instance)
    wait_until(lambda: again.holds, "it has work again")

    assert again.holds == work
    assert len(first.history.assigned) == upheavals
    sent = sender.stop()
    wait_until(lambda: members.seen() >= sent, "every record was delivered")


def test_two_processes_cannot_be_one_static_member(members: Members) -> None:
    first = members.start("g", group_instance_id="one")
    wait_until(shared_out(first), "it has all partitions")
    second = members.start("g", group_instance_id="one")
    wait_until(lambda: first.history.errors, "the first is told")
    assert first.history.errors[0].name() in ("_FENCED", "FENCED_INSTANCE_ID", "_FATAL")
    wait_until(shared_out(second), "the second has all partitions")


def test_a_client_that_is_killed_while_it_joins_holds_up_nobody(namespace: Namespace, members: Members) -> None:
    member = members.start("g", partition_assignment_strategy="range", heartbeat_interval_ms=5000)
    wait_until(shared_out(member), "one has all partitions")
    # Its join is held until the member has joined again, which takes up to a heartbeat.
    join = struct.pack(">h1sih0sh8sih5si0s", 1, b"g", 120_000, 0, b"", 8, b"consumer", 1, 5, b"range", 0, b"")
    with kafka_service.Wire(namespace) as wire:
        wire.authenticate()
        wire.send(kafka_service.request(11, 0, join))
        admin = AdminClient(kafka_service.settings(namespace), logger=kafka_service._QUIET)

        def count() -> int:
            return len(admin.describe_consumer_groups(["g"])["g"].result().members)

        wait_until(lambda: count() == 2, "it is in")
    wait_until(lambda: count() == 1, "it is out, long before its session is over")


def test_clients_of_two_libraries_share_a_group(namespace: Namespace, members: Members, sender: Sender) -> None:
    member = members.start("g", partition_assignment_strategy="range")
    other: Any = KafkaConsumer(
        HUB, group_id="g", auto_offset_reset="earliest", enable_auto_commit=False, session_timeout_ms=6000,
        heartbeat_interval_ms=100, **kafka_service.python_settings(namespace),
    )  # fmt: skip
    seen: set[tuple[int, bytes]] = set()

    def shared() -> bool:
        for records in other.poll(50).values():
            seen.update((record.partition, record.value) for record in records)
        other.commit()
        return len(other.assignment()) == 2 and len(member.holds) == 2 and len(seen) > 100

    try:
        wait_until(shared, "both have work, and do it")
        assert {place.partition for place in other.assignment()} | member.holds == {0, 1, 2, 3}
    finally:
        other.close()
    wait_until(shared_out(member), "one has all partitions")
    sent = sender.stop()
    wait_until(
        lambda: (
            {(each.partition, each.value) for each in members.seen()} | seen
            >= {(each.partition, each.value) for each in sent}
        ),
        "every record was delivered",
    )
