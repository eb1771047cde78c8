"""What the local Data Lake can take: files per second by upload, by rename, and appends, with the CPU of each process.

    python -m bench.datalake_files [--files 300] [--kib 100]

Bound by Azurite (one Node process): an upload is two of its calls, a rename four.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from azure.storage.filedatalake.aio import DataLakeServiceClient, FileSystemClient

import local.azurite
from bench.processes import cpu_seconds, peak_megabytes
from local.children import Child
from local.datalake import connection_string

_IN_FLIGHT = 8


@asynccontextmanager
async def _services() -> AsyncIterator[tuple[Child, Child, FileSystemClient]]:
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        azurite = local.azurite.start(
            data_dir=place / "data", log=place / "azurite.log", blob_port=0, queue_port=0, table_port=0
        )
        lake: Child | None = None
        try:
            blob_port = str(azurite.wait_ready()["blob"])
            lake = Child.start_module(
                "local.datalake", "--port", "0", "--blob-port", blob_port, "--create", "bench", log=place / "lake.log"
            )
            lake.wait_ready()
            async with DataLakeServiceClient.from_connection_string(connection_string(lake.port)) as service:
                yield azurite, lake, service.get_file_system_client("bench")
        finally:
            if lake:
                lake.stop()
            azurite.stop()


async def _each(count: int, act: Callable[[int], Awaitable[object]], in_flight: int) -> None:
    turn = asyncio.Semaphore(in_flight)

    async def one(number: int) -> None:
        async with turn:
            await act(number)

    await asyncio.gather(*(one(number) for number in range(count)))


async def measure(files: int, kib: int) -> None:
    """Print a row per kind of write: per second, and milliseconds of CPU of the gateway and of Azurite for each."""
    content = os.urandom(kib * 1024)
    async with _services() as (azurite, lake, file_system):
        log = await file_system.create_file("log")

        async def upload(number: int) -> None:
            await file_system.get_file_client(f"tmp/{number:05}").upload_data(content, overwrite=True)

        async def rename(number: int) -> None:
            await file_system.get_file_client(f"tmp/{number:05}").rename_file(f"bench/final/{number:05}")

        async def append(number: int) -> None:
            await log.append_data(content, number * len(content), flush=True)

        print(f"{'':24}{'per s':>8}{'gateway ms':>12}{'Azurite ms':>12}")
        for name, act, in_flight in (
            ("upload_data", upload, _IN_FLIGHT),
            ("rename_file", rename, _IN_FLIGHT),
            ("append_data, flush", append, 1),
        ):
            before = time.perf_counter(), cpu_seconds(lake.pid), cpu_seconds(azurite.pid)
            await _each(files, act, in_flight)
            after = time.perf_counter(), cpu_seconds(lake.pid), cpu_seconds(azurite.pid)
            seconds, gateway, node = (b - a for a, b in zip(before, after, strict=True))
            print(f"{name:24}{files / seconds:8.0f}{1000 * gateway / files:12.2f}{1000 * node / files:12.2f}")
        print(f"peak memory: gateway {peak_megabytes(lake.pid):.0f} MB, Azurite {peak_megabytes(azurite.pid):.0f} MB")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.datalake_files", description=__doc__)
    parser.add_argument("--files", type=int, default=300, help="of each kind (default: 300)")
    parser.add_argument("--kib", type=int, default=100, help="size of each, KiB (default: 100)")
    arguments = parser.parse_args(argv)
    asyncio.run(measure(arguments.files, arguments.kib))
    return 0


if __name__ == "__main__":
    sys.exit(main())
