"""Where local services listen: the loopback addresses, and no other."""

from __future__ import annotations

import errno
import os
import socket

LOOPBACK = "127.0.0.1"
BACKLOG = 4096
"""Clients that may wait to be let in. Beyond that, one tries again after a second, or three: asyncio's 100 are full
when a client of many connections starts."""

# A port that is free on one address may be taken on the other: with port 0, try another.
_TRIES = 20


def listen(port: int, option: str = "--port") -> list[socket.socket]:
    """Sockets on 127.0.0.1, and on ::1 too where `localhost` means that first: there clients look.

    Args:
        port: the same on both; 0 chooses one.
        option: how the command line chooses another.

    Raises:
        OSError: the port is taken, or not ours to take; the message says so and what to do.
    """
    for _ in range(_TRIES):
        try:
            return _listen(port)
        except OSError as error:
            refusal = error
            if port:
                break
    if refusal.errno == errno.EADDRINUSE:
        raise OSError(f"port {port} is taken: stop what listens there, or choose another with {option}")
    raise OSError(f"port {port} cannot be used ({os.strerror(refusal.errno or 0)}): choose another with {option}")


def _listen(port: int) -> list[socket.socket]:
    first = socket.create_server((LOOPBACK, port))
    if socket.getaddrinfo("localhost", None, type=socket.SOCK_STREAM)[0][0] != socket.AF_INET6:
        return [first]
    try:
        return [first, socket.create_server(("::1", first.getsockname()[1]), family=socket.AF_INET6)]
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:  # resolved, and yet the machine has no IPv6
            return [first]
        first.close()
        raise
