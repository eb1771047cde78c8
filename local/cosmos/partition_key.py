"""Partition keys: the container's definition, the value in a document, the value in a header, and their agreement.

A value is kept as canonical JSON text: `["a"]`, `["a",1]`, `[{}]` when the document has none. 1 and 1.0 are one key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from local.cosmos.errors import BadRequest, PartitionKeyMismatch

MAXIMUM_LEVELS = 3  # of a hierarchical key: https://learn.microsoft.com/azure/cosmos-db/hierarchical-partition-keys
MAXIMUM_BYTES = 2048  # https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-logical-partition
MAXIMUM_BYTES_1 = 101  # of version 1
ABSENT: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class PartitionKeyDefinition:
    """Where a container's documents carry their partition key, and how it is hashed."""

    paths: tuple[tuple[str, ...], ...]
    kind: str
    version: int

    def of_document(self, document: dict[str, Any]) -> str:
        """The canonical key of `document`; `BadRequest` when a value there cannot be a key."""
        return self._canonical([_value_at(document, path) for path in self.paths])

    def of_header(self, header: str | None) -> str:
        """The canonical key of an `x-ms-documentdb-partitionkey` header, which must be there and complete."""
        if header is None:
            raise BadRequest("PartitionKey value must be supplied for this operation.")
        components = parse_header(header)
        if len(components) != len(self.paths):
            raise PartitionKeyMismatch(
                "Partition key provided either doesn't correspond to definition in the collection or doesn't match "
                "partition key field values specified in the document."
            )
        return self._canonical(components)

    def _canonical(self, components: list[Any]) -> str:
        """Of version 1, without support for large keys, a key has 101 bytes."""
        if self.version == 1 and type(value := components[0]) is str and len(value.encode()) > MAXIMUM_BYTES_1:
            raise BadRequest(
                f"The partition key is larger than {MAXIMUM_BYTES_1} bytes, which takes a container whose partition "
                "key has version 2."
            )
        return canonical(components)

    def prefix_of_header(self, header: str) -> str | None:
        """The canonical prefix in a header that names the first levels of a hierarchical key alone; None for others."""
        components = parse_header(header)
        return canonical(components) if 0 < len(components) < len(self.paths) else None

    def check(self, document: dict[str, Any], key: str) -> None:
        """Raise `PartitionKeyMismatch` unless `document` belongs to partition `key`."""
        if self.of_document(document) != key:
            raise PartitionKeyMismatch(
                "PartitionKey extracted from document doesn't match the one specified in the header"
            )


def parse_definition(body: Any) -> PartitionKeyDefinition:
    """Read the `partitionKey` of a container's body.

    Raises:
        BadRequest: it is missing or malformed.
    """
    if not isinstance(body, dict) or not isinstance(paths := body.get("paths"), list) or not paths:
        raise BadRequest("The partition key definition is missing: 'partitionKey' needs 'paths'.")
    kind, version = body.get("kind", "Hash"), body.get("version", 1)
    if kind not in ("Hash", "MultiHash"):
        raise BadRequest(f"The partition key kind '{kind}' is not supported: use Hash or MultiHash.")
    if version not in (1, 2) or (kind == "MultiHash" and version != 2):
        raise BadRequest("The partition key version must be 1 or 2, and 2 for MultiHash.")
    most = MAXIMUM_LEVELS if kind == "MultiHash" else 1
    if len(paths) > most or not all(isinstance(path, str) for path in paths):
        raise BadRequest(f"A partition key of kind {kind} has at most {most} path(s), each a string.")
    return PartitionKeyDefinition(tuple(map(split_path, paths)), kind, version)


def split_path(path: str) -> tuple[str, ...]:
    """The steps of a path such as `/address/"post code"`.

    Raises:
        BadRequest: it does not start with / or has an empty step.
    """
    steps: list[str] = []
    position = 0
    while position < len(path):
        if path[position] != "/":
            break
        if path[position + 1 : position + 2] in ('"', "'"):
            quote = path[position + 1]
            end = path.find(quote, position + 2)
            step, following = path[position + 2 : end], end + 1
            if end < 0:
                break
        else:
            end = path.find("/", position + 1)
            following = len(path) if end < 0 else end
            step = path[position + 1 : following]
        if not step:
            break
        steps.append(step)
        position = following
    if position < len(path) or not steps:
        raise BadRequest(f"The path '{path}' is invalid: it must be of the form /property/property.")
    return tuple(steps)


def parse_header(header: str) -> list[Any]:
    """The components in a partition key header; `BadRequest` unless it is a JSON array of keys."""
    try:
        components = orjson.loads(header)
    except ValueError:
        components = None
    if not isinstance(components, list):
        raise BadRequest(f"Partition key {header[:100]} is invalid.")
    return components


def canonical(components: Sequence[Any]) -> str:
    """One text per key value: numbers as doubles print, absent as {}."""
    for component in components:
        if type(component) is list or (type(component) is dict and component):
            raise BadRequest("Partition key values must be strings, numbers, booleans, null or absent.")
    key = orjson.dumps([_number(component) for component in components]).decode()
    if len(key) > MAXIMUM_BYTES and sum(len(part.encode()) for part in components if type(part) is str) > MAXIMUM_BYTES:
        raise BadRequest(f"The partition key is larger than {MAXIMUM_BYTES} bytes.")
    return key


def _number(component: Any) -> Any:
    if type(component) is float and component.is_integer() and abs(component) < 2**53:
        return int(component)
    return float(component) if type(component) is int and abs(component) > 2**53 else component


def _value_at(document: dict[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = document
    for step in path:
        if type(value) is not dict or step not in value:
            return ABSENT
        value = value[step]
    if value == ABSENT and type(value) is dict:
        raise BadRequest("Partition key values must be strings, numbers, booleans, null or absent.")
    return value
