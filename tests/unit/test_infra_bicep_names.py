"""What the code names is what Bicep makes: settings, hubs, groups, containers, file systems; and names fit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from local import stack
from shared import clients, settings
from shared.chain import DEAD_LETTERS_FILE_SYSTEM, EVENTS_FILE_SYSTEM
from tests.unit.bicep_files import INFRA, MAIN, body, parsed, path_of

MODULES = INFRA / "modules"
JOB = json.loads((INFRA.parent / "stream_analytics/job.json").read_text())
COSMOS = json.loads((INFRA / "cosmos.json").read_text())
# What the Functions host and its monitoring read, rather than our code.
HOST_SETTINGS = {
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
    "AzureWebJobsStorage__blobServiceUri",
    "EventHubs__credential",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
}
# Flex Consumption refuses these, or an identity takes their place.
NOT_TO_SET = {
    "FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_EXTENSION_VERSION", "WEBSITE_RUN_FROM_PACKAGE", "ENABLE_ORYX_BUILD",
    "SCM_DO_BUILD_DURING_DEPLOYMENT", "TZ", "AzureWebJobsStorage", "EventHubs", "Cosmos", "DataLake",
}  # fmt: skip


class Asked(Mapping[str, str]):
    """An environment that notes what it is asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values_ = values
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self.values_[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)


def _app_settings() -> dict[str, Any]:
    config: dict[str, Any] = parsed(MODULES / "function_app.bicep")["resources"]["settings"]["config"]
    return dict(config["properties"])


def test_the_settings_are_those_that_the_app_reads_and_none_other() -> None:
    # GIVEN: the app's settings as Bicep makes them
    environment = Asked(dict.fromkeys(_app_settings(), "value"))

    # WHEN: the code reads its settings
    connections = [read(environment) for read in (settings.event_hubs, settings.cosmos, settings.data_lake)]

    # THEN: each connection is an address with an identity, and nothing is set that nobody reads
    assert all(connection.endpoint and connection.client_id for connection in connections)
    read = environment.names | {"AZURE_CLIENT_ID"}  # read where a connection has no client id of its own
    assert set(_app_settings()) == (read - NOT_TO_SET) | HOST_SETTINGS


