"""The Bicep files hold together: they parse, every name resolves, modules are given what they declare.

What the Bicep compiler would find, as far as that goes without one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.bicep_files import (
    FILES,
    INFRA,
    MAIN,
    body,
    calls,
    declared,
    members,
    name_of,
    parsed,
    references,
    tokens,
)

# Types and versions as the template reference has them (https://learn.microsoft.com/azure/templates).
API_VERSIONS = {
    "Microsoft.Authorization/roleAssignments": "2022-04-01",
    "Microsoft.DocumentDB/databaseAccounts": "2024-11-15",
    "Microsoft.DocumentDB/databaseAccounts/sqlDatabases": "2024-11-15",
    "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers": "2024-11-15",
    "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments": "2024-11-15",
    "Microsoft.EventHub/namespaces": "2024-01-01",  # the first with a capture destination's identity
    "Microsoft.EventHub/namespaces/eventhubs": "2024-01-01",
    "Microsoft.EventHub/namespaces/eventhubs/consumergroups": "2024-01-01",
    "Microsoft.EventHub/namespaces/networkRuleSets": "2024-01-01",
    "Microsoft.Insights/actionGroups": "2023-01-01",
    "Microsoft.Insights/components": "2020-02-02",
    "Microsoft.Insights/diagnosticSettings": "2021-05-01-preview",
    "Microsoft.Insights/metricAlerts": "2018-03-01",
    "Microsoft.Insights/scheduledQueryRules": "2022-06-15",
    "Microsoft.ManagedIdentity/userAssignedIdentities": "2023-01-31",
    "Microsoft.Network/privateDnsZones": "2020-06-01",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": "2020-06-01",
    "Microsoft.Network/privateEndpoints": "2024-05-01",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": "2024-05-01",
    "Microsoft.Network/virtualNetworks": "2024-05-01",
    "Microsoft.OperationalInsights/workspaces": "2023-09-01",
    "Microsoft.Resources/resourceGroups": "2024-03-01",
    "Microsoft.Storage/storageAccounts": "2023-05-01",
    "Microsoft.Storage/storageAccounts/blobServices": "2023-05-01",
    "Microsoft.Storage/storageAccounts/blobServices/containers": "2023-05-01",
    "Microsoft.StreamAnalytics/streamingjobs": "2021-10-01-preview",  # managed identity to Cosmos DB
    "Microsoft.Web/serverfarms": "2024-04-01",
    "Microsoft.Web/sites": "2024-04-01",  # functionAppConfig
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": "2024-04-01",
    "Microsoft.Web/sites/config": "2024-04-01",
}
# Functions of Bicep that are used; a misspelt one is not among them.
FUNCTIONS = frozenset(
    """
    allowed batchSize deployer description empty environment guid json loadJsonContent loadTextContent map max maxLength
    maxValue minLength minValue replace resourceId split subscription subscriptionResourceId toLower trim union
    uniqueString
    """.split()  # noqa: SIM905
)
PROFILES = {name: json.loads((INFRA / f"parameters.{name}.json").read_text()) for name in ("dev", "prod")}
JSON_TYPES: dict[type, str] = {int: "int", str: "string", bool: "bool", list: "array"}

every_file = pytest.mark.parametrize("file", FILES, ids=name_of)


@every_file
def test_a_file_parses(file: Path) -> None:
    assert any(parsed(file)[kind] for kind in ("resources", "modules"))


@every_file
def test_every_name_that_is_used_is_declared(file: Path) -> None:
    unknown = {f"{token.value} (line {token.line})" for token in references(file) if token.value not in declared(file)}
    assert not unknown


@every_file
def test_nothing_is_declared_for_nothing(file: Path) -> None:
    content = parsed(file)
    used = {token.value for token in references(file)}
    needless = {name for kind in ("parameters", "variables") for name in content[kind]} - used
    needless |= {name for name, resource in content["resources"].items() if resource["existing"]} - used
    assert not needless


@every_file
def test_only_functions_of_bicep_are_called(file: Path) -> None:
    assert calls(file) <= FUNCTIONS


@every_file
def test_every_parameter_says_what_it_is(file: Path) -> None:
    for name, parameter in parsed(file)["parameters"].items():
        described = [item["argument"] for item in parameter["decorators"] if item["type"] == "description"]
        assert described, name
        assert described[0].endswith("."), name


def test_types_and_versions_are_the_documented_ones() -> None:
    used = {
        (resource["type"], resource["api_version"]) for file in FILES for resource in parsed(file)["resources"].values()
    }
    assert used == set(API_VERSIONS.items())


MODULES = [
    pytest.param(file, name, module, id=f"{name_of(file)}:{name}")
    for file in FILES
    for name, module in parsed(file)["modules"].items()
]


def _target(file: Path, module: dict[str, Any]) -> Path:
    return file.parent / str(module["detail"]["path"])


@pytest.mark.parametrize(("file", "name", "module"), MODULES)
def test_a_module_is_given_what_it_declares(file: Path, name: str, module: dict[str, Any]) -> None:
    assert module["type"] == "local", "no registry modules"
    parameters = parsed(_target(file, module))["parameters"]
    given = set(body(module).get("params", {}))
    assert given <= set(parameters)
    assert {key for key, parameter in parameters.items() if parameter["default"] is None} <= given


@pytest.mark.parametrize(("file", "name", "module"), MODULES)
def test_the_outputs_that_are_read_exist(file: Path, name: str, module: dict[str, Any]) -> None:
    read = {chain[1] for chain in members(file, name) if chain[0] == "outputs"}
    assert read <= set(parsed(_target(file, module))["outputs"])


def test_every_module_is_deployed_and_every_output_read_or_given_to_azd() -> None:
    deployed = {MAIN} | {
        _target(file, module).resolve() for file in FILES for module in parsed(file)["modules"].values()
    }
    assert deployed == set(FILES)
    for file in FILES:
        for name, module in parsed(file)["modules"].items():
            read = {chain[1] for chain in members(file, name) if chain[0] == "outputs"}
            assert read == set(parsed(_target(file, module))["outputs"]), name


@every_file
def test_files_that_are_loaded_exist(file: Path) -> None:
    words = tokens(file)
    for index, token in enumerate(words):
        if token.value in ("loadJsonContent", "loadTextContent"):
            assert (file.parent / words[index + 2].value).is_file(), words[index + 2].value


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_has_the_sizes_that_are_asked_for_and_no_others(profile: str) -> None:
    assert {chain[0] for chain in members(MAIN, "sizes")} == set(PROFILES[profile])


def _sized() -> list[Any]:
    found = []
    for name, module in parsed(MAIN)["modules"].items():
        parameters = parsed(_target(MAIN, module))["parameters"]
        for key, value in body(module)["params"].items():
            operator = value.get("operator", {}) if isinstance(value, dict) else {}
            operands = operator.get("operands", {})
            if operator.get("type") == "property_accessor" and operands["operand_1"] == "sizes":
                found.append(pytest.param(operands["operand_2"], parameters[key], id=f"{name}.{key}"))
    return found


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(("size", "parameter"), _sized())
def test_a_size_is_one_that_its_module_takes(profile: str, size: str, parameter: dict[str, Any]) -> None:
    value = PROFILES[profile][size]
    assert JSON_TYPES[type(value)] == parameter["type"]
    limits = {item["type"]: item.get("argument") for item in parameter["decorators"]}
    assert value in limits.get("allowed", [value])
    if parameter["type"] == "int":
        assert int(limits.get("min_value", value)) <= value <= int(limits.get("max_value", value))


def test_every_size_goes_to_a_module() -> None:
    assert {parameter.values[0] for parameter in _sized()} == set(PROFILES["dev"])


def test_members_of_loaded_json_exist() -> None:
    hubs = json.loads((INFRA / "eventhubs.json").read_text())["UserConfig"]["NamespaceConfig"][0]["Entities"]
    read = {chain[0] for chain in members(INFRA / "modules/hubs.bicep", "entity")}
    assert all(read <= set(hub) for hub in hubs)
    job = json.loads((INFRA.parent / "stream_analytics/job.json").read_text())
    assert {chain[0] for chain in members(INFRA / "modules/stream_analytics.bicep", "job")} == set(job)


@every_file
def test_braces_and_brackets_close(file: Path) -> None:
    # pycep lets some through that Bicep does not.
    closing = {"}": "{", ")": "(", "]": "["}
    opened: list[str] = []
    for token in tokens(file):
        if token.kind == "mark" and token.value in closing.values():
            opened.append(token.value)
        elif token.kind == "mark" and token.value in closing:
            assert opened
            assert opened.pop() == closing[token.value], token.line
    assert not opened
