"""Members of a Kafka consumer group that run in the background, and remember all that befalls them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from tests.integration import kafka_service
from tests.integration.eventhubs_service import HUB, Namespace
from tests.waiting import PATIENCE

# What a commit may meet while its group rebalances; the records come again, to whoever has the partition then.
_REBALANCING = {
    KafkaError.REBALANCE_IN_PROGRESS, KafkaError.ILLEGAL_GENERATION, KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError._NO_OFFSET,
}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """One record, as a member got it."""

    partition: int
    offset: int
    value: bytes


@dataclass
class History:
    """What befell a member, in order. Each assignment and revocation is a set of partitions."""

    assigned: list[set[int]] = field(default_factory=list)
    revoked: list[set[int]] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    # Those that were not the next of their partition since it was assigned.
    out_of_turn: list[Seen] = field(default_factory=list)
    errors: list[KafkaError] = field(default_factory=list)


class Member:
    """A consumer on a thread of its own; it commits what it has seen, batch by batch."""

    def __init__(self, namespace: Namespace, group: str, **options: Any) -> None:
        self.history = History()
        self.holds: set[int] = set()
        self._next: dict[int, int] = {}
        self._stop = threading.Event()
        defaults = {
            "group_id": group, "auto_offset_reset": "earliest", "enable_auto_commit": False,
            "session_timeout_ms": 6000, "heartbeat_interval_ms": 100, "fetch_wait_max_ms": 50,
        }  # fmt: skip
        self._consumer = Consumer(
            kafka_service.settings(namespace, **{**defaults, **options}), logger=kafka_service._QUIET
        )
        self._consumer.subscribe([HUB], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _on_assign(self, _: Consumer, places: list[TopicPartition]) -> None:
        partitions = {place.partition for place in places}
        self.history.assigned.append(partitions)
        self.holds |= partitions

    def _on_revoke(self, _: Consumer, places: list[TopicPartition]) -> None:
        partitions = {place.partition for place in places}
        self.history.revoked.append(partitions)
        self.holds -= partitions
        for partition in partitions:
            self._next.pop(partition, None)

    def _run(self) -> None:
        taken = 0
        while not self._stop.is_set():
            # One at a time: `consume` tells of a rebalance before it returns what it had fetched ahead of it.
            message = self._consumer.poll(0.05)
            if message is not None:
                self._take(message)
                taken += message.error() is None
            if taken == 100 or (taken and message is None):
                self._commit()
                taken = 0

    def _take(self, message: Message) -> None:
        error = message.error()
        if error is not None:
            self.history.errors.append(error)
            return
        partition, offset, value = message.partition(), message.offset(), message.value()
        assert partition is not None
        assert offset is not None
        record = Seen(partition, offset, bytes(value or b""))
        self.history.seen.append(record)
        if offset != self._next.get(partition, offset):
            self.history.out_of_turn.append(record)
        self._next[partition] = offset + 1

    def _commit(self) -> None:
        try:
            self._consumer.commit(asynchronous=False)
        except KafkaException as failure:
            error = failure.args[0]
            if error.code() not in _REBALANCING and not error.retriable():
                self.history.errors.append(error)

    def leave(self) -> None:
        """Stop, and leave the group as a client should."""
        if self._thread.is_alive():
            self._stop.set()
            self._thread.join(20)
            self._consumer.close()


class Members:
    """The members of a test's groups."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._all: list[Member] = []

    def start(self, group: str, **options: Any) -> Member:
        member = Member(self._namespace, group, **options)
        self._all.append(member)
        return member

    def seen(self) -> set[Seen]:
        return {record for member in self._all for record in member.history.seen}

    def errors(self) -> list[KafkaError]:
        return [error for member in self._all for error in member.history.errors]

    def out_of_turn(self) -> list[Seen]:
        return [record for member in self._all for record in member.history.out_of_turn]

    def stop(self) -> None:
        for member in self._all:
            member.leave()


@contextmanager
def members_of(namespace: Namespace) -> Iterator[Members]:
    members = Members(namespace)
    try:
        yield members
    finally:
        members.stop()


class Sender:
    """Sends numbered records to all partitions, in turn, until it is stopped."""

    def __init__(self, namespace: Namespace, partitions: Iterable[int]) -> None:
        self.sent: set[Seen] = set()
        self._partitions = list(partitions)
        self._producer = kafka_service.producer(namespace, enable_idempotence=True, linger_ms=1)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        number = 0
        while not self._stop.wait(0.005):
            for partition in self._partitions:
                self._producer.produce(HUB, f"{number}".encode(), partition=partition, on_delivery=self._delivered)
            self._producer.poll(0)
            number += 1

    def _delivered(self, error: Any, message: Message) -> None:
        if error is None:
            partition, offset, value = message.partition(), message.offset(), message.value()
            assert partition is not None
            assert offset is not None
            self.sent.add(Seen(partition, offset, bytes(value or b"")))

    def stop(self) -> set[Seen]:
        """Send no more; what was acknowledged."""
        self._stop.set()
        self._thread.join(10)
        if self._producer.flush(PATIENCE):
            pytest.fail("not everything was acknowledged")
        return self.sent


_PROCESS = """
import json, sys
from confluent_kafka import Consumer
consumer = Consumer(json.loads(sys.argv[1]))
told = lambda _, places: print(json.dumps([place.partition for place in places]), flush=True)
consumer.subscribe([sys.argv[2]], on_assign=told)
while True:
    consumer.poll(1.0)
"""


class Victim:
    """A member that is a process of its own, to be killed without a word to anyone."""

    def __init__(self, namespace: Namespace, group: str, **options: Any) -> None:
        settings = kafka_service.settings(
            namespace, group_id=group, session_timeout_ms=6000, heartbeat_interval_ms=100, **options
        )
        self.holds: set[int] = set()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROCESS, json.dumps(settings), HUB],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.holds = set(json.loads(line))

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def shared_out(*members: Member | Victim, partitions: int = 4) -> Callable[[], bool]:
    """Whether every partition is with one of `members`, and each has some."""

    def shared() -> bool:
        held = [partition for member in members for partition in set(member.holds)]
        return sorted(held) == list(range(partitions)) and all(member.holds for member in members)

    return shared


def reads_all(member: Member, partitions: int = 4) -> Callable[[], bool]:
    """Whether it has had records of every partition.

    Until then it asks where each begins, and librdkafka 2.16 goes on with that answer even when the partition was taken
    from it meanwhile: it reads the beginning again, later, of a partition that it has read.
    """
    return lambda: {record.partition for record in member.history.seen} == set(range(partitions))
