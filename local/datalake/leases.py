"""Leases, which Azurite keeps: who does not hold one is refused before anything is taken or moved."""

from __future__ import annotations

from local.datalake.azurite import Azurite
from local.datalake.errors import Refused
from local.datalake.target import Path

LEASED = ("leased", "breaking")  # of the states that x-ms-lease-state tells, those in which a lease holds


async def check_lease(azurite: Azurite, path: Path, lease: str | None, sas: str) -> None:
    """See whether who gives `lease` (or none) may change `path`; Azurite knows another's from the right one.

    Raises:
        Refused: 412, there is a lease and this is not its id, or there is none; 404, no such path.
    """
    now = await azurite.checked("HEAD", path, headers={"x-ms-lease-id": lease} if lease else {}, sas=sas)
    if now.headers.get("x-ms-lease-state") in LEASED and not lease:
        raise missing_lease(path)


def missing_lease(path: Path) -> Refused:
    return Refused(412, "LeaseIdMissing", f"There is a lease on {path} and no lease ID was given.")
