"""What the az scripts make is what the code names and what Bicep makes: hubs, stores, roles, settings; no secret."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from infra.az import bodies, declared
from local.stack import FILE_SYSTEMS
from tests.unit.az_scripts import ROOT, SCRIPTS, SUBSCRIPTION, Az, after, option, shown
from tests.unit.bicep_files import INFRA, parsed
from tests.unit.test_infra_bicep_access import GRANTS, ROLES

HUBS = {
    hub["Name"]: {group["Name"] for group in hub["ConsumerGroups"]}
    for hub in json.loads((INFRA / "eventhubs.json").read_text())["UserConfig"]["NamespaceConfig"][0]["Entities"]
}
CAPTURE = json.loads((INFRA / "capture.json").read_text())
COSMOS = json.loads((INFRA / "cosmos.json").read_text())


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a dry run of the whole prints, for a producer and an operator."""
    az = Az(tmp_path_factory.mktemp("dry") / "az")
    return az.run(
        "provision_all.sh", "create", "--dry-run",
        HEADRACE_PRODUCER_IDS="<a.producer>", HEADRACE_OPERATOR_IDS="<an.operator>", HEADRACE_ALERT_EMAIL="a@b.c",
    ).stdout  # fmt: skip


@pytest.fixture(scope="module")
def commands(output: str) -> list[list[str]]:
    return [command[1:] for command in shown(output) if command[0] == "az"]


def of(commands: list[list[str]], *words: str) -> list[list[str]]:
    return [command for command in commands if command[: len(words)] == list(words)]


def captured_hubs(commands: list[list[str]]) -> dict[str, str]:
    """The hubs that are made with Capture, and where the body of each is."""
    made = of(commands, "rest", "--method", "put")
    return {re.findall(r"/eventhubs/([\w-]+)\?", str(option(c, "--url")))[0]: str(option(c, "--body")) for c in made}


def test_every_hub_and_group_is_made(commands: list[list[str]]) -> None:
    hubs = of(commands, "eventhubs", "eventhub", "create")
    assert sorted([*captured_hubs(commands), *(option(hub, "--name") for hub in hubs)]) == sorted(HUBS)
    made = of(commands, "eventhubs", "eventhub", "consumer-group")
    assert {(option(group, "--eventhub-name"), option(group, "--name")) for group in made} == {
        (hub, group) for hub, groups in HUBS.items() for group in groups
    }
    sizes = json.loads((INFRA / "parameters.dev.json").read_text())
    assert {option(hub, "--partition-count") for hub in hubs} == {str(sizes["partitions"])}
    assert {option(hub, "--retention-time-in-hours") for hub in hubs} == {str(sizes["retentionHours"])}


def test_hubs_are_captured_as_declared_by_the_namespaces_identity(commands: list[list[str]], output: str) -> None:
    assert set(captured_hubs(commands)) == {hub for hub, settings in CAPTURE.items() if settings["enabled"]}
    for hub, file in captured_hubs(commands).items():
        name = Path(file).name
        (line,) = [line for line in output.splitlines() if line.startswith(f"# {name}: ")]
        properties = json.loads(line.removeprefix(f"# {name}: "))["properties"]
        capture = properties["captureDescription"]
        assert capture["destination"].pop("identity") == {"type": "SystemAssigned"}
        assert "/storageAccounts/stlake" in capture["destination"]["properties"].pop("storageAccountResourceId")
        assert capture == CAPTURE[hub]
        sizes = json.loads((INFRA / "parameters.dev.json").read_text())
        assert (properties["partitionCount"], properties["retentionDescription"]) == (
            sizes["partitions"],
            {"cleanupPolicy": "Delete", "retentionTimeInHours": sizes["retentionHours"]},
        )


def test_every_file_system_is_made(commands: list[list[str]]) -> None:
    made = of(commands, "storage", "container-rm", "create")
    lake = {option(c, "--name") for c in made if "stlake" in str(option(c, "--storage-account"))}
    captured = {settings["destination"]["properties"]["blobContainer"] for settings in CAPTURE.values()}
    assert lake == {*FILE_SYSTEMS, *captured}


def test_every_container_is_made_as_declared(commands: list[list[str]]) -> None:
    made = of(commands, "cosmosdb", "sql", "container", "create")
    assert {option(command, "--database-name") for command in made} == {COSMOS["database"]}
    assert [
        (option(c, "--name"), [option(c, "--partition-key-path")], json.loads(str(option(c, "--idx")))) for c in made
    ] == [(c["id"], c["partitionKey"]["paths"], c["indexingPolicy"]) for c in COSMOS["containers"]]


