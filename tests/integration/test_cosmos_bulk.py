"""Bulk requests and patches as the SDKs of other languages send them: Python's has no bulk, and wraps its patches."""

from __future__ import annotations

import json
import uuid
from typing import Any

from tests.integration.cosmos_service import CosmosService, service
from tests.integration.test_cosmos_garbage import DOCUMENTS, send

__all__ = ["service"]

Result = dict[str, Any]


async def bulk(
    service: CosmosService, *operations: dict[str, Any], continue_on_error: bool = True
) -> tuple[int, list[Result]]:
    """One request, with the headers of @azure/cosmos."""
    return await send(
        service, "POST", DOCUMENTS, json.dumps(operations).encode(),
        {
            "x-ms-cosmos-is-batch-request": "true", "x-ms-cosmos-batch-atomic": "false",
            "x-ms-cosmos-batch-continue-on-error": str(continue_on_error).lower(),
            "x-ms-documentdb-partitionkeyrangeid": "0",
        },
    )  # fmt: skip


def operation(kind: str, key: str, id_: str, **resource: Any) -> dict[str, Any]:
    of_body = {"resourceBody": {"id": id_, "pk": key, **resource}} if kind in ("Create", "Upsert", "Replace") else {}
    return {"operationType": kind, "partitionKey": json.dumps([key]), "id": id_, **of_body}


async def test_operations_of_several_keys_are_kept_or_refused_each_by_itself(service: CosmosService) -> None:
    one, two = str(uuid.uuid4()), str(uuid.uuid4())
    status, results = await bulk(
        service,
        operation("Create", one, "1", n=1),
        operation("Create", two, "1", n=2),
        operation("Create", one, "1", n=3),  # taken by the first
        operation("Create", one, "2") | {"partitionKey": json.dumps([two])},  # not its document's key
        operation("Read", two, "none"),
        operation("Delete", two, "1"),
        operation("Upsert", one, "2", n=4) | {"partitionKey": "no JSON"},
        operation("Patch", one, "1") | {"resourceBody": [{"op": "incr", "path": "/n", "value": 5}]},
        operation("Read", one, "1"),
    )
    assert status == 207
    assert [result["statusCode"] for result in results] == [201, 201, 409, 400, 404, 204, 400, 200, 200]
    assert results[3]["subStatusCode"] == 1001
    assert (results[-1]["resourceBody"]["n"], results[-1]["eTag"]) == (6, results[-1]["resourceBody"]["_etag"])
    status, results = await bulk(service, operation("Read", one, "1"), operation("Delete", one, "1"))
    assert (status, [result["statusCode"] for result in results]) == (200, [200, 204])


async def test_a_condition_that_takes_too_much_is_of_its_own_patch_alone(service: CosmosService) -> None:
    key = str(uuid.uuid4())
    condition = "FROM c WHERE REGEXMATCH(c.text, '(a|a)*$')"
    patch = {"operations": [{"op": "set", "path": "/n", "value": 1}], "condition": condition}
    _, results = await bulk(
        service,
        operation("Create", key, "1", text="a" * 60 + "b"),
        operation("Patch", key, "1") | {"resourceBody": patch},
        operation("Create", key, "2"),
    )
    assert [result["statusCode"] for result in results] == [201, 400, 201]


async def test_without_continue_on_error_what_is_behind_a_failure_is_not_run(service: CosmosService) -> None:
    key = str(uuid.uuid4())
    operations = [operation("Create", key, id_) for id_ in ("1", "1", "2")]
    status, results = await bulk(service, *operations, continue_on_error=False)
    assert (status, [result["statusCode"] for result in results]) == (207, [201, 409, 424])
    _, results = await bulk(service, operation("Read", key, "1"), operation("Read", key, "2"))
    assert [result["statusCode"] for result in results] == [200, 404]


async def test_an_operation_without_a_key_makes_the_request_400(service: CosmosService) -> None:
    create = operation("Create", "a", "never")
    del create["partitionKey"]
    status, answer = await bulk(service, create)
    assert (status, answer["code"]) == (400, "BadRequest")
    assert "partition key" in answer["message"]
    assert (await bulk(service, *[operation("Read", "a", "1")] * 101))[0] == 400


async def test_a_patch_may_be_a_bare_array(service: CosmosService) -> None:
    key = str(uuid.uuid4())
    await bulk(service, operation("Create", key, "1"))
    operations = json.dumps([{"op": "set", "path": "/n", "value": 1}]).encode()
    header = {"x-ms-documentdb-partitionkey": json.dumps([key])}
    status, patched = await send(service, "PATCH", f"{DOCUMENTS}/1", operations, header)
    assert (status, patched["n"]) == (200, 1)
    assert (await send(service, "PATCH", f"{DOCUMENTS}/1", b"[]", header))[0] == 400
