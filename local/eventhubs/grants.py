"""What one connection may use: the tokens that were put on it, until each expires."""

from __future__ import annotations

from local.eventhubs.errors import RESOURCE_LIMIT, UNAUTHORIZED, LinkFault
from local.eventhubs.sas import Grant

# One per hub and consumer group is what a client needs.
_MOST = 1_000


class Grants:
    """The verified tokens of a connection. Times are Unix seconds."""

    def __init__(self) -> None:
        self._grants: dict[tuple[str, ...], Grant] = {}

    def add(self, grant: Grant) -> None:
        """Take a token; it replaces an earlier one for the same audience.

        Raises:
            LinkFault: the connection has too many.
        """
        if grant.path not in self._grants and len(self._grants) >= _MOST:
            raise LinkFault(f"a connection holds at most {_MOST} tokens", RESOURCE_LIMIT)
        self._grants[grant.path] = grant

    def covers(self, path: tuple[str, ...], now: float) -> bool:
        """Whether a token opens `path`, or what it lies under."""
        return any(grant.covers(path, now) for grant in self._grants.values())

    def check(self, path: tuple[str, ...], now: float) -> None:
        """Raises a LinkFault when no token opens `path`."""
        if not self.covers(path, now):
            raise LinkFault(f"Unauthorized access. No valid token was put for '{'/'.join(path)}'.", UNAUTHORIZED)

    def next_expiry(self) -> float | None:
        return min((grant.expires for grant in self._grants.values()), default=None)

    def drop_expired(self, now: float) -> None:
        self._grants = {path: grant for path, grant in self._grants.items() if now < grant.expires}
