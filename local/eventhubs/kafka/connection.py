"""One client's connection: its requests, answered one after the other, in their order.

A request that waits (a long poll, a group that gathers) holds up its own connection alone. While it does, and while
the client does not read its answers, no more than one further request is read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from kio.schema.api_versions.v0 import response as api_versions_v0
from kio.schema.errors import ErrorCode

from local.eventhubs.kafka import api_versions, messages, sasl
from local.eventhubs.kafka.api import Api, Session
from local.eventhubs.kafka.errors import ProtocolFault, Refused
from local.eventhubs.kafka.framing import MAX_REQUEST_BYTES, FrameBuffer
from local.eventhubs.kafka.settings import Settings
from local.eventhubs.namespace import Namespace

if TYPE_CHECKING:
    from local.eventhubs.kafka.groups.coordinator import Groups

_LOG = logging.getLogger(__name__)

# With so much unsent, the next request waits until the client has read.
_CONGESTED_BYTES = 512 * 1024
_CLOSE_WITHIN = 10.0
# How long a client has to read why it is refused, before it sees the end of the connection (Kafka's
# connection.failed.authentication.delay.ms).
_REFUSED_CLOSES_AFTER = 0.1


class Connection(asyncio.Protocol):
    """A client's connection."""

    transport: asyncio.Transport
    session: Session

    def __init__(
        self,
        namespace: Namespace,
        groups: Groups,
        settings: Settings,
        apis: Mapping[int, Api],
        on_closed: Callable[[Connection], None],
    ) -> None:
        self._namespace, self._groups, self._settings, self._apis = namespace, groups, settings, apis
        self._on_closed = on_closed
        self._loop = asyncio.get_running_loop()
        self._frames = FrameBuffer()
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._reading = True
        self._busy = self._closing = False
        self._last_used = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        if self._closing:  # closed between accept() and this turn of the loop
            transport.abort()
            return
        self.transport = transport
        transport.set_write_buffer_limits(high=_CONGESTED_BYTES)
        address, client = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        self.session = Session(
            self._namespace, self._groups, self._settings, self._apis, (address[0], address[1]), client[0]
        )
        self._task = self._loop.create_task(self._serve())
        self._watch_silence()

    def connection_lost(self, exc: Exception | None) -> None:
        self._release()
        self._on_closed(self)

    def data_received(self, data: bytes) -> None:
        self._last_used = self._loop.time()
        self._frames.feed(data)
        self._arrived.set()
        if len(self._frames) > MAX_REQUEST_BYTES and self._reading:
            self.transport.pause_reading()
            self._reading = False

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def finished(self) -> None:
        """Wait until the request at hand, if any, has been let go of."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def close(self) -> None:
        """Send what is unsent, and close."""
        if self._closing:
            return
        self._release()
        if self._task is None:  # accepted, and not connected yet
            return
        self.transport.close()
        # A peer that reads no more would keep what is unsent, and the socket, for ever.
        self._timer = self._loop.call_later(_CLOSE_WITHIN, self.transport.abort)

    def _release(self) -> None:
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    async def _serve(self) -> None:
        try:
            while not self._closing:
                await self._serve_next()
                await self._writable.wait()
        except (ProtocolFault, Refused) as fault:
            _LOG.info("the connection of %s is closed: %s", self.session.client_host, fault)
            self.close()
        except Exception:
            _LOG.exception("the connection of %s is closed over an error of ours", self.session.client_host)
            self.close()

    async def _serve_next(self) -> None:
        answer = await self._answer(await self._next_frame())
        self._busy = False
        self._last_used = self._loop.time()
        if answer is not None:
            self.transport.write(answer)
        if self.session.ending:
            await asyncio.sleep(_REFUSED_CLOSES_AFTER if answer else 0)
            self.close()

    async def _next_frame(self) -> memoryview:
        # Also between requests that are there already: others want their turn.
        await asyncio.sleep(0)
        while (frame := self._frames.take()) is None:
            self._arrived.clear()
            if not self._reading:
                self.transport.resume_reading()
                self._reading = True
            await self._arrived.wait()
        self._busy = True
        return frame

    async def _answer(self, frame: memoryview) -> bytes | None:
        session = self.session
        if session.raw_sasl:
            # Before KIP-152 tokens came without a header; success is an empty answer, failure a closed connection.
            session.grant = sasl.authenticate(session.mechanism, bytes(frame), self._namespace.key)
            session.raw_sasl = False
            return bytes(4)
        prefix = messages.read_prefix(frame)
        api = self._apis.get(prefix.key)
        if api is None:
            raise ProtocolFault(f"API {prefix.key} is not served")
        if not session.let_in and not api.before_authentication:
            raise ProtocolFault(f"API {prefix.key} is asked for by a client that has not authenticated")
        if prefix.version not in api.versions:
            if prefix.key != api_versions.KEY:
                raise ProtocolFault(f"API {prefix.key}: version {prefix.version} is not spoken")
            body = api_versions.answer(api_versions_v0, self._apis.values(), ErrorCode.unsupported_version)
            return messages.response(prefix.correlation_id, body)
        if api.refuse_old is not None and not messages.known(prefix.key, prefix.version):
            refusal = api.refuse_old(prefix.version, frame)
            return None if refusal is None else messages.framed(prefix.correlation_id, [refusal])
        session.version = prefix.version
        session.client_id, request = messages.read_request(prefix, frame)
        response = await api.handle(request, session)
        return None if response is None else messages.response(prefix.correlation_id, response)

    def _watch_silence(self) -> None:
        left = self._last_used + self._settings.idle_seconds - self._loop.time()
        if self._busy:
            left = self._settings.idle_seconds
        if left <= 0:
            _LOG.info("the connection of %s is closed: it was idle", self.session.client_host)
            self.close()
        else:
            self._timer = self._loop.call_later(left, self._watch_silence)
