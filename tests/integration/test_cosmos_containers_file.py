"""The containers of infra/cosmos.json on a laptop: indexed as in Azure, which refuses what is refused here."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.cosmos import CosmosClient, PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError

from local.stack import CONTAINERS, ROOT
from tests.integration.cosmos_service import CosmosService
from tests.integration.test_cosmos_command_line import refused

DECLARED = json.loads(CONTAINERS.read_text())
DOCUMENTED = [
    pytest.param(found, id=f"{page.relative_to(ROOT)}-{index}")
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "tools" / "query" / "command.py"]
    for index, found in enumerate(re.findall(r'python -m tools query ([^\n]*".*?"[^\n>]*)', page.read_text()))
]


@pytest.fixture(scope="module")
def as_declared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CosmosService]:
    service = CosmosService(tmp_path_factory.mktemp("declared"), "--containers", str(CONTAINERS))
    yield service
    service.stop()


def test_they_are_made_as_declared(as_declared: CosmosService) -> None:
    with CosmosClient.from_connection_string(as_declared.connection_string) as client:
        made = {c["id"]: c for c in client.get_database_client(DECLARED["database"]).list_containers()}
    assert [{name: made[c["id"]][name] for name in c} for c in DECLARED["containers"]] == DECLARED["containers"]


def test_an_order_that_azure_would_refuse_is_refused(as_declared: CosmosService) -> None:
    with CosmosClient.from_connection_string(as_declared.connection_string) as client:
        events = client.get_database_client("dev").get_container_client("events")
        with pytest.raises(CosmosHttpResponseError, match=r"Include /city_name/\? in the indexing policy") as failed:
            list(events.query_items("SELECT * FROM c ORDER BY c.city_name", enable_cross_partition_query=True))
    assert failed.value.status_code == 400


@pytest.mark.parametrize("words", DOCUMENTED)
def test_every_query_in_the_documentation_is_answered(as_declared: CosmosService, words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools", "query", *shlex.split(words)],
        env={"Cosmos": as_declared.connection_string}, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_documentation_has_queries() -> None:
    assert len(DOCUMENTED) >= 10


@pytest.fixture
def declare(tmp_path: Path) -> Callable[..., Path]:
    """Write a file of one container, `dev/things` by /pk, changed."""

    def write(**changes: Any) -> Path:
        path = tmp_path / "cosmos.json"
        body = {"id": "things", "partitionKey": {"paths": ["/pk"], "kind": "Hash", "version": 2}} | changes
        path.write_text(json.dumps({"database": "dev", "containers": [body]}))
        return path

    return write


def test_a_path_that_is_added_is_indexed_after_the_next_start(tmp_path: Path, declare: Callable[..., Path]) -> None:
    nothing: dict[str, Any] = {"indexingMode": "consistent", "automatic": True, "excludedPaths": [{"path": "/*"}]}
    file = declare(indexingPolicy=nothing | {"includedPaths": []}, defaultTtl=-1)
    service = CosmosService(tmp_path, "--containers", str(file))
    try:
        with CosmosClient.from_connection_string(service.connection_string) as client:
            things = client.get_database_client("dev").get_container_client("things")
            for size in (2, 1):
                things.create_item({"id": str(size), "pk": "a", "size": size})
            with pytest.raises(CosmosHttpResponseError, match="order-by item is excluded"):
                list(things.query_items("SELECT VALUE c.size FROM c ORDER BY c.size", partition_key="a"))
        etag = _etag(service)
        service.restart()
        assert _etag(service) == etag, "what is as declared is left alone"
        declare(indexingPolicy=nothing | {"includedPaths": [{"path": "/size/?"}]}, defaultTtl=60)
        service.restart()
        with CosmosClient.from_connection_string(service.connection_string) as client:
            things = client.get_database_client("dev").get_container_client("things")
            assert list(things.query_items("SELECT VALUE c.size FROM c ORDER BY c.size", partition_key="a")) == [1, 2]
            assert things.read()["defaultTtl"] == 60
        declare()
        service.restart()
        with CosmosClient.from_connection_string(service.connection_string) as client:
            made = client.get_database_client("dev").get_container_client("things").read()
        assert "defaultTtl" not in made, "what is declared no more goes, as by a deployment"
        assert made["indexingPolicy"]["includedPaths"] == [{"path": "/*"}]
        etag = _etag(service)
        service.restart()
        assert _etag(service) == etag, "what is not declared is the default already"
    finally:
        service.stop()


def test_a_container_to_create_is_left_alone_once_it_is_there(tmp_path: Path) -> None:
    service = CosmosService(tmp_path, "--create", "dev/things:/pk:60")
    try:
        with CosmosClient.from_connection_string(service.connection_string) as client:
            client.get_database_client("dev").replace_container("things", PartitionKey("/pk"), default_ttl=5)
        etag = _etag(service)
        service.restart()
        assert _etag(service) == etag
    finally:
        service.stop()


def _etag(service: CosmosService) -> str:
    with CosmosClient.from_connection_string(service.connection_string) as client:
        return str(client.get_database_client("dev").get_container_client("things").read()["_etag"])


def test_what_never_changes_is_refused_in_a_line(tmp_path: Path, declare: Callable[..., Path]) -> None:
    assert CosmosService(tmp_path, "--containers", str(declare())).stop() == 0
    options = ["--port", "0", "--data-dir", str(tmp_path / "data"), "--containers"]
    other_key = {"paths": ["/other"], "kind": "Hash", "version": 2}
    assert "exists with another partition key than /other; delete it, or choose another --data-dir" in refused(
        *options, str(declare(partitionKey=other_key))
    )
    unique = declare(uniqueKeyPolicy={"uniqueKeys": [{"paths": ["/size"]}]})
    assert "cannot become what is declared: The unique keys of a container cannot be changed" in refused(
        *options, str(unique)
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "Expecting property name"),
        ("[]", "list indices"),
        ('{"database": "dev"}', "no 'containers'"),
        ('{"database": "dev", "containers": [1]}', "container 1: not a JSON object"),
        ('{"database": "a/b", "containers": [{"id": "x"}]}', "container 1: "),
        ('{"database": "dev", "containers": [{"id": "x"}]}', "container 1: The partition key definition is missing"),
        ('{"database": "dev", "containers": [{"id": "x", "partitionKey": {"paths": ["/a"]}, "defaultTtl": 0}]}', "-1"),
        (
            '{"database": "dev", "containers": [{"id": "x", "partitionKey": {"paths": ["/a"]}, "indexingPolicy": '
            '{"includedPaths": [{"path": "a/?"}]}}]}',
            "container 1: The path 'a' is invalid",
        ),
        (
            '{"database": "dev", "containers": [{"id": "x", "partitionKey": {"paths": ["/a"]}, "indexingPolicy": '
            '{"includedPaths": [{"path": "/a"}]}}]}',
            "container 1: The indexing path '/a' could not be accepted: it must end in /?",
        ),
    ],
)
def test_a_file_of_something_else(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "cosmos.json"
    file.write_text(text)
    line = refused("--data-dir", str(tmp_path), "--containers", str(file))
    assert said in line
    assert str(file) in line


def test_no_file(tmp_path: Path) -> None:
    assert "No such file" in refused("--data-dir", str(tmp_path), "--containers", str(tmp_path / "none.json"))
