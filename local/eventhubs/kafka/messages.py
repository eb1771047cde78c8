"""Requests from bytes and responses to bytes: what kio leaves to us is the header in front of either."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cache
from typing import IO, Any, NamedTuple, cast

import kio.index
from kio.serial import entity_reader, entity_writer

from local.eventhubs.kafka.errors import ProtocolFault

# API key, version and correlation id begin every header: https://kafka.apache.org/protocol#protocol_messages
_PREFIX = struct.Struct(">hhi")


class Prefix(NamedTuple):
    """How every request begins, whatever its version."""

    key: int
    version: int
    correlation_id: int


def read_prefix(frame: memoryview) -> Prefix:
    """Which API and version `frame` is for.

    Raises:
        ProtocolFault: it is too short to say.
    """
    if len(frame) < _PREFIX.size:
        raise ProtocolFault(f"a request of {len(frame)} bytes")
    return Prefix(*_PREFIX.unpack_from(frame))


def known(key: int, version: int) -> bool:
    """Whether kio has the request of this API and version."""
    try:
        kio.index.load_request_schema(key, version)
    except (kio.index.UnknownAPIKey, kio.index.UnknownEntity):
        return False
    return True


def read_request(prefix: Prefix, frame: memoryview) -> tuple[str, Any]:
    """The client id, and the request.

    Raises:
        ProtocolFault: it is not what its API and version say.
    """
    read_header, read_body = _readers(prefix.key, prefix.version)
    try:
        header, size = read_header(frame, 0)
        body, _ = read_body(frame, size)
    except Exception as error:  # kio raises its own DecodeError, ValueError, and whatever a field's type does
        raise ProtocolFault(f"API {prefix.key}, version {prefix.version}: the request is malformed: {error}") from None
    return header.client_id or "", body


def response(correlation_id: int, body: Any) -> bytes:
    """The bytes of a response, its size in front."""
    parts = _Parts()
    # Flexible headers end with the number of their tags.
    parts.write(b"\0" if body.__header_schema__.__flexible__ else b"")
    entity_writer(type(body))(cast(IO[bytes], parts), body)
    return framed(correlation_id, parts)


def framed(correlation_id: int, parts: Sequence[bytes]) -> bytes:
    """The bytes of a response of which all but size and correlation id is there already."""
    size = sum(map(len, parts)) + 4
    return b"".join((struct.pack(">ii", size, correlation_id), *parts))


class _Parts(list[bytes]):
    """What kio writes to. Put together once: a growing buffer would copy a megabyte of records time and again."""

    write = list.append


@cache
def _readers(key: int, version: int) -> tuple[Any, Any]:
    schema = kio.index.load_request_schema(key, version)
    return entity_reader(schema.__header_schema__), entity_reader(schema)
