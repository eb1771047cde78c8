"""Requests about the account, databases, containers and partition key ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from local.cosmos import statements
from local.cosmos.answers import Answer
from local.cosmos.catalog import Catalog, Container
from local.cosmos.errors import BadRequest
from local.cosmos.pages import row_json

if TYPE_CHECKING:
    from local.cosmos.requests import Request

# One physical partition holds everything, so that any query can be answered in one place.
_RANGE = {
    "id": "0", "minInclusive": "", "maxExclusive": "FF", "ridPrefix": 0, "throughputFraction": 1, "status": "online",
    "parents": [],
}  # fmt: skip


class Metadata:
    """Answers about what exists, for one account."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def account(self, request: Request) -> Answer:
        """The account document; it advertises the very address that the client used."""
        location = {"name": "local", "databaseAccountEndpoint": request.base_url}
        return _json({
            "id": "local", "_self": "", "_rid": "local", "media": "//media/", "addresses": "//addresses/",
            "_dbs": "//dbs/", "writableLocations": [location], "readableLocations": [location],
            "enableMultipleWriteLocations": False, "continuousBackupEnabled": False,
            # Java's SDK writes nothing without the first.
            "enableNRegionSynchronousCommit": False, "enablePerPartitionFailoverBehavior": False,
            "userReplicationPolicy": {"asyncReplication": False, "minReplicaSetSize": 1, "maxReplicasetSize": 1},
            "userConsistencyPolicy": {"defaultConsistencyLevel": "Session"},
            "systemReplicationPolicy": {"minReplicaSetSize": 1, "maxReplicasetSize": 1},
            "readPolicy": {"primaryReadCoefficient": 1, "secondaryReadCoefficient": 1},
            "queryEngineConfiguration": "{}",
        })  # fmt: skip

    async def list_databases(self, request: Request) -> Answer:
        return _feed(request, "", "Databases", [one.body for one in self._catalog.databases.values()])

    async def create_database(self, request: Request) -> Answer:
        """Create one; or query them, as SDKs list them that have no call for it (containers likewise)."""
        if request.is_query:
            return await self.list_databases(request)
        database = await self._catalog.create_database(request.json())
        return _resource(database.body, 201)

    async def read_database(self, request: Request) -> Answer:
        return _resource(self._catalog.database(request.names[0]).body)

    async def delete_database(self, request: Request) -> Answer:
        await self._catalog.delete_database(request.names[0], request.if_match)
        return Answer(status=204)

    async def list_containers(self, request: Request) -> Answer:
        database = self._catalog.database(request.names[0])
        return _feed(request, database.rid, "DocumentCollections", [one.body for one in database.containers.values()])

    async def create_container(self, request: Request) -> Answer:
        if request.is_query:
            return await self.list_containers(request)
        container = await self._catalog.create_container(request.names[0], request.json())
        return _container(container, 201)

    async def read_container(self, request: Request) -> Answer:
        container = self._catalog.container(*request.names)
        if request.if_none_match in ("*", container.body["_etag"]):
            return Answer(status=304, headers={"etag": container.body["_etag"]})
        return _container(container)

    async def replace_container(self, request: Request) -> Answer:
        container = self._catalog.container(*request.names)
        await self._catalog.replace_container(container, request.json(), request.if_match)
        return _container(container)

    async def delete_container(self, request: Request) -> Answer:
        await self._catalog.delete_container(self._catalog.container(*request.names), request.if_match)
        return Answer(status=204)

    async def list_ranges(self, request: Request) -> Answer:
        """The partition key ranges, also as the change feed of them that SDKs read: 304 once seen."""
        container = self._catalog.owner(request.names)
        etag = f'"{container.rid}"'
        headers = {"etag": etag, "x-ms-item-count": "1", "lsn": str(container.lsn)}
        if request.if_none_match == etag:
            return Answer(status=304, headers=headers)
        item = _RANGE | {"_rid": container.rid, "_self": f"{container.self_link}pkranges/0/", "_etag": etag, "_ts": 0}
        body = {"_rid": container.rid, "PartitionKeyRanges": [item], "_count": 1}
        return Answer(orjson.dumps(body), headers=headers)

    async def list_offers(self, request: Request) -> Answer:
        """No throughput is provisioned here; serverless accounts say so in these words."""
        raise BadRequest("Reading or replacing offers is not supported for serverless accounts.")


def _json(body: dict[str, Any]) -> Answer:
    return Answer(orjson.dumps(body))


def _resource(body: dict[str, Any], status: int = 200) -> Answer:
    return Answer(orjson.dumps(body), status, headers={"etag": body["_etag"]})


def _container(container: Container, status: int = 200) -> Answer:
    headers = {"etag": container.body["_etag"], "x-ms-alt-content-path": f"dbs/{container.database.id}"}
    return Answer(orjson.dumps(container.body), status, headers=headers)


def _feed(request: Request, rid: str, name: str, bodies: list[dict[str, Any]]) -> Answer:
    """All of them, or what a query makes of them; in one page, however small the client wants it."""
    if request.is_query:
        rows = [row_json(row) for row in statements.query(request.json()).evaluate(bodies)]
    else:
        rows = [orjson.dumps(body) for body in bodies]
    feed = {"_rid": rid, name: [orjson.Fragment(row) for row in rows], "_count": len(rows)}
    return Answer(orjson.dumps(feed), headers={"x-ms-item-count": str(len(rows))})