def scope(text: str) -> str:
    """A scope as the table of roles names it."""
    for pattern, name in (
        (r"/eventhubs/([^/]+)$", r"hub \1"),
        (r"/containers/([^/]+)$", r"container \1"),
        (r"/namespaces/[^/]+$", "namespace"),
        (r"/storageAccounts/sthost[^/]*$", "account hostStorage"),
        (r"/storageAccounts/stlake[^/]*$", "account dataLake"),
        (r"/components/[^/]+$", "insights"),
        (r"^/(dbs/.+)$", r"\1"),
        (r"^/$", "account"),
    ):
        if found := re.search(pattern, text):
            return found.expand(name)
    raise AssertionError(f"a role on {text}")


def test_each_identity_has_the_roles_that_bicep_gives_it(commands: list[list[str]]) -> None:
    identities = {
        "<identity.principalId>": "app",
        "<job.principalId>": "job",
        "<eventhubs.principalId>": "namespace",
        "<deployer.id>": "deployer",
        "<a.producer>": "producers",
        "<an.operator>": "operators",
    }
    granted = {
        (
            identities[str(option(c, "--assignee-object-id") or option(c, "--principal-id"))],
            ROLES[str(option(c, "--role") or option(c, "--role-definition-id"))],
            scope(str(option(c, "--scope"))),
        )
        for c in commands
        if "assignment" in c
    }
    assert granted == set(GRANTS)


def test_the_app_is_given_the_settings_that_bicep_gives_it(commands: list[list[str]]) -> None:
    (command,) = of(commands, "functionapp", "config", "appsettings", "set")
    settings = dict(word.split("=", 1) for word in after(command, "--settings"))
    assert set(settings) == set(module("function_app", "settings")["config"]["properties"])
    assert settings["EventHubs__fullyQualifiedNamespace"].endswith(".servicebus.windows.net")
    assert {value for name, value in settings.items() if name.endswith("__clientId")} == {"<identity.clientId>"}


def test_keys_are_off_wherever_they_can_be(commands: list[list[str]]) -> None:
    (namespace,) = of(commands, "eventhubs", "namespace", "create")
    (cosmos,) = of(commands, "cosmosdb", "create")
    accounts = of(commands, "storage", "account", "create")
    assert option(namespace, "--disable-local-auth") == option(cosmos, "--disable-local-auth") == "true"
    assert option(namespace, "--minimum-tls-version") == "1.2"
    assert option(cosmos, "--minimal-tls-version") == "Tls12"
    assert len(accounts) == 2
    assert {option(account, "--allow-shared-key-access") for account in accounts} == {"false"}
    assert {option(account, "--allow-blob-public-access") for account in accounts} == {"false"}
    assert {option(account, "--min-tls-version") for account in accounts} == {"TLS1_2"}


def test_no_command_asks_for_a_key_and_no_output_has_one(output: str) -> None:
    scripts = "".join(path.read_text() for path in SCRIPTS.glob("*.sh"))
    assert not re.search(r"\bkeys? list|list-keys|listKeys|connection-string|show-connection", scripts)
    assert not re.search(r"AccountKey|SharedAccessKey|InstrumentationKey=|sig=", output)
    assert "APPLICATIONINSIGHTS_CONNECTION_STRING=<insights.connectionString>" in output


def test_no_connection_string_is_shown_or_kept(tmp_path: Path) -> None:
    az = Az(tmp_path / "az")
    for script in ("identity.sh", "monitoring.sh", "storage.sh"):
        az.run(script, "create")
    secret = "InstrumentationKey=00000000-1111;IngestionEndpoint=https://x"
    insights = f"resource show --ids /subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test/providers"
    az.answer(f"{insights}/Microsoft.Insights/components", out=secret)
    ran = az.run("functions.sh", "create")
    assert ran.returncode == 0, ran.stderr
    (given,) = [call for call in az.calls() if "appsettings" in call]
    assert f"APPLICATIONINSIGHTS_CONNECTION_STRING={secret}" in given
    assert secret not in ran.stdout + ran.stderr
    kept = [path for path in (tmp_path / "az" / "out").rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if secret.encode() in path.read_bytes()]


def test_the_alerts_are_given_what_they_take(commands: list[list[str]]) -> None:
    (command,) = of(commands, "deployment", "group", "create")
    given = dict(word.split("=", 1) for word in after(command, "--parameters"))
    assert set(given) == set(parsed(INFRA / "alerts.bicep")["parameters"])
    assert json.loads(given["tags"]) == {"azd-env-name": "test"}


def test_sizes_that_scripts_name_are_declared() -> None:
    text = "".join(path.read_text() for path in SCRIPTS.glob("*.sh"))
    named = set(re.findall(r"\$\(size (\w+)\)", text))
    assert named
    for profile in ("dev", "prod"):
        assert named <= set(json.loads((INFRA / f"parameters.{profile}.json").read_text()))


