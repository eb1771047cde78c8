"""Listening: the sockets in front of a namespace."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from local.eventhubs.connection import Connection
from local.eventhubs.errors import ConnectionFault
from local.eventhubs.namespace import Namespace

# Choosing a port that is free on both addresses may take more than one try.
_TRIES = 20


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

    sockets = _bind(port)
    servers = [await loop.create_server(accept, sock=bound) for bound in sockets]
    try:
        yield int(sockets[0].getsockname()[1])
    finally:
        for server in servers:
            server.close()
        for connection in list(connections):
            connection.close(ConnectionFault("The service is stopping."))


def _bind(port: int) -> list[socket.socket]:
    """127.0.0.1, and ::1 where `localhost` resolves to it first: that is where the SDKs connect."""
    first_family = socket.getaddrinfo("localhost", None, type=socket.SOCK_STREAM)[0][0]
    taken = None
    for _ in range(_TRIES if port == 0 else 1):
        try:
            bound = _bound(socket.AF_INET, "127.0.0.1", port)
        except OSError as error:
            taken = error
            continue
        if first_family != socket.AF_INET6:
            return [bound]
        try:
            return [bound, _bound(socket.AF_INET6, "::1", bound.getsockname()[1])]
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                return [bound]
            bound.close()
            taken = error
    raise OSError(f"port {port} cannot be used ({taken.strerror if taken else ''}); choose another with --port")


def _bound(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(128)
    except OSError:
        bound.close()
        raise
    return bound
