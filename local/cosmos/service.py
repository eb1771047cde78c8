"""The service put together: open the file, create what was asked for, listen, sweep, and close in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from local.cosmos import ttl
from local.cosmos.authorization import MasterKey
from local.cosmos.catalog import Catalog
from local.cosmos.charges import Budget
from local.cosmos.errors import CosmosError
from local.cosmos.identifiers import now
from local.cosmos.items import Items
from local.cosmos.journal import Journal
from local.cosmos.metadata import Metadata
from local.cosmos.provisions import Provision
from local.cosmos.server import BODY_BYTES, Server
from local.loopback import BACKLOG, listen

_SWEEP_SECONDS = 1.0
_SWEEP_DOCUMENTS = 1000  # per turn and container: more would hold the loop
_QUERY_THREADS = 4


@contextlib.asynccontextmanager
async def account(
    port: int,
    data_directory: Path,
    key: MasterKey,
    provisions: Sequence[Provision] = (),
    ru_budget: float | None = None,
) -> AsyncIterator[dict[str, object]]:
    """Serve the account kept in `data_directory` until left.

    Args:
        port: to listen on; 0 chooses one.
        data_directory: where the file is, created if missing.
        key: the account key.
        provisions: what to create at start.
        ru_budget: request units per second; None for no limit.

    Raises:
        OSError: the port is taken, or the directory in use or damaged.
    """
    sockets = listen(port)
    file = data_directory / "cosmos.sqlite"
    try:
        journal = Journal(file)
        catalog = Catalog(journal)
    except sqlite3.Error as error:
        raise OSError(f"{file} cannot be opened: {error}") from None
    for provision in provisions:
        await provision.apply(catalog)
    with ThreadPoolExecutor(_QUERY_THREADS, "query") as threads:
        server = Server(catalog, Metadata(catalog), Items(catalog, journal, threads), key, Budget(ru_budget))
        server.port = sockets[0].getsockname()[1]
        runner = web.ServerRunner(_web_server(server), shutdown_timeout=2.0)
        await runner.setup()
        for listening in sockets:
            await web.SockSite(runner, listening, backlog=BACKLOG).start()
        sweeper = asyncio.create_task(_sweep_forever(catalog, journal))
        try:
            yield {"port": server.port}
        finally:
            sweeper.cancel()
            await runner.cleanup()
            await journal.close()


def _not_the_clients_fault(record: logging.LogRecord) -> bool:
    """aiohttp logs a traceback for what is not HTTP, which has its 400, and for who leaves while sending a body."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError | ConnectionError))


def _web_server(server: Server) -> web.Server:
    logging.getLogger("aiohttp.server").addFilter(_not_the_clients_fault)

    def make(message, payload, protocol, writer, task):  # type: ignore[no-untyped-def]
        loop = asyncio.get_running_loop()
        return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=BODY_BYTES)

    return web.Server(server.handle, request_factory=make, access_log=None)


async def _sweep_forever(catalog: Catalog, journal: Journal) -> None:
    while True:
        await asyncio.sleep(_SWEEP_SECONDS)
        for container in catalog.containers():
            with contextlib.suppress(CosmosError):  # a full disk: the next turn tries again
                while not container.dropped and container.default_ttl is not None:
                    swept = await journal.write(ttl.sweep, container.number, now(), _SWEEP_DOCUMENTS)
                    if swept < _SWEEP_DOCUMENTS:
                        break
