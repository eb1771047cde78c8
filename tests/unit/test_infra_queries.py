"""The KQL files ask for what is logged: the fields of the app's own lines, and the host's line for each batch."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.batches import Batch, HubEvent
from shared.chain import Chain
from shared.emitter import Emitter
from shared.stages.outcome import Outcome
from tests.unit.bicep_files import INFRA, parsed

QUERIES = sorted((INFRA / "queries").glob("*.kql"))
ALERTS = INFRA / "alerts.bicep"
# Columns of Application Insights' tables (https://learn.microsoft.com/azure/azure-monitor/reference/tables/apptraces).
COLUMNS = {"traces": {"timestamp", "message", "operation_Name"}, "requests": {"timestamp", "success", "operation_Name"}}


def _code(query: Path) -> str:
    return re.sub(r"^\s*//.*$", "", query.read_text(), flags=re.M)


def _name(query: Path) -> str:
    return query.stem


every_query = pytest.mark.parametrize("query", QUERIES, ids=_name)


async def _line(caplog: pytest.LogCaptureFixture) -> str:
    """What the app logs of an invocation that stored something, sent something and refused something."""

    class Hub:
        async def get_partition_ids(self) -> list[str]:
            return ["0"]

        async def send_batch(self, batch: object) -> None:
            return None

    chain = Chain()
    chain.emitter = Emitter(lambda hub: Hub())
    outcome = Outcome(records=2)
    outcome.outputs["places"].append(("27601", b"{}"))
    batch = Batch("dev", "0", [HubEvent(b"{}", 1, 0, None, {})])
    with caplog.at_level(logging.INFO, "headrace"):
        await chain._finish("split", batch, outcome, 0.0, (), 1)
    return caplog.messages[-1]


@every_query
async def test_fields_of_a_line_are_ones_that_the_app_writes(query: Path, caplog: pytest.LogCaptureFixture) -> None:
    line = await _line(caplog)
    code = _code(query)
    asked = set(re.findall(r"\bline\.(\w+)", code))
    assert asked <= set(json.loads(line))
    if asked:
        prefix = re.search(r"message startswith '([^']+)'", code)
        assert prefix
        assert line.startswith(prefix[1])


def test_some_query_asks_for_each_field(caplog: pytest.LogCaptureFixture) -> None:
    asked = {field for query in QUERIES for field in re.findall(r"\bline\.(\w+)", _code(query))}
    assert {"stage", "hub", "partition", "out", "dead", "reasons", "records", "latency_ms", "milliseconds"} <= asked


@every_query
def test_a_query_reads_tables_that_the_app_fills_and_columns_that_they_have(query: Path) -> None:
    code = _code(query)
    tables = [table for table in COLUMNS if re.search(rf"(?:^|= ){table}$", code, re.M)]
    assert len(tables) == 1
    for column in re.findall(r"\b(timestamp|message|operation_Name|success|customDimensions|cloud_\w+)\b", code):
        assert column in COLUMNS[tables[0]]


@every_query
def test_brackets_and_quotes_close(query: Path) -> None:
    code = re.sub(r"'[^'\n]*'|@?\"[^\"\n]*\"", "", _code(query))
    assert "'" not in code
    assert '"' not in code
    for opening, closing in ("()", "[]", "{}"):
        assert code.count(opening) == code.count(closing)


@every_query
def test_a_query_keeps_the_time_so_that_it_can_be_drawn(query: Path) -> None:
    assert re.search(r"bin\(timestamp, \dm\)|project timestamp", _code(query))


# As the Event Hubs extension writes it, at present and before.
TRIGGER_LINES = [
    "Trigger Details: PartitionId: 3, Offset: 1011240-1011632, EnqueueTimeUtc: "
    "2026-11-22T09:41:04.2030000+00:00-2026-11-22T09:41:05.3900000+00:00, SequenceNumber: 2546-2547, Count: 2",
    "Trigger Details: PartionId: 3, Offset: 8589934592:1-:2, EnqueueTimeUtc: "
    "2026-11-22T09:41:04.2030000Z-2026-11-22T09:41:05.3900000Z, SequenceNumber: 2546-2547, Count: 2",
]


@pytest.mark.parametrize("message", TRIGGER_LINES)
def test_lag_reads_the_line_that_the_host_writes_for_a_batch(message: str) -> None:
    # GIVEN: the expressions of the query, which RE2 and Python read alike
    code = _code(INFRA / "queries/lag.kql")
    prefix = re.search(r'message startswith "([^"]+)"', code)
    found = dict(re.findall(r'extend (\w+) = (?:todatetime\()?extract\(@"([^"]+)", 1, message\)', code))

    # THEN: they find the partition, and when the first event entered the hub
    assert prefix
    assert message.startswith(prefix[1])
    partition, enqueued = (re.search(found[name], message) for name in ("partition", "enqueued"))
    assert partition
    assert enqueued
    assert partition[1] == "3"
    moment = datetime.fromisoformat(enqueued[1][:26]).replace(tzinfo=UTC)
    assert moment == datetime(2026, 11, 22, 9, 41, 4, 203000, UTC)


def test_lag_takes_a_function_for_its_consumer_group() -> None:
    for file in (INFRA.parent / "functions").glob("*.py"):
        if group := re.search(r'consumer_group="([^"]+)"', file.read_text()):
            assert f'function_name("{group[1]}")' in file.read_text()


def test_silent_knows_who_reads_the_hubs_that_stages_send_to() -> None:
    table = re.search(r"datatable\([^)]*\)\s*\[(.*?)\]", _code(INFRA / "queries/silent.kql"), re.S)
    assert table
    words = re.findall(r'"([^"]+)"', table[1])
    named = set(zip(words[::2], words[1::2], strict=True))
    hubs = json.loads((INFRA / "eventhubs.json").read_text())["UserConfig"]["NamespaceConfig"][0]["Entities"]
    functions = {file.stem for file in (INFRA.parent / "functions").glob("*.py")}
    assert named == {
        (hub["Name"], group["Name"])
        for hub in hubs
        for group in hub["ConsumerGroups"]
        if group["Name"] in functions and hub["Name"] != "dev"  # producers send there, and write no lines
    }
    # Dead letters are sent beside what a line calls out.
    assert 'bag_pack("dead-letters", line.dead)' in _code(INFRA / "queries/silent.kql")


def _alert_queries() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = parsed(ALERTS)["variables"]["queries"]["value"]
    return found


@pytest.mark.parametrize("alert", _alert_queries(), ids=lambda alert: str(alert["name"]))
def test_an_alert_reads_columns_that_its_query_gives(alert: dict[str, Any]) -> None:
    file = alert["query"]["function"]["parameters"]["file_path"]
    code = _code(INFRA / file)
    for column in [alert["column"], *alert["dimensions"]]:
        assert re.search(rf"\b{column}\b", code.rpartition("summarize")[2] or code), column


def test_every_alert_that_operators_count_on_is_there() -> None:
    variables = parsed(ALERTS)["variables"]
    metrics = [item["name"] for item in variables["metrics"]["value"]]
    job = variables["jobMetrics"]["value"]["operator"]["operands"]["false_value"]
    names = {*metrics, *(item["name"] for item in job), *(item["name"] for item in _alert_queries())}
    assert names == {
        "throttled-requests", "lag", "silent", "dead-letters", "failed-executions", "cosmos-throttled",
        "watermark-delay", "job-errors",
    }  # fmt: skip


# https://learn.microsoft.com/azure/azure-monitor/reference/metrics-index
METRICS = {
    "ThrottledRequests": "Total",
    "IncomingMessages": "Total",
    "TotalRequests": "Count",
    "OutputWatermarkDelaySeconds": "Maximum",
    "Errors": "Total",
}


def test_metrics_are_ones_that_the_services_have() -> None:
    variables = parsed(ALERTS)["variables"]
    job = variables["jobMetrics"]["value"]["operator"]["operands"]["false_value"]
    assert {alert["metric"]: alert["aggregation"] for alert in [*variables["metrics"]["value"], *job]} == METRICS
