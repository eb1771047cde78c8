"""One AMQP connection: protocol headers, SASL, Open, heartbeats, what it may use, and its sessions.

Everything runs in the event loop's callbacks, without tasks: bytes come in, frames are handled, bytes go out.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from local.eventhubs import cbs, frames, performatives
from local.eventhubs.errors import (
    RESOURCE_LIMIT,
    UNAUTHORIZED,
    AmqpError,
    ConnectionFault,
    DecodeError,
    FramingError,
    LinkFault,
    SessionFault,
)
from local.eventhubs.frames import Frame, FrameBuffer
from local.eventhubs.message import Request
from local.eventhubs.namespace import Namespace
from local.eventhubs.performatives import Performative
from local.eventhubs.sas import Grant
from local.eventhubs.session import Session

_LOG = logging.getLogger(__name__)

CHANNEL_MAX = 4_999
# What we announce, in milliseconds; a peer is cut off after twice that, the 240 s of the service.
IDLE_TIMEOUT = 120_000
_OPEN_WITHIN = 60.0
# Beyond the first, consumers wait until the peer has read on; beyond the second, we stop reading what it asks.
_CONGESTED_BYTES = 512 * 1024
_STOP_READING_BYTES = 4 * 1024 * 1024


class Connection(asyncio.Protocol):
    """A client's connection.

    Attributes:
        congested: the peer reads more slowly than we write; wait for `Link.resume`.
        peer_max_frame_size: the largest frame that the peer takes.
    """

    def __init__(self, namespace: Namespace, on_closed: Callable[[Connection], None]) -> None:
        self.namespace = namespace
        self.congested = False
        self.peer_max_frame_size = frames.MIN_MAX_FRAME_SIZE
        self.loop = asyncio.get_running_loop()
        self._on_closed = on_closed
        self._buffer = FrameBuffer()
        self._step: Callable[[], bool] = self._expect_header
        self._sessions: dict[int, Session] = {}
        self._grants: dict[tuple[str, ...], Grant] = {}
        self._timers: list[asyncio.TimerHandle] = []
        self._expiry: asyncio.TimerHandle | None = None
        self._last_received = time.monotonic()
        self._opened = self._closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=_CONGESTED_BYTES)
        self._watch_silence()

    def connection_lost(self, exc: Exception | None) -> None:
        self._release()
        self._on_closed(self)

    def _release(self) -> None:
        self._closing = True
        for timer in (*self._timers, *([self._expiry] if self._expiry else [])):
            timer.cancel()
        for session in self._sessions.values():
            session.release()
        self._sessions.clear()

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
        if self._opened:
            self.write(frames.frame(0, performatives.close(fault)))
        self.transport.close()

    # Steps: each takes one thing from the buffer, and says whether there was one.

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
            # The answer to a protocol we do not speak is the one we do (part 2.2).
            self.write(frames.SASL_HEADER)
            self.close(FramingError(f"protocol header {header!r} is neither AMQP 1.0 nor its SASL"))
            return False
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
        ok = init.text(0) == "ANONYMOUS"
        self.write(_sasl(performatives.sasl_outcome(0 if ok else 1)))
        if not ok:
            self.close(ConnectionFault(f"SASL mechanism {init.text(0)} is not offered"))
            return False
        self._step = self._expect_header
        return True

    def _expect_open(self) -> bool:
        frame = self._next_frame()
        if frame is None:
            return False
        performative = performatives.decode(frame.body)
        if performative.code != performatives.OPEN:
            raise ConnectionFault(f"open is expected, not performative 0x{performative.code:02x}", "amqp:not-allowed")
        self._opened = True
        container = f"headrace-{id(self):x}"
        self.write(frames.frame(0, performatives.open_(container, frames.MAX_FRAME_SIZE, CHANNEL_MAX, IDLE_TIMEOUT)))
        self.peer_max_frame_size = performative.number(2, 2**32 - 1)
        if self.peer_max_frame_size < frames.MIN_MAX_FRAME_SIZE:
            raise ConnectionFault(f"max-frame-size {self.peer_max_frame_size} is under 512", "amqp:invalid-field")
        self._beat(performative.number(4, 0))
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
                raise ConnectionFault(f"no session can begin on channel {channel}", "amqp:not-allowed")
            self._sessions[channel] = Session(self, channel, performative)
        elif session is None:
            # The peer may not know yet that we ended it.
            if (
                code in (performatives.OPEN, performatives.ATTACH)
                or not performatives.BEGIN < code <= performatives.END
            ):
                raise ConnectionFault(f"performative 0x{code:02x} on channel {channel}", "amqp:not-allowed")
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
        """Take a token; its answer is to be sent back."""
        grant, answer = cbs.put_token(request, self.namespace.key, time.time())
        if grant is not None:
            self._grants[grant.path] = grant
            if len(self._grants) > _MAX_GRANTS:
                raise LinkFault(f"over {_MAX_GRANTS} tokens on one connection", RESOURCE_LIMIT)
            self._watch_expiry()
        return answer

    def authorise(self, path: tuple[str, ...]) -> None:
        """Check that a token was put for `path`, or for what it lies under.

        Raises:
            LinkFault: there is none, or it has expired.
        """
        now = time.time()
        if not any(grant.covers(path, now) for grant in self._grants.values()):
            raise LinkFault(f"Unauthorized access. No valid token was put for '{'/'.join(path)}'.", UNAUTHORIZED)

    def authorise_any(self) -> None:
        """Check that some token was put; what each request may see is checked one by one."""
        now = time.time()
        if not any(now < grant.expires for grant in self._grants.values()):
            raise LinkFault("Unauthorized access. No valid token was put.", UNAUTHORIZED)

    def _watch_expiry(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        if self._grants:
            left = min(grant.expires for grant in self._grants.values()) - time.time()
            # A token may be good for years, which is more than a timer takes.
            self._expiry = self.loop.call_later(min(max(left, 0.0), 86_400.0) + 0.01, self._expire)

    def _expire(self) -> None:
        now = time.time()
        self._grants = {path: grant for path, grant in self._grants.items() if now < grant.expires}
        for session in self._sessions.values():
            for link in session.links:
                if link.path and not any(grant.covers(link.path, now) for grant in self._grants.values()):
                    link.detach(
                        LinkFault(f"ExpiredToken: the token for '{'/'.join(link.path)}' expired.", UNAUTHORIZED)
                    )
        self._watch_expiry()

    # Silence, both ways.

    def _beat(self, peer_idle_timeout: int) -> None:
        """Send heartbeats twice as often as the peer's idle timeout (milliseconds) asks for, to be on the safe side."""
        if not peer_idle_timeout:
            return
        interval = max(peer_idle_timeout / 2_000, 0.05)

        def beat() -> None:
            self.write(frames.EMPTY_FRAME)
            self._timers[0] = self.loop.call_later(interval, beat)

        self._timers.insert(0, self.loop.call_later(interval, beat))

    def _watch_silence(self) -> None:
        """Drop a peer that never opens, or that has been silent for twice the timeout we announced."""
        opened_by = time.monotonic() + _OPEN_WITHIN

        def check() -> None:
            now = time.monotonic()
            if not self._opened and now > opened_by:
                self.transport.abort()
            elif now - self._last_received > 2 * IDLE_TIMEOUT / 1_000:
                self.close(ConnectionFault("The connection was inactive for more than the allowed 240000 ms."))
            else:
                self._timers[-1] = self.loop.call_later(15.0, check)

        self._timers.append(self.loop.call_later(15.0, check))


_MAX_GRANTS = 1_000


def _sasl(body: bytes) -> bytes:
    return frames.frame(0, body, frames.SASL_FRAME)
