"""AMQP 1.0 framing (specification, part 2.3): cut a byte stream into frames, and put frames together."""

from __future__ import annotations

import struct
from typing import NamedTuple

from local.eventhubs.errors import FramingError

SASL_HEADER = b"AMQP\x03\x01\x00\x00"
AMQP_HEADER = b"AMQP\x00\x01\x00\x00"
HEADER_SIZE = 8
AMQP_FRAME, SASL_FRAME = 0, 1
EMPTY_FRAME = b"\x00\x00\x00\x08\x02\x00\x00\x00"
# What the service offers in Open; frames the peer may send are no larger.
MAX_FRAME_SIZE = 65_536
# The least that both peers must take (part 2.4.1).
MIN_MAX_FRAME_SIZE = 512

_HEADER = struct.Struct(">IBBH")
# Described list 0x14 of 11 fields (25 octets after the size): handle, delivery-id and a 4-byte tag at full width, so
# that every transfer's header is as long; then message-format 0, settled, more, and five nulls.
_TRANSFER = struct.Struct(">IBBH7sIcI2sI8s")
_OPENING = b"\x00\x53\x14\xc0\x19\x0b\x70"
_LAST = b"\x43\x41\x42\x40\x40\x40\x40\x40"
_MORE = b"\x43\x41\x41\x40\x40\x40\x40\x40"
TRANSFER_OVERHEAD = _TRANSFER.size


class Frame(NamedTuple):
    """One frame, without its header; an empty body is a heartbeat."""

    kind: int
    channel: int
    body: bytes


class FrameBuffer:
    """Bytes in as they arrive, protocol headers and whole frames out."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def take_header(self) -> bytes | None:
        """The next eight bytes as a protocol header; None until they are all here."""
        if len(self._buffer) < HEADER_SIZE:
            return None
        header = bytes(self._buffer[:HEADER_SIZE])
        del self._buffer[:HEADER_SIZE]
        return header

    def take_frame(self) -> Frame | None:
        """The next frame; None until all of it is here.

        Raises:
            FramingError: the size or the data offset is impossible, or the size is over what Open allows.
        """
        buffer = self._buffer
        if len(buffer) < HEADER_SIZE:
            return None
        size, offset, kind, channel = _HEADER.unpack_from(buffer)
        if not HEADER_SIZE <= size <= MAX_FRAME_SIZE:
            raise FramingError(f"a frame of {size} bytes; from {HEADER_SIZE} to {MAX_FRAME_SIZE} are taken")
        if not HEADER_SIZE <= offset * 4 <= size:
            raise FramingError(f"a data offset of {offset} words in a frame of {size} bytes")
        if len(buffer) < size:
            return None
        body = bytes(buffer[offset * 4 : size])
        del buffer[:size]
        return Frame(kind, channel, body)


def frame(channel: int, body: bytes, kind: int = AMQP_FRAME) -> bytes:
    """A frame around one performative (and its payload)."""
    return _HEADER.pack(HEADER_SIZE + len(body), 2, kind, channel) + body


def transfer(channel: int, handle: int, delivery_id: int, payload: bytes, max_frame_size: int) -> list[bytes]:
    """One settled delivery as the pieces of one frame, or of as many as `max_frame_size` asks for."""
    size = TRANSFER_OVERHEAD + len(payload)
    if size <= max_frame_size:
        header = _TRANSFER.pack(
            size, 2, AMQP_FRAME, channel, _OPENING, handle, b"\x70", delivery_id, b"\xa0\x04", delivery_id, _LAST
        )
        return [header, payload]
    pieces = []
    room = max_frame_size - TRANSFER_OVERHEAD
    for start in range(0, len(payload), room):
        part = payload[start : start + room]
        ending = _MORE if start + room < len(payload) else _LAST
        header = _TRANSFER.pack(
            TRANSFER_OVERHEAD + len(part), 2, AMQP_FRAME, channel,
            _OPENING, handle, b"\x70", delivery_id, b"\xa0\x04", delivery_id, ending,
        )  # fmt: skip
        pieces += [header, part]
    return pieces


def count(payload_size: int, max_frame_size: int) -> int:
    """How many frames `transfer` makes, which is what a session's window counts."""
    room = max_frame_size - TRANSFER_OVERHEAD
    return max(1, -(-payload_size // room))
