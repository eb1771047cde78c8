"""Partial updates: add, set, replace, remove, incr and move at JSON pointers, under an optional condition.

Source: https://learn.microsoft.com/azure/cosmos-db/partial-document-update
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from typing import Any

import orjson

from local.cosmos import statements
from local.cosmos.charges import PATCH_OPERATION
from local.cosmos.documents import Document, Partition
from local.cosmos.errors import BadRequest, PreconditionFailed
from local.sql.cosmos.errors import EvaluationError
from local.sql.cosmos.scope import Definitions
from local.sql.cosmos.select import Select
from local.sql.cosmos.values import UNDEFINED, number

MAXIMUM_OPERATIONS = 10
_SYSTEM = frozenset(("id", "_rid", "_self", "_etag", "_attachments", "_ts"))
_NUMBERS = (int, float)


@dataclass(frozen=True, slots=True)
class Request:
    """A patch: its operations as sent, and its condition compiled."""

    operations: list[dict[str, Any]]
    condition: Select | None


def parse(body: Any, computed: Definitions) -> Request:
    """Read the body of a patch to a container with these `computed` properties; raises `BadRequest`.

    The operations may come without an object around them: @azure/cosmos sends what it was given (`PatchRequestBody`).
    """
    if isinstance(body, list):
        body = {"operations": body}
    operations = body.get("operations") if isinstance(body, dict) else None
    if not isinstance(operations, list) or not operations:
        raise BadRequest("The patch request body is invalid: it needs a non-empty array 'operations'.")
    if len(operations) > MAXIMUM_OPERATIONS:
        raise BadRequest(f"The number of patch operations can't exceed '{MAXIMUM_OPERATIONS}'.")
    for operation in operations:
        kind = operation.get("op") if isinstance(operation, dict) else None
        if not isinstance(kind, str) or kind not in OPERATIONS:
            raise BadRequest("The patch request body is invalid: 'op' must be one of " + ", ".join(OPERATIONS) + ".")
    condition = body.get("condition")
    if condition is not None and not isinstance(condition, str):
        raise BadRequest("The patch condition must be a string.")
    return Request(operations, statements.condition(condition, computed) if condition else None)


def apply(
    connection: sqlite3.Connection, partition: Partition, id_: str, request: Request, if_match: str | None
) -> Document:
    """Patch document `id_`.

    Raises:
        NotFound: it is not there.
        PreconditionFailed: the condition, or `if_match`, does not hold.
        BadRequest: the condition takes too much, or an operation cannot be applied; nothing is.
    """
    body = orjson.loads(partition.read(connection, id_).body)
    try:
        if request.condition is not None and not request.condition.matches(body):
            raise PreconditionFailed()
    except EvaluationError as error:
        raise BadRequest(str(error)) from None
    key_paths = partition.container.partition_key.paths
    for operation in request.operations:
        steps = _pointer(operation.get("path"), key_paths)
        OPERATIONS[operation["op"]](body, steps, operation, key_paths)
    document = partition.replace(connection, id_, body, if_match)
    return replace(document, charge=document.charge + PATCH_OPERATION * len(request.operations))


def _pointer(path: Any, key_paths: tuple[tuple[str, ...], ...]) -> list[str]:
    if not isinstance(path, str) or not path.startswith("/") or path == "/":
        raise BadRequest(f"The patch path {path!r} is invalid: it must be a JSON pointer such as /a/b.")
    steps = [step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/")]
    if steps[0] in _SYSTEM and len(steps) == 1:
        raise BadRequest(f"Cannot patch the system property '{path}'.")
    if any(tuple(steps) == key[: len(steps)] for key in key_paths):
        raise BadRequest(f"Cannot patch '{path}': it is part of the partition key.")
    return steps


def _parent(body: Any, steps: list[str]) -> Any:
    """The object or array that holds the last step."""
    for step in steps[:-1]:
        if type(body) is dict and step in body:
            body = body[step]
        elif type(body) is list and (index := _index(step, len(body) - 1)) is not None:
            body = body[index]
        else:
            raise BadRequest(f"The patch path '/{'/'.join(steps)}' does not exist: there is no '{step}'.")
    if type(body) not in (dict, list):
        raise BadRequest(f"The patch path '/{'/'.join(steps)}' leads through a value that is not an object or array.")
    return body


def _index(step: str, last: int) -> int | None:
    return int(step) if step.isdecimal() and len(step) < 10 and int(step) <= last else None


def _existing(parent: Any, steps: list[str]) -> Any:
    """The key of the last step in `parent`, which must be there."""
    step = steps[-1]
    if type(parent) is dict and step in parent:
        return step
    if type(parent) is list and (index := _index(step, len(parent) - 1)) is not None:
        return index
    raise BadRequest(f"The patch path '/{'/'.join(steps)}' does not exist.")


def _value(operation: dict[str, Any]) -> Any:
    if "value" not in operation:
        raise BadRequest(f"The patch operation '{operation['op']}' needs a value.")
    return operation["value"]


def _put(body: Any, steps: list[str], value: Any, *, insert: bool) -> None:
    parent, step = _parent(body, steps), steps[-1]
    if type(parent) is dict:
        parent[step] = value
        return
    if step == "-":
        parent.append(value)
        return
    index = _index(step, len(parent) if insert else len(parent) - 1)
    if index is None:
        raise BadRequest(f"The patch path '/{'/'.join(steps)}' is outside the array.")
    if insert:
        parent.insert(index, value)
    else:
        parent[index] = value


def _add(body: Any, steps: list[str], operation: dict[str, Any], key_paths: Any) -> None:
    _put(body, steps, _value(operation), insert=True)


def _set(body: Any, steps: list[str], operation: dict[str, Any], key_paths: Any) -> None:
    _put(body, steps, _value(operation), insert=False)


def _replace(body: Any, steps: list[str], operation: dict[str, Any], key_paths: Any) -> None:
    parent = _parent(body, steps)
    parent[_existing(parent, steps)] = _value(operation)


def _remove(body: Any, steps: list[str], operation: dict[str, Any], key_paths: Any) -> None:
    parent = _parent(body, steps)
    del parent[_existing(parent, steps)]


def _increment(body: Any, steps: list[str], operation: dict[str, Any], key_paths: Any) -> None:
    amount, parent = _value(operation), _parent(body, steps)
    if type(amount) not in _NUMBERS:
        raise BadRequest("The value of 'incr' must be a number.")
    if type(parent) is dict and steps[-1] not in parent:
        parent[steps[-1]] = amount
        return
    key = _existing(parent, steps)
    if type(parent[key]) not in _NUMBERS:
        raise BadRequest(f"'incr' needs a number at '/{'/'.join(steps)}'.")
    total = number(parent[key] + amount)
    if total is UNDEFINED:
        raise BadRequest("'incr' leaves the range of numbers.")
    parent[key] = total


def _move(body: Any, steps: list[str], operation: dict[str, Any], key_paths: Any) -> None:
    source = _pointer(operation.get("from"), key_paths)
    if steps[: len(source)] == source and len(steps) > len(source):
        raise BadRequest("'move' cannot put a value inside itself.")
    parent = _parent(body, source)
    key = _existing(parent, source)
    value = parent[key]
    del parent[key]
    _put(body, steps, value, insert=True)


OPERATIONS = {
    "add": _add, "set": _set, "replace": _replace, "remove": _remove, "incr": _increment, "move": _move,
}  # fmt: skip
