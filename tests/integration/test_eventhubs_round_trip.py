"""Events come back as they were sent: bodies, properties, keys and order, with the SDK unchanged, sync and aio."""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta

from azure.eventhub import EventData, EventHubConsumerClient, TransportType
from azure.eventhub._buffered_producer._partition_resolver import generate_hash_code
from azure.eventhub._utils import get_last_enqueued_event_properties
from azure.eventhub.aio import EventHubProducerClient as AsyncProducer
from azure.eventhub.amqp import AmqpAnnotatedMessage

from tests.integration.eventhubs_service import (
    HUB,
    PARTITIONS,
    Namespace,
    collect,
    make_namespace,
    namespace,
    receiving,
)
from tests.waiting import PATIENCE, until

__all__ = ["make_namespace", "namespace"]


async def test_an_event_keeps_everything_that_its_sender_said(namespace: Namespace) -> None:
    # GIVEN an event with every kind of property
    event = EventData(b"\x00\xff body")
    properties = {"text": "é", "number": 7, "flag": True, "real": 1.5, "bytes": b"\x00\x01", "id": uuid.UUID(int=5)}
    event.properties = dict(properties)
    event.message_id, event.correlation_id, event.content_type = "m-1", "c-1", "application/json"
    event.raw_amqp_message.properties.subject = "readings"
    event.raw_amqp_message.properties.user_id = b"someone"
    event.raw_amqp_message.annotations["x-opt-mine"] = "kept"
    before = datetime.now(UTC) - timedelta(seconds=1)

    # WHEN it is sent alone and received
    with namespace.producer() as producer:
        producer.send_event(event, partition_id="2")
    (received,) = await collect(namespace, 1, partition_id="2")

    # THEN all of it is there, and the service's own three
    assert b"".join(received.body) == b"\x00\xff body"
    assert received.properties == {name.encode(): value for name, value in {**properties, "text": "é".encode()}.items()}
    assert (received.message_id, received.correlation_id, received.content_type) == ("m-1", "c-1", "application/json")
    assert received.raw_amqp_message.properties.subject == b"readings"
    assert received.raw_amqp_message.properties.user_id == b"someone"
    assert received.raw_amqp_message.annotations[b"x-opt-mine"] == b"kept"
    assert (received.sequence_number, received.offset) == (0, "0")
    assert before < received.enqueued_time < datetime.now(UTC) + timedelta(seconds=1)


async def test_bodies_that_are_values_or_sequences_come_back_as_such(namespace: Namespace) -> None:
    with namespace.producer() as producer:
        producer.send_event(AmqpAnnotatedMessage(value_body={"nested": ["a", 1]}), partition_id="0")
        producer.send_event(AmqpAnnotatedMessage(sequence_body=[[1, 2], ["x"]]), partition_id="0")

    value, sequence = await collect(namespace, 2, partition_id="0")

    assert value.raw_amqp_message.body == {b"nested": [b"a", 1]}
    assert list(sequence.raw_amqp_message.body) == [[1, 2], [b"x"]]


async def test_the_service_numbers_events_whatever_their_sender_says(namespace: Namespace) -> None:
    event = EventData("copied from elsewhere")
    event.raw_amqp_message.annotations = {"x-opt-sequence-number": 99, "x-opt-offset": "99", "x-opt-enqueued-time": 99}

    with namespace.producer() as producer:
        producer.send_event(event, partition_id="1")
    (received,) = await collect(namespace, 1, partition_id="1")

    assert (received.sequence_number, received.offset) == (0, "0")
    assert received.enqueued_time.year > 1970


async def test_a_partition_key_goes_where_the_service_sends_it(namespace: Namespace) -> None:
    keys = ["a", "sensor-1", "sensor-2", "27601", "a key longer than twelve bytes", "x" * 100]
    for key in keys:
        namespace.send(f"event of {key}", partition_key=key)

    async with receiving(namespace.consumer(), starting_position="-1") as received:
        await until(lambda: len(received.events) == len(keys), "every key's event")

    found = {event.partition_key.decode(): partition for partition, event in received.events}
    assert found == {key: str(abs(generate_hash_code(key)) % PARTITIONS) for key in keys}


async def test_batches_without_a_key_take_turns(namespace: Namespace) -> None:
    for number in range(2 * PARTITIONS):
        namespace.send(f"batch {number}")

    async with receiving(namespace.consumer(), starting_position="-1") as received:
        await until(lambda: len(received.events) == 2 * PARTITIONS, "every batch")

    assert sorted(partition for partition, _ in received.events) == sorted([*map(str, range(PARTITIONS))] * 2)


