"""Requests that were right until one thing in them was swapped: each gets an answer below 500, the log stays empty.

The seed is fixed and printed; a failure names the request.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.cosmos_service import CosmosService, service
from tests.integration.test_cosmos_garbage import send

__all__ = ["service"]
SEED = 20261123
CONTAINER = "/dbs/dev/colls/malformed"
DOCUMENTS = f"{CONTAINER}/docs"
KEY = {"x-ms-documentdb-partitionkey": '["a"]'}
BATCH = {"x-ms-cosmos-is-batch-request": "True"}
QUERY = {
    "x-ms-documentdb-isquery": "true", "x-ms-documentdb-query-enablecrosspartition": "true",
    "content-type": "application/query+json",
}  # fmt: skip
ITEM = {"id": "1", "pk": "a", "ttl": 1000, "u": 1, "n": 1, "list": [1, {"x": 2}], "deep": {"er": "x"}}
PATCH = {
    "condition": "from c where c.n > 0",
    "operations": [
        {"op": "add", "path": "/list/-", "value": 1}, {"op": "incr", "path": "/n", "value": 1},
        {"op": "set", "path": "/deep/er", "value": "y"}, {"op": "move", "from": "/deep/er", "path": "/y"},
        {"op": "remove", "path": "/list/0"}, {"op": "replace", "path": "/y", "value": {"a": [1]}},
    ],
}  # fmt: skip
OPERATIONS = [
    {"operationType": "Upsert", "resourceBody": ITEM, "ifMatch": "*"}, {"operationType": "Read", "id": "1"},
    {"operationType": "Patch", "id": "1", "resourceBody": PATCH, "ifMatch": "*"},
    {"operationType": "Replace", "id": "1", "resourceBody": ITEM, "ifMatch": "*"},
    {"operationType": "Create", "resourceBody": ITEM | {"id": "2"}},
    {"operationType": "Delete", "id": "2", "ifMatch": "*"},
]  # fmt: skip
SPECIFICATION = {
    "id": "malformed", "partitionKey": {"paths": ["/pk"], "kind": "Hash", "version": 2}, "defaultTtl": -1,
    "indexingPolicy": {
        "indexingMode": "consistent", "automatic": True, "includedPaths": [{"path": "/*"}],
        "excludedPaths": [{"path": "/deep/*"}],
        "compositeIndexes": [[{"path": "/n", "order": "ascending"}, {"path": "/u", "order": "descending"}]],
    },
    "uniqueKeyPolicy": {"uniqueKeys": [{"paths": ["/u", "/v/w"]}]},
    "computedProperties": [{"name": "cp", "query": "SELECT VALUE LOWER(c.deep.er) FROM c"}],
    "geospatialConfig": {"type": "Geography"}, "conflictResolutionPolicy": {"mode": "LastWriterWins"},
}  # fmt: skip
ASKED = {
    "query": "SELECT c.id, c.cp, @a AS a FROM c JOIN t IN c.list WHERE c.n >= @b ORDER BY c.n OFFSET 0 LIMIT @b",
    "parameters": [{"name": "@a", "value": {"x": [1]}}, {"name": "@b", "value": 1}],
}
REQUESTS: dict[str, tuple[str, str, dict[str, str], Any]] = {
    "create": ("POST", DOCUMENTS, KEY, ITEM),
    "upsert": ("POST", DOCUMENTS, KEY | {"x-ms-documentdb-is-upsert": "True"}, ITEM),
    "replace": ("PUT", f"{DOCUMENTS}/1", KEY, ITEM),
    "patch": ("PATCH", f"{DOCUMENTS}/1", KEY, PATCH),
    "batch": ("POST", DOCUMENTS, KEY | BATCH | {"x-ms-cosmos-batch-atomic": "True"}, OPERATIONS),
    "bulk": (
        "POST", DOCUMENTS, BATCH | {"x-ms-cosmos-batch-continue-on-error": "True"},
        [operation | {"partitionKey": '["a"]'} for operation in OPERATIONS],
    ),
    "query": ("POST", DOCUMENTS, QUERY, ASKED),
    "query of a partition": ("POST", DOCUMENTS, QUERY | KEY, ASKED),
    "query plan": ("POST", DOCUMENTS, QUERY | {"x-ms-cosmos-is-query-plan-request": "True"}, ASKED),
    "feed": ("GET", DOCUMENTS, {"x-ms-max-item-count": "1"}, None),
    "change feed": ("GET", DOCUMENTS, {"a-im": "Incremental feed", "if-none-match": '"0"'}, None),
    "container": ("POST", "/dbs/dev/colls", {}, SPECIFICATION | {"id": "another"}),
    "container replaced": ("PUT", CONTAINER, {}, SPECIFICATION),
    "database": ("POST", "/dbs", {}, {"id": "other"}),
}  # fmt: skip
JUNK: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 2**70, -1e308, "", "x", "/", "/a/", "*", "@", "\x00", "é" * 40, "[]", '["a"', [], {}, [[]],
    [None], [{}], {"": None}, {"id": {"id": []}}, ["x"] * 200, "SELECT VALUE 1", "9" * 400, "💩", "from c",
)  # fmt: skip
HEADERS = (
    "x-ms-documentdb-partitionkey", "x-ms-max-item-count", "x-ms-continuation", "if-match", "if-none-match", "a-im",
    "if-modified-since", "x-ms-start-epk", "x-ms-end-epk", "x-ms-documentdb-partitionkeyrangeid", "prefer",
    "x-ms-consistency-level", "x-ms-cosmos-intended-collection-rid", "x-ms-session-token", "x-ms-activity-id",
    "content-type", "x-ms-documentdb-pre-trigger-include",
)  # fmt: skip
WRITTEN = (
    "", "x", "[]", "[", '["a","b"]', "[{}]", "[null]", "[1e400]", '"x"', "*", "-1", "0", "5", "9" * 300, "null", "{}",
    "MQ==", "FF", "00", "zz", "Incremental feed", "Sun, 06 Nov 1994 08:49:37 GMT", "Sat, 99 Xyz 9999 99:99:99 GMT",
    "\t", "é", "\udcff",
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in `value`, its own first."""
    yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, key))


