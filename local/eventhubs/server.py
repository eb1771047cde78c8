"""Listening: the sockets in front of a namespace."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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
    """127.0.0.1, and ::1 too where `localhost` may mean it: the SDKs connect to whichever comes first."""
    sockets = [_bound(socket.AF_INET, "127.0.0.1", port)]
    try:
        families = {family for family, *_ in socket.getaddrinfo("localhost", None, type=socket.SOCK_STREAM)}
        if socket.AF_INET6 in families:
            sockets.append(_bound(socket.AF_INET6, "::1", sockets[0].getsockname()[1]))
    except OSError:
        # No IPv6 here, or another has that port on ::1: 127.0.0.1 answers, and clients try it next.
        pass
    return sockets


def _bound(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(128)
    except OSError as error:
        bound.close()
        raise OSError(f"port {port} on {host} cannot be used ({error.strerror}); choose another with --port") from None
    return bound
