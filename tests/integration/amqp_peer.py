"""An AMQP client of a few lines, for what no SDK would send."""

from __future__ import annotations

import socket
import time

import local.eventhubs
from local.eventhubs import codec, frames, performatives
from local.eventhubs.codec import NULL, boolean, described_list, string, uint
from local.eventhubs.performatives import Performative
from local.eventhubs.sas import Key, sign
from tests.integration.eventhubs_service import HUB
from tests.waiting import PATIENCE

KEY = Key(local.eventhubs.DEFAULT_KEY_NAME, local.eventhubs.DEFAULT_KEY)


class Peer:
    """A client of a few lines, that sends what it is told to."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes; fewer at the end of the stream."""
        data = b""
        while len(data) < size and (more := self._receive(size - len(data))):
            data += more
        return data

    def _receive(self, size: int) -> bytes:
        try:
            return self.socket.recv(size)
        except ConnectionError:
            return b""

    def frame(self) -> bytes | None:
        """The body of the next frame (empty for a heartbeat); None at the end of the stream."""
        header = self.read(8)
        return self.read(int.from_bytes(header[:4], "big") - 8) if len(header) == 8 else None

    def expect(self, code: int) -> Performative:
        """The next performative, flows and heartbeats aside, which must be `code`."""
        while True:
            body = self.frame()
            assert body is not None, f"the connection ended where 0x{code:02x} was expected"
            found = performatives.decode(body) if body else None
            if found is not None and found.code in (code, performatives.CLOSE, performatives.END):
                assert found.code == code, error_of(found)
                return found

    def perform(self, code: int, *fields: bytes, payload: bytes = b"", channel: int = 1) -> None:
        self.send(frames.frame(channel, described_list(code, list(fields)) + payload))

    def open(self, *, max_frame_size: int = 65_536, idle_timeout: int | None = None, window: int = 1_000) -> None:
        """Open and begin, with no SASL."""
        idle = NULL if idle_timeout is None else uint(idle_timeout)
        self.send(frames.AMQP_HEADER)
        assert self.read(8) == frames.AMQP_HEADER
        self.perform(performatives.OPEN, string("peer"), NULL, uint(max_frame_size), NULL, idle, channel=0)
        self.expect(performatives.OPEN)
        self.perform(performatives.BEGIN, NULL, uint(0), uint(window), uint(1_000))
        self.expect(performatives.BEGIN)

    def attach(self, handle: int, address: str, *, receive: bool) -> Performative:
        """Attach a link; returns the reply."""
        source = described_list(performatives.SOURCE, [string(address)])
        target = described_list(performatives.TARGET, [string(address)])
        self.perform(
            performatives.ATTACH, string(f"link-{handle}"), uint(handle), boolean(receive), NULL, NULL, source, target,
            NULL, NULL, NULL if receive else uint(0),
        )  # fmt: skip
        return self.expect(performatives.ATTACH)

    def credit(self, handle: int, credit: int, *, delivered: int = 0, drain: bool = False, window: int = 1_000) -> None:
        self.perform(
            performatives.FLOW, uint(0), uint(window), uint(0), uint(1_000), uint(handle), uint(delivered),
            uint(credit), NULL, boolean(drain),
        )  # fmt: skip

    def transfer(
        self, handle: int, payload: bytes, *, more: bool = False, delivery: int = 0, settled: bool = False
    ) -> None:
        self.perform(
            performatives.TRANSFER, uint(handle), uint(delivery), codec.binary(b"tag"), uint(0), boolean(settled),
            boolean(more), payload=payload,
        )  # fmt: skip

    def put_token(self, port: int, seconds: int = 600, path: str = HUB) -> int:
        """Authorise for the hub, or for another path; returns the status code."""
        audience = f"sb://localhost:{port}/{path}"
        names = {"operation": "put-token", "type": "servicebus.windows.net:sastoken", "name": audience}
        return self.ask("$cbs", names, string(sign(KEY, audience, int(time.time()) + seconds)), handle=10)

    def ask(self, node: str, names: dict[str, str], body: bytes = NULL, *, handle: int) -> int:
        """Send a node a request, on two links of its own; returns the status code."""
        self.attach(handle, node, receive=False)
        self.attach(handle + 1, node, receive=True)
        self.credit(handle + 1, 10)
        properties = codec.mapping([(string(name), string(value)) for name, value in names.items()])
        self.transfer(handle, b"\x00\x53\x74" + properties + b"\x00\x53\x77" + body)
        answer = self.expect(performatives.TRANSFER)
        sections = answer.body[answer.payload :]
        return int.from_bytes(sections[sections.index(b"status-code") + 12 :][:4], "big")


def error_of(performative: Performative) -> str:
    """The condition that a Detach, End or Close carries."""
    errors = [value for value in performative.values if isinstance(value, codec.Described)]
    fields = errors[-1].value if errors else None
    return str(fields[0]) if isinstance(fields, list) else ""
