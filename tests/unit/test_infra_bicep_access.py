"""Who may do what in Azure: each identity has exactly the roles that its code needs, and no key opens anything."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from shared import clients
from shared.chain import DEAD_LETTERS_FILE_SYSTEM, EVENTS_FILE_SYSTEM
from shared.failures import HUB as DEAD_LETTERS_HUB
from shared.routing import ENRICHED_HUB, ENTRY_HUB, ROUTES
from tests.unit.bicep_files import FILES, INFRA, body, calls, loop_over, name_of, parsed, path_of, tokens

MODULES = INFRA / "modules"
# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles, and for Cosmos DB
# https://learn.microsoft.com/azure/cosmos-db/nosql/reference-data-plane-security#built-in-roles
ROLES = {
    "a638d3c7-ab3a-418d-83e6-5f17a39d4fde": "Azure Event Hubs Data Receiver",
    "2b629674-e913-4c01-ae53-ef4638d8f975": "Azure Event Hubs Data Sender",
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
    "00000000-0000-0000-0000-000000000001": "Cosmos DB Built-in Data Reader",
    "00000000-0000-0000-0000-000000000002": "Cosmos DB Built-in Data Contributor",
}
RECEIVER, SENDER = "Azure Event Hubs Data Receiver", "Azure Event Hubs Data Sender"
BLOBS, BLOB_READER = "Storage Blob Data Contributor", "Storage Blob Data Reader"
DOCUMENTS, DOCUMENT_READER = "Cosmos DB Built-in Data Contributor", "Cosmos DB Built-in Data Reader"

# identity, role, scope -> the code path that needs it.
GRANTS = {
    ("app", RECEIVER, "hub dev"): "functions/split.py",
    ("app", RECEIVER, "hub places"): "functions/enrich_places.py",
    ("app", RECEIVER, "hub weather"): "functions/enrich_weather.py",
    ("app", RECEIVER, "hub seismic"): "functions/enrich_seismic.py",
    ("app", RECEIVER, "hub enriched"): "functions/store_documents.py",
    ("app", RECEIVER, "hub dead-letters"): "functions/store_dead_letters.py",
    ("app", SENDER, "hub dev"): "functions/ingest.py",
    ("app", SENDER, "hub places"): "shared/stages/split.py",
    ("app", SENDER, "hub weather"): "shared/stages/split.py",
    ("app", SENDER, "hub seismic"): "shared/stages/split.py",
    ("app", SENDER, "hub enriched"): "shared/stages/enrich.py",
    ("app", SENDER, "hub dead-letters"): "shared/chain.py",
    ("app", BLOBS, "container events"): "functions/store_files.py",
    ("app", BLOBS, "container dead-letters"): "functions/store_dead_letters.py",
    ("app", DOCUMENTS, "dbs/dev/colls/events"): "functions/store_documents.py",
    ("app", "Storage Blob Data Owner", "account hostStorage"): "host.json",
    ("app", "Monitoring Metrics Publisher", "insights"): "shared/telemetry.py",
    ("job", RECEIVER, "hub dev"): "stream_analytics/job.json",
    ("job", BLOBS, "container stream"): "stream_analytics/job.json",
    ("job", BLOBS, "container reference"): "stream_analytics/job.json",
    ("deployer", BLOBS, "account dataLake"): "infra/capture.json",
    ("job", DOCUMENTS, "dbs/dev/colls/stream"): "stream_analytics/job.json",
    ("job", DOCUMENTS, "dbs/dev/colls/aggregates"): "stream_analytics/job.json",
    ("namespace", BLOBS, "container capture"): "infra/capture.json",
    ("producers", SENDER, "hub dev"): "shared/routing.py",
    ("operators", RECEIVER, "namespace"): "tools/receive/command.py",
    ("operators", SENDER, "namespace"): "tools/dead_letters/command.py",
    ("operators", BLOB_READER, "account dataLake"): "tools/capture/command.py",
    ("operators", BLOB_READER, "container azure-webjobs-eventhub"): "tools/topology/namespace.py",
    ("operators", DOCUMENT_READER, "account"): "tools/query/command.py",
}
IDENTITIES = {
    ("app_access", "principalId"): "app",
    ("job_access", "principalId"): "job",
    ("capture_access", "principalId"): "namespace",
    ("capture_access", "deployer().objectId"): "deployer",
    ("people_access", "producer"): "producers",
    ("people_access", "operator"): "operators",
}


def _value(content: dict[str, Any], expression: Any) -> str:
    """What an expression over a file's variables is: a literal, a variable, a member of one, or an interpolation."""
    first, *rest = path_of(expression).split(".")
    if first not in content["variables"]:
        return path_of(expression)
    found = content["variables"][first]["value"]
    for part in rest:
        found = found[part]
    return str(found)


