"""What no client should send: versions, sizes, garbage and silence, over a real socket; others never notice."""

from __future__ import annotations

import os
import random
import resource
import signal
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from local.children import Child, ChildFailed
from local.loopback import LOOPBACK
from tests.integration.eventhubs_service import HUB, Namespace, make_namespace, namespace
from tests.integration.kafka_service import Wire, deliver, producer, read, request

__all__ = ["make_namespace", "namespace"]

SEED = 20_260_101
LARGEST = 1_046_528
NO_TOPICS = struct.pack(">i", 0)


@pytest.fixture
def wire(namespace: Namespace) -> Iterator[Wire]:
    with Wire(namespace) as wire:
        wire.authenticate()
        yield wire


def fetch(offset: int, *, wait: int, partition: int = 0, room: int = 1 << 20) -> bytes:
    """A Fetch of version 4 for one partition."""
    name = HUB.encode()
    return struct.pack(
        f">iiiibih{len(name)}siiqi",
        -1, wait, 1, room, 0, 1, len(name), name, 1, partition, offset, room,
    )  # fmt: skip


def test_an_unspoken_version_of_api_versions_is_answered_in_version_0(namespace: Namespace) -> None:
    with Wire(namespace) as wire:
        answer = wire.ask(18, 99, b"\0anything\xff")
        assert answer is not None
        error, count = struct.unpack_from(">hi", answer)
        assert error == 35
        ranges = {key: (low, high) for key, low, high in struct.iter_unpack(">hhh", answer[6:])}
        assert len(ranges) == count
        assert ranges[0] == (0, 9)
        assert ranges[1] == (4, 12)
        # and the connection goes on, in a version that is spoken
        assert wire.ask(18, ranges[18][1], b"\0\1\1\0") is not None


def test_requests_are_answered_in_their_order(wire: Wire) -> None:
    wire.send_raw(
        b"".join(
            struct.pack(">i", len(frame)) + frame
            for frame in (
                request(1, 4, fetch(0, wait=300), 1),
                request(3, 1, NO_TOPICS, 2),
                request(18, 0, b"", 3),
                request(3, 1, NO_TOPICS, 4),
            )
        )
    )
    answers = [wire.receive() for _ in range(4)]
    assert [answer[:4] for answer in answers if answer] == [struct.pack(">i", number) for number in range(1, 5)]


def test_unknown_apis_and_versions_close_the_connection(namespace: Namespace) -> None:
    for key, version in [(999, 0), (-1, 0), (4, 0), (3, 99), (3, -1), (1, 3), (0, 99)]:
        with Wire(namespace) as wire:
            wire.authenticate()
            assert wire.ask(key, version, NO_TOPICS) is None


def test_produce_before_record_batches_is_refused(wire: Wire) -> None:
    name, records = HUB.encode(), b"message set"
    for version in range(3):
        body = struct.pack(f">hiih{len(name)}siii", 1, 1_000, 1, len(name), name, 1, 2, len(records)) + records
        answer = wire.ask(0, version, body)
        assert answer is not None
        error = struct.unpack_from(f">ih{len(name)}siihq", answer)
        assert error[2] == name
        assert error[4:] == (2, 43, -1)
        assert len(answer) == 4 + 2 + len(name) + 4 + 14 + (8 if version == 2 else 0) + (4 if version else 0)


def test_a_failure_that_has_no_answer_closes_the_connection(wire: Wire) -> None:
    name = HUB.encode()
    head = struct.pack(f">hhiih{len(name)}siii", -1, 0, 1_000, 1, len(name), name, 1, 0, 7)
    assert wire.ask(0, 3, head + b"garbage") is None


def test_a_fetch_session_is_not_known(wire: Wire) -> None:
    answer = wire.ask(1, 7, struct.pack(">iiiibiiii", -1, 0, 1, 1 << 20, 0, 5, 1, 0, 0))
    assert answer is not None
    assert struct.unpack_from(">ihi", answer) == (0, 70, 0)


@pytest.mark.parametrize("size", [LARGEST + 1, 2**31 - 1, -1, -(2**31)])
def test_a_size_that_cannot_be_closes_the_connection(namespace: Namespace, size: int) -> None:
    with Wire(namespace) as wire:
        wire.send_raw(struct.pack(">i", size))
        assert wire.receive() is None