def test_the_example_has_what_the_app_reads_on_a_laptop_and_none_other() -> None:
    environment = Asked(json.loads((INFRA.parent / "local.settings.json.example").read_text())["Values"])
    connections = [read(environment) for read in (settings.event_hubs, settings.cosmos, settings.data_lake)]
    assert all(connection.connection_string for connection in connections)
    of_the_host = {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage"}
    of_tools = {"EventHubs__kafkaBootstrapServers"}
    assert set(environment) == (environment.names & set(environment)) | of_the_host | of_tools


def test_no_setting_is_one_that_flex_consumption_refuses_or_holds_a_key() -> None:
    assert not NOT_TO_SET & set(_app_settings())


def test_hubs_and_groups_come_from_the_file_that_says_what_exists() -> None:
    text = (MODULES / "hubs.bicep").read_text()
    assert "loadJsonContent('../eventhubs.json').UserConfig.NamespaceConfig[0].Entities" in text
    hub = body(parsed(MODULES / "hubs.bicep")["modules"]["hub"])["params"]
    assert hub["partitions"] == "partitions", "every hub has as many partitions as the others"


def test_the_file_has_the_hubs_and_groups_of_every_trigger() -> None:
    hubs = json.loads((INFRA / "eventhubs.json").read_text())["UserConfig"]["NamespaceConfig"][0]["Entities"]
    groups = {(hub["Name"], group["Name"]) for hub in hubs for group in hub["ConsumerGroups"]}
    assert set(_triggers()) <= groups
    source = JOB["inputs"][0]["properties"]["datasource"]["properties"]
    assert (source["eventHubName"], source["consumerGroupName"]) in groups


def _triggers() -> Iterator[tuple[str, str]]:
    for file in (INFRA.parent / "functions").glob("*.py"):
        text = file.read_text()
        if hub := re.search(r'event_hub_name="([^"]+)"', text):
            group = re.search(r'consumer_group="([^"]+)"', text)
            assert group
            yield hub[1], group[1]


def test_cosmos_db_has_the_containers_that_the_app_and_the_job_name() -> None:
    made = {item["id"]: item["partitionKey"]["paths"] for item in COSMOS["containers"]}
    outputs = [output["properties"]["datasource"] for output in JOB["outputs"]]
    job = {
        source["properties"]["collectionNamePattern"]: ["/" + source["properties"]["partitionKey"]]
        for source in outputs
        if source["type"] == "Microsoft.Storage/DocumentDB"
    }
    assert made == {clients.CONTAINER: ["/pk"]} | job
    assert COSMOS["database"] == clients.DATABASE


def test_every_container_indexes_its_partition_key() -> None:
    """It is not by itself: https://learn.microsoft.com/azure/cosmos-db/how-to-manage-indexing-policy"""
    for container in COSMOS["containers"]:
        (key,) = container["partitionKey"]["paths"]
        assert {"path": f"{key}/?"} in container["indexingPolicy"]["includedPaths"]


def test_bicep_makes_the_containers_of_the_file_with_the_time_to_live_of_the_profile() -> None:
    text = (MODULES / "cosmos.bicep").read_text()
    assert "var declared = loadJsonContent('../cosmos.json')" in text
    assert "var containers = declared.containers" in text
    resources = parsed(MODULES / "cosmos.bicep")["resources"]
    assert path_of(resources["database"]["config"]["name"]) == "declared.database"
    assert path_of(body(resources["collections"])["name"]) == "container.id"
    merged = body(resources["collections"])["properties"]["resource"]["function"]
    assert merged["type"] == "union"
    assert list(merged["parameters"].values()) == ["container", {"defaultTtl": "documentTtlSeconds"}]


def test_the_data_lake_has_the_file_systems_that_the_app_the_job_the_laptop_and_capture_name() -> None:
    made = set(parsed(MODULES / "data_lake.bicep")["variables"]["fileSystems"]["value"])
    capture = parsed(MODULES / "capture_access.bicep")["variables"]["writtenFileSystem"]["value"]
    captures = json.loads((INFRA / "capture.json").read_text())
    assert {item["destination"]["properties"]["blobContainer"] for item in captures.values()} == {capture}
    job = {
        end["properties"]["datasource"]["properties"]["container"]
        for end in JOB["inputs"] + JOB["outputs"]
        if end["properties"]["datasource"]["type"] == "Microsoft.Storage/Blob"
    }
    assert made == {EVENTS_FILE_SYSTEM, DEAD_LETTERS_FILE_SYSTEM, capture} | job
    assert made >= set(stack.FILE_SYSTEMS)


def test_capture_adds_to_its_file_only_the_account_and_the_identity() -> None:
    capture = parsed(MODULES / "hub.bicep")["resources"]["hub"]["config"]["properties"]["captureDescription"]
    merged = capture["operator"]["operands"]["false_value"]["function"]
    assert merged["type"] == "union"
    assert "capture" in merged["parameters"].values()
    assert {
        "destination": {
            "identity": {"type": "SystemAssigned"},
            "properties": {"storageAccountResourceId": "captureAccountId"},
        }
    } in merged["parameters"].values()


def test_every_placeholder_of_the_job_is_filled_in() -> None:
    template = (INFRA.parent / "stream_analytics/job.json").read_text()
    filled = (MODULES / "stream_analytics.bicep").read_text()
    for placeholder in set(re.findall(r"<\w+>", template)):
        assert f"'{placeholder}'" in filled


# https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
LIMITS = {
    "id-": 128, "log-": 63, "appi-": 260, "evhns-": 50, "sthost": 24, "stlake": 24, "cosmos-": 44, "func-": 60,
    "plan-": 60, "vnet-": 64, "asa-": 63,
}  # fmt: skip


def test_names_fit_with_the_longest_environment() -> None:
    longest = next(
        item["argument"]
        for item in parsed(MAIN)["parameters"]["environmentName"]["decorators"]
        if item["type"] == "max_length"
    )
    token = (
        "x" * 13
    )  # https://learn.microsoft.com/azure/azure-resource-manager/bicep/bicep-functions-string#uniquestring
    suffix = parsed(MAIN)["variables"]["suffix"]["value"]
    suffix = suffix.replace("${environmentLabel}", "e" * int(longest)).replace("${token}", token)
    names = {
        value.partition("$")[0]: value.replace("${suffix}", suffix).replace("${token}", token)
        for module in parsed(MAIN)["modules"].values()
        for key, value in body(module)["params"].items()
        if key.lower().endswith("name") and isinstance(value, str) and "$" in value
    }
    assert {prefix: len(name) <= LIMITS[prefix] for prefix, name in names.items()} == dict.fromkeys(LIMITS, True)
    assert all(re.fullmatch("[a-z0-9]+", names[account]) for account in ("sthost", "stlake"))


@pytest.mark.parametrize("profile", ["dev", "prod"])
def test_functions_that_are_always_ready_exist(profile: str) -> None:
    ready = json.loads((INFRA / f"parameters.{profile}.json").read_text())["alwaysReady"]
    functions = {file.stem for file in (INFRA.parent / "functions").glob("*.py")}
    assert {item["name"] for item in ready} <= {f"function:{name}" for name in functions}


def test_a_laptop_has_as_many_partitions_as_the_smallest_deployment() -> None:
    hubs = json.loads((INFRA / "eventhubs.json").read_text())["UserConfig"]["NamespaceConfig"][0]["Entities"]
    dev = json.loads((INFRA / "parameters.dev.json").read_text())
    assert {hub["PartitionCount"] for hub in hubs} == {dev["partitions"]}
