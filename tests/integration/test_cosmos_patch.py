"""Partial updates through the SDK: every operation, conditions, and what cannot be patched."""

from __future__ import annotations

from typing import Any

import pytest
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import CosmosAccessConditionFailedError, CosmosHttpResponseError

from tests.integration.cosmos_service import client, container, database, service

__all__ = ["client", "container", "database", "service"]

START: dict[str, Any] = {"id": "1", "pk": "a", "n": 1, "list": [1, 2, 3], "in": {"x": 1}, "a/b": 1}

# operations -> what changes in START (None: the property goes)
CASES: list[tuple[list[dict[str, Any]], dict[str, Any]]] = [
    ([{"op": "add", "path": "/new", "value": {"y": 2}}], {"new": {"y": 2}}),
    ([{"op": "add", "path": "/list/1", "value": 9}], {"list": [1, 9, 2, 3]}),
    ([{"op": "add", "path": "/list/-", "value": 9}], {"list": [1, 2, 3, 9]}),
    ([{"op": "add", "path": "/list/3", "value": 9}], {"list": [1, 2, 3, 9]}),
    ([{"op": "set", "path": "/list/1", "value": 9}], {"list": [1, 9, 3]}),
    ([{"op": "set", "path": "/in/x", "value": None}], {"in": {"x": None}}),
    ([{"op": "replace", "path": "/n", "value": "two"}], {"n": "two"}),
    ([{"op": "remove", "path": "/list/0"}], {"list": [2, 3]}),
    ([{"op": "remove", "path": "/n"}], {"n": None}),
    ([{"op": "incr", "path": "/n", "value": 2.5}], {"n": 3.5}),
    ([{"op": "incr", "path": "/fresh", "value": -1}], {"fresh": -1}),
    ([{"op": "move", "from": "/in/x", "path": "/out"}], {"in": {}, "out": 1}),
    ([{"op": "set", "path": "/a~1b", "value": 2}], {"a/b": 2}),
    ([{"op": "incr", "path": "/n", "value": 1}, {"op": "incr", "path": "/n", "value": 1}], {"n": 3}),
]


@pytest.mark.parametrize(("operations", "changes"), CASES)
async def test_operations(container: ContainerProxy, operations: list[dict[str, Any]], changes: dict[str, Any]) -> None:
    await container.create_item(START)
    patched = await container.patch_item("1", "a", operations)
    expected = {name: value for name, value in (START | changes).items() if name in START or value is not None}
    if changes.get("n", 0) is None:
        del expected["n"]
    assert {name: value for name, value in patched.items() if not name.startswith("_")} == expected
    assert dict(await container.read_item("1", "a")) == dict(patched)


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/none", "value": 1},
        {"op": "remove", "path": "/none"},
        {"op": "remove", "path": "/list/3"},
        {"op": "add", "path": "/list/5", "value": 1},
        {"op": "set", "path": "/none/deep", "value": 1},
        {"op": "set", "path": "/n/deep", "value": 1},
        {"op": "incr", "path": "/list", "value": 1},
        {"op": "incr", "path": "/n", "value": "1"},
        {"op": "set", "path": "/id", "value": "2"},
        {"op": "set", "path": "/pk", "value": "b"},
        {"op": "set", "path": "/_ts", "value": 1},
        {"op": "set", "path": "no slash", "value": 1},
        {"op": "set", "path": "/n"},
        {"op": "move", "from": "/none", "path": "/n"},
        {"op": "move", "from": "/in", "path": "/in/x"},
        {"op": "rename", "path": "/n", "value": 1},
    ],
)
async def test_what_cannot_be_applied_is_400_and_changes_nothing(
    container: ContainerProxy, operation: dict[str, Any]
) -> None:
    created = await container.create_item(START)
    with pytest.raises(CosmosHttpResponseError) as refused:
        await container.patch_item("1", "a", [{"op": "set", "path": "/n", "value": 7}, operation])
    assert refused.value.status_code == 400
    assert dict(await container.read_item("1", "a")) == dict(created)


async def test_more_than_ten_operations_are_400(container: ContainerProxy) -> None:
    await container.create_item(START)
    with pytest.raises(CosmosHttpResponseError) as refused:
        await container.patch_item("1", "a", [{"op": "incr", "path": "/n", "value": 1}] * 11)
    assert refused.value.status_code == 400


async def test_a_condition_guards_the_patch(container: ContainerProxy) -> None:
    await container.create_item(START)
    increment = [{"op": "incr", "path": "/n", "value": 1}]
    patched = await container.patch_item("1", "a", increment, filter_predicate="from c where c.n = 1")
    assert patched["n"] == 2
    with pytest.raises(CosmosAccessConditionFailedError):
        await container.patch_item("1", "a", increment, filter_predicate="from c where c.n = 1")
    with pytest.raises(CosmosHttpResponseError) as refused:
        await container.patch_item("1", "a", increment, filter_predicate="from c where")
    assert refused.value.status_code == 400
    assert (await container.read_item("1", "a"))["n"] == 2
