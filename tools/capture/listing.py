"""The captured blobs of a container: which hub, partition and window each is, from its name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import ResourceNotFoundError

from tools.errors import UsageError

if TYPE_CHECKING:
    from azure.storage.blob import BlobProperties, ContainerClient

# {Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}, which Azure's portal suggests.
_NAME = re.compile(
    r"(?:.*/)?(?P<hub>[^/]+)/(?P<partition>\d+)/(?P<date>\d{4}/\d\d/\d\d)/(?P<time>\d\d/\d\d/\d\d)\.avro"
)


@dataclass(frozen=True)
class Blob:
    """One captured file.

    Attributes:
        name: in its container.
        size: bytes.
        events: how many there are in it, where the blob says so (on a laptop; Azure's does not).
        hub: None, like the next two, when the name is not in the usual format.
        partition: its id.
        window: when it opened (UTC).
    """

    name: str
    size: int
    events: int | None
    hub: str | None
    partition: str | None
    window: str | None

    @classmethod
    def of(cls, found: BlobProperties) -> Blob:
        """From what the service lists."""
        at = _NAME.fullmatch(found.name)
        stated = (found.metadata or {}).get("events", "")
        window = f"{at['date'].replace('/', '-')}T{at['time'].replace('/', ':')}Z" if at else None
        return cls(
            found.name, int(found.size), int(stated) if stated.isdecimal() else None,
            at["hub"] if at else None, at["partition"] if at else None, window,
        )  # fmt: skip

    def document(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "blob": self.name, "hub": self.hub, "partition": self.partition, "window": self.window,
            "events": self.events, "bytes": self.size,
        }  # fmt: skip

    def line(self) -> str:
        """What a person reads."""
        events = "" if self.events is None else f"{self.events:,} events"
        return (
            f"{self.window or '':20}  {self.hub or '':12}  {self.partition or '':>2}  {events:>16}  "
            f"{self.size:>13,} bytes  {self.name}"
        )


def captured(container: ContainerClient, hub: str | None) -> Iterator[Blob]:
    """Every captured file, or those of one hub, by name: page by page.

    Raises:
        UsageError: there is no such container.
    """
    try:
        for found in container.list_blobs(include=["metadata"]):
            if found.name.endswith(".avro"):
                blob = Blob.of(found)
                if hub in (None, blob.hub):
                    yield blob
    except ResourceNotFoundError:
        raise UsageError(
            f"the account has no container {container.container_name}: nothing was captured yet, or --container is "
            "another (infra/capture.json names it)"
        ) from None
