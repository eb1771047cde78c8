"""Cutting a stream of bytes into requests: each has its size in front (int32, big-endian)."""

from __future__ import annotations

from local.eventhubs.kafka.errors import ProtocolFault

# The service closes the connection on anything larger:
# https://learn.microsoft.com/azure/event-hubs/apache-kafka-frequently-asked-questions
MAX_REQUEST_BYTES = 1_046_528
_SIZE = 4


class FrameBuffer:
    """What arrived and is not yet taken. Holds what came, never room for what a size promises."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def __len__(self) -> int:
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def take(self) -> bytes | None:
        """The next request without its size; None when it is not complete.

        Raises:
            ProtocolFault: its size is negative, or more than a request may have.
        """
        buffer = self._buffer
        if len(buffer) < _SIZE:
            return None
        size = int.from_bytes(buffer[:_SIZE], "big", signed=True)
        if not 0 <= size <= MAX_REQUEST_BYTES:
            raise ProtocolFault(f"a request of {size} bytes; at most {MAX_REQUEST_BYTES} are possible")
        end = _SIZE + size
        if len(buffer) < end:
            return None
        with memoryview(buffer) as view:
            frame = bytes(view[_SIZE:end])
        del buffer[:end]
        return frame