async def test_order_holds_within_a_partition_over_batches_and_credit(namespace: Namespace) -> None:
    # GIVEN more than the 300 events of credit that the SDK gives at a time, in batches of unlike sizes
    bodies = [str(number) for number in range(1_000)]
    sizes = [1, 7, 292, 300, 400]
    with namespace.producer() as producer:
        for start, size in zip([0, 1, 8, 300, 600], sizes, strict=True):
            batch = producer.create_batch(partition_id="3")
            for body in bodies[start : start + size]:
                batch.add(EventData(body))
            producer.send_batch(batch)

    events = await collect(namespace, 1_000, partition_id="3")

    assert [event.body_as_str() for event in events] == bodies
    assert [event.sequence_number for event in events] == list(range(1_000))
    assert [event.offset for event in events] == bodies


async def test_bodies_of_any_size_up_to_the_limit(namespace: Namespace) -> None:
    bodies = [bytes(index % 251 for index in range(size)) for size in (0, 1, 255, 256, 65_000, 70_000, 1_000_000)]
    with namespace.producer() as producer:
        for body in bodies:
            producer.send_event(EventData(body), partition_id="0")

    events = await collect(namespace, len(bodies), partition_id="0")

    assert [b"".join(event.body) for event in events] == bodies


async def test_a_batch_filled_to_its_limit(namespace: Namespace) -> None:
    with namespace.producer() as producer:
        batch = producer.create_batch(partition_id="0")
        assert batch.max_size_in_bytes == 1_048_576
        with contextlib.suppress(ValueError):  # "has reached its size limit"
            while True:
                batch.add(EventData(b"." * 4_000))
        assert batch.size_in_bytes > 1_040_000
        producer.send_batch(batch)

    events = await collect(namespace, len(batch), partition_id="0")

    assert {b"".join(event.body) for event in events} == {b"." * 4_000}


async def test_a_consumer_that_waits_gets_new_events_at_once(namespace: Namespace) -> None:
    # GIVEN a consumer that has read all there is, and a producer that is connected
    namespace.send("0", partition_id="0")
    async with (
        receiving(namespace.consumer(), partition_id="0", starting_position="-1") as received,
        AsyncProducer.from_connection_string(namespace.connection_string, eventhub_name=HUB) as producer,
    ):
        await until(lambda: received.events, "the first event")
        await producer.send_event(EventData("1"), partition_id="0")
        await until(lambda: len(received.events) == 2, "the second event")

        # WHEN more are sent one by one
        waits = []
        for number in range(2, 12):
            sent = time.monotonic()
            await producer.send_event(EventData(str(number)), partition_id="0")
            await until(lambda expected=number: len(received.events) > expected, f"event {number}", seconds=5)
            waits.append(time.monotonic() - sent)

    # THEN each is there long before any poll of the SDK's (0.2 s) could have fetched it
    assert received.bodies() == [*map(str, range(12))]
    assert sorted(waits)[5] < 0.1, waits


def test_the_synchronous_consumer_receives_batches(namespace: Namespace) -> None:
    namespace.send(*map(str, range(50)), partition_id="1")
    found: list[str] = []
    client = EventHubConsumerClient.from_connection_string(
        namespace.connection_string, "workers", eventhub_name=HUB, transport_type=TransportType.Amqp
    )

    def on_batch(_context: object, events: list[EventData]) -> None:
        found.extend(event.body_as_str() for event in events)
        if len(found) >= 50:
            threading.Thread(target=client.close).start()

    with client:
        client.receive_batch(on_batch, partition_id="1", starting_position="-1", max_wait_time=0.5)

    assert found == [*map(str, range(50))]


async def test_the_buffered_producer_sends_all_it_took(namespace: Namespace) -> None:
    failed: list[object] = []
    producer = namespace.producer(
        buffered_mode=True, max_wait_time=0.2, on_success=lambda *_: None, on_error=lambda *error: failed.append(error)
    )
    with producer:
        for number in range(200):
            producer.send_event(EventData(str(number)), partition_key=f"key-{number % 10}")
        producer.flush(timeout=PATIENCE)

    async with receiving(namespace.consumer(), starting_position="-1") as received:
        await until(lambda: len(received.events) >= 200, "200 events")
    assert not failed
    assert sorted(received.bodies(), key=int) == [*map(str, range(200))]
    by_key: dict[bytes, list[int]] = {}
    for _, event in received.events:
        by_key.setdefault(event.partition_key, []).append(int(event.body_as_str()))
    assert all(numbers == sorted(numbers) for numbers in by_key.values())


async def test_last_enqueued_event_properties_are_tracked(namespace: Namespace) -> None:
    namespace.send("a", "b", "c", partition_id="0", partition_key=None)
    client = namespace.consumer()

    async with receiving(
        client, partition_id="0", starting_position="-1", track_last_enqueued_event_properties=True
    ) as received:
        await until(lambda: len(received.events) == 3, "3 events")

    properties = get_last_enqueued_event_properties(received.events[0][1])
    assert properties is not None
    assert (properties["sequence_number"], properties["offset"]) == (2, "2")
    assert properties["enqueued_time"] == received.events[2][1].enqueued_time
    assert properties["retrieval_time"] >= properties["enqueued_time"]
