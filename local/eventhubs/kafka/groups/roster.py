"""Who is in a group: its members in the order in which they came, their leader, and which instance is which member."""

from __future__ import annotations

from dataclasses import replace

from kio.schema.errors import ErrorCode

from local.eventhubs.kafka.groups.member import Join, JoinedMember, Member, elect_protocol, shared_protocols


class Roster:
    """The members of one group. While there are any, one of them leads."""

    def __init__(self) -> None:
        self.leader: str | None = None
        self._members: dict[str, Member] = {}
        self._static: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, member_id: str) -> bool:
        return member_id in self._members

    def __getitem__(self, member_id: str) -> Member:
        return self._members[member_id]

    def all(self) -> list[Member]:
        return list(self._members.values())

    def static(self, instance_id: str | None) -> Member | None:
        """The member that the instance (`group.instance.id`) is at present."""
        member_id = self._static.get(instance_id) if instance_id is not None else None
        return self._members[member_id] if member_id is not None else None

    def refuse(self, member_id: str, instance_id: str | None) -> ErrorCode | None:
        """Why a request of this member is refused: it is none, or another process has taken its instance over."""
        if instance_id is not None:
            current = self._static.get(instance_id)
            if current is None:
                return ErrorCode.unknown_member_id
            if current != member_id:
                return ErrorCode.fenced_instance_id
        return None if member_id in self._members else ErrorCode.unknown_member_id

    def add(self, member: Member) -> None:
        self._members[member.id] = member
        if member.instance_id is not None:
            self._static[member.instance_id] = member.id
        self.leader = self.leader or member.id

    def remove(self, member: Member) -> None:
        """Take a member out; the one that has been in longest leads on."""
        del self._members[member.id]
        if member.instance_id is not None:
            del self._static[member.instance_id]
        if self.leader == member.id:
            self.leader = next(iter(self._members), None)

    def renew(self, old: Member, member_id: str, request: Join) -> Member:
        """A static member under another id, with all that it had."""
        member = replace(old, id=member_id, request=request)
        del self._members[old.id]
        self._members[member_id] = member
        self._static[str(member.instance_id)] = member_id
        if self.leader == old.id:
            self.leader = member_id
        return member

    def understands(self, request: Join) -> bool:
        """Whether the members would share a protocol with whoever asks."""
        names = {protocol.name for protocol in request.protocols}
        return bool(names & shared_protocols(self._members.values()))

    def elect_protocol(self) -> str:
        return elect_protocol(self.all())

    def rebalance_timeout(self) -> float:
        """How long the slowest member may take to join again, in seconds."""
        return max((member.request.rebalance_timeout for member in self._members.values()), default=0.0)

    def subscriptions(self, protocol: str) -> tuple[JoinedMember, ...]:
        """What the leader assigns by."""
        return tuple(
            JoinedMember(member.id, member.instance_id, member.metadata(protocol)) for member in self._members.values()
        )
