"""Where deliveries go, against stores that refuse them for now: nothing is lost, doubled or written over."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from azure.cosmos import CosmosClient, PartitionKey
from azure.storage.blob import BlobLeaseClient, BlobServiceClient, ContainerClient

from local.stack import Stack
from local.stream_analytics.definition import CosmosOutput, LakeOutput, Output
from local.stream_analytics.errors import OutputError
from local.stream_analytics.outputs import connect
from local.stream_analytics.paths import PathPattern
from local.stream_analytics.store import Delivery
from tests.integration.stream_analytics_service import services

__all__ = ["services"]
RUN = "1f0cb0b8-6f9c-4d3e-9f55-7c3f0a1d2b3c"


@pytest.fixture
def system(services: Stack) -> Iterator[ContainerClient]:
    """A file system that is not there yet."""
    with BlobServiceClient.from_connection_string(services.settings["DataLake"]) as lake:
        yield lake.get_container_client(f"t{uuid.uuid4().hex[:10]}")


def lake_output(name: str, system: ContainerClient) -> LakeOutput:
    return LakeOutput(name, "DataLake", system.container_name, PathPattern("a/{date}/{time}", "yyyy/MM/dd", "HH"))


async def deliver(stack: Stack, output: Output, *records: object, number: int = 1) -> None:
    sink = connect(output, stack.settings[output.setting], RUN)
    try:
        lines = [json.dumps(record, ensure_ascii=False).encode() for record in records]
        assert list(await sink.deliver(Delivery(number, output.name, 1.5, lines))) == []
    finally:
        await sink.close()


def stored(system: ContainerClient) -> dict[str, list[bytes]]:
    return {name: system.download_blob(name).readall().splitlines() for name in system.list_blob_names()}


async def test_two_outputs_to_one_place_do_not_overwrite_each_other(services: Stack, system: ContainerClient) -> None:
    system.create_container()
    for name in ("one", "two", "one"):
        await deliver(services, lake_output(name, system), {"of": name})
    files = stored(system)
    assert sorted(files.values()) == [[b'{"of": "one"}'], [b'{"of": "two"}']]
    assert {path.rpartition("/")[0] for path in files} == {"a/1970/01/01/00"}

    with CosmosClient.from_connection_string(services.settings["Cosmos"]) as cosmos:
        container = cosmos.get_database_client("dev").create_container(system.container_name, PartitionKey("/pk"))
        for name in ("one", "two", "one"):
            output = CosmosOutput(name, "Cosmos", "dev", system.container_name, "pk", None)
            await deliver(services, output, {"of": name, "pk": "k"}, {"of": name, "pk": "k"})
        found = container.query_items("SELECT VALUE c.of FROM c", partition_key="k")
        assert sorted(map(str, found)) == ["one", "one", "two", "two"]


async def test_a_file_system_that_is_not_there_is_waited_for(services: Stack, system: ContainerClient) -> None:
    output = lake_output("adl", system)
    with pytest.raises(
        OutputError, match=rf"^output adl, file system {system.container_name}: The specified container"
    ):
        await deliver(services, output, {"n": 1})
    system.create_container()
    await deliver(services, output, {"n": 1})
    assert list(stored(system).values()) == [[b'{"n": 1}']]


async def test_a_file_that_someone_holds_is_waited_for_and_then_written_whole(
    services: Stack, system: ContainerClient
) -> None:
    system.create_container()
    output = lake_output("adl", system)
    await deliver(services, output, {"n": 1})
    (path,) = stored(system)
    lease = BlobLeaseClient(system.get_blob_client(path))
    lease.acquire()
    with pytest.raises(OutputError, match=r"^output adl, .*lease"):
        await deliver(services, output, {"n": 1}, {"n": 2})
    assert stored(system) == {path: [b'{"n": 1}']}
    lease.release()
    await deliver(services, output, {"n": 1}, {"n": 2})
    assert stored(system) == {path: [b'{"n": 1}', b'{"n": 2}']}


async def test_a_container_that_is_not_there_is_waited_for(services: Stack) -> None:
    name = f"t{uuid.uuid4().hex[:10]}"
    output = CosmosOutput("cosmos", "Cosmos", "dev", name, "pk", None)
    records = [{"n": n, "pk": f"k{n % 2}"} for n in range(10)]
    with pytest.raises(OutputError, match=rf"^output cosmos, container dev/{name}: "):
        await deliver(services, output, *records)
    with CosmosClient.from_connection_string(services.settings["Cosmos"]) as cosmos:
        container = cosmos.get_database_client("dev").create_container(name, PartitionKey("/pk"))
        await deliver(services, output, *records)
        await deliver(services, output, *records)
        found = container.query_items("SELECT VALUE c.n FROM c", enable_cross_partition_query=True)
        assert sorted(map(int, found)) == list(range(10))


@pytest.mark.parametrize(("status", "body"), [(500, b"caf\xe9"), (302, b"")])
async def test_an_answer_that_no_store_gave_is_an_outage(status: int, body: bytes) -> None:
    """Of some of these the SDKs raise what they raise of nothing else: TypeError, UnicodeDecodeError."""

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(status=status, body=body, content_type="text/plain")

    cosmos = CosmosOutput("cosmos", "Cosmos", "dev", "c", "key", "id")
    lake = LakeOutput("lake", "DataLake", "system", PathPattern("a/{date}/{time}", "yyyy/MM/dd", "HH"))
    async with RawTestServer(answer) as server:
        accounts = {
            cosmos: f"AccountEndpoint={server.make_url('/')};AccountKey=a2V5",
            lake: f"BlobEndpoint={server.make_url('/account')};AccountName=account;AccountKey=a2V5",
        }
        for output, account in accounts.items():
            sink = connect(output, account, RUN)
            try:
                with pytest.raises(OutputError, match=f"output {output.name}, "):
                    await sink.deliver(Delivery(1, output.name, 1.5, [b'{"id": "1", "key": "k"}']))
            finally:
                await sink.close()


@pytest.mark.parametrize("letter", ["a", "ж", "字"])
async def test_a_document_as_large_as_an_event_is_stored_in_any_script(services: Stack, letter: str) -> None:
    # GIVEN: two documents of one key, which go as one batch, and one as large as a hub's largest event
    size = len(letter.encode())
    output = CosmosOutput("cosmos", "Cosmos", "dev", f"t{uuid.uuid4().hex[:10]}", "key", "id")
    pair = [{"id": f"{n}", "key": "pair", "text": letter * (900_000 // size)} for n in range(2)]
    whole = {"id": "whole", "key": "whole", "text": letter * (1_040_000 // size)}
    with CosmosClient.from_connection_string(services.settings["Cosmos"]) as client:
        container = client.get_database_client("dev").create_container(output.container, PartitionKey("/key"))

        # WHEN: they are delivered, THEN: none is refused, and all are as they were
        await deliver(services, output, *pair, whole)
        for document in (*pair, whole):
            assert container.read_item(document["id"], document["key"])["text"] == document["text"]
