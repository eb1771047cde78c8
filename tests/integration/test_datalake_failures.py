"""What survives a crash of the endpoint, and what a client sees while Azurite is away."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from azure.core.exceptions import HttpResponseError
from azure.storage.filedatalake import DataLakeServiceClient

import local.azurite
import local.datalake
from local.children import Child
from local.datalake import azurite as upstream
from local.datalake import target
from local.datalake.errors import Busy
from local.datalake.gateway import Gateway
from tests.integration.azurite_service import Azurite, azurite  # noqa: F401
from tests.waiting import PATIENCE

# ruff: noqa: F811 (fixtures are imported by name)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[Child]]:
    """Children to stop when the test ends."""
    children: list[Child] = []
    yield children
    for child in children:
        child.stop()


def gateway(blob_port: int, port: int, log: Path) -> Child:
    child = Child.start_module("local.datalake", "--port", str(port), "--blob-port", str(blob_port), log=log)
    child.wait_ready()
    return child


def test_what_was_flushed_survives_kill_9_and_what_was_not_is_refused(
    azurite: Azurite, tmp_path: Path, started: list[Child]
) -> None:
    started.append(gateway(azurite.blob_port, 0, tmp_path / "log"))
    port = started[0].port
    with DataLakeServiceClient.from_connection_string(local.datalake.connection_string(port)) as service:
        file_system = service.create_file_system("crash-test")
        created = file_system.create_file("created")
        file = file_system.create_file("file")
        file.append_data(b"flushed", 0, flush=True)
        file.append_data(b", not flushed", 7)

        started[0].kill()
        started.append(gateway(azurite.blob_port, port, tmp_path / "log"))

        assert created.exists()
        assert file.download_file().readall() == b"flushed"
        with pytest.raises(HttpResponseError, match="InvalidFlushPosition"):
            file.flush_data(20)
        file.append_data(b", again", 7, flush=True)
        assert file.download_file().readall() == b"flushed, again"


def test_while_azurite_is_away_clients_are_told_to_retry_and_then_go_on(tmp_path: Path, started: list[Child]) -> None:
    blob_port = free_port()
    started.append(gateway(blob_port, 0, tmp_path / "log"))
    connection = local.datalake.connection_string(started[0].port)
    with DataLakeServiceClient.from_connection_string(connection, retry_total=0) as impatient:
        with pytest.raises(HttpResponseError) as refused:
            impatient.get_file_client("events", "a").create_file()
        assert (refused.value.status_code, refused.value.error_code) == (503, "ServerBusy")
        with pytest.raises(HttpResponseError) as refused:
            impatient.create_file_system("events")
        assert refused.value.status_code == 503

    child = local.azurite.start(
        data_dir=tmp_path / "azurite", log=tmp_path / "azurite.log", blob_port=blob_port, queue_port=0, table_port=0
    )
    started.append(child)
    patience = {"retry_total": 20, "initial_backoff": 0, "increment_base": 1}  # a second between tries
    with DataLakeServiceClient.from_connection_string(connection, **patience) as patient:
        patient.create_file_system("events").get_file_client("a").upload_data(b"abc", overwrite=True)


async def test_a_silent_azurite_is_a_busy_one() -> None:
    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    account = upstream.Account("devstoreaccount1", b"key")
    async with server, upstream.Azurite(f"http://127.0.0.1:{port}", account, silence_seconds=0.2) as client:
        before = time.monotonic()
        with pytest.raises(Busy, match="slow"):
            await client.call("HEAD", target.Path("events", "a"))
        assert time.monotonic() - before < 5


@pytest.mark.parametrize(("length", "status"), [(2_000, b"503"), (200_000, b"200")])
async def test_nothing_is_added_to_an_answer_that_azurite_broke_off(length: int, status: bytes) -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode() + b"a" * (length // 2))
        await reader.read()  # until the gateway has had enough
        writer.close()

    server = await asyncio.start_server(half, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, upstream.Azurite(url, upstream.Account("a", b"key"), silence_seconds=0.2) as behind:
        runner = web.ServerRunner(web.Server(Gateway(behind).handle))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        reader, writer = await asyncio.open_connection(*runner.addresses[0])
        writer.write(b"GET /a/events/file?sig=s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        head, _, content = (await asyncio.wait_for(reader.read(), PATIENCE)).partition(b"\r\n\r\n")
        writer.close()
        await runner.cleanup()
    assert head.split(b" ")[1] == status
    if status == b"200":
        assert content == b"a" * (length // 2)


def test_a_taken_port_is_one_clear_line(azurite: Azurite, tmp_path: Path, started: list[Child]) -> None:
    started.append(gateway(azurite.blob_port, 0, tmp_path / "log"))
    port = started[0].port
    second = Child.start_module("local.datalake", "--port", str(port), log=tmp_path / "second.log")
    assert second.wait(PATIENCE) == 1
    line = second.log_tail()
    assert str(port) in line
    assert "--port" in line
    assert "\n" not in line
