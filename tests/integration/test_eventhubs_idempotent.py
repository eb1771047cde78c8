"""Idempotent producers over AMQP, as the SDKs of JavaScript and .NET ask for them: a repeat is stored once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from local.eventhubs import codec, message, performatives
from local.eventhubs.codec import NULL, boolean, described_list, integer, long, short, string, symbol, uint
from local.eventhubs.performatives import Performative
from local.eventhubs.publisher import CAPABILITY
from tests.integration.eventhubs_service import HUB, Namespace, make_namespace, namespace
from tests.integration.test_eventhubs_wire import Peer, error_of

__all__ = ["make_namespace", "namespace"]

PARTITION = "1"
State = tuple[int, int, int]


class Producer(Peer):
    """A connection with a link of an idempotent producer."""

    def __init__(self, namespace: Namespace) -> None:
        super().__init__(namespace.port)
        self.open()
        assert self.put_token(namespace.port) == 202
        self._delivery = 1  # behind the token's

    def publish_as(self, *state: int | None) -> Performative:
        """Attach as (id, epoch, last sequence number), or some of these; returns the reply."""
        encoders = (long, short, integer)
        names = ("id", "epoch", "sequence-number")
        properties = codec.mapping(
            [
                (symbol(f"com.microsoft:producer-{name}"), NULL if value is None else encode(value))
                for name, encode, value in zip(names, encoders, state, strict=False)
            ]
        )
        target = described_list(performatives.TARGET, [string(f"{HUB}/Partitions/{PARTITION}")])
        self.perform(
            performatives.ATTACH, string("producer"), uint(1), boolean(False), NULL, NULL,
            described_list(performatives.SOURCE, []), target, NULL, NULL, uint(0), NULL, NULL,
            codec.symbol_array(["com.microsoft:georeplication", CAPABILITY]), properties,
        )  # fmt: skip
        return self.expect(performatives.ATTACH)

    def start(self, *state: int | None) -> State:
        """Attach; returns who the link publishes as."""
        reply = self.publish_as(*state)
        assert CAPABILITY in reply.symbols(11)
        found = reply.properties(13)
        producer, epoch, last = (found[f"com.microsoft:producer-{name}"] for name in ("id", "epoch", "sequence-number"))
        return int(str(producer)), int(str(epoch)), int(str(last))

    def publish(self, state: State, *bodies: str) -> str:
        """Send a batch whose first event follows `state`; returns the condition of its refusal, or nothing."""
        producer, epoch, last = state
        batch = b"".join(
            b"\x00\x53\x75" + codec.binary(event(producer, epoch, number, body))
            for number, body in enumerate(bodies, last + 1)
        )
        batch_format = uint(message.BATCH_FORMAT)
        self.perform(
            performatives.TRANSFER, uint(1), uint(self._delivery), codec.binary(b"tag"), batch_format,
             boolean(False), boolean(False), payload=batch,
        )  # fmt: skip
        while (answer := self.expect(performatives.DISPOSITION)).number(1) != self._delivery:
            pass  # that of the token
        self._delivery += 1
        outcome = answer.get(4)
        assert isinstance(outcome, codec.Described)
        return "" if outcome.descriptor == performatives.ACCEPTED else str(outcome.value[0].value[0])


def event(producer: int, epoch: int, sequence: int, body: str) -> bytes:
    annotations = codec.mapping(
        [
            (symbol("com.microsoft:producer-id"), long(producer)),
            (symbol("com.microsoft:producer-epoch"), short(epoch)),
            (symbol("com.microsoft:producer-sequence-number"), integer(sequence)),
        ]
    )
    return b"\x00\x53\x72" + annotations + b"\x00\x53\x75" + codec.binary(body.encode())


@pytest.fixture
def producer(namespace: Namespace) -> Callable[[], Producer]:
    return lambda: Producer(namespace)


def stored(namespace: Namespace) -> int:
    with namespace.producer() as client:
        properties = client.get_partition_properties(PARTITION)
        return int(properties["last_enqueued_sequence_number"]) + 1


def test_a_repeat_is_accepted_and_not_stored(namespace: Namespace, producer: Callable[[], Producer]) -> None:
    before = stored(namespace)
    first = producer()
    state = first.start()
    assert state[1:] == (0, 0)
    assert first.publish(state, "a", "b") == ""
    assert first.publish(state, "a", "b") == ""
    assert stored(namespace) == before + 2
    # It reconnects with what it knew before it sent, and sends again.
    again = producer()
    assert again.start(*state) == state
    assert again.publish(state, "a", "b") == ""
    assert again.publish((*state[:2], 2), "c") == ""
    assert stored(namespace) == before + 3
    assert producer().start()[0] != state[0]


def test_a_kill_forgets_no_producer(make_namespace: Callable[..., Namespace]) -> None:
    namespace = make_namespace()
    before_kill = Producer(namespace)
    state = before_kill.start()
    assert before_kill.publish(state, "a", "b") == ""
    namespace.child.kill()
    namespace.start()
    after = Producer(namespace)
    assert after.start(state[0], None, None) == (*state[:2], 2)
    assert after.publish(state, "a", "b") == ""
    assert stored(namespace) == 2


def test_a_gap_is_refused(namespace: Namespace, producer: Callable[[], Producer]) -> None:
    client = producer()
    state = client.start()
    assert client.publish(state, "1", "2", "3", "4", "5") == ""
    for last in (0, 1, 6):
        assert client.publish((*state[:2], last), "x") == "com.microsoft:out-of-order-sequence"
    assert client.publish((*state[:2], 5), "6") == ""


def test_a_higher_epoch_takes_over(namespace: Namespace, producer: Callable[[], Producer]) -> None:
    old, new = producer(), producer()
    state = old.start()
    assert old.publish(state, "a") == ""
    later = state[0], state[1] + 1, 1
    assert new.start(*later) == later
    assert new.publish(later, "b") == ""
    assert old.publish((*state[:2], 1), "c") == "com.microsoft:producer-epoch-stolen"
    late = producer()
    assert late.publish_as(*state).get(6) is None
    assert error_of(late.expect(performatives.DETACH)) == "com.microsoft:producer-epoch-stolen"


@pytest.mark.parametrize("state", [(-1,), (None, -1), (None, 0, -1)])
def test_numbers_out_of_range_are_refused(producer: Callable[[], Producer], state: tuple[int | None, ...]) -> None:
    client = producer()
    assert client.publish_as(*state).get(6) is None
    assert error_of(client.expect(performatives.DETACH)) == "com.microsoft:argument-out-of-range"


def test_events_of_somebody_else_are_refused(namespace: Namespace, producer: Callable[[], Producer]) -> None:
    client = producer()
    mine, epoch, last = client.start()
    before = stored(namespace)
    for state in ((mine + 1, epoch, last), (mine, epoch + 1, last)):
        assert client.publish(state, "x") == "com.microsoft:argument-out-of-range"
    assert stored(namespace) == before
