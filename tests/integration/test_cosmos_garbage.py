"""Requests that no SDK would send: each gets a 4xx with an error body, and the service goes on."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import aiohttp
import pytest
from yarl import URL

from tests.integration.cosmos_service import CosmosService, service
from tests.integration.test_cosmos_authorization import now, signed
from tests.waiting import PATIENCE

__all__ = ["service"]
SEED = 20261122
DOCUMENTS = "/dbs/dev/colls/events/docs"
KEY = {"x-ms-documentdb-partitionkey": '["a"]'}


async def send(
    service: CosmosService, verb: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    """One request, signed as if its path were well-formed."""
    segments = path.strip("/").split("/")
    whole = len(segments) % 2 == 0
    link = "/".join(segments if whole else segments[:-1])
    kind = segments[-2] if whole else segments[-1]
    url = URL(f"http://127.0.0.1:{service.port}{path}", encoded=True)
    authorised = signed(verb, kind, link, now())
    async with (
        aiohttp.ClientSession() as session,
        session.request(verb, url, data=body, headers=authorised | (headers or {})) as response,
    ):
        return response.status, await response.json(content_type=None)


@pytest.mark.parametrize(
    "path",
    ["/dbs/%E0%A4%A", "/dbs/%", "/dbs/%ff", "/dbs//colls", "/dbs/dev/%zz/x", "/dbs/dev/colls/events/docs/%C3"],
)
async def test_paths_that_do_not_decode_are_400(service: CosmosService, path: str) -> None:
    status, body = await send(service, "GET", path)
    assert status == 400, body
    assert {"code", "message"} <= body.keys()


@pytest.mark.parametrize(
    "path", ["/nothing", "/dbs/dev/sprocs", "/dbs/dev/colls/events/docs/1/2/3", "/dbs/dev/colls/no"]
)
async def test_what_does_not_exist_is_404(service: CosmosService, path: str) -> None:
    assert (await send(service, "GET", path))[0] == 404


async def test_a_method_that_a_resource_lacks_is_405(service: CosmosService) -> None:
    assert (await send(service, "PUT", "/dbs/dev"))[0] == 405
    assert (await send(service, "OPTIONS", DOCUMENTS))[0] == 405


BODIES = [
    b"", b"{", b"null", b"[]", b"5", b'"text"', b"{}", b'{"id": 5, "pk": "a"}', b'{"id": "1", "pk": "a"', b"\xff\xfe",
    b'{"id": "\xed\xa0\x80", "pk": "a"}', b'{"id": "1", "pk": "a", "n": NaN}', b'{"id": "1", "pk": "a", "n": 1e999}',
    b'{"id": "1", "pk": "a", "s": "\\ud800"}', b'{"id":"1","pk":"a","deep":' + b"[" * 5000 + b"]" * 5000 + b"}",
    b'{"id": "1", "pk": ["a"]}', b'{"id": ""}', b'{"id": null, "pk": "a"}',
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES)
async def test_bodies_that_are_no_documents_are_400(service: CosmosService, body: bytes) -> None:
    for headers in (KEY, KEY | {"x-ms-documentdb-is-upsert": "True"}):
        status, answer = await send(service, "POST", DOCUMENTS, body, headers)
        assert status == 400, answer


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"[5]", b'[{"operationType": "Explode"}]', b'[{"operationType": ["Create"]}]',
        b'[{"operationType": {}, "id": "1"}]', b'[{"operationType": "Create", "partitionKey": "[]"}]',
    ],
)  # fmt: skip
async def test_bodies_that_are_no_batches_are_400(service: CosmosService, body: bytes) -> None:
    headers = KEY | {"x-ms-cosmos-is-batch-request": "True", "x-ms-cosmos-batch-atomic": "True"}
    assert (await send(service, "POST", DOCUMENTS, body, headers))[0] == 400


@pytest.mark.parametrize(
    "operation",
    [
        {"operationType": "Create"},
        {"operationType": "Upsert", "resourceBody": [1]},
        {"operationType": "Read"},
        {"operationType": "Read", "id": 5},
        {"operationType": "Patch", "id": "1", "resourceBody": 5},
        {"operationType": "Delete", "id": "1", "ifMatch": 5},
    ],
)
async def test_operations_that_are_none_fail_alone(service: CosmosService, operation: dict[str, Any]) -> None:
    headers = KEY | {"x-ms-cosmos-is-batch-request": "True", "x-ms-cosmos-batch-atomic": "True"}
    body = json.dumps([operation]).encode()
    status, answer = await send(service, "POST", DOCUMENTS, body, headers)
    assert (status, answer[0]["statusCode"]) == (207, 400)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"5", b"{}", b'{"query": ""}', b'{"query": 5}', b'{"query": "SELECT * FROM c", "parameters": 5}',
        b'{"query": "SELECT * FROM c", "parameters": [5]}',
        b'{"query": "SELECT * FROM c", "parameters": [{"name": "x"}]}',
        b'{"query": "' + b"(" * 20000 + b'"}', b'{"query": "SELECT ' + b"NOT " * 20000 + b'1"}',
        b'{"query": "SELECT * FROM c WHERE \\u0000"}', b'{"query": "SELECT \'unterminated"}',
    ],
)  # fmt: skip
async def test_bodies_that_are_no_queries_are_400(service: CosmosService, body: bytes) -> None:
    headers = {
        "x-ms-documentdb-isquery": "true", "x-ms-documentdb-query-enablecrosspartition": "true",
        "content-type": "application/query+json",
    }  # fmt: skip
    status, answer = await send(service, "POST", DOCUMENTS, body, headers)
    assert status == 400, answer


@pytest.mark.parametrize(
    "headers",
    [
        {"x-ms-documentdb-partitionkey": "["}, {"x-ms-documentdb-partitionkey": "5"}, {},
        {"x-ms-documentdb-partitionkey": '["a","b"]'}, {"x-ms-documentdb-partitionkey": "[[1]]"},
        {"x-ms-documentdb-partitionkey": '["\udcff"]'}, {"x-ms-documentdb-partitionkey": "[]"},
        {"x-ms-documentdb-partitionkey": '["' + "x" * 3000 + '"]'}, KEY | {"x-ms-cosmos-intended-collection-rid": "x"},
    ],
)  # fmt: skip
async def test_partition_key_headers_that_are_none_are_400(service: CosmosService, headers: dict[str, str]) -> None:
    assert (await send(service, "POST", DOCUMENTS, b'{"id": "1", "pk": "a"}', headers))[0] == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"x-ms-max-item-count": "0"}, {"x-ms-max-item-count": "many"}, {"x-ms-max-item-count": "-5"},
        {"x-ms-continuation": "x"}, {"x-ms-continuation": "bnVsbA=="}, {"x-ms-continuation": "W10="},
        {"a-im": "everything"}, {"a-im": "Full-Fidelity Feed"}, {"a-im": "Incremental feed", "if-none-match": "x"},
        {"a-im": "Incremental feed", "if-none-match": "9" * 30},
        {"a-im": "Incremental feed", "if-none-match": "999999"},
        {"a-im": "Incremental feed", "if-modified-since": "yesterday"},
    ],
)  # fmt: skip
async def test_feed_headers_that_are_none_are_400(service: CosmosService, headers: dict[str, str]) -> None:
    assert (await send(service, "GET", DOCUMENTS, b"", headers))[0] == 400


@pytest.mark.parametrize(
    "body",
    [
        b"[]", b"{}", b'{"id": "x"}', b'{"id": "x", "partitionKey": 5}', b'{"id": "x", "partitionKey": {"paths": []}}',
        b'{"id": "x", "partitionKey": {"paths": ["pk"]}}', b'{"id": "x", "partitionKey": {"paths": ["/a", "/b"]}}',
        b'{"id": "x", "partitionKey": {"paths": ["/a//b"]}}', b'{"id": "x", "partitionKey": {"paths": [5]}}',
        b'{"id": "x", "partitionKey": {"paths": ["/a"], "kind": {}}}',
        b'{"id": "x", "partitionKey": {"paths": ["/a"], "version": [2]}}',
        b'{"id": "x", "partitionKey": {"paths": ["/a"]}, "defaultTtl": "soon"}',
        b'{"id": "x", "partitionKey": {"paths": ["/a"]}, "uniqueKeyPolicy": 5}',
        b'{"id": "x", "partitionKey": {"paths": ["/a"]}, "uniqueKeyPolicy": {"uniqueKeys": [{"paths": [5]}]}}',
        b'{"id": "x", "partitionKey": {"paths": ["/a"]}, "indexingPolicy": {"compositeIndexes": [[{"path": 5}]]}}',
        b'{"id": "x", "partitionKey": {"paths": ["/a"]}, "indexingPolicy": 5}',
    ],
)  # fmt: skip
async def test_bodies_that_are_no_containers_are_400(service: CosmosService, body: bytes) -> None:
    assert (await send(service, "POST", "/dbs/dev/colls", body))[0] == 400


async def test_a_body_without_end_is_413(service: CosmosService) -> None:
    assert (await send(service, "POST", DOCUMENTS, b"x" * (5 * 1024 * 1024), KEY))[0] == 413


async def test_noise_on_the_socket_does_no_harm(service: CosmosService) -> None:
    noise = random.Random(SEED)
    print(f"seed {SEED}")
    for start in (b"", b"GET / HTTP/1.1\r\n", b"POST /dbs HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n\r\n"):
        for _ in range(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
            writer.write(start + noise.randbytes(noise.randrange(1, 400)) + b"\r\n\r\n")
            writer.write_eof()
            await asyncio.wait_for(reader.read(), PATIENCE)
            writer.close()
    assert (await send(service, "GET", "/dbs/dev"))[0] == 200
