"""The namespace: its hubs, log and key, and what an address on a link means."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from local.eventhubs.config import HubConfig
from local.eventhubs.errors import NOT_FOUND, LinkFault
from local.eventhubs.log import Log
from local.eventhubs.ownership import Ownership
from local.eventhubs.partition import Partition
from local.eventhubs.partition_key import partition_for
from local.eventhubs.sas import Key


@dataclass
class Hub:
    """A hub that is open: where its events go, who may read them, and whether it is one of the hubs file."""

    name: str
    partitions: list[Partition]
    consumer_groups: dict[str, str]
    created: int
    made_by_client: bool = False
    _turn: itertools.count[int] = field(default_factory=itertools.count)

    def partition(self, index: str) -> Partition:
        """The partition with the id `index`.

        Raises:
            LinkFault: there is none.
        """
        if index.isascii() and index.isdigit() and int(index) < len(self.partitions):
            return self.partitions[int(index)]
        raise LinkFault(
            f"The specified partition is invalid: hub {self.name} has 0 to {len(self.partitions) - 1}, not '{index}'.",
            NOT_FOUND,
        )

    def route(self, key: str | None) -> Partition:
        """Where an event sent to the hub as a whole goes: by its partition key, else in turn."""
        count = len(self.partitions)
        return self.partitions[partition_for(key, count) if key else next(self._turn) % count]


class Namespace:
    """All that connections share."""

    def __init__(self, hubs: Sequence[HubConfig], log: Log, key: Key) -> None:
        self.log = log
        self.key = key
        self.ownership = Ownership()
        self._hubs = {hub.name.lower(): self._open(hub) for hub in hubs}

    def _open(self, hub: HubConfig, *, made_by_client: bool = False) -> Hub:
        return Hub(
            hub.name,
            self.log.hubs[hub.name.lower()],
            {group.lower(): group for group in hub.consumer_groups},
            self.log.created(hub.name),
            made_by_client,
        )

    def create(self, hub: HubConfig) -> None:
        """Add a hub that a client makes, or made when the namespace last ran.

        Raises:
            LogUnavailable: the log cannot be written.
        """
        self.log.create_hub(hub)
        self._hubs[hub.name.lower()] = self._open(hub, made_by_client=True)

    @property
    def hubs(self) -> list[Hub]:
        return list(self._hubs.values())

    def find(self, name: str) -> Hub | None:
        """The hub called `name`, if there is one."""
        return self._hubs.get(name.lower())

    def hub(self, name: str) -> Hub:
        """The hub called `name`.

        Raises:
            LinkFault: the hubs file has none of that name.
        """
        hub = self.find(name)
        if hub is None:
            known = ", ".join(hub.name for hub in self._hubs.values())
            raise LinkFault(f"The messaging entity '{name}' could not be found; the hubs file has {known}.", NOT_FOUND)
        return hub

    def consumer_group(self, hub: Hub, name: str) -> str:
        """The consumer group of `hub` as the hubs file spells it.

        Raises:
            LinkFault: the hub has none of that name.
        """
        group = hub.consumer_groups.get(name.lower())
        if group is None:
            known = ", ".join(hub.consumer_groups.values())
            raise LinkFault(
                f"The messaging entity '{hub.name}/ConsumerGroups/{name}' could not be found; the hubs file has the "
                f"consumer groups {known}.",
                NOT_FOUND,
            )
        return group


def path_segments(address: str) -> list[str]:
    """The path of a link's address: `amqps://host:port/hub/Partitions/0` and `hub/Partitions/0` are the same.

    Raises:
        LinkFault: the address has none.
    """
    try:
        path = urlsplit(address).path if "://" in address else address
    except ValueError:
        path = ""
    segments = [unquote(segment) for segment in path.split("/") if segment]
    if not segments:
        raise LinkFault(f"The address '{address}' names nothing.", NOT_FOUND)
    return segments
