"""Where consumers start: offset, sequence number, enqueued time, exclusive or inclusive, oldest and latest."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from azure.eventhub import EventData
from azure.eventhub.exceptions import EventHubError

from tests.integration.eventhubs_service import (
    Namespace,
    collect,
    make_namespace,
    namespace,
    receiving,
    refusal,
)
from tests.waiting import until

__all__ = ["make_namespace", "namespace"]


async def test_every_kind_of_position(namespace: Namespace) -> None:
    # GIVEN events 0, 1 and 2, enqueued at times that differ, and 3, 4 at one time (in one batch)
    for body in ("0", "1", "2"):
        namespace.send(body, partition_id="0")
    namespace.send("3", "4", partition_id="0")
    events = await collect(namespace, 5, partition_id="0")
    times = [event.enqueued_time for event in events]
    assert times[1] < times[2] < times[3] == times[4]

    # WHEN consumers start at these (position, inclusive), all at once, THEN each first gets the event beside it
    millisecond = timedelta(milliseconds=1)
    expected: list[tuple[Any, bool, str]] = [
        ("-1", False, "0"),
        (events[1].offset, False, "2"),
        (events[1].offset, True, "1"),
        (1, False, "2"),
        (1, True, "1"),
        (times[1], False, "2"),
        (times[1], True, "1"),
        (times[2], False, "3"),
        (times[0] - timedelta(hours=1), True, "0"),
        (times[1] - millisecond, False, "1"),
    ]

    async def first(position: Any, inclusive: bool, group: str) -> str:
        options = {"starting_position": position, "starting_position_inclusive": inclusive, "partition_id": "0"}
        async with receiving(namespace.consumer(group), **options) as received:
            await until(lambda: received.events or received.errors, f"an event from {position!r} on")
        assert not received.errors, (position, received.errors)
        return received.events[0][1].body_as_str()

    # At most five share a partition in a consumer group.
    groups = ["$Default", "workers"] * 5
    found = await asyncio.gather(
        *(first(at, inclusive, group) for (at, inclusive, _), group in zip(expected, groups, strict=True))
    )
    assert found == [body for _, _, body in expected]


async def test_latest_is_what_comes_after_the_consumer(namespace: Namespace) -> None:
    # GIVEN a partition with events, and a time after the last
    namespace.send("old", partition_id="0")
    (old,) = await collect(namespace, 1, partition_id="0")
    future = old.enqueued_time + timedelta(seconds=1)

    # WHEN consumers start at the latest, and at the last offset; and events are sent until both received one
    async with (
        receiving(namespace.consumer(), partition_id="0", starting_position="@latest") as latest,
        receiving(namespace.consumer(), partition_id="0", starting_position=old.offset) as after,
        receiving(namespace.consumer(), partition_id="0", starting_position=future) as later,
    ):
        sent = 0
        with namespace.producer() as producer:
            while not (latest.events and after.events) and sent < 500:
                await asyncio.to_thread(producer.send_event, EventData(f"new {sent}"), partition_id="0")
                sent += 1
                await asyncio.sleep(0.02)

    # THEN neither got the old event, and the one with an offset missed nothing
    assert after.bodies()[0] == "new 0"
    assert latest.bodies()[0].startswith("new")
    # A time that has yet to come is the latest too: the position is found once, when the consumer comes.
    assert not later.errors


def test_a_position_past_the_end_is_refused_with_what_to_do(namespace: Namespace) -> None:
    # GIVEN a checkpoint that outlived the log it was for
    namespace.send("only", partition_id="0")

    # WHEN a consumer resumes there, THEN it is told, rather than left waiting for ever
    for position in ("99", 99):
        error = refusal(namespace, starting_position=position)
        assert isinstance(error, EventHubError)
        assert "'99' is invalid. The last" in str(error)
        assert "delete the checkpoints" in str(error)
