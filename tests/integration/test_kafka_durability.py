"""What was acknowledged to a Kafka producer stays, once and in order: over kill -9, a restart and a full disk."""

from __future__ import annotations

import resource
import threading
from itertools import count

import pytest
from confluent_kafka import KafkaError, Message

from tests.integration.eventhubs_service import HUB, PARTITIONS, Namespace, make_namespace, namespace
from tests.integration.kafka_service import deliver, producer, read
from tests.waiting import PATIENCE, wait_until

__all__ = ["make_namespace", "namespace"]

Acknowledged = list[tuple[int, int, bytes | None]]


def send_until(namespace: Namespace, stop: threading.Event, acknowledged: Acknowledged) -> list[KafkaError]:
    """Send numbers to all partitions in turn, noting what was acknowledged; the errors of what was not."""
    errors: list[KafkaError] = []

    def on_delivery(error: KafkaError | None, message: Message) -> None:
        if error is None:
            acknowledged.append((message.partition() or 0, message.offset() or 0, message.value()))
        else:
            errors.append(error)

    sender = producer(
        namespace, enable_idempotence=True, linger_ms=1, batch_num_messages=200, reconnect_backoff_ms=20,
        reconnect_backoff_max_ms=100, retry_backoff_ms=20,
    )  # fmt: skip
    for number in count():
        if stop.is_set():
            break
        while True:
            try:
                sender.produce(HUB, b"%d" % number, partition=number % PARTITIONS, on_delivery=on_delivery)
                break
            except BufferError:
                sender.poll(0.01)
        sender.poll(0)
    assert sender.flush(PATIENCE) == 0
    return errors


def test_an_idempotent_producer_loses_and_repeats_nothing(namespace: Namespace) -> None:
    # GIVEN a producer that sends as fast as it can
    stop, acknowledged, errors = threading.Event(), [], []
    thread = threading.Thread(target=lambda: errors.extend(send_until(namespace, stop, acknowledged)))
    thread.start()

    # WHEN the namespace goes away in the midst of it, time after time, and comes back on the same port
    for go_away in ("kill", "stop", "kill"):
        enough = len(acknowledged) + 3_000
        wait_until(lambda enough=enough: len(acknowledged) > enough, f"{enough} acknowledgements", every=0.005)
        getattr(namespace.child, go_away)()
        namespace.start()
    enough = len(acknowledged) + 3_000
    wait_until(lambda: len(acknowledged) > enough, f"{enough} acknowledgements")
    stop.set()
    thread.join(40)

    # THEN all that was sent is there once, in order, where it was said to be
    assert errors == []
    for partition in range(PARTITIONS):
        told = {offset: value for found, offset, value in acknowledged if found == partition}
        messages = read(namespace, len(told), partition=partition)
        assert {message.offset(): message.value() for message in messages} == told
        assert [message.value() for message in messages] == [
            b"%d" % number for number in range(partition, len(told) * PARTITIONS, PARTITIONS)
        ]


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux to fill a process's disk alone")
def test_a_full_disk_holds_up_a_producer_and_loses_nothing(namespace: Namespace) -> None:
    # GIVEN a namespace that may write no file any larger
    sender = producer(namespace, enable_idempotence=True, retry_backoff_ms=20, retry_backoff_max_ms=50)
    deliver(sender, [{"value": b"before", "partition": 0}])
    written = (namespace.directory / "data" / "eventhubs.db-wal").stat().st_size
    limits = resource.prlimit(namespace.child.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(namespace.child.pid, resource.RLIMIT_FSIZE, (written, limits[1]))

    # WHEN more is sent, THEN the producer tries again and again, and what is there can be read
    outcomes: list[KafkaError | None] = []
    for number in range(100):
        sender.produce(HUB, b"%d" % number, partition=0, on_delivery=lambda error, _: outcomes.append(error))
    wait_until(lambda: sender.poll(0) or namespace.child.log_tail().count("cannot be written") > 2, "it to be refused")
    assert outcomes == []
    assert [message.value() for message in read(namespace, 1)] == [b"before"]

    # WHEN there is room again, THEN it goes on
    resource.prlimit(namespace.child.pid, resource.RLIMIT_FSIZE, limits)
    assert sender.flush(PATIENCE) == 0
    assert outcomes == [None] * 100
    namespace.child.kill()
    namespace.start()
    expected = [b"before", *(b"%d" % number for number in range(100))]
    assert [message.value() for message in read(namespace, 101)] == expected
