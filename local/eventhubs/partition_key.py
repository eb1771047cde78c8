"""Which partition a partition key goes to: the service's own hash, so that a key lands here where it lands in Azure.

Bob Jenkins' lookup3 (https://burtleburtle.net/bob/c/lookup3.c, hashlittle2), its two halves folded into 16 signed
bits, of which the remainder counts without its sign. So do the buffered producers for .NET, Java and JavaScript, ported
from the service's code; Python's gives keys with a negative hash another partition, here as in Azure.
"""

from __future__ import annotations

from functools import lru_cache

_MASK = 0xFFFFFFFF


@lru_cache(maxsize=65_536)
def partition_for(key: str, partition_count: int) -> int:
    """The partition of `key` among `partition_count`."""
    first, second = _hash(key.encode())
    folded = (first ^ second) & 0xFFFF
    signed = folded - 0x10000 if folded & 0x8000 else folded
    return abs(signed) % partition_count


def _rotate(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (32 - bits))) & _MASK


def _hash(data: bytes) -> tuple[int, int]:
    a = b = c = (0xDEADBEEF + len(data)) & _MASK
    if not data:
        return c, b
    while len(data) > 12:
        a = (a + int.from_bytes(data[0:4], "little")) & _MASK
        b = (b + int.from_bytes(data[4:8], "little")) & _MASK
        c = (c + int.from_bytes(data[8:12], "little")) & _MASK
        a, b, c = _mix(a, b, c)
        data = data[12:]
    a = (a + int.from_bytes(data[0:4], "little")) & _MASK
    b = (b + int.from_bytes(data[4:8], "little")) & _MASK
    c = (c + int.from_bytes(data[8:12], "little")) & _MASK
    a, b, c = _final(a, b, c)
    return c, b


def _mix(a: int, b: int, c: int) -> tuple[int, int, int]:
    for first, second, third in ((4, 6, 8), (16, 19, 4)):
        a = ((a - c) & _MASK) ^ _rotate(c, first)
        c = (c + b) & _MASK
        b = ((b - a) & _MASK) ^ _rotate(a, second)
        a = (a + c) & _MASK
        c = ((c - b) & _MASK) ^ _rotate(b, third)
        b = (b + a) & _MASK
    return a, b, c


def _final(a: int, b: int, c: int) -> tuple[int, int, int]:
    c = ((c ^ b) - _rotate(b, 14)) & _MASK
    a = ((a ^ c) - _rotate(c, 11)) & _MASK
    b = ((b ^ a) - _rotate(a, 25)) & _MASK
    c = ((c ^ b) - _rotate(b, 16)) & _MASK
    a = ((a ^ c) - _rotate(c, 4)) & _MASK
    b = ((b ^ a) - _rotate(a, 14)) & _MASK
    c = ((c ^ b) - _rotate(b, 24)) & _MASK
    return a, b, c