def _role(content: dict[str, Any], expression: Any) -> str:
    if isinstance(expression, str) and expression in content["variables"]:
        expression = content["variables"][expression]["value"]
    if isinstance(expression, str):  # '${cosmos.id}/sqlRoleDefinitions/${id}'
        name = re.findall(r"\$\{(\w+)\}", expression)[-1]
        return ROLES[_value(content, name)]
    parameters = list(expression["function"]["parameters"].values())
    flat = [item for entry in parameters for item in (entry if isinstance(entry, list) else [entry])]
    return next(ROLES[value] for item in flat if item is not None and (value := _value(content, item)) in ROLES)


def _items(content: dict[str, Any], declaration: dict[str, Any]) -> list[str | None]:
    array = loop_over(declaration)
    return content["variables"][array]["value"] if array in content["variables"] else [None]


def _scope(content: dict[str, Any], grant: dict[str, Any], item: str | None) -> str:
    if "sqlRoleAssignments" in grant["type"]:
        scope = body(grant)["properties"]["scope"]
        scope = scope if isinstance(scope, str) else "account"
        for name in re.findall(r"\$\{(\w+)\}", scope):
            scope = scope.replace(f"${{{name}}}", item or _value(content, name))
        return scope.replace("${cosmos.id}/", "")
    symbol = path_of(body(grant)["scope"])
    target = content["resources"][symbol]
    kind = target["type"].rpartition("/")[2]
    name = item or _value(content, body(target)["name"])
    return {
        "eventhubs": f"hub {name}",
        "containers": f"container {name}",
        "storageAccounts": f"account {symbol}",
        "namespaces": "namespace",
        "components": "insights",
    }[kind]


def _grants() -> set[tuple[str, str, str]]:
    granted = set()
    for file in FILES:
        content = parsed(file)
        for resource in content["resources"].values():
            if resource["type"].rpartition("/")[2] in ("roleAssignments", "sqlRoleAssignments"):
                properties = body(resource)["properties"]
                principal = properties["principalId"]
                if isinstance(principal, dict) and "function" in principal:  # trim(producer)
                    principal = next(iter(principal["function"]["parameters"].values()))
                identity = IDENTITIES[file.stem, path_of(principal)]
                role = _role(content, properties["roleDefinitionId"])
                for item in _items(content, resource):
                    granted.add((identity, role, _scope(content, resource, item)))
    return granted


def test_each_identity_has_the_roles_of_the_table_and_no_others() -> None:
    assert _grants() == set(GRANTS)


