"""Transactional batches: up to a hundred operations on one partition key, all or nothing.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/transactional-batch
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from local.cosmos import patch
from local.cosmos.charges import LEAST
from local.cosmos.documents import Document, Partition
from local.cosmos.errors import BadRequest, CosmosError, FailedDependency

MAXIMUM_OPERATIONS = 100


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one operation."""

    status: int
    charge: float
    document: Document | None = None
    substatus: int = 0

    def to_json(self, with_body: bool) -> bytes:
        fields: dict[str, Any] = {"statusCode": self.status, "requestCharge": self.charge}
        if self.substatus:
            fields["subStatusCode"] = self.substatus
        if self.document is not None:
            fields["eTag"] = self.document.etag
            if with_body:
                fields["resourceBody"] = orjson.Fragment(self.document.body)
        return orjson.dumps(fields)


# Of an operation that was not run, or undone, because another failed.
SIBLING = Result(FailedDependency.status, 0.0)


class BatchFailed(CosmosError):
    """An operation was refused: the transaction is rolled back, and this is what to answer."""

    def __init__(self, results: list[Result]) -> None:
        super().__init__("batch failed")
        self.results = results


def check(operations: Any, *, own_keys: bool = False) -> list[dict[str, Any]]:
    """The operations of a body; each has a partition key with `own_keys`, none has without.

    Raises:
        BadRequest: it is no such array.
    """
    if not isinstance(operations, list) or not operations:
        raise BadRequest("Batch request is malformed: it must be a JSON array of at least one operation.")
    if len(operations) > MAXIMUM_OPERATIONS:
        raise BadRequest(
            f"Batch request has more operations than what is supported: {len(operations)}, of at most "
            f"{MAXIMUM_OPERATIONS}."
        )
    for index, operation in enumerate(operations):
        kind = operation.get("operationType") if isinstance(operation, dict) else None
        if not isinstance(kind, str) or kind not in OPERATIONS:
            raise BadRequest(f"Batch operation {index} has the unknown operationType {kind!r}.")
        if own_keys and not isinstance(operation.get("partitionKey"), str):
            raise BadRequest(f"Batch operation {index} needs a partition key of its own, a JSON array as a string.")
        if not own_keys and "partitionKey" in operation:
            raise BadRequest(f"Batch operation {index} must not carry a partition key of its own.")
    return operations


def run(connection: sqlite3.Connection, partition: Partition, operations: list[dict[str, Any]]) -> list[Result]:
    """Run `operations` in order; the caller's transaction makes it atomic.

    Raises:
        BatchFailed: one was refused; its siblings are 424.
    """
    results: list[Result] = []
    for index, operation in enumerate(operations):
        try:
            results.append(run_one(connection, partition, operation))
        except CosmosError as error:
            raise BatchFailed(
                [*[SIBLING] * index, refused(error), *[SIBLING] * (len(operations) - index - 1)]
            ) from error
    return results


def run_one(connection: sqlite3.Connection, partition: Partition, operation: dict[str, Any]) -> Result:
    """Run one operation; raises a `CosmosError` when it is refused: what it wrote is the caller's to undo."""
    return OPERATIONS[operation["operationType"]](connection, partition, operation)


def refused(error: CosmosError) -> Result:
    """What to answer for an operation that was refused."""
    return Result(error.status, LEAST, substatus=error.substatus)


def _done(document: Document, status: int) -> Result:
    return Result(status, document.charge, document)


def _create(connection: sqlite3.Connection, partition: Partition, operation: dict[str, Any]) -> Result:
    return _done(partition.create(connection, _body(operation)), 201)


def _upsert(connection: sqlite3.Connection, partition: Partition, operation: dict[str, Any]) -> Result:
    document, created = partition.upsert(connection, _body(operation), _etag(operation, "ifMatch"))
    return _done(document, 201 if created else 200)


def _replace(connection: sqlite3.Connection, partition: Partition, operation: dict[str, Any]) -> Result:
    document = partition.replace(connection, _id(operation), _body(operation), _etag(operation, "ifMatch"))
    return _done(document, 200)


def _patch(connection: sqlite3.Connection, partition: Partition, operation: dict[str, Any]) -> Result:
    request = patch.parse(operation.get("resourceBody"), partition.container.computed_properties)
    document = patch.apply(connection, partition, _id(operation), request, _etag(operation, "ifMatch"))
    return _done(document, 200)


def _read(connection: sqlite3.Connection, partition: Partition, operation: dict[str, Any]) -> Result:
    document = partition.read(connection, _id(operation))
    if_none_match = _etag(operation, "ifNoneMatch")
    if if_none_match is not None and if_none_match in ("*", document.etag):
        return Result(304, LEAST)
    return _done(document, 200)


def _delete(connection: sqlite3.Connection, partition: Partition, operation: dict[str, Any]) -> Result:
    return Result(204, partition.delete(connection, _id(operation), _etag(operation, "ifMatch")))


def _body(operation: dict[str, Any]) -> Any:
    if "resourceBody" not in operation:
        raise BadRequest(f"The {operation['operationType']} operation needs a resourceBody.")
    return operation["resourceBody"]


def _id(operation: dict[str, Any]) -> str:
    if not isinstance(id_ := operation.get("id"), str):
        raise BadRequest(f"The {operation['operationType']} operation needs an id.")
    return id_


def _etag(operation: dict[str, Any], name: str) -> str | None:
    value = operation.get(name)
    if value is not None and not isinstance(value, str):
        raise BadRequest(f"{name} must be a string.")
    return value


OPERATIONS: dict[str, Callable[[sqlite3.Connection, Partition, dict[str, Any]], Result]] = {
    "Create": _create,
    "Upsert": _upsert,
    "Replace": _replace,
    "Patch": _patch,
    "Read": _read,
    "Delete": _delete,
}