def test_the_largest_request_is_read(wire: Wire) -> None:
    body = request(3, 1, NO_TOPICS)
    wire.send(body + bytes(LARGEST - len(body)))
    assert wire.receive() is not None


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux to see a process's memory")
def test_promises_take_no_memory(namespace: Namespace) -> None:
    # GIVEN many clients that promise large requests and send a little of each
    before = resident(namespace)
    wires = [Wire(namespace) for _ in range(200)]
    for wire in wires:
        wire.send_raw(struct.pack(">i", LARGEST) + b"\0" * 100)
    deliver(producer(namespace), [{"value": b"v", "partition": 0}])
    assert resident(namespace) - before < 40 * 1024 * 1024
    for wire in wires:
        wire.__exit__()
    assert [message.value() for message in read(namespace, 1)] == [b"v"]


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux to see a process's memory")
def test_a_client_that_does_not_read_is_not_answered_further(namespace: Namespace) -> None:
    # GIVEN 8 MB, which a client asks for a thousand times without reading an answer
    sender = producer(namespace, linger_ms=50)
    deliver(sender, [{"value": bytes(500_000), "partition": 0} for _ in range(16)])
    before = resident(namespace)
    with Wire(namespace) as wire:
        wire.authenticate()
        for number in range(1_000):
            wire.send(request(1, 4, fetch(0, wait=0), number))
        for _ in range(20):
            deliver(sender, [{"value": b"v", "partition": 1}])
        assert resident(namespace) - before < 60 * 1024 * 1024

        # WHEN it reads after all, THEN it gets its answers
        for number in range(20):
            answer = wire.receive()
            assert answer is not None
            assert answer[:4] == struct.pack(">i", number)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux to see a process's memory")
def test_answers_that_nobody_read_cost_memory_only_while_the_client_is_there(namespace: Namespace) -> None:
    # GIVEN clients that ask for 8 MB each, of which the sockets take a part
    sender = producer(namespace, linger_ms=50)
    deliver(sender, [{"value": bytes(500_000), "partition": 0} for _ in range(9)])
    ask = request(1, 4, fetch(0, wait=0, room=50_000_000))
    after: list[int] = []
    for _ in range(3):
        with ExitStack() as clients:
            for _ in range(40):
                wire = clients.enter_context(Wire(namespace))
                wire.authenticate()
                wire.send(ask)
                wire.send(ask)
            # All have been answered, as far as they are going to be
            for _ in range(20):
                deliver(sender, [{"value": b"v", "partition": 1}])
        # WHEN they are gone THEN so is what was kept for them
        deliver(sender, [{"value": b"v", "partition": 1}])
        after.append(resident(namespace))
    assert max(after) < 150 * 1024 * 1024, after


def resident(namespace: Namespace) -> int:
    with open(f"/proc/{namespace.child.pid}/statm") as status:
        return int(status.read().split()[1]) * resource.getpagesize()


def test_a_silent_connection_is_closed(make_namespace: Callable[..., Namespace]) -> None:
    namespace = make_namespace("--kafka-idle-seconds", "0.5")
    with Wire(namespace) as silent, Wire(namespace) as waiting:
        waiting.authenticate()
        # a request that is being answered is no silence
        answer = waiting.ask(1, 4, fetch(0, wait=1_500))
        assert answer is not None
        assert silent.receive() is None
        assert waiting.receive() is None


def test_garbage_harms_nobody_else(namespace: Namespace) -> None:
    chance = random.Random(SEED)
    deliver(producer(namespace), [{"value": b"kept", "partition": 0}])
    real = request(1, 4, fetch(0, wait=0))
    for _ in range(60):
        with Wire(namespace) as wire:
            wire.authenticate()
            frame = bytearray(real)
            for _ in range(chance.randrange(1, 4)):
                frame[chance.randrange(len(frame))] = chance.randrange(256)
            wire.send(bytes(frame[: chance.randrange(1, len(frame) + 1)]))
            wire.send_raw(chance.randbytes(50))
    assert [message.value() for message in read(namespace, 1)] == [b"kept"]
    assert "error of ours" not in namespace.child.log_tail(100_000)


def test_a_taken_port_is_named_with_the_option_to_change_it(namespace: Namespace) -> None:
    with pytest.raises(ChildFailed, match=f"port {namespace.kafka_port} is taken: .*--kafka-port"):
        Child.start_module(
            "local.eventhubs", "--port", "0", "--kafka-port", str(namespace.kafka_port), "--data-dir",
            str(namespace.directory / "second"), "--config", str(namespace.directory / "hubs.json"),
            log=namespace.directory / "second.log",
        ).wait_ready()  # fmt: skip


@pytest.mark.parametrize("protocol", ["amqp", "kafka"])
def test_a_client_of_many_connections_is_not_kept_waiting(namespace: Namespace, protocol: str) -> None:
    """GIVEN a namespace that lets nobody in for the moment WHEN 110 connections are opened (asyncio queues 100) THEN
    they are: the next ones would try again after a second, and after three."""
    port = namespace.kafka_port if protocol == "kafka" else namespace.port
    os.kill(namespace.child.pid, signal.SIGSTOP)
    try:
        with ExitStack() as opened:
            for _ in range(110):
                opened.enter_context(socket.create_connection((LOOPBACK, port), 0.9))
    finally:
        os.kill(namespace.child.pid, signal.SIGCONT)
