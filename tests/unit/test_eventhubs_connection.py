"""A connection fed with anything at all: it answers or closes, never fails within, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.eventhubs import codec, connection, frames, performatives
from local.eventhubs.codec import NULL, boolean, described_list, string, uint
from local.eventhubs.config import HubConfig
from local.eventhubs.connection import Connection
from local.eventhubs.grants import Grants
from local.eventhubs.log import Log
from local.eventhubs.namespace import Namespace
from local.eventhubs.sas import Grant, Key


class Transport:
    """What a connection writes to."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int) -> None:
        pass


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def namespace(tmp_path: Path, loop: asyncio.AbstractEventLoop) -> Iterator[Namespace]:
    hubs = [HubConfig("hub", 1, ("$Default",))]
    log = Log(tmp_path / "eventhubs.db", hubs)
    yield Namespace(hubs, log, Key("name", "key"))
    loop.run_until_complete(log.close())


def feed(loop: asyncio.AbstractEventLoop, namespace: Namespace, *chunks: bytes) -> Transport:
    """Give a new connection `chunks`, with a token for the hub, and let it close."""
    transport = Transport()
    gone: list[Connection] = []

    async def run() -> None:
        served = Connection(namespace, gone.append)
        served._grants = Grants()
        served._grants.add(Grant(("hub",), 2**40))
        served.connection_made(cast(asyncio.Transport, _AsTransport(transport)))
        for chunk in chunks:
            served.data_received(chunk)
            await asyncio.sleep(0)
        served.connection_lost(None)
        assert gone == [served]
        assert not served._sessions
        assert not served._timers

    loop.run_until_complete(run())
    assert not namespace.ownership._receivers
    assert not namespace.log.hubs["hub"][0]._waiting
    return transport


class _AsTransport(asyncio.Transport):
    """`Transport` behind the type that a connection asserts."""

    def __init__(self, transport: Transport) -> None:
        super().__init__()
        for name in ("write", "close", "abort", "is_closing", "get_write_buffer_size", "set_write_buffer_limits"):
            setattr(self, name, getattr(transport, name))


OPEN = frames.frame(0, described_list(performatives.OPEN, [string("peer"), NULL, uint(65_536)]))
BEGIN = frames.frame(1, described_list(performatives.BEGIN, [NULL, uint(0), uint(100), uint(100)]))


def attach(handle: int, address: str, *, receive: bool) -> bytes:
    terminus = [described_list(code, [string(address)]) for code in (performatives.SOURCE, performatives.TARGET)]
    fields = [string(f"l{handle}"), uint(handle), boolean(receive), NULL, NULL, *terminus, NULL, NULL, uint(0)]
    return frames.frame(1, described_list(performatives.ATTACH, fields))


PRODUCER = attach(1, "hub", receive=False)
CONSUMER = attach(2, "hub/ConsumerGroups/$Default/Partitions/0", receive=True)
MANAGEMENT = attach(3, "$management", receive=False) + attach(4, "$management", receive=True)
PREAMBLE = frames.AMQP_HEADER + OPEN + BEGIN + PRODUCER + CONSUMER + MANAGEMENT
CREDIT = [
    uint(0), uint(100), uint(0), uint(100), uint(2), uint(0), uint(10), NULL, boolean(False), boolean(False), NULL,
]  # fmt: skip
SENT = [uint(1), uint(0), codec.binary(b"t"), uint(0)]
WHOLE = (
    PREAMBLE
    + frames.frame(1, described_list(performatives.FLOW, CREDIT))
    + frames.frame(1, described_list(performatives.TRANSFER, SENT) + b"\x00\x53\x75\xa0\x02ok")
)

FIELD = st.one_of(
    st.sampled_from([NULL, codec.TRUE, codec.FALSE, b"\x45", uint(0), uint(1), uint(2), uint(3), uint(4), uint(255)]),
    st.integers(0, 2**32 - 1).map(uint),
    st.integers(0, 2**64 - 1).map(codec.ulong),
    st.text(max_size=20).map(string),
    st.binary(max_size=20).map(codec.binary),
    st.binary(max_size=12),
)
PERFORMATIVE = st.builds(
    lambda channel, code, fields, payload: frames.frame(channel, described_list(code, fields) + payload),
    st.sampled_from([0, 1, 1, 1, 1, 2]),
    st.sampled_from(range(0x10, 0x19)),
    st.lists(FIELD, max_size=14),
    st.binary(max_size=60),
)