def swapped(value: Any, chance: random.Random) -> Any:
    """`value` with junk in one place of it, or without what was there."""
    found = copy.deepcopy(value)
    path = chance.choice(list(places(found)))
    junk = chance.choice(JUNK)
    if not path:
        return junk
    parent = found
    for key in path[:-1]:
        parent = parent[key]
    if isinstance(parent, dict) and chance.random() < 0.2:
        del parent[path[-1]]
    else:
        parent[path[-1]] = junk
    return found


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_swapped_body_is_answered(service: CosmosService, name: str) -> None:
    chance = random.Random(f"{SEED} {name}")
    print(f"seed {SEED}")
    verb, path, headers, body = REQUESTS[name]
    await send(service, "POST", "/dbs/dev/colls", json.dumps(SPECIFICATION).encode())
    await send(service, "POST", DOCUMENTS, json.dumps(ITEM).encode(), KEY | {"x-ms-documentdb-is-upsert": "True"})
    status, answer = await send(service, verb, path, json.dumps(body).encode() if body else b"", headers)
    assert status < 400 or (name, status) == ("create", 409), answer
    for _ in range(40 if body else 1):
        await send(service, "POST", DOCUMENTS, json.dumps(ITEM).encode(), KEY | {"x-ms-documentdb-is-upsert": "True"})
        sent = swapped(body, chance) if body else None
        status, answer = await send(service, verb, path, json.dumps(sent).encode() if body else b"", headers)
        assert status < 500, f"{verb} {path} {headers} {json.dumps(sent)[:2000]}: {answer}"


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_swapped_header_is_answered(service: CosmosService, name: str) -> None:
    chance = random.Random(f"{SEED} {name} headers")
    print(f"seed {SEED}")
    verb, path, headers, body = REQUESTS[name]
    await send(service, "POST", "/dbs/dev/colls", json.dumps(SPECIFICATION).encode())
    for _ in range(25):
        changed = headers | {chance.choice(HEADERS): chance.choice(WRITTEN)}
        status, answer = await send(service, verb, path, json.dumps(body).encode() if body else b"", changed)
        assert status < 500, f"{verb} {path} {changed}: {answer}"


async def test_it_still_works_afterwards(service: CosmosService) -> None:
    assert (await send(service, "GET", "/dbs/dev/colls/events"))[0] == 200
