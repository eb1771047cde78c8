"""Values nested in each other: 128 levels are kept, as in the service; what is deeper is refused and harms nothing.

Source of the limit: https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.cosmos_service import CosmosService, service
from tests.integration.test_cosmos_garbage import DOCUMENTS, KEY, send

__all__ = ["service"]
QUERY = {
    "x-ms-documentdb-isquery": "true", "x-ms-documentdb-query-enablecrosspartition": "true",
    "content-type": "application/query+json",
}  # fmt: skip
BATCH = KEY | {"x-ms-cosmos-is-batch-request": "True", "x-ms-cosmos-batch-atomic": "True"}


def nested(levels: int) -> str:
    """The JSON of so many arrays in each other."""
    return "[" * levels + "]" * levels


def document(levels: int) -> str:
    return f'{{"id":"{levels}","pk":"a","deep":{nested(levels - 1)}}}'


async def run(service: CosmosService, query: str, **parameters: Any) -> tuple[int, Any]:
    listed = [{"name": f"@{name}", "value": value} for name, value in parameters.items()]
    return await send(service, "POST", DOCUMENTS, json.dumps({"query": query, "parameters": listed}).encode(), QUERY)


async def test_128_levels_are_stored_and_found(service: CosmosService) -> None:
    status, stored = await send(service, "POST", DOCUMENTS, document(128).encode(), KEY)
    assert (status, json.dumps(stored["deep"])) == (201, nested(127))
    status, answer = await run(service, "SELECT VALUE c.deep FROM c WHERE c.deep = @deep", deep=stored["deep"])
    assert (status, answer["Documents"]) == (200, [stored["deep"]])


@pytest.mark.parametrize("levels", [129, 254, 255, 1024, 10_000])
async def test_a_document_of_more_is_400_however_it_comes(service: CosmosService, levels: int) -> None:
    await send(service, "POST", DOCUMENTS, b'{"id": "small", "pk": "a"}', KEY | {"x-ms-documentdb-is-upsert": "True"})
    patch = f'{{"operations": [{{"op": "set", "path": "/x", "value": {nested(levels - 1)}}}]}}'
    batch = f'[{{"operationType": "Create", "resourceBody": {document(levels)}}}]'
    assert (await send(service, "POST", DOCUMENTS, document(levels).encode(), KEY))[0] == 400
    assert (await send(service, "PATCH", f"{DOCUMENTS}/small", patch.encode(), KEY))[0] == 400
    status, answer = await send(service, "POST", DOCUMENTS, batch.encode(), BATCH)
    assert status == 400 or (status, answer[0]["statusCode"]) == (207, 400)
    status, kept = await send(service, "GET", f"{DOCUMENTS}/small", b"", KEY)
    assert status == 200
    assert "x" not in kept


@pytest.mark.parametrize("levels", [129, 300, 900])
async def test_parameters_and_policies_of_more_are_400(service: CosmosService, levels: int) -> None:
    status, answer = await run(service, "SELECT VALUE @deep", deep=json.loads(nested(levels)))
    assert status == 400
    assert "@deep" in answer["message"]
    body = f'{{"id": "x", "partitionKey": {{"paths": ["/a"]}}, "indexingPolicy": {{"x": {nested(levels)}}}}}'
    assert (await send(service, "POST", "/dbs/dev/colls", body.encode()))[0] == 400


@pytest.mark.parametrize("levels", [129, 300, 900, 20_000])
async def test_text_that_says_more_is_no_array(service: CosmosService, levels: int) -> None:
    for query in ("SELECT VALUE StringToArray(@t)", "SELECT DISTINCT VALUE StringToArray(@t) FROM c"):
        status, answer = await run(service, query, t=nested(levels))
        assert (status, answer["Documents"]) == (200, [])


async def test_half_of_a_character_is_no_text(service: CosmosService) -> None:
    status, answer = await run(service, "SELECT VALUE [StringToObject(@t), 1]", t='{"a": "\\ud800"}')
    assert (status, answer["Documents"]) == (200, [[1]])


@pytest.mark.parametrize("value", ["b9", "DISTINCT b9", "COUNT(b9 = b9 ? 1 : 2)"])
async def test_what_joins_build_of_each_other_is_400_or_an_answer(service: CosmosService, value: str) -> None:
    """Every subquery is shallow enough, and together they nest 540 levels."""
    await send(service, "POST", DOCUMENTS, b'{"id": "one", "pk": "a"}', KEY | {"x-ms-documentdb-is-upsert": "True"})
    joins = " ".join(f"JOIN (SELECT VALUE {'[' * 60}b{n}{']' * 60}) b{n + 1}" for n in range(9))
    value = value.replace("DISTINCT", "DISTINCT VALUE") if "DISTINCT" in value else f"VALUE {value}"
    status, answer = await run(service, f"SELECT {value} FROM c JOIN (SELECT VALUE 1) b0 {joins}")
    assert status == 400 or answer["Documents"][0] > 0
    assert (await run(service, "SELECT VALUE 1"))[0] == 200
