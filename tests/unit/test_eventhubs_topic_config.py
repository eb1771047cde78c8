"""What a Kafka client sets of a topic it creates: whose times its records have, and how long they stay."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from local.eventhubs import log as log_module
from local.eventhubs import retention, transcode
from local.eventhubs.appends import Refusal
from local.eventhubs.config import HubConfig
from local.eventhubs.entry import Appended
from local.eventhubs.kafka.batch import Batch, parse
from local.eventhubs.kafka.topics import topic_config
from local.eventhubs.log import Log
from local.eventhubs.partition import Partition
from local.eventhubs.retention import Limits
from local.eventhubs.topic_config import DEFAULT, FOREVER, TopicConfig

HOUR = 3_600_000


@asynccontextmanager
async def opened(path: Path, *hubs: HubConfig) -> AsyncIterator[Log]:
    log = Log(path / "eventhubs.db", hubs)
    try:
        yield log
    finally:
        await log.close()


def hub(name: str, topic: TopicConfig = DEFAULT) -> HubConfig:
    return HubConfig(name, 1, ("$Default",), topic)


def batch(*times: int, size: int = 1) -> Batch:
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 2**31 - 1)
    for number, milliseconds in enumerate(times):
        builder.append(number, milliseconds, None, b"." * size, [])
    return parse(bytes(builder.build()))[0]


async def append(log: Log, partition: Partition, content: Batch) -> Appended | Refusal:
    outcome: asyncio.Future[Appended | Refusal] = asyncio.get_running_loop().create_future()
    log.append_batch(partition, content, outcome.set_result)
    return await outcome


def times(log: Log, partition: Partition) -> list[tuple[int, int, int]]:
    """Offset, timestamp and type of timestamp (0 the producer's, 1 the log's), as a consumer gets them."""
    found: list[tuple[int, int, int]] = []
    for entry in log.read(partition, 0):
        records: Any = DefaultRecordBatch(transcode.kafka(entry))
        assert records.validate_crc()
        found += [(record.offset, record.timestamp, record.timestamp_type) for record in records]
    return found


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, DEFAULT),
        ({"segment.bytes": "52428800", "retention.ms": None}, DEFAULT),
        ({"message.timestamp.type": "LogAppendTime", "cleanup.policy": "delete"}, DEFAULT),
        # As Kafka Streams creates a repartition topic, the changelog of a table, and that of a windowed store.
        (
            {"message.timestamp.type": "CreateTime", "cleanup.policy": "delete", "retention.ms": "-1"},
            TopicConfig(create_time=True, retention=FOREVER),
        ),
        (
            {"message.timestamp.type": "CreateTime", "cleanup.policy": "compact"},
            TopicConfig(create_time=True, compact=True),
        ),
        (
            {"message.timestamp.type": "CreateTime", "cleanup.policy": "compact,delete", "retention.ms": "90060000"},
            TopicConfig(create_time=True, retention=90_060_000),
        ),
    ],
)
def test_what_is_taken_of_a_topics_settings(given: dict[str, str | None], expected: TopicConfig) -> None:
    assert topic_config(given) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [("message.timestamp.type", "Now"), ("cleanup.policy", "burn"), ("retention.ms", "-2"), ("retention.ms", "a day")],
)
def test_a_value_that_is_none_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=rf"{name} is .*not '{value}'"):
        topic_config({name: value})


async def test_records_keep_their_producers_times_where_the_topic_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "_now", lambda: 90_000)
    async with opened(tmp_path, hub("theirs", TopicConfig(create_time=True)), hub("ours")) as log:
        theirs, ours = log.hubs["theirs"][0], log.hubs["ours"][0]
        for partition in (theirs, ours):
            assert await append(log, partition, batch(5_000)) == Appended(0, 90_000)
            # Times may go back, within a batch too.
            assert await append(log, partition, batch(3_000, 7_000, 4_000)) == Appended(1, 90_000)
        assert times(log, theirs) == [(0, 5_000, 0), (1, 3_000, 0), (2, 7_000, 0), (3, 4_000, 0)]
        assert times(log, ours) == [(offset, 90_000, 1) for offset in range(4)]


async def test_a_topics_settings_survive_a_restart(tmp_path: Path) -> None:
    created = [
        hub("theirs", TopicConfig(create_time=True, retention=5)),
        hub("table", TopicConfig(compact=True)),
        hub("plain"),
    ]
    async with opened(tmp_path) as log:
        for each in created:
            log.create_hub(each)
    async with opened(tmp_path) as log:
        assert log.unopened() == created


async def test_events_go_when_their_topic_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hubs = {
        "plain": DEFAULT,
        "short": TopicConfig(retention=HOUR),
        "long": TopicConfig(retention=100 * HOUR),
        "forever": TopicConfig(retention=FOREVER),
        "table": TopicConfig(compact=True, retention=HOUR),
    }
    now = time.time_ns() // 1_000_000
    monkeypatch.setattr(log_module, "_now", lambda: now)
    async with opened(tmp_path, *(hub(name, topic) for name, topic in hubs.items())) as log:
        for (partition,) in log.hubs.values():
            await append(log, partition, batch(1))

        async def left(hours: int) -> set[str]:
            await retention.enforce(log, Limits(24 * 3600, 1 << 30), now + hours * HOUR + 1)
            return {name for name, (partition,) in log.hubs.items() if not partition.empty}

        assert await left(0) == set(hubs)
        assert await left(1) == set(hubs) - {"short"}
        assert await left(24) == {"long", "forever", "table"}
        assert await left(100) == {"forever", "table"}


@pytest.mark.parametrize("is_open", [True, False])
async def test_a_log_that_is_too_large_keeps_what_kafka_would_compact_at_nobodys_expense(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, is_open: bool
) -> None:
    monkeypatch.setattr(log_module, "_DROP_BYTES", 100_000)
    table, plain = hub("table", TopicConfig(compact=True)), hub("plain")
    async with opened(tmp_path, table) as log:
        for _ in range(4):
            await append(log, log.hubs["table"][0], batch(1, size=500_000))
    async with opened(tmp_path, *([table] if is_open else []), plain) as log:
        partition = log.hubs["plain"][0]
        for _ in range(4):
            await append(log, partition, batch(1, size=500_000))
        await retention.enforce(log, Limits(24 * 3600, 1_200_000), 0)
        assert (partition.first, partition.next) == (2, 4)
        assert "cleanup.policy=compact" in caplog.text
    async with opened(tmp_path, table) as log:
        assert log.hubs["table"][0].next - log.hubs["table"][0].first == 4
