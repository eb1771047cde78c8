"""Serial numbers of 32 bits (RFC 1982), which AMQP counts deliveries and transfers with."""

from __future__ import annotations

_MASK = 0xFFFFFFFF


def add(number: int, count: int) -> int:
    return (number + count) & _MASK


def difference(number: int, other: int) -> int:
    """How far `number` is ahead of `other`; negative when it is behind."""
    distance = (number - other) & _MASK
    return distance - 0x1_0000_0000 if distance & 0x8000_0000 else distance
