"""What was acknowledged stays: over a restart, kill -9 while sending, and a full disk; and what retention drops."""

from __future__ import annotations

import resource
import threading
from collections.abc import Callable
from itertools import count

import pytest
from azure.eventhub import EventData
from azure.eventhub.exceptions import EventDataSendError, EventHubError

from tests.integration.eventhubs_service import (
    PARTITIONS,
    Namespace,
    collect,
    make_namespace,
    namespace,
    receiving,
)
from tests.waiting import PATIENCE, until

__all__ = ["make_namespace", "namespace"]


def identity(event: EventData) -> tuple[object, ...]:
    return event.body_as_str(), event.sequence_number, event.offset, event.enqueued_time, event.partition_key


async def test_a_restart_changes_nothing_that_is_there(namespace: Namespace) -> None:
    namespace.send("a", "b", partition_key="key")
    namespace.send("c", partition_key="key")
    before = await collect(namespace, 3)

    assert namespace.child.stop() == 0
    namespace.start()
    namespace.send("d", partition_key="key")
    after = await collect(namespace, 4)

    assert [identity(event) for event in after[:3]] == [identity(event) for event in before]
    assert after[3].sequence_number == 3
    assert after[3].enqueued_time > before[2].enqueued_time


async def test_kill_9_while_sending_loses_nothing_acknowledged(namespace: Namespace) -> None:
    # GIVEN producers that send as fast as they can, and note what was acknowledged
    acknowledged: dict[str, list[str]] = {str(partition): [] for partition in range(PARTITIONS)}
    enough = threading.Event()

    def send(partition: str) -> None:
        with namespace.producer(retry_total=0) as producer:
            for number in count():
                bodies = [f"{partition}-{number}-{index}" for index in range(50)]
                batch = producer.create_batch(partition_id=partition)
                for body in bodies:
                    batch.add(EventData(body))
                try:
                    producer.send_batch(batch)
                except EventHubError:
                    return
                acknowledged[partition] += bodies
                if sum(map(len, acknowledged.values())) > 10_000:
                    enough.set()

    threads = [threading.Thread(target=send, args=(partition,), daemon=True) for partition in acknowledged]
    for thread in threads:
        thread.start()
    assert enough.wait(PATIENCE)

    # WHEN the namespace is killed in the midst of it, and started again
    namespace.child.kill()
    for thread in threads:
        thread.join(20)
    namespace.start()

    # THEN each partition begins with all that was acknowledged, in order; at most the batch in flight follows
    async with receiving(namespace.consumer(prefetch=3000), starting_position="-1") as received:

        def all_there() -> bool:
            return all(len(received.bodies(partition)) >= len(bodies) for partition, bodies in acknowledged.items())

        await until(all_there, "everything that was acknowledged", seconds=60)
    for partition, bodies in acknowledged.items():
        readable = received.bodies(partition)
        assert readable[: len(bodies)] == bodies
        assert len(readable) - len(bodies) <= 50
        numbers = [event.sequence_number for found, event in received.events if found == partition]
        assert numbers == list(range(len(numbers)))


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux to fill a process's disk alone")
async def test_a_full_disk_refuses_and_recovers(namespace: Namespace) -> None:
    # GIVEN a namespace that holds an event, and may write no file any larger
    with namespace.producer(retry_total=0) as producer:
        producer.send_event(EventData("kept"), partition_id="0")
        written = (namespace.directory / "data" / "eventhubs.db-wal").stat().st_size
        limits = resource.prlimit(namespace.child.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(namespace.child.pid, resource.RLIMIT_FSIZE, (written, limits[1]))

        # WHEN more is sent, THEN it is refused as a busy service refuses, time after time
        for _ in range(3):
            with pytest.raises(EventDataSendError, match="server-busy"):
                producer.send_event(EventData("refused"), partition_id="0")

        # and what is there can be read
        assert [event.body_as_str() for event in await collect(namespace, 1, partition_id="0")] == ["kept"]
        assert producer.get_partition_properties("0")["last_enqueued_sequence_number"] == 0

        # WHEN there is room again, THEN it goes on as if nothing had been
        resource.prlimit(namespace.child.pid, resource.RLIMIT_FSIZE, limits)
        producer.send_event(EventData("kept too"), partition_id="0")
    namespace.child.kill()
    namespace.start()
    events = await collect(namespace, 2, partition_id="0")
    assert [(event.body_as_str(), event.sequence_number) for event in events] == [("kept", 0), ("kept too", 1)]


async def test_events_past_their_time_go_and_numbers_go_on(make_namespace: Callable[..., Namespace]) -> None:
    # GIVEN a consumer that stopped at the first event
    namespace = make_namespace()
    namespace.send("old 0", "old 1", partition_id="0")
    (first, _) = await collect(namespace, 2, partition_id="0")

    # WHEN the events are past their time
    namespace.child.stop()
    namespace.options = ("--retention-hours", str(0.1 / 3600), "--retention-check-seconds", "0.1")
    namespace.start()
    with namespace.producer() as producer:
        await until(lambda: producer.get_partition_properties("0")["is_empty"], "the old events to go")
    # and the namespace forgets what it had in memory
    namespace.child.stop()
    namespace.options = ()
    namespace.start()
    namespace.send("new", partition_id="0")

    # THEN the consumer goes on from the oldest there is, and no number comes twice
    (event,) = await collect(namespace, 1, partition_id="0", starting_position=first.offset)
    assert (event.body_as_str(), event.sequence_number) == ("new", 2)


async def test_events_over_the_size_go_oldest_first(make_namespace: Callable[..., Namespace]) -> None:
    # GIVEN room for 4 MB
    namespace = make_namespace("--retention-megabytes", "4", "--retention-check-seconds", "0.1")

    # WHEN 20 MB are sent to two partitions
    with namespace.producer() as producer:
        for number in range(40):
            producer.send_event(EventData(b"." * 500_000), partition_id=str(number % 2))
        found = await until(
            lambda: [
                properties
                for properties in map(producer.get_partition_properties, "01")
                if properties["beginning_sequence_number"] > 10
            ],
            "the oldest events of either partition to go",
        )

    # THEN the newest are kept, and the file stays within bounds
    assert all(properties["last_enqueued_sequence_number"] == 19 for properties in found)
    assert all(properties["beginning_sequence_number"] < 19 for properties in found), "one was emptied for the other"
    (last,) = await collect(namespace, 1, partition_id="1", starting_position=18)
    assert last.sequence_number == 19
    size = sum(file.stat().st_size for file in (namespace.directory / "data").iterdir())
    assert size < 64 * 1024 * 1024
