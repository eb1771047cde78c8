"""Effective partition keys: the hash by which keys are spread over ranges, as SDKs compute it too.

A client that reads a feed range, or a prefix of a hierarchical key, names a range of these instead of a key. It is
MurmurHash3 (x64, 128 bits, public domain: https://github.com/aappleby/smhasher) of a binary form of the key; version 2
keys only.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson

from local.cosmos.errors import BadRequest
from local.cosmos.partition_key import PartitionKeyDefinition

_MASK = 0xFFFFFFFFFFFFFFFF
# Markers of the binary form, as every SDK writes them.
_UNDEFINED, _NULL, _FALSE, _TRUE, _NUMBER, _STRING = b"\x00", b"\x01", b"\x02", b"\x03", b"\x05", b"\x08"


def effective_key(definition: PartitionKeyDefinition, key: str) -> str:
    """The upper-case hexadecimal effective key of canonical `key`, or of a prefix of a hierarchical one.

    Raises:
        BadRequest: the definition is of version 1, whose hash is another.
    """
    if definition.version != 2:
        raise BadRequest("Unsupported: feed ranges of a container whose partition key version is 1.")
    return _effective(definition.kind, key)


@lru_cache(maxsize=65536)
def _effective(kind: str, key: str) -> str:
    components = orjson.loads(key)
    if kind == "MultiHash":
        return "".join(_hash([component]) for component in components)
    return _hash(components)


def _hash(components: Sequence[Any]) -> str:
    digest = bytearray(_murmur3_128(b"".join(map(_binary, components))))
    digest[0] &= 0x3F  # ranges end at FF: keys stay well below
    return digest.hex().upper()


def _binary(component: Any) -> bytes:
    if component is None:
        return _NULL
    if type(component) is bool:
        return _TRUE if component else _FALSE
    if type(component) is str:
        return _STRING + component.encode() + b"\xff"
    if type(component) is dict:
        return _UNDEFINED
    return _NUMBER + struct.pack("<d", component)


def _rotate(value: int, shift: int) -> int:
    return (value << shift | value >> (64 - shift)) & _MASK


def _mix(value: int) -> int:
    value ^= value >> 33
    value = value * 0xFF51AFD7ED558CCD & _MASK
    value ^= value >> 33
    value = value * 0xC4CEB9FE1A85EC53 & _MASK
    return value ^ value >> 33


def _murmur3_128(data: bytes) -> bytes:
    """The hash with seed 0, most significant byte first."""
    first, second = 0x87C37B91114253D5, 0x4CF5AD432745937F
    h1 = h2 = 0
    whole = len(data) & ~15
    for k1, k2 in struct.iter_unpack("<QQ", data[:whole]):
        h1 ^= _rotate(k1 * first & _MASK, 31) * second & _MASK
        h1 = ((_rotate(h1, 27) + h2) * 5 + 0x52DCE729) & _MASK
        h2 ^= _rotate(k2 * second & _MASK, 33) * first & _MASK
        h2 = ((_rotate(h2, 31) + h1) * 5 + 0x38495AB5) & _MASK
    k1, k2 = struct.unpack("<QQ", data[whole:].ljust(16, b"\x00"))
    h2 ^= _rotate(k2 * second & _MASK, 33) * first & _MASK
    h1 ^= _rotate(k1 * first & _MASK, 31) * second & _MASK
    h1 ^= len(data)
    h2 ^= len(data)
    h1 = (h1 + h2) & _MASK
    h2 = (h2 + h1) & _MASK
    h1, h2 = _mix(h1), _mix(h2)
    h1 = (h1 + h2) & _MASK
    h2 = (h2 + h1) & _MASK
    return struct.pack(">QQ", h2, h1)
