"""What no SDK would send: garbage, half frames, wrong headers, no tokens. The service answers or hangs up; no more."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from azure.eventhub import EventData

from local.eventhubs import codec, frames, performatives
from local.eventhubs.codec import NULL, boolean, described_list, string, symbol, uint
from local.eventhubs.sas import sign
from tests.integration.amqp_peer import KEY, Peer, error_of
from tests.integration.eventhubs_service import HUB, Namespace, make_namespace, namespace, refusal

__all__ = ["make_namespace", "namespace"]

CONSUMER = f"{HUB}/ConsumerGroups/$Default/Partitions/0"


@pytest.fixture
def peer(namespace: Namespace) -> Callable[[], Peer]:
    return lambda: Peer(namespace.port)


def assert_serving(namespace: Namespace) -> None:
    with namespace.producer() as producer:
        producer.send_event(EventData("still here"), partition_id="3")
    assert namespace.child.running()
    assert "Traceback" not in namespace.child.log_tail(100_000)


def test_an_unknown_protocol_gets_the_one_that_is_spoken(namespace: Namespace, peer: Callable[[], Peer]) -> None:
    for header in (b"GET / HT", b"AMQP\x00\x00\x09\x01", b"\x16\x03\x01\x02\x00\x01\x00\x01"):
        client = peer()
        client.send(header)
        assert client.read(100) == frames.SASL_HEADER
    assert_serving(namespace)


def test_frames_that_are_not_frames_close_the_connection(namespace: Namespace, peer: Callable[[], Peer]) -> None:
    cases = [
        (struct.pack(">IBBH", 7, 2, 0, 1), "amqp:connection:framing-error"),
        (struct.pack(">IBBH", 65_537, 2, 0, 1), "amqp:connection:framing-error"),
        (struct.pack(">IBBH", 12, 9, 0, 1) + b"\0\0\0\0", "amqp:connection:framing-error"),
        (struct.pack(">IBBH", 8, 2, 1, 1), "amqp:connection:framing-error"),
        (frames.frame(1, b"\xde\xad\xbe\xef"), "amqp:decode-error"),
        (frames.frame(1, b"\x00\x53\x14\xc0\xff\x0b"), "amqp:decode-error"),
        (frames.frame(1, b"\x00" * 200), "amqp:decode-error"),
        (frames.frame(1, described_list(performatives.BEGIN, [NULL] * 8)), "amqp:not-allowed"),
        (frames.frame(7, described_list(performatives.ATTACH, [NULL] * 3)), "amqp:not-allowed"),
        (frames.frame(1, described_list(performatives.FLOW, [string("x")] * 11)), "amqp:invalid-field"),
        (frames.frame(1, described_list(performatives.ATTACH, [string("x"), string("y")])), "amqp:invalid-field"),
    ]
    for bad, condition in cases:
        client = peer()
        client.open()
        client.send(bad)
        assert error_of(client.expect(performatives.CLOSE)) == condition, bad
        assert client.frame() is None
    assert_serving(namespace)


def test_a_client_that_vanishes_in_the_midst_of_a_transfer_leaves_nothing(
    namespace: Namespace, peer: Callable[[], Peer]
) -> None:
    # GIVEN a producer that sends two frames of a delivery, half of a third, and is gone
    client = peer()
    client.open()
    assert client.put_token(namespace.port) == 202
    client.attach(1, f"{HUB}/Partitions/0", receive=False)
    client.transfer(1, b"\x00\x53\x75\xb0\x00\x00\x27\x10" + b"." * 100, more=True)
    client.transfer(1, b"." * 100, more=True)
    client.send(frames.frame(1, b"\x00\x53\x14" + b"." * 100)[:50])
    client.socket.close()

    # THEN nothing was appended
    assert_serving(namespace)
    with namespace.producer() as producer:
        assert producer.get_partition_properties("0")["last_enqueued_sequence_number"] == -1


def test_links_need_a_token(namespace: Namespace, peer: Callable[[], Peer]) -> None:
    client = peer()
    client.open()
    for handle, (address, receive) in enumerate([(HUB, False), (CONSUMER, True)]):
        reply = client.attach(handle, address, receive=receive)
        assert (reply.get(5), reply.get(6)) == (None, None)
        assert error_of(client.expect(performatives.DETACH)) == "amqp:unauthorized-access"

    assert client.put_token(namespace.port) == 202
    assert client.attach(20, HUB, receive=False).get(6) is not None
    # A token for one hub opens no other.
    client.attach(21, "other", receive=False)
    assert error_of(client.expect(performatives.DETACH)) == "amqp:unauthorized-access"


def test_management_needs_a_token_for_the_hub(namespace: Namespace, peer: Callable[[], Peer]) -> None:
    read = {"operation": "READ", "type": "com.microsoft:eventhub", "name": HUB}
    good = sign(KEY, f"sb://localhost:{namespace.port}/{HUB}", int(time.time()) + 600)
    cases: list[tuple[str | None, str | None, int]] = [
        (None, None, 401),
        (HUB, None, 200),
        (f"{HUB}/$management", None, 200),  # as Go's SDK
        (None, good, 200),  # as .NET's, which puts no token
        (None, good.replace("sig=", "sig=x"), 401),
        ("other", None, 401),
    ]
    for put, carried, status in cases:
        client = peer()
        client.open()
        if put:
            assert client.put_token(namespace.port, path=put) == 202
        names = read | ({"security_token": carried} if carried else {})
        assert client.ask("$management", names, handle=20) == status, (put, carried)


def test_a_link_is_detached_when_its_token_expires(namespace: Namespace, peer: Callable[[], Peer]) -> None:
    client = peer()
    client.open()
    assert client.put_token(namespace.port, seconds=3) == 202
    client.attach(1, CONSUMER, receive=True)
    detach = client.expect(performatives.DETACH)
    assert (detach.get(0), detach.get(1), error_of(detach)) == (1, True, "amqp:unauthorized-access")


def test_addresses_that_name_nothing(namespace: Namespace, peer: Callable[[], Peer]) -> None:
    client = peer()
    client.open()
    client.put_token(namespace.port)
    addresses = [
        ("/", False),
        (f"{HUB}/Partitions/9", False),
        (f"{HUB}/Partitions/²", False),
        (f"{HUB}/Publishers/me", False),
        ("amqps://[::1/x", False),
        (HUB, True),
        (f"{HUB}/ConsumerGroups/nobody/Partitions/0", True),
        (f"{HUB}/ConsumerGroups/$Default/Partitions/-1", True),
    ]
    for handle, (address, receive) in enumerate(addresses):
        assert client.attach(handle, address, receive=receive).get(6) is None
        assert error_of(client.expect(performatives.DETACH)) == "amqp:not-found", address


def test_a_sixth_consumer_without_a_level_is_refused_and_let_in_when_one_leaves(
    namespace: Namespace, peer: Callable[[], Peer]
) -> None:
    namespace.send("event", partition_id="0")
    client = peer()
    client.open()
    client.put_token(namespace.port)
    for handle in range(5):
        assert client.attach(handle, CONSUMER, receive=True).get(5) is not None

    error = refusal(namespace)
    assert "maximum number of allowed receivers" in str(error)

    client.perform(performatives.DETACH, uint(2), boolean(True))
    client.expect(performatives.DETACH)
    assert client.attach(5, CONSUMER, receive=True).get(5) is not None


def test_messages_that_are_not_messages_are_rejected_one_by_one(namespace: Namespace, peer: Callable[[], Peer]) -> None:
    client = peer()
    client.open()
    client.put_token(namespace.port)
    client.attach(1, f"{HUB}/Partitions/0", receive=False)
    good = b"\x00\x53\x75\xa0\x02ok"
    payloads = [b"", b"garbage", b"\x00\x53\x75\xa0\xff", b"\x00\x53\x72\x40", good, b"\x00\x53\x99\x40", good]
    for delivery, payload in enumerate(payloads):
        client.transfer(1, payload, delivery=delivery)
    found: dict[object, object] = {}
    while len(found) < len(payloads):
        disposition = client.expect(performatives.DISPOSITION)
        state = disposition.get(4)
        assert isinstance(state, codec.Described)
        found[disposition.get(1)] = state.descriptor
    expected = [performatives.REJECTED] * 4 + [performatives.ACCEPTED, performatives.REJECTED, performatives.ACCEPTED]
    assert found == dict(enumerate(expected))


def test_credit_window_and_drain_are_honoured(namespace: Namespace, peer: Callable[[], Peer]) -> None:
    namespace.send(*map(str, range(10)), partition_id="0")
    client = peer()
    client.open(window=1_000)
    client.put_token(namespace.port)
    client.attach(1, CONSUMER, receive=True)

    def deliveries(count: int) -> list[object]:
        return [client.expect(performatives.TRANSFER).get(1) for _ in range(count)]

    # The answer to put-token was delivery 0, on the same session.
    client.credit(1, 3)
    assert deliveries(3) == [1, 2, 3]
    # A session window of 5 transfers in all leaves room for one more, whatever the credit.
    client.credit(1, 100, delivered=3, window=5)
    assert deliveries(1) == [4]
    # More window, and drain: what is there comes, then the rest of the credit is given back.
    client.credit(1, 100, delivered=4, drain=True)
    assert deliveries(6) == [5, 6, 7, 8, 9, 10]
    flow = client.expect(performatives.FLOW)
    assert (flow.get(4), flow.get(5), flow.get(6), flow.get(8)) == (1, 104, 0, True)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")
def test_consumers_that_do_not_read_cost_no_memory_and_miss_nothing(
    namespace: Namespace, peer: Callable[[], Peer]
) -> None:
    # GIVEN 40 MB in a partition, and five consumers with credit for it all that never read
    with namespace.producer() as producer:
        for _ in range(40):
            producer.send_event(EventData(b"." * 1_000_000), partition_id="0")

    def resident() -> int:
        status = Path(f"/proc/{namespace.child.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) // 1024

    before = resident()
    clients = [peer() for _ in range(5)]
    for client in clients:
        client.open(window=100_000)
        client.put_token(namespace.port)
        client.attach(1, CONSUMER, receive=True)
        client.credit(1, 1_000, window=100_000)

    # WHEN the service has turned to another client in the meantime, THEN it holds next to nothing for them
    assert_serving(namespace)
    assert resident() - before < 40, "MB more, where 200 MB wait to be read"

    # and one that begins to read gets everything
    size = 0
    while size < 40_000_000:
        transfer = clients[2].expect(performatives.TRANSFER)
        size += len(transfer.body) - transfer.payload
    assert not transfer.get(5)


def test_large_events_fit_the_frames_of_a_client_that_takes_small_ones(
    namespace: Namespace, peer: Callable[[], Peer]
) -> None:
    namespace.send(b"x" * 5_000, partition_id="0")
    client = peer()
    client.open(max_frame_size=512)
    client.put_token(namespace.port)
    client.attach(1, CONSUMER, receive=True)
    client.credit(1, 1)

    payload, more = b"", True
    while more:
        transfer = client.expect(performatives.TRANSFER)
        assert len(transfer.body) + 8 <= 512
        payload += transfer.body[transfer.payload :]
        more = bool(transfer.get(5))

    assert payload.endswith(b"x" * 5_000)


def test_heartbeats_come_as_often_as_the_client_asks(peer: Callable[[], Peer]) -> None:
    client = peer()
    client.open(idle_timeout=2_000)
    start = time.monotonic()
    assert client.frame() == b""
    assert time.monotonic() - start < 2


def test_a_byte_at_a_time(namespace: Namespace, peer: Callable[[], Peer]) -> None:
    client = peer()
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    whole = client.send
    client.send = lambda data: [whole(data[index : index + 1]) for index in range(len(data))]  # type: ignore[assignment]
    client.open()
    assert client.put_token(namespace.port) == 202


def test_a_session_that_breaks_the_rules_ends_and_another_begins(
    namespace: Namespace, peer: Callable[[], Peer]
) -> None:
    client = peer()
    client.open()
    client.transfer(5, b"")
    assert error_of(client.expect(performatives.END)) == "amqp:session:unattached-handle"
    client.perform(performatives.END)
    client.perform(performatives.BEGIN, NULL, uint(0), uint(10), uint(10))
    client.expect(performatives.BEGIN)
    assert client.put_token(namespace.port) == 202


def test_a_selector_that_is_none_is_refused(namespace: Namespace, peer: Callable[[], Peer]) -> None:
    client = peer()
    client.open()
    client.put_token(namespace.port)
    key = symbol("apache.org:selector-filter:string")
    for handle, selector in enumerate(["nonsense", "amqp.annotation.x-opt-offset > 'abc'"]):
        filters = codec.mapping([(key, b"\x00" + key + string(selector))])
        source = described_list(performatives.SOURCE, [string(CONSUMER), *[NULL] * 6, filters])
        client.perform(performatives.ATTACH, string("r"), uint(handle), boolean(True), NULL, NULL, source, NULL)
        client.expect(performatives.ATTACH)
        assert error_of(client.expect(performatives.DETACH)) == "com.microsoft:argument-error"