@pytest.fixture(autouse=True)
def no_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error within is logged and the connection closed; here it fails the test."""

    def fail(message: str, *arguments: object) -> None:
        raise AssertionError(message)

    monkeypatch.setattr(connection._LOG, "exception", fail)
    logging.getLogger("local.eventhubs.log").setLevel(logging.CRITICAL)


FUZZ = settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(data=st.lists(st.binary(max_size=200), max_size=5))
def test_any_bytes(loop: asyncio.AbstractEventLoop, namespace: Namespace, data: list[bytes]) -> None:
    feed(loop, namespace, *data)
    feed(loop, namespace, PREAMBLE, *data)


@FUZZ
@given(data=st.lists(PERFORMATIVE, min_size=1, max_size=12))
def test_any_performatives(loop: asyncio.AbstractEventLoop, namespace: Namespace, data: list[bytes]) -> None:
    feed(loop, namespace, PREAMBLE, *data)


TERMINUS = described_list(performatives.SOURCE, [string("hub/ConsumerGroups/$Default/Partitions/0")])
TEMPLATES: dict[int, list[bytes]] = {
    performatives.BEGIN: [NULL, uint(0), uint(9), uint(9)],
    performatives.ATTACH: [
        string("n"), uint(9), boolean(True), NULL, NULL, TERMINUS, TERMINUS, NULL, NULL, uint(0), *[NULL] * 4,
    ],
    performatives.FLOW: CREDIT,
    performatives.TRANSFER: [uint(1), uint(0), codec.binary(b"t"), uint(0), *[NULL] * 7],
    performatives.DISPOSITION: [boolean(True), uint(0), uint(0), boolean(True), NULL, NULL],
    performatives.DETACH: [uint(2), boolean(True), NULL],
    performatives.END: [NULL],
}  # fmt: skip
WELL_FORMED = st.one_of(
    st.sampled_from([NULL, codec.TRUE, uint(0), uint(2), uint(2**31), uint(2**32 - 1), codec.mapping([])]),
    st.integers(2**32, 2**64 - 1).map(codec.ulong),
    st.integers(-(2**63), -1).map(codec.long),
    st.text(max_size=5).map(string),
    st.just(codec.symbol_array(["a"])),
    st.just(described_list(performatives.SOURCE, [NULL] * 8)),
    st.just(codec.mapping([(codec.symbol("com.microsoft:epoch"), string("high"))])),
)


@FUZZ
@given(
    code=st.sampled_from(list(TEMPLATES)), field=st.integers(0, 13), value=WELL_FORMED, payload=st.binary(max_size=20)
)
def test_any_field_of_a_good_performative_changed(
    loop: asyncio.AbstractEventLoop, namespace: Namespace, code: int, field: int, value: bytes, payload: bytes
) -> None:
    fields = list(TEMPLATES[code])
    fields[field % len(fields)] = value
    channel = 2 if code == performatives.BEGIN else 1
    performative = frames.frame(channel, described_list(code, fields) + payload)
    feed(loop, namespace, PREAMBLE, performative, performative, WHOLE[len(PREAMBLE) :])


@FUZZ
@given(position=st.integers(8, len(WHOLE) - 1), byte=st.integers(0, 255), cut=st.booleans())
def test_any_byte_of_a_good_dialogue_changed_or_the_last(
    loop: asyncio.AbstractEventLoop, namespace: Namespace, position: int, byte: int, cut: bool
) -> None:
    changed = WHOLE[:position] if cut else WHOLE[:position] + bytes((byte,)) + WHOLE[position + 1 :]
    feed(loop, namespace, changed)


def test_the_good_dialogue_is_good(loop: asyncio.AbstractEventLoop, namespace: Namespace) -> None:
    transport = feed(loop, namespace, WHOLE, b"")
    assert namespace.log.hubs["hub"][0].next == 1
    accepted = performatives.disposition(0, 0, performatives.ACCEPTED_STATE)
    assert accepted in transport.written
    assert transport.written.count(b"x-opt-sequence-number") == 1


def test_one_that_is_closed_before_it_is_connected(loop: asyncio.AbstractEventLoop, namespace: Namespace) -> None:
    transport = Transport()

    async def run() -> None:
        accepted = Connection(namespace, lambda _: None)
        accepted.close(None)
        accepted.connection_made(cast(asyncio.Transport, _AsTransport(transport)))

    loop.run_until_complete(run())
    assert transport.closed