def test_every_size_is_used() -> None:
    text = "".join(path.read_text() for path in [*SCRIPTS.glob("*.sh"), SCRIPTS / "bodies.py"])
    for name in json.loads((INFRA / "parameters.dev.json").read_text()):
        assert f"size {name})" in text or f'sizes["{name}"]' in text, name


def module(name: str, symbol: str) -> dict[str, Any]:
    resource: dict[str, Any] = parsed(INFRA / "modules" / f"{name}.bicep")["resources"][symbol]
    return resource


AT = {
    **dict.fromkeys(("workspace", "plan", "identity", "storage", "eventhubs", "lake", "cosmos"), "x"),
    "location": "here",
    "environment": "test",
}


@pytest.mark.parametrize(
    ("what", "file", "symbol"),
    [
        ("workspace", "monitoring", "workspace"),
        ("insights", "monitoring", "insights"),
        ("plan", "function_app", "plan"),
        ("app", "function_app", "app"),
        ("job", "stream_analytics", "streaming"),
    ],
)
def test_bodies_are_what_bicep_says(what: str, file: str, symbol: str) -> None:
    sizes = json.loads((INFRA / "parameters.prod.json").read_text())
    ours = leaves(bodies.body(what, AT, sizes))
    theirs = leaves(module(file, symbol)["config"])
    text = (INFRA / "modules" / f"{file}.bicep").read_text()
    assert set(ours) == set(theirs)
    for path, said in theirs.items():
        computed = isinstance(said, str) and (f"'{said}'" not in text or "${" in said)
        if not computed and not isinstance(said, dict | list):
            assert ours[path] == said, path


# The address says what a resource is called and belongs to; a private network is Bicep's alone.
ASIDE = {"/name", "/scope", "/parent", "/dependsOn", "/properties/virtualNetworkSubnetId"}
WHOLE = {"/tags", "/identity/userAssignedIdentities"}


def leaves(tree: Any, at: str = "") -> dict[str, Any]:
    """What a resource says, by where it says it; expressions, which Bicep computes, as pycep has them."""
    if at in ASIDE:
        return {}
    if at in WHOLE:
        return {at: {}}
    if not isinstance(tree, dict) or set(tree) <= {"function", "operator", "operands", "index"}:
        return {at: tree}
    return {path: value for key, value in tree.items() for path, value in leaves(value, f"{at}/{key}").items()}


def test_the_job_logs_what_bicep_says(commands: list[list[str]]) -> None:
    (command,) = of(commands, "monitor", "diagnostic-settings", "create")
    said = module("stream_analytics", "logs")["config"]
    assert option(command, "--name") == said["name"]
    assert json.loads(str(option(command, "--logs"))) == said["properties"]["logs"]


@pytest.mark.parametrize("what", sorted(bodies.PROPERTIES.keys() - {"hub"}))
def test_a_body_has_what_az_asks_of_a_whole_resource(what: str) -> None:
    # `az resource create --is-full-object` refuses one without a location.
    assert bodies.body(what, AT, json.loads((INFRA / "parameters.dev.json").read_text()))["location"] == "here"


def test_apis_are_those_of_bicep(commands: list[list[str]]) -> None:
    in_bicep = {
        resource["detail"] if "detail" in resource else "@".join((resource["type"], resource.get("api_version", "")))
        for file in INFRA.glob("**/*.bicep")
        for resource in parsed(file)["resources"].values()
    }
    for command in of(commands, "resource", "create"):
        kind = re.findall(r"providers/(Microsoft\.\w+/\w+)", str(option(command, "--id")))[-1]
        assert f"{kind}@{option(command, '--api-version')}" in in_bicep
    for command in of(commands, "rest", "--method", "put"):
        version = str(option(command, "--url")).partition("?api-version=")[2]
        assert f"Microsoft.EventHub/namespaces/eventhubs@{version}" in in_bicep


def test_the_job_is_what_stream_analytics_says() -> None:
    job = bodies.body("job", AT, json.loads((INFRA / "parameters.dev.json").read_text()))["properties"]
    assert job["transformation"]["properties"]["query"] == (ROOT / "stream_analytics" / "job.asaql").read_text()
    assert "<" not in json.dumps([job["inputs"], job["outputs"]])


def test_a_token_fits_into_every_name() -> None:
    (token,) = declared.token("subscription", "an-environment-of-20", "westeurope")
    assert re.fullmatch(r"[a-z][a-z0-9]{12}", token)
    assert declared.token("subscription", "other", "westeurope") != [token]
