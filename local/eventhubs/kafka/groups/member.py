"""The members of a group: what one asks for on joining, what is known of it after, and what it is answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from kio.schema.errors import ErrorCode

NO_GENERATION = -1


class Protocol(NamedTuple):
    """A way to assign partitions that a member knows (`range`, `cooperative-sticky`), and its subscription for it."""

    name: str
    metadata: bytes


@dataclass(frozen=True, slots=True)
class Join:
    """A request to join. Timeouts are in seconds.

    `id_required`: a member without an id is given one, and has to come again with it (KIP-394), so that one whose
    answer was lost does not leave another behind. `may_skip`: a static leader understands that it has nothing to assign
    (KIP-814).
    """

    member_id: str
    instance_id: str | None
    client_id: str
    client_host: str
    session_timeout: float
    rebalance_timeout: float
    protocol_type: str
    protocols: tuple[Protocol, ...]
    id_required: bool
    may_skip: bool


@dataclass(slots=True)
class Member:
    """A member: its id, what it joined with, its part of the work, and the tickets of answers it waits for."""

    id: str
    request: Join
    expires: float
    assignment: bytes = b""
    joining: int | None = None
    syncing: int | None = None
    # Has never had an answer to a join, so it cannot send heartbeats.
    new: bool = True

    @property
    def instance_id(self) -> str | None:
        return self.request.instance_id

    @property
    def waiting(self) -> bool:
        return self.joining is not None or self.syncing is not None

    def metadata(self, protocol: str) -> bytes:
        """Its subscription for `protocol`; empty when it does not know it."""
        return next((offered.metadata for offered in self.request.protocols if offered.name == protocol), b"")


class JoinedMember(NamedTuple):
    """A member as its leader sees it."""

    id: str
    instance_id: str | None
    metadata: bytes


@dataclass(frozen=True, slots=True)
class Joined:
    """The answer to a join. Only the leader learns of the members."""

    error: ErrorCode
    member_id: str
    generation: int = NO_GENERATION
    protocol_type: str | None = None
    protocol: str | None = None
    leader: str = ""
    members: tuple[JoinedMember, ...] = ()
    skip_assignment: bool = False


@dataclass(frozen=True, slots=True)
class Synced:
    """The answer to a sync: the member's part of the work."""

    error: ErrorCode
    protocol_type: str | None = None
    protocol: str | None = None
    assignment: bytes = b""


def shared_protocols(members: Iterable[Member]) -> set[str]:
    """The names of the protocols that all of `members` know."""
    known = [{protocol.name for protocol in member.request.protocols} for member in members]
    return set.intersection(*known) if known else set()


def elect_protocol(members: list[Member]) -> str:
    """The protocol that most of `members` like best among those that all know; the first member's wish breaks a tie."""
    shared = shared_protocols(members)
    votes = Counter(
        next(protocol.name for protocol in member.request.protocols if protocol.name in shared) for member in members
    )
    # A Counter keeps the order in which it saw its keys, and most_common is stable.
    return votes.most_common(1)[0][0]
