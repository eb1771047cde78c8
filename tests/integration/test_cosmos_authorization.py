"""The account key is checked on every request: wrong, missing, stale and malformed signatures get nowhere."""

from __future__ import annotations

import base64
import hmac
import time
from email.utils import formatdate
from urllib.parse import quote

import aiohttp
import pytest
from azure.cosmos.aio import CosmosClient
from azure.cosmos.exceptions import CosmosHttpResponseError

from local.cosmos import WELL_KNOWN_KEY
from tests.integration.cosmos_service import CosmosService, service

__all__ = ["service"]


def signed(verb: str, kind: str, link: str, date: str, key: str = WELL_KNOWN_KEY) -> dict[str, str]:
    """The headers that authorise a request, made as the documentation says, not with our own code."""
    text = f"{verb.lower()}\n{kind}\n{link}\n{date.lower()}\n\n"
    digest = base64.b64encode(hmac.digest(base64.b64decode(key), text.encode(), "sha256")).decode()
    return {"x-ms-date": date, "authorization": quote(f"type=master&ver=1.0&sig={digest}", safe="")}


def now(offset: float = 0.0) -> str:
    return formatdate(time.time() + offset, usegmt=True)


async def get(service: CosmosService, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://localhost:{service.port}{path}", headers=headers) as response,
    ):
        return response.status, await response.json()


async def test_the_documented_signature_is_taken(service: CosmosService) -> None:
    status, body = await get(service, "/dbs/dev", signed("GET", "dbs", "dbs/dev", now()))
    assert (status, body["id"]) == (200, "dev")
    # With a slash at the end, and for the account itself.
    assert (await get(service, "/dbs/dev/", signed("GET", "dbs", "dbs/dev", now())))[0] == 200
    status, account = await get(service, "/", signed("GET", "", "", now()))
    # Java's SDK writes nothing without the last.
    assert (status, account["enableNRegionSynchronousCommit"]) == (200, False)


async def test_resource_ids_address_databases_and_containers_too(service: CosmosService) -> None:
    # GIVEN a container, as Java's SDK goes on to its partition key ranges: by resource ids, of which the last is signed
    _, database = await get(service, "/dbs/dev", signed("GET", "dbs", "dbs/dev", now()))
    link = "dbs/dev/colls/events"
    _, container = await get(service, f"/{link}", signed("GET", "colls", link, now()))
    by_ids = f"/dbs/{database['_rid']}/colls/{container['_rid']}"
    rid = container["_rid"].lower()

    # THEN it is the same container, with what is in it
    assert await get(service, by_ids, signed("GET", "colls", rid, now())) == (200, container)
    status, found = await get(service, f"{by_ids}/pkranges", signed("GET", "pkranges", rid, now()))
    assert (status, found["_rid"], len(found["PartitionKeyRanges"])) == (200, container["_rid"], 1)
    assert (await get(service, f"{by_ids}/docs", signed("GET", "docs", rid, now())))[0] == 200

    # and the signature of a name is none for it, that of another container's is not there
    assert (await get(service, by_ids, signed("GET", "colls", by_ids.strip("/"), now())))[0] == 401
    other = f"/dbs/{database['_rid']}/colls/AAAAAoAAAAk="
    assert (await get(service, other, signed("GET", "colls", "aaaaaoaaaak=", now())))[0] == 404
    status, refused = await get(service, f"{by_ids}/docs/AAAA", signed("GET", "docs", "aaaa", now()))
    assert (status, "documents by resource id" in refused["message"]) == (400, True)


async def test_the_account_advertises_loopback_names_alone(service: CosmosService) -> None:
    for host, advertised in (
        (f"127.0.0.1:{service.port}", f"127.0.0.1:{service.port}"),
        ("evil.example:80", f"localhost:{service.port}"),
    ):
        _, body = await get(service, "/", signed("GET", "", "", now()) | {"host": host})
        assert body["writableLocations"][0]["databaseAccountEndpoint"] == f"http://{advertised}/"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "nonsense", "x-ms-date": now()},
        {"authorization": "type%3Dmaster%26ver%3D1.0%26sig%3D", "x-ms-date": now()},
        {"authorization": "type%3Dmaster%26ver%3D1.0%26sig%3D%C3%A9", "x-ms-date": now()},
        {"authorization": "type%3Daad%26ver%3D1.0%26sig%3Dabc", "x-ms-date": now()},
        signed("GET", "dbs", "dbs/dev", now(), key=base64.b64encode(b"another key").decode()),
        signed("POST", "dbs", "dbs/dev", now()),
        signed("GET", "dbs", "dbs/other", now()),
        signed("GET", "colls", "dbs/dev", now()),
        signed("GET", "dbs", "dbs/dev", "yesterday"),
        signed("GET", "dbs", "dbs/dev", ""),
    ],
)
async def test_anything_else_is_401(service: CosmosService, headers: dict[str, str]) -> None:
    status, body = await get(service, "/dbs/dev", headers)
    assert (status, body["code"]) == (401, "Unauthorized")


@pytest.mark.parametrize("minutes", [-16, 16])
async def test_a_date_over_15_minutes_away_is_403(service: CosmosService, minutes: int) -> None:
    status, body = await get(service, "/dbs/dev", signed("GET", "dbs", "dbs/dev", now(minutes * 60)))
    assert (status, body["code"]) == (403, "Forbidden")
    assert "not valid at the current time" in body["message"]
    assert (await get(service, "/dbs/dev", signed("GET", "dbs", "dbs/dev", now(minutes * 56))))[0] == 200


async def test_the_sdk_with_a_wrong_key_says_so(service: CosmosService) -> None:
    key = base64.b64encode(b"another key").decode()
    with pytest.raises(CosmosHttpResponseError) as refused:
        async with CosmosClient(f"http://localhost:{service.port}/", key) as client:
            await client.get_database_client("dev").read()
    assert refused.value.status_code == 401
