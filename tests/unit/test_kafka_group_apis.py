"""The APIs of consumer groups in every version that clients are told of, down to the bytes of their answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from kio.schema.errors import ErrorCode

from local.eventhubs.config import HubConfig
from local.eventhubs.kafka.api import Session
from local.eventhubs.kafka.groups.coordinator import Groups
from local.eventhubs.kafka.settings import Settings
from local.eventhubs.log import Log
from local.eventhubs.namespace import Namespace
from local.eventhubs.sas import Grant, Key
from tests.unit.kafka_group_client import (
    BY_KEY,
    COMMIT,
    DELETE,
    DELETE_OFFSETS,
    DESCRIBE,
    FETCH,
    FIND,
    HEARTBEAT,
    HUB,
    JOIN,
    LEAVE,
    LIST,
    OTHER,
    SYNC,
    Client,
)
from tests.waiting import until


def every_version(key: int) -> Any:
    return pytest.mark.parametrize("version", BY_KEY[key].versions)


@pytest.fixture
async def groups(tmp_path: Path) -> AsyncIterator[Groups]:
    opened = Groups(tmp_path / "kafka-groups.db", initial_delay=0.01)
    yield opened
    await opened.close()


@pytest.fixture
async def client(groups: Groups, tmp_path: Path) -> AsyncIterator[Client]:
    hubs = [HubConfig(HUB, 2, ("$Default",)), HubConfig(OTHER, 1, ("$Default",))]
    log = Log(tmp_path / "eventhubs.db", hubs)
    namespace = Namespace(hubs, log, Key("name", "key"))
    yield Client(
        Session(namespace, groups, Settings(plaintext=True), {}, ("localhost", 9092), "127.0.0.1", client_id="me")
    )
    await log.close()


@every_version(FIND)
async def test_the_coordinator_of_every_group_is_here(client: Client, version: int) -> None:
    answer = await client.ask(FIND, version, key="g", key_type=0, coordinator_keys=["g"])
    found = answer.coordinators[0] if version >= 4 else answer
    assert (found.error_code, found.node_id, found.host, found.port) == (ErrorCode.none, 0, "localhost", 9092)


@pytest.mark.parametrize("version", range(1, 5))
async def test_a_transaction_has_no_coordinator_and_a_client_learns_why(client: Client, version: int) -> None:
    answer = await client.ask(FIND, version, key="t", key_type=1, coordinator_keys=["t"])
    found = answer.coordinators[0] if version >= 4 else answer
    assert found.error_code is ErrorCode.transactional_id_authorization_failed
    assert "transactional.id" in found.error_message


@every_version(JOIN)
async def test_join(client: Client, version: int) -> None:
    await client.member(version)


@every_version(JOIN)
async def test_a_refused_join(client: Client, version: int) -> None:
    answer = await client.join(version, "stranger")
    assert (answer.error_code, answer.generation_id, answer.leader) == (ErrorCode.unknown_member_id, -1, "")


@every_version(SYNC)
async def test_sync(client: Client, version: int) -> None:
    await client.member(sync_version=version)
    assert (await client.sync("stranger", version)).error_code is ErrorCode.unknown_member_id


@every_version(HEARTBEAT)
async def test_heartbeat(client: Client, version: int) -> None:
    member = await client.member()
    for member_id, generation, error in [
        (member, 1, ErrorCode.none), (member, 2, ErrorCode.illegal_generation), ("x", 1, ErrorCode.unknown_member_id)
    ]:  # fmt: skip
        answer = await client.ask(
            HEARTBEAT, version, group_id="g", generation_id=generation, member_id=member_id, group_instance_id=None
        )
        assert answer.error_code is error


@every_version(LEAVE)
async def test_leave(client: Client, groups: Groups, version: int) -> None:
    member = await client.member()
    ids = [{"member_id": each, "group_instance_id": None, "reason": None} for each in (member, "stranger")]
    answer = await client.ask(LEAVE, version, group_id="g", member_id=member, members=ids)
    assert answer.error_code is ErrorCode.none
    if version >= 3:
        assert [each.error_code for each in answer.members] == [ErrorCode.none, ErrorCode.unknown_member_id]
    assert groups.find("g") is None
    gone = await client.ask(LEAVE, version, group_id="g", member_id=member, members=ids)
    errors = [each.error_code for each in gone.members] if version >= 3 else [gone.error_code]
    assert set(errors) == {ErrorCode.unknown_member_id}


@every_version(COMMIT)
async def test_commit(client: Client, version: int) -> None:
    assert await client.commit(7, version=version) is ErrorCode.none
    member = await client.member()
    assert await client.commit(8, version=version) is ErrorCode.unknown_member_id
    assert await client.commit(8, version=version, member_id=member, generation=2) is ErrorCode.illegal_generation
    assert await client.commit(9, version=version, member_id=member, generation=1) is ErrorCode.none
    assert await client.committed(topics=[(HUB, [0])]) == {(HUB, 0): (9, "note", ErrorCode.none)}


@every_version(FETCH)
async def test_fetch(client: Client, version: int) -> None:
    await client.commit(7)
    await client.commit(3, topic=OTHER, metadata=None)
    assert await client.committed(version, [("READINGS", [0, 1])]) == {
        ("READINGS", 0): (7, "note", ErrorCode.none),
        ("READINGS", 1): (-1, "", ErrorCode.none),
    }
    if version >= 2:
        everything = await client.committed(version)
        assert everything == {(HUB, 0): (7, "note", ErrorCode.none), (OTHER, 0): (3, None, ErrorCode.none)}


@every_version(DESCRIBE)
async def test_describe(client: Client, version: int) -> None:
    await client.commit(7, group_id="read before")
    member = await client.member()
    answer = await client.ask(
        DESCRIBE, version, groups=["g", "read before", "never seen", ""], include_authorized_operations=False
    )
    stable, empty, dead, invalid = answer.groups
    assert (stable.group_state, stable.protocol_type, stable.protocol_data) == ("Stable", "consumer", "range")
    (only,) = stable.members
    assert (only.member_id, only.client_id, only.client_host) == (member, "me", "/127.0.0.1")
    assert (only.member_metadata, only.member_assignment) == (b"topics", b"all")
    assert (empty.group_state, dead.group_state) == ("Empty", "Dead")
    assert invalid.error_code is ErrorCode.invalid_group_id


@every_version(LIST)
async def test_list(client: Client, version: int) -> None:
    await client.commit(7, group_id="read before")
    await client.member()

    async def listed(states: list[str], types: list[str]) -> dict[str, str]:
        answer = await client.ask(LIST, version, states_filter=states, types_filter=types)
        return {each.group_id: each.protocol_type for each in answer.groups}

    assert await listed([], []) == {"g": "consumer", "read before": ""}
    if version >= 4:
        assert await listed(["stable"], []) == {"g": "consumer"}
    if version >= 5:
        assert await listed([], ["consumer"]) == {}


@every_version(DELETE)
async def test_delete(client: Client, version: int) -> None:
    await client.commit(7, group_id="read before")
    await client.member()
    answer = await client.ask(DELETE, version, groups_names=["g", "read before", "read before"])
    assert [each.error_code for each in answer.results] == [
        ErrorCode.non_empty_group, ErrorCode.none, ErrorCode.group_id_not_found
    ]  # fmt: skip


async def test_offsets_of_a_group_that_nobody_is_in_are_deleted(client: Client) -> None:
    async def delete() -> Any:
        return await client.ask(
            DELETE_OFFSETS, 0, group_id="g", topics=[{"name": HUB, "partitions": [{"partition_index": 0}]}]
        )

    assert (await delete()).error_code is ErrorCode.group_id_not_found
    await client.commit(7)
    await client.commit(8, partition=1)
    assert (await delete()).topics[0].partitions[0].error_code is ErrorCode.none
    assert list(await client.committed()) == [(HUB, 1)]
    await client.member()
    assert (await delete()).error_code is ErrorCode.non_empty_group


async def test_the_kind_of_a_group_is_remembered_after_its_members(client: Client) -> None:
    member = await client.member()
    await client.commit(7, member_id=member, generation=1)
    await client.ask(LEAVE, 0, group_id="g", member_id=member)
    answer = await client.ask(DESCRIBE, 5, groups=["g"], include_authorized_operations=False)
    assert (answer.groups[0].group_state, answer.groups[0].protocol_type) == ("Empty", "consumer")


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"group_id": ""}, ErrorCode.invalid_group_id),
        ({"group_id": "g" * 257}, ErrorCode.invalid_group_id),
        ({"session_timeout": timedelta(seconds=5.9)}, ErrorCode.invalid_session_timeout),
        ({"session_timeout": timedelta(seconds=300.1)}, ErrorCode.invalid_session_timeout),
        ({"protocols": [{"name": "range", "metadata": bytes(70_000)}]}, ErrorCode.invalid_request),
        ({"protocols": [{"name": "", "metadata": b""}] * 200}, ErrorCode.invalid_request),
        ({"group_instance_id": "i" * 250}, ErrorCode.invalid_request),
        ({"protocols": []}, ErrorCode.inconsistent_group_protocol),
    ],
)
async def test_a_join_beyond_the_limits_is_refused(
    client: Client, groups: Groups, values: dict[str, Any], error: ErrorCode
) -> None:
    assert (await client.join(**values)).error_code is error
    assert not groups.all()


async def test_an_id_of_256_characters_is_not_too_long(client: Client) -> None:
    assert (await client.join(group_id="g" * 256)).error_code is ErrorCode.member_id_required


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"topic": "nowhere"}, ErrorCode.unknown_topic_or_partition),
        ({"partition": 2}, ErrorCode.unknown_topic_or_partition),
        ({"partition": -1}, ErrorCode.unknown_topic_or_partition),
        ({"metadata": "é" * 513}, ErrorCode.offset_metadata_too_large),
        ({"group_id": ""}, ErrorCode.invalid_group_id),
        ({"group_id": "g" * 257}, ErrorCode.invalid_group_id),
    ],
)
async def test_a_commit_beyond_the_limits_is_refused(
    client: Client, groups: Groups, values: dict[str, Any], error: ErrorCode
) -> None:
    assert await client.commit(**{"offset": 1, **values}) is error
    assert not groups.all()


async def test_a_negative_offset_is_kept(client: Client) -> None:
    assert await client.commit(7) is ErrorCode.none
    assert await client.commit(-2) is ErrorCode.none  # KafkaJS's `resetOffsets({ earliest: true })`
    assert await client.committed(topics=[(HUB, [0])]) == {(HUB, 0): (-2, "note", ErrorCode.none)}


async def test_a_connection_that_is_limited_to_a_hub_uses_its_offsets_alone(client: Client) -> None:
    await client.commit(7)
    await client.commit(8, topic=OTHER)
    client.session = replace(client.session, grant=Grant((HUB,), 2**40))

    assert await client.commit(9, topic=OTHER) is ErrorCode.topic_authorization_failed
    assert await client.committed(topics=[(OTHER, [0])]) == {(OTHER, 0): (-1, "", ErrorCode.topic_authorization_failed)}
    assert list(await client.committed()) == [(HUB, 0)]
    deleted = await client.ask(DELETE, 2, groups_names=["g"])
    assert deleted.results[0].error_code is ErrorCode.group_authorization_failed


async def test_a_full_disk_refuses_a_commit_in_a_way_that_clients_try_again(client: Client, groups: Groups) -> None:
    await client.commit(7)
    database = groups._store._database
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")
    errors = {await client.commit(n, group_id=f"group-{n}", metadata="x" * 1000) for n in range(20)}
    assert ErrorCode.coordinator_not_available in errors
    assert errors <= {ErrorCode.none, ErrorCode.coordinator_not_available}
    database.execute(f"PRAGMA max_page_count = {pages + 1000}")
    assert await client.commit(8) is ErrorCode.none


async def test_a_client_that_drops_its_connection_while_it_joins_leaves_nothing_behind(
    client: Client, groups: Groups
) -> None:
    await client.member()
    joining = asyncio.create_task(client.join(3))
    await until(lambda: groups._waiting, "it waits for the member to join again")
    assert len(groups.all()["g"].roster) == 2
    joining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await joining
    assert len(groups.all()["g"].roster) == 1
    assert not groups._waiting


async def test_who_leaves_late_does_not_end_a_group_that_others_have_begun_anew(client: Client, groups: Groups) -> None:
    member = await client.member()
    joining = asyncio.create_task(client.join(9, member, "sticky"))
    held = asyncio.create_task(client.join(3))
    await until(lambda: groups._waiting, "a second member waits for the first")
    for each in groups.all()["g"].roster.all():
        await client.ask(LEAVE, 0, group_id="g", member_id=each.id)
    assert not groups.all()
    # Answered, and cancelled before it could see the answer.
    again = await client.join(9)
    held.cancel()
    joining.cancel()
    await asyncio.gather(held, joining, return_exceptions=True)
    assert again.error_code is ErrorCode.member_id_required
    assert list(groups.all()["g"].pending) == [again.member_id]


async def test_the_write_ahead_log_does_not_grow_for_ever(
    client: Client, groups: Groups, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.eventhubs.kafka.groups.coordinator._CHECKPOINT_WRITES", 10)
    for offset in range(100):
        await client.commit(offset)
        if groups._checkpoint is not None:
            await groups._checkpoint
    assert (tmp_path / "kafka-groups.db-wal").stat().st_size < 50 * 4096


async def test_a_stop_lets_go_of_whoever_waits(
    client: Client, groups: Groups, caplog: pytest.LogCaptureFixture
) -> None:
    await client.member()
    joining = asyncio.create_task(client.join(3))
    await until(lambda: groups._waiting, "it waits for the member to join again")
    await groups.close()
    with pytest.raises(asyncio.CancelledError):
        await joining
    assert not caplog.records


async def test_members_that_wait_learn_that_the_leader_has_gone(client: Client, groups: Groups) -> None:
    first, second = await asyncio.gather(client.join(3), client.join(3))
    leader, follower = (first, second) if first.members else (second, first)
    waiting = asyncio.create_task(client.sync(follower.member_id, 5))
    await until(lambda: groups._waiting, "the follower waits")
    await client.ask(LEAVE, 0, group_id="g", member_id=leader.member_id)
    assert (await waiting).error_code is ErrorCode.rebalance_in_progress


async def test_there_are_only_so_many_groups_and_members(
    client: Client, groups: Groups, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = "local.eventhubs.kafka.groups.coordinator"
    monkeypatch.setattr(f"{limits}.MAX_GROUPS", 2)
    assert (await client.join(group_id="a")).error_code is ErrorCode.member_id_required
    assert (await client.join(group_id="b")).error_code is ErrorCode.member_id_required
    assert (await client.join(group_id="c")).error_code is ErrorCode.group_max_size_reached
    assert await client.commit(1, group_id="d") is ErrorCode.none
    assert await client.commit(1, group_id="e") is ErrorCode.none
    assert await client.commit(1, group_id="f") is ErrorCode.group_max_size_reached
    assert await client.commit(2, group_id="e") is ErrorCode.none
    monkeypatch.setattr(f"{limits}.MAX_MEMBERS", 2)
    assert (await client.join(group_id="a")).error_code is ErrorCode.group_max_size_reached
