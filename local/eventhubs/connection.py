"""One AMQP connection: protocol headers, SASL, Open, heartbeats, what it may use, and its sessions.

Everything runs in the event loop's callbacks, without tasks: bytes come in, frames are handled, bytes go out.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from local.eventhubs import cbs, frames, performatives, sas
from local.eventhubs.errors import (
    INVALID_FIELD,
    NOT_ALLOWED,
    UNAUTHORIZED,
    AmqpError,
    ConnectionFault,
    DecodeError,
    FramingError,
    LinkFault,
    SessionFault,
)
from local.eventhubs.frames import Frame, FrameBuffer
from local.eventhubs.grants import Grants
from local.eventhubs.namespace import Namespace
from local.eventhubs.performatives import Performative
from local.eventhubs.request import Request
from local.eventhubs.session import Session

_LOG = logging.getLogger(__name__)

CHANNEL_MAX = 4_999
# What we announce, in milliseconds; a peer is cut off after twice that, the 240 s of the service.
IDLE_TIMEOUT = 120_000
_OPEN_WITHIN = 60.0
_CLOSE_WITHIN = 10.0
_WATCH_EVERY = 15.0
# Beyond the first, consumers wait until the peer has read on; beyond the second, we stop reading what it asks.
_CONGESTED_BYTES = 512 * 1024
_STOP_READING_BYTES = 4 * 1024 * 1024
# What a peer may still have on its way for a session that we ended.
_ON_ENDED_SESSION = (
    performatives.FLOW,
    performatives.TRANSFER,
    performatives.DISPOSITION,
    performatives.DETACH,
    performatives.END,
)


class Connection(asyncio.Protocol):
    """A client's connection.

    Attributes:
        congested: the peer reads more slowly than we write; wait for `Link.resume`.
        peer_max_frame_size: the largest frame that the peer takes, in bytes.
    """

    transport: asyncio.Transport

    def __init__(self, namespace: Namespace, on_closed: Callable[[Connection], None]) -> None:
        self.namespace = namespace
        self.loop = asyncio.get_running_loop()
        self.congested = False
        self.peer_max_frame_size = frames.MIN_MAX_FRAME_SIZE
        self._on_closed = on_closed
        self._buffer = FrameBuffer()
        self._step: Callable[[], bool] = self._expect_header
        self._sessions: dict[int, Session] = {}
        self._grants = Grants()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._made = self._last_received = time.monotonic()
        self._connected = self._opened = self._closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        if self._closing:  # closed between accept() and this turn of the loop
            transport.abort()
            return
        self._connected = True
        self.transport = transport
        transport.set_write_buffer_limits(high=_CONGESTED_BYTES)
        self._later("silence", _WATCH_EVERY, self._watch_silence)

    def connection_lost(self, exc: Exception | None) -> None:
        self._release()
        self._on_closed(self)

    def data_received(self, data: bytes) -> None:
        self._last_received = time.monotonic()
        if self._closing:
            return
        self._buffer.feed(data)
        try:
            while self._step():
                pass
        except ConnectionFault as fault:
            self.close(fault)
        except Exception:
            _LOG.exception("a connection is closed over an error of ours")
            self.close(AmqpError("The service was unable to process the request."))
        if self.transport.get_write_buffer_size() > _STOP_READING_BYTES:
            self.transport.pause_reading()

    def pause_writing(self) -> None:
        self.congested = True

    def resume_writing(self) -> None:
        self.congested = False
        self.transport.resume_reading()
        for session in list(self._sessions.values()):
            for link in session.links:
                link.resume()

    def write(self, data: bytes) -> None:
        if data and not self.transport.is_closing():
            self.transport.write(data)

    def close(self, fault: AmqpError | None) -> None:
        """Say why, if the peer got far enough to understand, and close."""
        if self._closing:
            return
        if fault is not None:
            _LOG.info("a connection is closed: %s: %s", fault.condition, fault)
        self._release()
        if not self._connected:
            return
        if self._opened:
            self.write(frames.frame(0, performatives.close(fault)))
        self.transport.close()
        # A peer that reads no more would keep what is unsent, and the socket, for ever.
        self._later("close", _CLOSE_WITHIN, self.transport.abort)

    def _release(self) -> None:
        self._closing = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for session in self._sessions.values():
            session.release()
        self._sessions.clear()

    # Steps: each takes one thing from the buffer, and says whether to go on.

    def _expect_header(self) -> bool:
        header = self._buffer.take_header()
        if header is None:
            return False
        if header == frames.SASL_HEADER:
            self.write(frames.SASL_HEADER + _sasl(performatives.sasl_mechanisms(["ANONYMOUS"])))
            self._step = self._expect_sasl_init
        elif header == frames.AMQP_HEADER:
            self.write(frames.AMQP_HEADER)
            self._step = self._expect_open
        else:
            # The answer to a protocol that is not spoken is the one that is (part 2.2).
            self.write(frames.SASL_HEADER)
            raise FramingError(f"protocol header {header!r} is neither AMQP 1.0 nor its SASL")
        return True

    def _expect_sasl_init(self) -> bool:
        frame = self._buffer.take_frame()
        if frame is None:
            return False
        if frame.kind != frames.SASL_FRAME:
            raise FramingError("SASL was begun, but this is no SASL frame")
        init = performatives.decode(frame.body)
        if init.code != performatives.SASL_INIT:
            raise DecodeError(f"sasl-init is expected, not performative 0x{init.code:02x}")
        known = init.text(0) == "ANONYMOUS"
        self.write(_sasl(performatives.sasl_outcome(0 if known else 1)))
        if not known:
            raise ConnectionFault(f"SASL mechanism {init.text(0)} is not offered")
        self._step = self._expect_header
        return True

    def _expect_open(self) -> bool:
        frame = self._next_frame()
        if frame is None:
            return False
        request = performatives.decode(frame.body)
        if request.code != performatives.OPEN:
            raise ConnectionFault(f"open is expected, not performative 0x{request.code:02x}", NOT_ALLOWED)
        self._opened = True
        container = f"headrace-{id(self):x}"
        self.write(frames.frame(0, performatives.open_(container, frames.MAX_FRAME_SIZE, CHANNEL_MAX, IDLE_TIMEOUT)))
        self.peer_max_frame_size = request.number(2, 0xFFFFFFFF)
        if self.peer_max_frame_size < frames.MIN_MAX_FRAME_SIZE:
            raise ConnectionFault(f"max-frame-size {self.peer_max_frame_size} is under 512", INVALID_FIELD)
        idle = request.number(4, 0)
        if idle:
            self._beat(max(idle / 2_000, 0.05))
        self._step = self._expect_frame
        return True

    def _expect_frame(self) -> bool:
        frame = self._next_frame()
        if frame is None:
            return False
        if frame.body:
            self._handle(frame.channel, performatives.decode(frame.body))
        return not self._closing

    def _next_frame(self) -> Frame | None:
        frame = self._buffer.take_frame()
        if frame is not None and frame.kind != frames.AMQP_FRAME:
            raise FramingError(f"a frame of type {frame.kind}")
        return frame

    def _handle(self, channel: int, performative: Performative) -> None:
        code = performative.code
        session = self._sessions.get(channel)
        if code == performatives.CLOSE:
            self.close(None)
        elif code == performatives.BEGIN:
            if session is not None or channel > CHANNEL_MAX:
                raise ConnectionFault(f"no session can begin on channel {channel}", NOT_ALLOWED)
            self._sessions[channel] = Session(self, channel, performative)
        elif session is None:
            if code not in _ON_ENDED_SESSION:
                raise ConnectionFault(f"performative 0x{code:02x} on channel {channel}", NOT_ALLOWED)
        elif code == performatives.END:
            self._end(session, None)
        else:
            try:
                session.handle(performative)
            except SessionFault as fault:
                self._end(session, fault)

    def _end(self, session: Session, fault: SessionFault | None) -> None:
        session.release()
        session.send(performatives.end(fault))
        self._sessions.pop(session.channel, None)

    # What the connection may use.

    def put_token(self, request: Request) -> bytes:
        """Take the token of a `$cbs` request, if it is good; the answer is to be sent back."""
        grant, answer = cbs.put_token(request, self.namespace.key, time.time())
        if grant is not None:
            self._grants.add(grant)
            self._watch_expiry()
        return answer

    def authorise(self, path: tuple[str, ...]) -> None:
        """Raises a LinkFault when no token was put for `path`, or for what it lies under."""
        self._grants.check(path, time.time())

    def authorise_request(self, path: tuple[str, ...], token: object) -> None:
        """As `authorise`; `token` is what the request itself carries, None of one without."""
        now = time.time()
        carried = isinstance(token, str) and sas.verify(token, None, self.namespace.key, now).covers(path, now)
        if not carried:
            self._grants.check(path, now)

    def _watch_expiry(self) -> None:
        expires = self._grants.next_expiry()
        if expires is not None:
            # A token may be good for years, which is more than a timer takes.
            self._later("expiry", min(max(expires - time.time(), 0.0), 86_400.0) + 0.01, self._expire)

    def _expire(self) -> None:
        """Detach the links that an expired token opened, as the service does."""
        now = time.time()
        self._grants.drop_expired(now)
        for session in self._sessions.values():
            for link in session.links:
                if link.path and not self._grants.covers(link.path, now):
                    link.detach(LinkFault(f"ExpiredToken: the one for '{'/'.join(link.path)}' expired.", UNAUTHORIZED))
        self._watch_expiry()

    # Silence, both ways.

    def _beat(self, interval: float) -> None:
        """Send a heartbeat every `interval` seconds: half of the peer's idle timeout, to be on the safe side."""

        def beat() -> None:
            self.write(frames.EMPTY_FRAME)
            self._beat(interval)

        self._later("heartbeat", interval, beat)

    def _watch_silence(self) -> None:
        """Drop a peer that never opens, or that has been silent for twice the timeout we announced."""
        now = time.monotonic()
        if not self._opened and now - self._made > _OPEN_WITHIN:
            self.transport.abort()
        elif now - self._last_received > 2 * IDLE_TIMEOUT / 1_000:
            self.close(ConnectionFault(f"The connection was inactive for more than {2 * IDLE_TIMEOUT} ms."))
        else:
            self._later("silence", _WATCH_EVERY, self._watch_silence)

    def _later(self, name: str, seconds: float, callback: Callable[[], None]) -> None:
        """Call back once, unless the connection is gone by then; a timer of the same name is replaced."""
        if name in self._timers:
            self._timers[name].cancel()
        self._timers[name] = self.loop.call_later(seconds, callback)


def _sasl(body: bytes) -> bytes:
    return frames.frame(0, body, frames.SASL_FRAME)
