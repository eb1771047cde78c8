"""What is to exist by what the repository says: hubs, Capture, containers, sizes, and ids that follow from others.

Run as `declared.py WHAT ...`; prints lines of words. It needs Python alone, nothing of the virtual environment.
"""

from __future__ import annotations

import hashlib
import json
import sys
import uuid
from pathlib import Path
from typing import Any

INFRA = Path(__file__).resolve().parents[1]
_TOKEN_LENGTH = 13
"""As Bicep's uniqueString; storage account names, of at most 24 characters, have room for it."""
_NAMESPACE = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")
"""RFC 4122, appendix C: of names that are OIDs; any fixed one would do."""


def load(name: str) -> Any:
    return json.loads((INFRA / name).read_text())


def sizes(profile: str) -> list[str]:
    """`NAME VALUE` of every size."""
    values = load(f"parameters.{profile}.json")
    return [f"{name} {value if isinstance(value, str) else json.dumps(value)}" for name, value in values.items()]


def hubs() -> list[str]:
    return [hub["Name"] for hub in _entities()]


def groups(hub: str) -> list[str]:
    return [group["Name"] for entity in _entities() if entity["Name"] == hub for group in entity["ConsumerGroups"]]


def captured(hub: str) -> list[str]:
    return ["yes" if load("capture.json").get(hub, {}).get("enabled") else "no"]


def token(subscription: str, environment: str, location: str) -> list[str]:
    """Begins with a letter and has no upper case: what storage account names take."""
    digest = hashlib.sha256(f"{subscription}/{environment}/{location}".encode()).hexdigest()
    return [f"h{digest[: _TOKEN_LENGTH - 1]}"]


def assignment(principal: str, role: str, scope: str) -> list[str]:
    """The id of a role assignment in Cosmos DB, which does not find out by itself that it has one."""
    return [str(uuid.uuid5(_NAMESPACE, f"{principal}/{role}/{scope}"))]


def containers() -> list[str]:
    """`NAME PARTITION_KEY INDEXING_POLICY` of every container, the policy as JSON."""
    return [
        f"{container['id']} {container['partitionKey']['paths'][0]} {json.dumps(container['indexingPolicy'])}"
        for container in load("cosmos.json")["containers"]
    ]


def _entities() -> list[dict[str, Any]]:
    entities: list[dict[str, Any]] = load("eventhubs.json")["UserConfig"]["NamespaceConfig"][0]["Entities"]
    return entities


WHAT = {f.__name__: f for f in (sizes, hubs, groups, captured, token, assignment, containers)}


def main() -> None:
    name, *arguments = sys.argv[1:]
    for line in WHAT[name](*arguments):
        print(line)


if __name__ == "__main__":
    main()
