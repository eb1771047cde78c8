"""Clients that are slow, stop half-way or leave: each gets what it asked for or nothing, and nobody else notices."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cosmos_service import CosmosService, service
from tests.integration.test_cosmos_authorization import now, signed
from tests.integration.test_cosmos_garbage import DOCUMENTS, KEY, send
from tests.waiting import PATIENCE

__all__ = ["service"]
LINK = "dbs/dev/colls/events"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[CosmosService]:
    running = CosmosService(tmp_path)
    yield running
    running.stop()


def request(verb: str, path: str, body: bytes = b"", key: str | None = None, **headers: str) -> bytes:
    """One request as it goes over the wire; `_` in a header's name is a `-`."""
    authorised = signed(verb, "docs", LINK, now()) if key is None else signed(verb, "docs", LINK, now(), key)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    fields = {"host": "localhost", "content-length": str(len(body)), **authorised, **KEY, **named}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{verb} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


async def open_to(service: CosmosService) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", service.port)


async def status_of(reader: asyncio.StreamReader) -> int:
    return int((await asyncio.wait_for(reader.readline(), PATIENCE)).split()[1])


def reset(writer: asyncio.StreamWriter) -> None:
    """Leave as a process does that is killed: no goodbye, and what is still to come is refused."""
    found: socket.socket = writer.get_extra_info("socket")
    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def document(id_: str, size: int = 0) -> bytes:
    return json.dumps({"id": id_, "pk": "a", "text": "x" * size}).encode()


async def test_a_request_that_comes_in_pieces_is_one(service: CosmosService) -> None:
    reader, writer = await open_to(service)
    whole = request("POST", DOCUMENTS, document("pieces"))
    for start in range(0, len(whole), 7):
        writer.write(whole[start : start + 7])
        await writer.drain()
        if start % 70 == 0:  # others are served between any two pieces
            assert (await send(service, "GET", "/dbs/dev"))[0] == 200
    assert await status_of(reader) == 201
    writer.close()


async def test_a_client_that_closes_its_half_is_left_and_its_request_is_done_once_or_not_at_all(
    service: CosmosService,
) -> None:
    """As after any loss of a connection: it asks again, and is told what there is."""
    reader, writer = await open_to(service)
    writer.write(request("POST", DOCUMENTS, document("half-closed")))
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), PATIENCE)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 201")
    writer.close()
    assert (await send(service, "POST", DOCUMENTS, document("half-closed"), KEY))[0] in (201, 409)
    assert (await send(service, "GET", f"{DOCUMENTS}/half-closed", b"", KEY))[0] == 200


async def test_two_requests_in_one_piece_are_answered_in_order(service: CosmosService) -> None:
    reader, writer = await open_to(service)
    writer.write(request("POST", DOCUMENTS, document("piped")) + request("POST", DOCUMENTS, document("piped")))
    text = b""
    while text.count(b"HTTP/1.1") < 2:
        text += await asyncio.wait_for(reader.read(65536), PATIENCE)
    assert text.index(b"HTTP/1.1 201") < text.index(b"HTTP/1.1 409")
    writer.close()


@pytest.mark.parametrize("sent", [0.1, 0.5, 0.99])
async def test_a_client_that_leaves_in_its_request_has_written_nothing(service: CosmosService, sent: float) -> None:
    id_ = f"left-{sent}"
    whole = request("POST", DOCUMENTS, document(id_, 500_000))
    _, writer = await open_to(service)
    writer.write(whole[: int(len(whole) * sent)])
    await writer.drain()
    reset(writer)
    assert (await send(service, "GET", f"{DOCUMENTS}/{id_}", b"", KEY))[0] == 404


async def test_a_client_that_leaves_in_its_answer_harms_nobody(service: CosmosService) -> None:
    for number in range(3):
        await send(service, "POST", DOCUMENTS, document(f"large-{number}", 1_000_000), KEY)
    query = json.dumps({"query": "SELECT * FROM c"}).encode()
    for _ in range(10):
        reader, writer = await open_to(service)
        writer.write(
            request("POST", DOCUMENTS, query, x_ms_documentdb_isquery="true", content_type="application/query+json")
        )
        assert await asyncio.wait_for(reader.read(100), PATIENCE)
        reset(writer)
    assert (await send(service, "GET", f"{DOCUMENTS}/large-0", b"", KEY))[0] == 200


async def test_a_client_that_does_not_read_holds_up_nobody(service: CosmosService) -> None:
    for number in range(3):
        await send(service, "POST", DOCUMENTS, document(f"large-{number}", 1_000_000), KEY)
    query = json.dumps({"query": "SELECT * FROM c"}).encode()
    asking = request("POST", DOCUMENTS, query, x_ms_documentdb_isquery="true", content_type="application/query+json")
    idle = [await open_to(service) for _ in range(20)]
    for _, writer in idle:
        writer.write(asking)
    began = time.monotonic()
    for number in range(20):
        assert (await send(service, "POST", DOCUMENTS, document(f"beside-{number}"), KEY))[0] in (201, 409)
    assert time.monotonic() - began < 10
    for _, writer in idle:
        reset(writer)


async def test_a_signature_is_looked_at_before_the_body(service: CosmosService) -> None:
    """A request of 3 MB under a wrong key is 401, not 413, and needs no more than its headers to be told."""
    reader, writer = await open_to(service)
    whole = request("POST", DOCUMENTS, b"x" * 3_000_000, key="d3Jvbmc=")
    writer.write(whole[:4096])
    assert await status_of(reader) == 401
    reset(writer)


async def test_a_body_that_unpacks_to_too_much_is_413(service: CosmosService) -> None:
    for size, status in ((100, 201), (200_000_000, 413)):
        body = gzip.compress(document("packed", size) if size < 1000 else b"x" * size)
        answered, _ = await send(service, "POST", DOCUMENTS, body, KEY | {"content-encoding": "gzip"})
        assert answered == status


async def test_nobody_keeps_the_service_from_stopping(own: CosmosService) -> None:
    """One connection is idle, one is in the middle of its request, one has been served."""
    connections = [await open_to(own) for _ in range(3)]
    connections[1][1].write(request("POST", DOCUMENTS, document("never", 100_000))[:5000])
    connections[2][1].write(request("POST", DOCUMENTS, document("served")))
    assert await status_of(connections[2][0]) == 201
    began = time.monotonic()
    assert await asyncio.to_thread(own.stop) == 0
    assert time.monotonic() - began < 8
    for _, writer in connections:
        reset(writer)
    assert (own.directory / "cosmos.log").read_text() == ""
