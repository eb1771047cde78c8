"""What Kafka tests need beside `eventhubs_service`: clients, and the least code to produce and to consume."""

from __future__ import annotations

import logging
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

import local.eventhubs
from tests.integration.eventhubs_service import HUB, Namespace
from tests.waiting import PATIENCE

# librdkafka reports every lost connection on stderr; tests look at what callbacks get.
_QUIET = logging.getLogger("librdkafka")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


def settings(namespace: Namespace, **options: Any) -> dict[str, Any]:
    """librdkafka's settings for `namespace`; underscores in names of options stand for dots."""
    more = {name.replace("_", "."): value for name, value in options.items()}
    return {**local.eventhubs.kafka_settings(namespace.kafka_port), **more}


def python_settings(namespace: Namespace) -> dict[str, Any]:
    """kafka-python's."""
    found = local.eventhubs.kafka_settings(namespace.kafka_port)
    return {
        "bootstrap_servers": found["bootstrap.servers"],
        "security_protocol": found["security.protocol"],
        "sasl_mechanism": found["sasl.mechanism"],
        "sasl_plain_username": found["sasl.username"],
        "sasl_plain_password": found["sasl.password"],
    }


def producer(namespace: Namespace, **options: Any) -> Producer:
    return Producer(settings(namespace, **options), logger=_QUIET)


def deliver(
    sender: Producer, records: Sequence[dict[str, Any]], *, topic: str = HUB, seconds: float = PATIENCE
) -> list[Message]:
    """Send `records` (`produce`'s arguments) and wait for each to be acknowledged; as delivered, in that order.

    Raises:
        KafkaException: one was not.
    """
    delivered: list[Message] = []
    failed: list[Any] = []

    def on_delivery(error: Any, message: Message) -> None:
        if error is not None:
            failed.append(error)
        delivered.append(message)

    for record in records:
        sender.produce(topic, on_delivery=on_delivery, **record)
    if sender.flush(seconds):
        pytest.fail(f"not acknowledged within {seconds:.0f} s")
    if failed:
        raise KafkaException(failed[0])
    return delivered


@contextmanager
def consuming(namespace: Namespace, *places: TopicPartition, **options: Any) -> Iterator[Consumer]:
    """A consumer of those partitions, in no group that anyone else is in."""
    consumer = Consumer(
        settings(namespace, **{"group_id": "alone", "enable_auto_commit": False, **options}), logger=_QUIET
    )
    consumer.assign(list(places))
    try:
        yield consumer
    finally:
        consumer.close()


def take(consumer: Consumer, count: int, seconds: float = PATIENCE) -> list[Message]:
    """The next `count` messages.

    Raises:
        KafkaException: the consumer was told of an error.
    """
    taken: list[Message] = []
    deadline = time.monotonic() + seconds
    while len(taken) < count:
        if time.monotonic() > deadline:
            pytest.fail(f"{len(taken)} of {count} messages within {seconds:.0f} s")
        for message in consumer.consume(count - len(taken), 0.1):
            if message.error():
                raise KafkaException(message.error())
            taken.append(message)
    return taken


def read(namespace: Namespace, count: int, *, partition: int = 0, offset: int = 0, topic: str = HUB) -> list[Message]:
    """`count` messages of a partition, from `offset` on."""
    with consuming(namespace, TopicPartition(topic, partition, offset)) as consumer:
        return take(consumer, count)


class Wire:
    """A connection with nothing but a socket, for what no client would send."""

    def __init__(self, namespace: Namespace) -> None:
        self._socket = socket.create_connection(("localhost", namespace.kafka_port), timeout=PATIENCE)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, frame: bytes) -> None:
        self._socket.sendall(struct.pack(">i", len(frame)) + frame)

    def send_raw(self, data: bytes) -> None:
        self._socket.sendall(data)

    def receive(self) -> bytes | None:
        """The next answer, without its size; None when the connection is closed."""
        size = self._read(4)
        return None if size is None else self._read(int.from_bytes(size, "big"))

    def _read(self, size: int) -> bytes | None:
        data = b""
        while len(data) < size:
            try:
                chunk = self._socket.recv(size - len(data))
            except ConnectionResetError:
                chunk = b""
            if not chunk:
                return None
            data += chunk
        return data

    def ask(self, key: int, version: int, body: bytes = b"") -> bytes | None:
        """Send a request, whose header has no tags, and take the answer without its correlation id."""
        self.send(request(key, version, body))
        answer = self.receive()
        return None if answer is None else answer[4:]

    def authenticate(self, password: str | None = None) -> None:
        """Become a client of the namespace."""
        assert self.ask(17, 1, _string("PLAIN")) is not None
        found = local.eventhubs.kafka_settings(0)
        token = f"\0{found['sasl.username']}\0{password or found['sasl.password']}".encode()
        answer = self.ask(36, 0, struct.pack(">i", len(token)) + token)
        assert answer is not None
        assert answer[:2] == b"\0\0", answer


def request(key: int, version: int, body: bytes, correlation: int = 7) -> bytes:
    """A request whose header has no tags."""
    return struct.pack(">hhi", key, version, correlation) + _string("wire") + body


def _string(text: str) -> bytes:
    return struct.pack(">h", len(text)) + text.encode()
