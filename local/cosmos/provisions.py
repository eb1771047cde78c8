"""The containers that an account has from its start: from a file, as they deploy, or from words of the command line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.cosmos import container_policies, ttl
from local.cosmos.catalog import Catalog, Container
from local.cosmos.errors import CosmosError
from local.cosmos.identifiers import check_id
from local.cosmos.partition_key import parse_definition, split_path


@dataclass(frozen=True, slots=True)
class Provision:
    """A container to create at start unless it is there: its database, and its JSON as the REST API takes it.

    One that is there becomes as it is `declared`; else it is left alone.
    """

    database: str
    body: dict[str, Any]
    declared: bool

    @classmethod
    def parse(cls, text: str) -> Provision:
        """Read `DATABASE/CONTAINER:/PATH[:TTL]`. TTL: its defaultTtl in seconds, -1 on without default.

        Raises:
            ValueError: it is not of that form.
        """
        names, _, rest = text.partition(":")
        database, _, container = names.partition("/")
        path, _, seconds = rest.partition(":")
        try:
            split_path(path)
            body: dict[str, Any] = {"id": container, "partitionKey": {"paths": [path], "kind": "Hash", "version": 2}}
            return cls.checked(database, body | ({"defaultTtl": int(seconds)} if seconds else {}), declared=False)
        except (CosmosError, ValueError) as error:
            raise ValueError(f"{text!r} is not of the form DATABASE/CONTAINER:/PARTITION_KEY[:TTL]: {error}") from None

    @classmethod
    def checked(cls, database: str, body: dict[str, Any], *, declared: bool) -> Provision:
        """Raises `CosmosError` unless the service would make such a container."""
        for name in (database, body.get("id")):
            check_id(name, document=False)
        parse_definition(body.get("partitionKey"))
        container_policies.check(body)
        ttl.default_of(body)
        return cls(database, body, declared)

    async def apply(self, catalog: Catalog) -> None:
        """Create it; one that is there becomes as declared, as by a deployment: what is declared no more, it loses.

        Raises:
            OSError: it is there with another partition key, or is to have other unique keys: these never change.
        """
        if self.database not in catalog.databases:
            await catalog.create_database({"id": self.database})
        existing = catalog.database(self.database).containers.get(self.body["id"])
        if existing is None:
            await catalog.create_container(self.database, self.body)
        elif existing.partition_key.paths != parse_definition(self.body["partitionKey"]).paths:
            wanted = ", ".join(self.body["partitionKey"]["paths"])
            raise self._stays(existing, f"exists with another partition key than {wanted}")
        elif self.declared and existing.body != existing.replaced(
            self.body, existing.body["_etag"], existing.body["_ts"]
        ):
            try:
                await catalog.replace_container(existing, self.body, None)
            except CosmosError as error:
                raise self._stays(existing, f"cannot become what is declared: {error}") from None

    def _stays(self, existing: Container, what: str) -> OSError:
        return OSError(f"{existing.link} {what}; delete it, or choose another --data-dir")


def read(path: Path) -> list[Provision]:
    """The containers of a file `{"database": NAME, "containers": [...]}`, each in the shape of the REST API.

    Source: https://learn.microsoft.com/rest/api/cosmos-db/create-a-collection

    Raises:
        ValueError: the file is not there, or not that; says where.
    """
    try:
        content = json.loads(path.read_text())
        database, bodies = content["database"], list(content["containers"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(f'{path} is not {{"database": NAME, "containers": [...]}}: {reason}') from None
    found = []
    for index, body in enumerate(bodies, 1):
        if not isinstance(body, dict):
            raise ValueError(f"{path}: container {index}: not a JSON object")
        try:
            found.append(Provision.checked(database, body, declared=True))
        except CosmosError as error:
            raise ValueError(f"{path}: container {index}: {error}") from None
    return found
