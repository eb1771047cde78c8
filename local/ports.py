"""The ports of the laptop's services: the documented ones, all of them shifted, or free ones."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, fields

from local.loopback import LOOPBACK


@dataclass(frozen=True)
class Ports:
    """One port per service; 0 lets the service choose a free one."""

    event_hubs: int = 5672
    kafka: int = 9092
    blob: int = 10000
    queue: int = 10001
    table: int = 10002
    data_lake: int = 10004
    cosmos: int = 8081
    functions: int = 7071

    @classmethod
    def at_offset(cls, offset: int) -> Ports:
        """Every documented port plus `offset`, for a second stack beside the first.

        Raises:
            ValueError: a port would not be one.
        """
        shifted = cls(**{name: port + offset for name, port in cls().items()})
        beyond = [port for _, port in shifted.items() if not 1 <= port <= 65535]
        if beyond:
            raise ValueError(f"a port offset of {offset} gives port {beyond[0]}; ports are 1 to 65535")
        return shifted

    @classmethod
    def free(cls) -> Ports:
        """Ports that the services choose themselves."""
        return cls(**dict.fromkeys((field.name for field in fields(cls)), 0))

    def items(self) -> Iterator[tuple[str, int]]:
        """Name and port, in the order above."""
        return ((field.name, getattr(self, field.name)) for field in fields(self))

    def taken(self) -> dict[str, int]:
        """Those that somebody listens on already, by name."""
        return {name: port for name, port in self.items() if port and not _is_free(port)}


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        if os.name != "nt":  # there it would take the port from whoever has it
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
