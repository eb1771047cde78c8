"""Cutting a stream of bytes into requests: each has its size in front (int32, big-endian)."""

from __future__ import annotations

from local.eventhubs.kafka.errors import ProtocolFault

# The service closes the connection on anything larger:
# https://learn.microsoft.com/azure/event-hubs/apache-kafka-frequently-asked-questions
MAX_REQUEST_BYTES = 1_046_528
_SIZE = 4
_EMPTY = memoryview(b"")


class FrameBuffer:
    """What arrived and is not yet taken. Holds what came, never room for what a size promises."""

    def __init__(self) -> None:
        # Chunks are put together once a request is complete: a buffer that grew would copy each megabyte over and over.
        self._head = _EMPTY
        self._tail: list[bytes] = []
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def feed(self, data: bytes) -> None:
        self._tail.append(data)
        self._length += len(data)

    def take(self) -> memoryview | None:
        """The next request without its size; None when it is not complete.

        Raises:
            ProtocolFault: its size is negative, or more than a request may have.
        """
        if self._length < _SIZE:
            return None
        if len(self._head) < _SIZE:
            self._join()
        size = int.from_bytes(self._head[:_SIZE], "big", signed=True)
        if not 0 <= size <= MAX_REQUEST_BYTES:
            raise ProtocolFault(f"a request of {size} bytes; at most {MAX_REQUEST_BYTES} are possible")
        end = _SIZE + size
        if self._length < end:
            return None
        if len(self._head) < end:
            self._join()
        # An empty view would keep what it is a view of.
        frame, self._head = self._head[_SIZE:end], self._head[end:] or _EMPTY
        self._length -= end
        return frame

    def _join(self) -> None:
        self._head = memoryview(b"".join((self._head, *self._tail)))
        self._tail.clear()
