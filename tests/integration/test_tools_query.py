"""`query` against a real Cosmos DB endpoint."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.cosmos import CosmosClient

from tests.integration.cosmos_service import CosmosService
from tests.integration.tools_commands import Tools, tools

__all__ = ["tools"]

DOCUMENTS: list[dict[str, Any]] = [
    {
        "id": f"dev-0-{number}", "pk": "28036" if number % 2 else "KCLT", "kind": "place" if number % 2 else "weather",
        "epoch": 1795338000 + number, "sender": "python_ms_sdk",
    }
    for number in range(7)
]  # fmt: skip


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CosmosService]:
    running = CosmosService(Path(tmp_path_factory.mktemp("cosmos")))
    client = CosmosClient.from_connection_string(running.connection_string)
    events = client.get_database_client("dev").get_container_client("events")
    for document in DOCUMENTS:
        events.upsert_item(document)
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def _settings(tools: Tools, stored: CosmosService) -> None:
    tools.settings["Cosmos"] = stored.connection_string


def test_whole_documents_as_json_with_count_and_charge(tools: Tools) -> None:
    sql = "SELECT * FROM c WHERE c.epoch >= 1795338003 AND c.sender = 'python_ms_sdk'"
    ended = tools.run("query", sql, "--json")
    assert ended.status == 0, ended.err
    assert sorted(document["id"] for document in ended.lines()) == [f"dev-0-{number}" for number in range(3, 7)]
    charge = re.search(r"dev/events: 4 results, (\d+\.\d\d) RU", ended.err)
    assert charge is not None
    assert float(charge[1]) > 0


def test_a_table_of_the_columns_that_came_back(tools: Tools) -> None:
    ended = tools.run("query", "SELECT c.id, c.epoch FROM c WHERE c.pk = '28036'", "--partition-key", "28036")
    assert ended.status == 0, ended.err
    heading = next(line for line in ended.out.splitlines() if "id" in line)
    assert "epoch" in heading
    assert re.findall(r"dev-0-\d", ended.out) == ["dev-0-1", "dev-0-3", "dev-0-5"]
    assert "pk" not in ended.out
    assert "3 results" in ended.err


def test_max_stops_early_and_says_so(tools: Tools) -> None:
    ended = tools.run("query", "SELECT c.id FROM c", "--max", "2", "--json")
    assert len(ended.lines()) == 2
    assert "2 results (stopped by --max)" in ended.err


def test_an_aggregate_is_one_value(tools: Tools) -> None:
    ended = tools.run("query", "SELECT VALUE COUNT(1) FROM c", "--json")
    assert ended.status == 0, ended.err
    assert ended.lines() == [7]


def test_failures_are_one_line(tools: Tools, stored: CosmosService) -> None:
    wrong_sql, nowhere = tools.run_together(
        ("query", "SELECT * FORM c"), ("query", "SELECT * FROM c", "--container", "nowhere")
    )
    tools.settings["Cosmos"] = f"AccountEndpoint=http://localhost:{stored.port}/;AccountKey=d3Jvbmc=;"
    wrong_key = tools.run("query", "SELECT * FROM c")
    for ended, words in ((wrong_sql, "400"), (nowhere, "does not exist"), (wrong_key, "access was refused")):
        assert ended.status == 1, ended.err
        assert words in ended.err
        assert ended.err.count("\n") == 1, ended.err