def test_the_table_is_what_the_code_does() -> None:
    # GIVEN: what the code reads, sends to and writes
    functions = "".join(file.read_text() for file in (INFRA.parent / "functions").glob("*.py"))
    read = set(re.findall(r'event_hub_name="([^"]+)"', functions))
    sent = {ENTRY_HUB, ENRICHED_HUB, DEAD_LETTERS_HUB} | {route.hub for route in ROUTES.values()}

    # THEN: the app may do that, on nothing else
    app = {(role, scope) for identity, role, scope in GRANTS if identity == "app"}
    assert {scope for role, scope in app if role == RECEIVER} == {f"hub {hub}" for hub in read}
    assert {scope for role, scope in app if role == SENDER} == {f"hub {hub}" for hub in sent}
    assert {scope for role, scope in app if role == BLOBS} == {
        f"container {EVENTS_FILE_SYSTEM}", f"container {DEAD_LETTERS_FILE_SYSTEM}"
    }  # fmt: skip
    assert {scope for role, scope in app if role == DOCUMENTS} == {f"dbs/{clients.DATABASE}/colls/{clients.CONTAINER}"}


def test_the_table_is_what_the_job_does() -> None:
    job = json.loads((INFRA.parent / "stream_analytics/job.json").read_text())
    needed = set()
    for source in job["inputs"]:
        properties = source["properties"]["datasource"]["properties"]
        if source["properties"]["type"] == "Reference":
            # Storage Blob Data Contributor for an input, too:
            # https://learn.microsoft.com/azure/stream-analytics/blob-output-managed-identity
            needed.add((BLOBS, f"container {properties['container']}"))
        else:
            needed.add((RECEIVER, f"hub {properties['eventHubName']}"))
    for output in job["outputs"]:
        properties = output["properties"]["datasource"]["properties"]
        if "container" in properties:
            needed.add((BLOBS, f"container {properties['container']}"))
        else:
            needed.add((DOCUMENTS, f"dbs/{properties['database']}/colls/{properties['collectionNamePattern']}"))
    assert {(role, scope) for identity, role, scope in GRANTS if identity == "job"} == needed


def test_only_the_app_and_operators_send_to_inner_hubs() -> None:
    # Who can may claim any origin for a record.
    senders = {identity for identity, role, scope in _grants() if role == SENDER and scope != f"hub {ENTRY_HUB}"}
    assert senders == {"app", "operators"}
    defaults = parsed(INFRA / "main.bicep")["parameters"]
    assert defaults["producerPrincipalIds"]["default"] == defaults["operatorPrincipalIds"]["default"] == ""


@pytest.mark.parametrize("path", sorted(set(GRANTS.values())))
def test_the_code_path_of_a_grant_exists(path: str) -> None:
    assert (INFRA.parent / path).exists()


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_no_key_is_asked_for(file: Path) -> None:
    assert not {call for call in calls(file) if call.lower().startswith("list")}
    assert not [
        token for token in tokens(file) if re.search(r"AccountKey|SharedAccessKey|sharedAccessPolicyName", token.value)
    ]


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_no_output_holds_a_secret(file: Path) -> None:
    for name, output in parsed(file)["outputs"].items():
        assert not re.search(
            r"key|secret|connection_?string|password|token", json.dumps([name, output["value"]]), re.I
        ), name


_STORAGE = {"allowSharedKeyAccess": False, "allowBlobPublicAccess": False, "supportsHttpsTrafficOnly": True}
LOCKED = [
    ("event_hubs", "namespace", {"disableLocalAuth": True, "minimumTlsVersion": "1.2"}),
    ("cosmos", "account", {"disableLocalAuth": True, "minimalTlsVersion": "Tls12"}),
    ("host_storage", "account", _STORAGE | {"minimumTlsVersion": "TLS1_2"}),
    ("data_lake", "account", _STORAGE | {"minimumTlsVersion": "TLS1_2", "isHnsEnabled": True}),
    ("monitoring", "insights", {"DisableLocalAuth": True}),
    ("function_app", "app", {"httpsOnly": True}),
    ("function_app", "publishing", {"allow": False}),
]


@pytest.mark.parametrize(("module", "resource", "expected"), LOCKED)
def test_services_take_identities_alone_over_tls(module: str, resource: str, expected: dict[str, Any]) -> None:
    properties = body(parsed(MODULES / f"{module}.bicep")["resources"][resource])["properties"]
    assert expected.items() <= properties.items()
