"""Databases and containers: kept in the file, mirrored in memory, and changed through the journal alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from local.cosmos import container_policies, identifiers, schema, ttl
from local.cosmos.container_body import container_body
from local.cosmos.container_policies import UniqueKeys, unique_keys
from local.cosmos.errors import BadRequest, Conflict, CosmosError, NotFound, OwnerNotFound, PreconditionFailed
from local.cosmos.index_terms import IndexTerms
from local.cosmos.journal import Journal
from local.cosmos.partition_key import PartitionKeyDefinition, parse_definition
from local.sql.cosmos.scope import Definitions
from local.sql.cosmos.values import is_deeper


@dataclass(slots=True)
class Container:
    """A container, and the counters of its documents.

    Attributes:
        number: names its tables.
        last_number: the last new document's number (its place in a scan; part of its `_rid`).
        lsn: the last change's number.
    """

    number: int
    database: Database
    body: dict[str, Any]
    partition_key: PartitionKeyDefinition
    unique_keys: UniqueKeys
    default_ttl: int | None
    index_terms: IndexTerms
    last_number: int
    lsn: int
    dropped: bool = False

    @property
    def id(self) -> str:
        return str(self.body["id"])

    @property
    def rid(self) -> str:
        return str(self.body["_rid"])

    @property
    def link(self) -> str:
        return f"dbs/{self.database.id}/colls/{self.id}"

    @property
    def self_link(self) -> str:
        return str(self.body["_self"])

    @property
    def computed_properties(self) -> Definitions:
        return container_policies.computed_properties(self.body)

    def replaced(self, wanted: dict[str, Any], etag: str, second: int) -> dict[str, Any]:
        """Its body once it is `wanted`. Its partition key stays, of the version by which its documents are hashed."""
        key = {"partitionKey": self.body["partitionKey"]}
        return container_body(wanted | key, self.rid, self.self_link, etag, second)

    @property
    def session_token(self) -> str:
        """Range 0, at our last change (`version#lsn`, the form that SDKs parse)."""
        return f"0:-1#{self.lsn}"


@dataclass(slots=True)
class Database:
    """A database and its containers by id."""

    number: int
    body: dict[str, Any]
    containers: dict[str, Container] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.body["id"])

    @property
    def rid(self) -> str:
        return str(self.body["_rid"])


class Catalog:
    """What exists in the account."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.databases: dict[str, Database] = {}
        self._changed: set[int] = set()
        self._by_number: dict[int, Container] = {}
        journal.run(self._load)
        journal.before_commit.append(self._store_counters)

    def database(self, id_: str) -> Database:
        """Raises `NotFound`."""
        found = self.databases.get(id_)
        if found is None:
            raise NotFound()
        return found

    def container(self, database: str, id_: str) -> Container:
        """Raises `NotFound`, with the substatus that says so when the database is missing."""
        owner = self.databases.get(database)
        if owner is None:
            raise OwnerNotFound()
        found = owner.containers.get(id_)
        if found is None:
            raise NotFound()
        return found

    def owner(self, names: tuple[str, ...]) -> Container:
        """The container that the documents at `names` live in; raises `OwnerNotFound`."""
        try:
            return self.container(names[0], names[1])
        except NotFound:
            raise OwnerNotFound() from None

    def ids(self, names: tuple[str, ...]) -> tuple[str, ...] | None:
        """The ids of the resources that `names` has as resource ids (`_rid`); None when these are ids themselves.

        As in the service, the first decides. One that is of no container stays as it is: there will be none.
        """
        if not names or names[0] in self.databases:
            return None
        database = next((one for one in self.databases.values() if one.rid == names[0]), None)
        if database is None:
            return None
        containers = {one.rid: one.id for one in database.containers.values()}
        return (database.id, *(containers.get(rid, rid) for rid in names[1:2]), *names[2:])

    def containers(self) -> list[Container]:
        return list(self._by_number.values())

    def take_lsn(self, container: Container) -> int:
        """The number of the next change in `container`."""
        container.lsn += 1
        self._changed.add(container.number)
        return container.lsn

    def take_number(self, container: Container) -> int:
        """The number of the next new document in `container`."""
        container.last_number += 1
        self._changed.add(container.number)
        return container.last_number

    async def create_database(self, body: Any) -> Database:
        """Raises `BadRequest` and `Conflict`."""
        id_ = identifiers.check_id(_object(body).get("id"), document=False)
        database = await self._journal.write(self._insert_database, id_)
        self.databases[id_] = database
        return database

    async def delete_database(self, id_: str, if_match: str | None) -> None:
        database = self.database(id_)
        _check_match(database.body, if_match)
        containers = list(database.containers.values())

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM containers WHERE database = ?", (database.number,))
            connection.execute("DELETE FROM databases WHERE number = ?", (database.number,))

        await self._drop(containers, work)
        self.databases.pop(id_, None)

    async def create_container(self, database_id: str, body: Any) -> Container:
        """Raises `BadRequest`, `Conflict`, and `NotFound` for the database."""
        database = self.database(database_id)
        wanted = _object(body)
        identifiers.check_id(wanted.get("id"), document=False)
        parse_definition(wanted.get("partitionKey"))
        container_policies.check(wanted)
        ttl.default_of(wanted)
        container = await self._journal.write(self._insert_container, database, wanted)
        database.containers[container.id] = container
        self._by_number[container.number] = container
        return container

    async def replace_container(self, container: Container, body: Any, if_match: str | None) -> None:
        """Change what may change (the time to live, the indexing policy); raises `BadRequest` for the rest."""
        wanted = _object(body)
        _check_match(container.body, if_match)
        if wanted.get("id") != container.id:
            raise BadRequest("The id of a container cannot be changed.")
        if parse_definition(wanted.get("partitionKey")).paths != container.partition_key.paths:
            raise BadRequest("Document collection partition key cannot be changed.")
        container_policies.check(wanted)
        if unique_keys(wanted) != container.unique_keys:
            raise BadRequest("The unique keys of a container cannot be changed.")
        default_ttl = ttl.default_of(wanted)
        second = identifiers.now()
        etag = identifiers.etag(self.take_lsn(container), second)
        new_body = container.replaced(wanted, etag, second)
        index_terms = IndexTerms(new_body["indexingPolicy"])

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE containers SET body = ? WHERE number = ?", (orjson.dumps(new_body), container.number)
            )
            if default_ttl != container.default_ttl:
                ttl.reschedule(connection, container.number, default_ttl)

        await self._journal.write(work)
        container.body, container.default_ttl, container.index_terms = new_body, default_ttl, index_terms

    async def delete_container(self, container: Container, if_match: str | None) -> None:
        _check_match(container.body, if_match)

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM containers WHERE number = ?", (container.number,))

        await self._drop([container], work)
        container.database.containers.pop(container.id, None)

    async def _drop(self, containers: list[Container], work: Callable[[sqlite3.Connection], None]) -> None:
        """Drop `containers` and do `work`, in one transaction."""
        present = [container for container in containers if not container.dropped]

        def drop(connection: sqlite3.Connection) -> None:
            for container in present:
                schema.drop_documents(connection, container.number)
                container.dropped = True  # now: a write of the same commit must not look for the table
            work(connection)

        try:
            await self._journal.write(drop)
        except CosmosError:
            for container in present:
                container.dropped = False
            raise
        for container in present:
            self._by_number.pop(container.number, None)

    def _insert_database(self, connection: sqlite3.Connection, id_: str) -> Database:
        second = identifiers.now()
        try:
            row = connection.execute(
                "INSERT INTO databases (id, body) VALUES (?, '') RETURNING number", (id_,)
            ).fetchone()
        except sqlite3.IntegrityError:
            raise Conflict("Resource with specified id or name already exists.") from None
        rid = identifiers.database_rid(row[0])
        body = {
            "id": id_, "_rid": rid, "_self": f"dbs/{rid}/", "_etag": identifiers.etag(row[0], second),
            "_colls": "colls/", "_users": "users/", "_ts": second,
        }  # fmt: skip
        connection.execute("UPDATE databases SET body = ? WHERE number = ?", (orjson.dumps(body), row[0]))
        return Database(row[0], body)

    def _insert_container(
        self, connection: sqlite3.Connection, database: Database, wanted: dict[str, Any]
    ) -> Container:
        second = identifiers.now()
        try:
            (number,) = connection.execute(
                "INSERT INTO containers (database, id, body, lsn, last_number) VALUES (?, ?, '', 0, 0) "
                "RETURNING number",
                (database.number, wanted["id"]),
            ).fetchone()
        except sqlite3.IntegrityError:
            raise Conflict("Resource with specified id or name already exists.") from None
        rid = identifiers.container_rid(database.number, number)
        self_link = f"dbs/{database.rid}/colls/{rid}/"
        body = container_body(wanted, rid, self_link, identifiers.etag(number, second), second)
        connection.execute("UPDATE containers SET body = ? WHERE number = ?", (orjson.dumps(body), number))
        schema.create_documents(connection, number)
        return _container(database, number, body, last_number=0, lsn=0)

    def _load(self, connection: sqlite3.Connection) -> None:
        schema.create(connection)
        by_number = {}
        for number, body in connection.execute("SELECT number, body FROM databases ORDER BY number"):
            database = by_number[number] = Database(number, orjson.loads(body))
            self.databases[database.id] = database
        rows = connection.execute("SELECT number, database, body, lsn, last_number FROM containers ORDER BY number")
        for number, owner, body, lsn, last_number in rows:
            container = _container(by_number[owner], number, orjson.loads(body), last_number, lsn)
            container.database.containers[container.id] = container
            self._by_number[number] = container

    def _store_counters(self, connection: sqlite3.Connection) -> None:
        """With every commit: no number may be given twice, even when its document is gone."""
        for number in self._changed:
            if container := self._by_number.get(number):
                connection.execute(
                    "UPDATE containers SET lsn = ?, last_number = ? WHERE number = ?",
                    (container.lsn, container.last_number, number),
                )
        self._changed.clear()


def _container(database: Database, number: int, body: dict[str, Any], last_number: int, lsn: int) -> Container:
    return Container(
        number=number, database=database, body=body, partition_key=parse_definition(body["partitionKey"]),
        unique_keys=unique_keys(body), default_ttl=ttl.default_of(body),
        index_terms=IndexTerms(body["indexingPolicy"]), last_number=last_number, lsn=lsn,
    )  # fmt: skip


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise BadRequest("The request payload is invalid: it must be a JSON object.")
    if is_deeper(body):
        raise BadRequest("The request payload is invalid: it is nested too deeply.")
    return body


def _check_match(body: dict[str, Any], if_match: str | None) -> None:
    if if_match is not None and if_match not in ("*", body["_etag"]):
        raise PreconditionFailed()
