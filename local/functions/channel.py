"""Frames between the host and its worker, over one pair of connected sockets.

A frame is a header, which is JSON, and parts, which are bytes as they are: bodies of events cross without being
escaped, encoded or unpickled. On the wire: the lengths of the two, the header with the sizes of the parts, the parts.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import orjson

_LENGTHS = struct.Struct("!IQ")

_READ_AHEAD = 1024 * 1024
"""Bytes that a side takes from its socket before somebody reads the frame."""


class Frame(NamedTuple):
    """One message: what it says, and the bytes that it carries."""

    header: dict[str, Any]
    parts: list[bytes]


class ChannelClosed(Exception):
    """The other process closed its end, or died."""


class Channel:
    """One end; several tasks may send, one receives."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, connected: socket.socket) -> Channel:
        """Take a connected socket over."""
        return cls(*await asyncio.open_connection(sock=connected, limit=_READ_AHEAD))

    async def send(self, header: Mapping[str, Any], parts: Sequence[bytes] = ()) -> None:
        """Send a frame; returns when the socket has taken enough of it, so that a slow reader is waited for.

        Raises:
            ChannelClosed: nobody will read it.
        """
        try:
            self._writer.writelines(_encode(header, parts))
            await self._writer.drain()
        except OSError as error:
            raise ChannelClosed from error

    async def receive(self) -> Frame:
        """The next frame.

        Raises:
            ChannelClosed: there is none.
        """
        try:
            header, body = _LENGTHS.unpack(await self._reader.readexactly(_LENGTHS.size))
            return _decode(
                await self._reader.readexactly(header), await self._reader.readexactly(body) if body else b""
            )
        except (asyncio.IncompleteReadError, OSError) as error:
            raise ChannelClosed from error

    async def abort(self) -> None:
        """Close the socket, whatever is still to be sent; returns when it is closed."""
        self._writer.transport.abort()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


def send_blocking(connected: socket.socket, header: Mapping[str, Any]) -> None:
    """Send a frame without parts, before there is an event loop.

    Raises:
        ChannelClosed: nobody will read it.
    """
    try:
        connected.sendall(b"".join(_encode(header, ())))
    except OSError as error:
        raise ChannelClosed from error


def receive_blocking(connected: socket.socket) -> dict[str, Any]:
    """The header of the next frame, before there is an event loop.

    Raises:
        ChannelClosed: there is none.
    """
    header, body = _LENGTHS.unpack(_exactly(connected, _LENGTHS.size))
    return _decode(_exactly(connected, header), _exactly(connected, body)).header


def _exactly(connected: socket.socket, count: int) -> bytes:
    found = bytearray()
    while len(found) < count:
        try:
            piece = connected.recv(count - len(found))
        except OSError as error:
            raise ChannelClosed from error
        if not piece:
            raise ChannelClosed
        found += piece
    return bytes(found)


def _encode(header: Mapping[str, Any], parts: Sequence[bytes]) -> list[bytes]:
    sizes = [len(part) for part in parts]
    encoded = orjson.dumps([header, sizes])
    return [_LENGTHS.pack(len(encoded), sum(sizes)), encoded, *parts]


def _decode(encoded: bytes, body: bytes) -> Frame:
    header, sizes = orjson.loads(encoded)
    if len(sizes) == 1:
        return Frame(header, [body])
    return Frame(header, [body[start:end] for start, end in pairwise(accumulate(sizes, initial=0))])
