"""Listening: the sockets at which Kafka clients reach a namespace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from local import loopback
from local.eventhubs.kafka.apis import APIS
from local.eventhubs.kafka.connection import Connection
from local.eventhubs.kafka.settings import Settings
from local.eventhubs.namespace import Namespace

if TYPE_CHECKING:
    from local.eventhubs.kafka.groups.coordinator import Groups


@asynccontextmanager
async def listen(namespace: Namespace, groups: Groups, settings: Settings, port: int) -> AsyncIterator[int]:
    """Serve Kafka on the loopback addresses while the context lasts; yields the port (chosen when `port` is 0).

    Raises:
        OSError: the port is taken; the message says so and what to do.
    """
    loop = asyncio.get_running_loop()
    connections: set[Connection] = set()

    def accept() -> Connection:
        connection = Connection(namespace, groups, settings, APIS, connections.discard)
        connections.add(connection)
        return connection

    sockets = loopback.listen(port, "--kafka-port")
    servers = [await loop.create_server(accept, sock=bound, backlog=loopback.BACKLOG) for bound in sockets]
    try:
        yield int(sockets[0].getsockname()[1])
    finally:
        for server in servers:
            server.close()
        closing = list(connections)
        for connection in closing:
            connection.close()
        for connection in closing:
            await connection.finished()
