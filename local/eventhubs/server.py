"""Listening: the sockets in front of a namespace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from local import loopback
from local.eventhubs.connection import Connection
from local.eventhubs.errors import ConnectionFault
from local.eventhubs.namespace import Namespace


@asynccontextmanager
async def listen(namespace: Namespace, port: int) -> AsyncIterator[int]:
    """Serve AMQP on the loopback addresses while the context lasts; yields the port (chosen when `port` is 0).

    Raises:
        OSError: the port is taken; the message says so and what to do.
    """
    loop = asyncio.get_running_loop()
    connections: set[Connection] = set()

    def accept() -> Connection:
        connection = Connection(namespace, connections.discard)
        connections.add(connection)
        return connection

    sockets = loopback.listen(port)
    servers = [await loop.create_server(accept, sock=bound, backlog=loopback.BACKLOG) for bound in sockets]
    try:
        yield int(sockets[0].getsockname()[1])
    finally:
        for server in servers:
            server.close()
        for connection in list(connections):
            connection.close(ConnectionFault("The service is stopping."))
