"""The az scripts as people run them: every verb, dry and against an az that answers; what they keep; how they fail."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shared.settings import cosmos, data_lake, event_hubs
from tests.unit.az_scripts import ROOT, RUNNABLE, SCRIPTS, SOURCED, SUBSCRIPTION, Az, option, shown

VERBS = ("create", "delete", "recreate", "info")
EXTRA = {
    "functions.sh": ["deploy"],
    "monitoring.sh": ["alerts"],
    "provision_all.sh": ["settings"],
    "stream_analytics.sh": ["start", "stop"],
}
GROUP_GONE = "ERROR: (ResourceGroupNotFound) Resource group 'rg-test' could not be found.\nCode: X\n"


@pytest.fixture
def az(tmp_path: Path) -> Az:
    return Az(tmp_path / "az")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[list[str]]]:
    """Of a whole environment, created once: what the scripts kept, and what az was asked."""
    az = Az(tmp_path_factory.mktemp("first") / "az")
    ran = az.run("provision_all.sh", "create")
    assert ran.returncode == 0, ran.stderr
    return az.directory / "out", az.calls()


@pytest.fixture
def created(az: Az, first: tuple[Path, list[list[str]]]) -> Az:
    """An environment that is there: what it takes to start from is what the scripts kept."""
    shutil.copytree(first[0], az.directory / "out")
    return az


def test_they_pass_shellcheck() -> None:
    command = [Path(sys.executable).parent / "shellcheck", "-x", "-P", ROOT, *sorted(ROOT.glob("infra/**/*.sh"))]
    checked = subprocess.run(command, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("script", RUNNABLE)
def test_can_be_run_and_says_how(az: Az, script: str) -> None:
    helped = az.run(script, "--help")
    assert helped.returncode == 0
    assert helped.stdout.startswith(f"{script}: ")
    assert all(f"\n  {verb} " in helped.stdout for verb in [*VERBS, *EXTRA.get(script, [])])
    assert az.calls() == []


@pytest.mark.parametrize("script", sorted(SOURCED))
def test_what_is_sourced_is_not_run(script: str) -> None:
    assert not (SCRIPTS / script).stat().st_mode & 0o111


@pytest.mark.parametrize("script", RUNNABLE)
def test_a_dry_run_shows_every_command_and_runs_none(az: Az, script: str) -> None:
    verbs = ("delete", "info") if script == "provision_all.sh" else ("recreate", "info")  # its create: below
    for verb in [*verbs, *EXTRA.get(script, [])]:
        ran = az.run(script, verb, "--dry-run")
        assert ran.returncode == 0, ran.stderr
        assert ran.stderr == ""
        assert shown(ran.stdout)
        assert {command[0] for command in shown(ran.stdout)} <= {"az", "env", "python3"}
    assert az.calls() == []
    assert not (az.directory / "out").exists()


def test_a_dry_run_needs_no_az(az: Az, tmp_path: Path) -> None:
    tools = tmp_path / "tools"  # a PATH without az, whatever this machine has
    tools.mkdir()
    for name in ("bash", "dirname", "env"):
        (tools / name).symlink_to(str(shutil.which(name)))
    (tools / "python3").symlink_to(Path(sys.executable).resolve())
    assert az.run("adl.sh", "create", "--dry-run", PATH=str(tools)).returncode == 0
    without = az.run("adl.sh", "create", PATH=str(tools))
    assert (without.returncode, without.stderr.split(": https")[0]) == (1, "adl.sh: az is not installed")


def test_everything_is_created_as_the_dry_run_said(az: Az, first: tuple[Path, list[list[str]]]) -> None:
    dry = shown(az.run("provision_all.sh", "create", "--dry-run").stdout)
    asked = [words(call) for call in first[1]]
    for command in dry:
        assert command[0] != "az" or words(command[1:]) in asked, command


def test_keeps_what_others_need(created: Az) -> None:
    assert created.kept("account")["id"] == SUBSCRIPTION
    assert created.kept("identity")["clientId"].startswith("clientId-of-id-test-")


def words(command: list[str]) -> tuple[str, ...]:
    """A command without its values: what does not depend on answers."""
    kept = command[: command.index("--output")] if command[-2:-1] == ["--output"] else command
    return tuple(
        word
        for word in kept
        if not re.search("^/|[<@]|-of-|test|infra/|sthost|stlake|^[0-9a-f]{8}-[0-9a-f]{4}-5", word)
    )


def test_creating_again_asks_for_the_same(created: Az, first: tuple[Path, list[list[str]]]) -> None:
    again = created.run("provision_all.sh", "create")
    assert again.returncode == 0, again.stderr
    second = created.calls()

    def made(calls: list[list[str]]) -> set[str]:
        out = (str(created.directory / "out"), str(first[0]))
        return {json.dumps(call).replace(out[0], "").replace(out[1], "") for call in calls if call[0] != "account"}

    assert made(first[1]) == made(second)


def grants(calls: list[list[str]]) -> set[tuple[str | None, ...]]:
    return {
        tuple(option(call, name) for name in ("--assignee-object-id", "--principal-id", "--role", "--scope"))
        for call in calls
        if "assignment" in call
    }


@pytest.mark.parametrize(
    ("script", "scope"),
    [
        ("identity.sh", None),
        ("storage.sh", "/storageAccounts/sthost"),
        ("adl.sh", "/storageAccounts/stlake"),
        ("eventhubs.sh", "/namespaces/"),
        ("cosmos_sql.sh", "/dbs/dev"),
        ("monitoring.sh", "/components/"),
    ],
)
def test_what_is_made_anew_has_its_roles_again(
    created: Az, first: tuple[Path, list[list[str]]], script: str, scope: str | None
) -> None:
    ran = created.run(script, "recreate", "--yes")
    assert ran.returncode == 0, ran.stderr
    app = created.kept("identity")["principalId"]
    before = {g for g in grants(first[1]) if (scope in str(g[-1]) if scope else app in g)}
    assert before
    assert before <= grants(created.calls())


def test_its_names_stay_those_of_the_first_time(az: Az) -> None:
    az.run("storage.sh", "create")
    token = (az.directory / "out" / "test" / "token").read_text().strip()
    (name,) = {option(call, "--storage-account") for call in az.calls() if "container-rm" in call}
    assert name == f"sthost{token}"
    assert re.fullmatch("[a-z][a-z0-9]{2,23}", name)
    az.run("storage.sh", "create", AZURE_LOCATION="northeurope")
    assert {option(call, "--storage-account") for call in az.calls() if "container-rm" in call} == {name}


def test_another_subscription_is_not_touched(created: Az) -> None:
    created.answer("account show --query id", out="another\n")
    ran = created.run("storage.sh", "create")
    assert ran.stderr.splitlines()[-1] == (
        f"storage.sh: environment test is in another subscription: az account set --subscription {SUBSCRIPTION}"
    )
    assert [call[:2] for call in created.calls()] == [["account", "show"]]


def test_an_error_is_one_line_and_ends_it(created: Az) -> None:
    said = "WARNING: old\nERROR: (BadRequest) too many partitions\nCode: 40000\n"
    created.answer("eventhubs eventhub create", status=1, error=said)
    ran = created.run("eventhubs.sh", "create")
    assert ran.returncode == 1
    assert [line for line in ran.stderr.splitlines() if not line.startswith("+ ")] == [
        "eventhubs.sh: az eventhubs eventhub create failed: (BadRequest) too many partitions"
    ]
    assert created.calls()[-1][:3] == ["eventhubs", "eventhub", "create"]


def test_an_error_in_one_service_ends_the_whole(az: Az) -> None:
    az.answer("storage account create", status=1, error="ERROR: no capacity\n")
    ran = az.run("provision_all.sh", "create")
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1] == "storage.sh: az storage account create failed: no capacity"
    assert az.calls()[-1][:3] == ["storage", "account", "create"]


def test_what_a_script_needs_is_made_by_another(az: Az) -> None:
    ran = az.run("functions.sh", "create")
    assert (ran.returncode, ran.stderr.splitlines()[-1]) == (
        1,
        "functions.sh: it needs what identity.sh makes: identity.sh create",
    )


def test_a_role_that_is_not_known_everywhere_yet_is_waited_for(created: Az) -> None:
    created.answer("rest --method put", status=1, error="ERROR: does not have authorization\n", times=3)
    assert created.run("eventhubs.sh", "create").returncode == 0
    assert [call[:2] for call in created.calls()].count(["rest", "--method"]) == 4


@pytest.mark.parametrize("script", [name for name in RUNNABLE if name != "extensions.sh"])
def test_deleting_what_is_not_there_is_no_error(az: Az, script: str) -> None:
    for command in ("group", "resource", "identity", "storage", "eventhubs", "cosmosdb", "functionapp", "monitor"):
        az.answer(f"{command} ", status=3, error=GROUP_GONE)
    az.answer("rest", status=3, error=GROUP_GONE)
    ran = az.run(script, "delete", "--yes")
    assert ran.returncode == 0, ran.stderr
    assert f"{script}: there is no " in ran.stderr


def test_an_error_while_deleting_is_one(az: Az) -> None:
    az.answer("storage account delete", status=1, error="ERROR: (ScopeLocked) it is locked\n")
    ran = az.run("adl.sh", "delete", "--yes")
    assert (ran.returncode, ran.stderr.splitlines()[-1]) == (
        1,
        "adl.sh: az storage account delete failed: (ScopeLocked) it is locked",
    )


@pytest.mark.parametrize("verb", ["delete", "recreate"])
def test_nothing_is_deleted_unasked(az: Az, verb: str) -> None:
    ran = az.run("adl.sh", verb)
    assert (ran.returncode, ran.stderr.splitlines()[-1]) == (
        1,
        "adl.sh: delete and recreate need --yes where nobody can be asked",
    )
    assert not any("delete" in call for call in az.calls())


def test_a_deleted_environment_leaves_nothing_but_its_names(created: Az) -> None:
    assert created.run("provision_all.sh", "delete", "--yes").returncode == 0
    out = created.directory / "out" / "test"
    assert {path.name for path in out.iterdir()} == {"account.json", "token", "app.zip"}


def test_info_says_what_there_is_and_what_not(az: Az) -> None:
    az.answer("resource show --ids", status=3, error="ERROR: (ResourceNotFound) x\n")
    ran = az.run("storage.sh", "info")
    assert ran.returncode == 0
    assert re.search(r"^storage\.sh: there is no sthost\w+$", ran.stderr, re.MULTILINE)
    az.answer("resource show --ids", out='{"name": "sthost", "state": "Succeeded"}\n')
    assert json.loads(az.run("storage.sh", "info").stdout)["state"] == "Succeeded"


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["make"], {}, "'make' is no verb or option of it; see adl.sh --help"),
        (["create", "info"], {}, "give one verb: create, delete, recreate or info; see adl.sh --help"),
        ([], {}, "give one verb: create, delete, recreate or info; see adl.sh --help"),
        (["create"], {"AZURE_ENV_NAME": "Our Env"}, "AZURE_ENV_NAME is 'Our Env': take 1 to 20 of a-z, 0-9 and -"),
        (["create"], {"HEADRACE_PROFILE": "x"}, "HEADRACE_PROFILE is 'x': there is no infra/parameters.x.json"),
        (
            ["create"],
            {"HEADRACE_PRIVATE_NETWORKING": "true"},
            "HEADRACE_PRIVATE_NETWORKING: these scripts make no private network; "
            "deploy infra/main.bicep (docs/deploying.md)",
        ),
    ],
)
def test_says_what_is_wrong_with_how_it_is_called(
    az: Az, arguments: list[str], environment: dict[str, str], said: str
) -> None:
    ran = az.run("adl.sh", *arguments, **environment)
    assert (ran.returncode, ran.stderr) == (1, f"adl.sh: {said}\n")
    assert az.calls() == []


def test_the_job_is_stopped_before_it_is_changed_and_started_after(first: tuple[Path, list[list[str]]]) -> None:
    calls = first[1]
    (changed,) = [i for i, call in enumerate(calls) if "/streamingjobs/" in str(call) and "job.body.json" in str(call)]
    asked = [i for i, call in enumerate(calls) if call[0] == "rest"]
    started = [i for i in asked if "/start" in str(calls[i])]
    assert min(asked) < changed < started[0]
    assert max(i for i, call in enumerate(calls) if "assignment" in call) < started[0]


@pytest.mark.parametrize(
    ("script", "needing"), [("stream_analytics.sh", "upload-batch"), ("eventhubs.sh", "hub-dev.body.json")]
)
def test_who_deploys_may_write_into_the_lake_whoever_made_it(created: Az, script: str, needing: str) -> None:
    created.answer("ad signed-in-user show", out="another-one\n")
    assert created.run(script, "create").returncode == 0
    calls = created.calls()
    (given,) = [n for n, call in enumerate(calls) if option(call, "--assignee-object-id") == "another-one"]
    assert re.search(r"/storageAccounts/stlake\w+$", str(option(calls[given], "--scope")))
    assert given < next(n for n, call in enumerate(calls) if needing in str(call))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("ERROR: Insufficient privileges.\n", "az ad sp show failed: Insufficient privileges."),
        ("ERROR: Resource 'x' does not exist.\n", "the directory does not know who is signed in: az login as a person"),
    ],
)
def test_a_deployer_that_cannot_be_found_ends_it(created: Az, error: str, said: str) -> None:
    created.answer("account show --query user.type", out="servicePrincipal\n")
    created.answer("ad sp show", status=3, error=error)
    ran = created.run("adl.sh", "create")
    errors = [line for line in ran.stderr.splitlines() if not line.startswith("+ ")]
    assert (ran.returncode, len(errors)) == (1, 1)
    assert errors[0].startswith(f"adl.sh: {said}")


def test_without_the_job_nothing_of_it_is_made(az: Az) -> None:
    ran = az.run("provision_all.sh", "create", "--dry-run", HEADRACE_STREAM_ANALYTICS="false")
    assert ran.returncode == 0, ran.stderr
    assert "streamingjobs" not in ran.stdout
    refused = az.run("stream_analytics.sh", "create", HEADRACE_STREAM_ANALYTICS="false")
    assert (refused.returncode, refused.stderr.splitlines()[-1]) == (
        1,
        "stream_analytics.sh: HEADRACE_STREAM_ANALYTICS is not true: this environment has no job",
    )


def test_tools_find_the_environment(created: Az) -> None:
    printed = created.run("provision_all.sh", "settings")
    assert printed.returncode == 0, printed.stderr
    settings = dict(line.removeprefix("export ").split("=", 1) for line in printed.stdout.splitlines())
    token = (created.directory / "out" / "test" / "token").read_text().strip()
    assert event_hubs(settings).endpoint == f"evhns-test-{token}.servicebus.windows.net"
    assert cosmos(settings).endpoint
    assert data_lake(settings).endpoint
