"""What azd reads: azure.yaml, the parameters it fills in, and the hook that stops and starts the job."""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local.stack import REFERENCE
from tests.unit.az_scripts import option
from tests.unit.bicep_files import INFRA, MAIN, parsed

ROOT = INFRA.parent
HOOK = INFRA / "hooks/stream_analytics.sh"
PARAMETERS = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]


def _line(name: str) -> str:
    found = re.search(rf"^\s*{name}: (.+)$", (ROOT / "azure.yaml").read_text(), re.M)
    assert found, name
    return found[1]


def test_azd_finds_the_infrastructure_and_the_app() -> None:
    assert (ROOT / _line("path") / f"{_line('module')}.bicep") == MAIN
    assert (ROOT / _line("project") / "host.json").is_file()
    assert (_line("host"), _line("language")) == ("function", "python")


def test_the_service_is_the_one_that_the_function_app_is_tagged_with() -> None:
    service = re.search(r"^services:\n  (\w+):", (ROOT / "azure.yaml").read_text(), re.M)
    tags = parsed(INFRA / "modules/function_app.bicep")["resources"]["app"]["config"]["tags"]
    assert service
    assert {"'azd-service-name'": service[1]} in tags["function"]["parameters"].values()


def test_every_parameter_can_be_set_by_the_environment() -> None:
    declared = parsed(MAIN)["parameters"]
    assert set(PARAMETERS) == set(declared)
    for name, parameter in PARAMETERS.items():
        found = re.fullmatch(r"\$\{([A-Z_]+)(=(.*))?\}", parameter["value"])
        assert found, name
        # azd turns the text of a boolean into one.
        default = declared[name]["default"]
        expected = str(default).lower() if isinstance(default, bool) else default
        assert found[3] == expected, name


def test_hooks_are_files_that_can_be_run() -> None:
    hooks = re.findall(r"^    run: (\S+) (\w+)$", (ROOT / "azure.yaml").read_text(), re.M)
    assert hooks == [("infra/hooks/stream_analytics.sh", "stop"), ("infra/hooks/stream_analytics.sh", "start")]
    assert HOOK.stat().st_mode & stat.S_IXUSR


AZ = """#!/bin/sh
echo "$*" >> "$RECORD"
case "$*" in
*"--query value[0].name"*)
    if [ -n "${LIST_ERROR:-}" ]; then echo "$LIST_ERROR" >&2; exit 1; fi
    echo "${FOUND:-}" ;;
*"--method get"*jobState*)
    if [ -n "${AZ_ERROR:-}" ]; then echo "$AZ_ERROR" >&2; exit 1; fi
    head -n 1 "$STATES"
    if [ "$(wc -l < "$STATES")" -gt 1 ]; then sed -i.bak 1d "$STATES"; fi ;;
*"--method get"*lastOutputEventTime*) echo "${LAST_OUTPUT:-}" ;;
"storage blob upload-batch"*)
    if [ -n "${UPLOAD_ERROR:-}" ] && [ ! -e "$RECORD.refused" ]; then
        if [ -n "${REFUSED_ONCE:-}" ]; then touch "$RECORD.refused"; fi
        echo "$UPLOAD_ERROR" >&2
        exit 1
    fi ;;
esac
"""


class Azure:
    """An `az` that answers what a job's states are, one after the other, and notes what it is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "az").write_text(AZ)
        (folder / "az").chmod(0o755)
        (folder / "record").touch()

    def run(
        self, verb: str, *, states: str = "", fresh: bool = False, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """The hook in an environment that azd has deployed, or a `fresh` one, where azd knows no outputs yet."""
        (self.folder / "states").write_text("".join(f"{state}\n" for state in states.split()))
        settings = {
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "RECORD": str(self.folder / "record"),
            "STATES": str(self.folder / "states"),
            "AZURE_SUBSCRIPTION_ID": "1",
            "AZURE_RESOURCE_GROUP": "rg-dev",
            "HEADRACE_JOB_NAME": "asa-dev",
            "DataLake__serviceUri": "https://stlakedev.dfs.core.windows.net/",
            "HEADRACE_JOB_PAUSE": "0",
        }
        if fresh:
            settings = {k: v for k, v in settings.items() if k not in ("AZURE_RESOURCE_GROUP", "HEADRACE_JOB_NAME")}
            settings["AZURE_ENV_NAME"] = "dev"
        return subprocess.run([HOOK, verb], env=settings | environment, capture_output=True, text=True, timeout=60)

    @property
    def asked(self) -> list[str]:
        """The calls that change something: method, path of the job, body."""
        calls = (self.folder / "record").read_text().splitlines()
        return [re.sub(r".*--url \S+/asa-dev(/\w+)\?\S+", r"\1", call) for call in calls if "--method post" in call]


@pytest.fixture
def azure(tmp_path: Path) -> Azure:
    return Azure(tmp_path)


def test_a_running_job_is_stopped_and_waited_for(azure: Azure) -> None:
    result = azure.run("stop", states="Running Stopping Stopping Stopped", HEADRACE_JOB_PAUSE="1")
    assert (result.returncode, result.stderr) == (0, "")
    assert azure.asked == ["/stop"]


@pytest.mark.parametrize("state", ["Created", "Stopped", "Failed"])
def test_a_job_that_does_not_run_is_left_alone(azure: Azure, state: str) -> None:
    assert azure.run("stop", states=state).returncode == 0
    assert azure.asked == []


def test_a_job_that_does_not_stop_is_an_error(azure: Azure) -> None:
    result = azure.run("stop", states="Running Stopping", HEADRACE_JOB_PAUSE="1", HEADRACE_JOB_DEADLINE="1")
    assert result.returncode == 1
    assert "asa-dev is still Stopping after 1 s" in result.stderr


def test_a_job_that_is_gone_needs_no_stop(azure: Azure) -> None:
    result = azure.run("stop", AZ_ERROR='Not Found({"error":{"code":"ResourceNotFound"}})')
    assert (result.returncode, azure.asked) == (0, [])


def test_an_az_that_is_not_signed_in_is_an_error(azure: Azure) -> None:
    result = azure.run("stop", AZ_ERROR="ERROR: Please run 'az login' to setup account.")
    assert result.returncode == 1
    assert "az login" in result.stderr


@pytest.mark.parametrize(("last", "mode"), [("", "JobStartTime"), ("2026-11-22T09:41:04Z", "LastOutputEventTime")])
def test_a_job_goes_on_where_its_output_ended(azure: Azure, last: str, mode: str) -> None:
    assert azure.run("start", LAST_OUTPUT=last).returncode == 0
    assert azure.asked == [f'/start --body {{"outputStartMode": "{mode}"}}']


def test_a_job_that_fails_while_its_roles_are_not_known_is_started_again(azure: Azure) -> None:
    result = azure.run("start", states="Starting Failed Starting Running")
    assert (result.returncode, result.stderr) == (0, "")
    assert azure.asked == ['/start --body {"outputStartMode": "JobStartTime"}'] * 2


def test_a_job_that_does_not_start_is_an_error(azure: Azure) -> None:
    result = azure.run("start", states="Starting Failed", HEADRACE_JOB_PAUSE="1", HEADRACE_JOB_DEADLINE="2")
    assert result.returncode == 1
    assert "asa-dev is Failed after 2 s; its activity log in the portal says why" in result.stderr


def test_a_job_that_is_long_in_starting_is_left_to_it(azure: Azure) -> None:
    result = azure.run("start", states="Starting", HEADRACE_JOB_PAUSE="1", HEADRACE_JOB_DEADLINE="1")
    assert (result.returncode, "asa-dev is Starting after 1 s" in result.stderr) == (0, True)


def test_reference_data_is_uploaded_before_the_job_is_started(azure: Azure) -> None:
    assert azure.run("start").returncode == 0
    calls = (azure.folder / "record").read_text().splitlines()
    (upload,) = [call for call in calls if call.startswith("storage blob upload-batch")]
    assert calls.index(upload) < next(n for n, call in enumerate(calls) if "/start?" in call)
    words = shlex.split(upload)
    assert option(words, "--account-name") == "stlakedev"
    assert option(words, "--auth-mode") == "login"
    assert option(words, "--overwrite") == "true"
    assert option(words, "--destination") == REFERENCE.name
    assert Path(str(option(words, "--source"))).resolve() == REFERENCE


@pytest.mark.parametrize(
    "refused",
    [
        "You do not have the required permissions needed to perform this operation.",
        "The request may be blocked by network rules of storage account.",
    ],
)
def test_a_role_that_the_store_does_not_know_of_yet_is_waited_for(azure: Azure, refused: str) -> None:
    result = azure.run("start", UPLOAD_ERROR=refused, REFUSED_ONCE="1")
    assert (result.returncode, len(azure.asked)) == (0, 1)
    assert result.stderr == "Stream Analytics: waiting for the role to write into stlakedev, for up to 900 s\n"


@pytest.mark.parametrize("said", ["ERROR: The specified container does not exist.", "no permission, ever"])
def test_a_job_is_not_started_without_its_reference_data(azure: Azure, said: str) -> None:
    result = azure.run("start", UPLOAD_ERROR=said, HEADRACE_JOB_DEADLINE="0")
    assert (result.returncode, azure.asked) == (1, [])
    assert result.stderr == f"Stream Analytics: cannot upload reference data to stlakedev: {said}\n"


def test_a_closed_store_takes_reference_data_from_inside_and_the_job_waits_for_it(azure: Azure) -> None:
    closed = "The request may be blocked by network rules of storage account."
    result = azure.run("start", UPLOAD_ERROR=closed, HEADRACE_PRIVATE_NETWORKING="true")
    assert result.returncode == 0
    # Started, it runs: it has to be stopped before it can be started with what was uploaded.
    again = f"inside the virtual network, run {HOOK} stop, and {HOOK} start"
    assert f"stlakedev is closed from here; {again}" in result.stderr
    assert len(azure.asked) == 1
    assert azure.run("start", UPLOAD_ERROR=closed, HEADRACE_JOB_DEADLINE="0").returncode == 1


@pytest.mark.parametrize("verb", ["stop", "start"])
def test_without_a_job_nothing_is_asked(azure: Azure, verb: str) -> None:
    result = azure.run(verb, HEADRACE_JOB_NAME="")
    assert (result.returncode, (azure.folder / "record").read_text()) == (0, "")


def test_a_fresh_clone_finds_the_running_job_in_the_resource_group(azure: Azure) -> None:
    result = azure.run("stop", fresh=True, states="Running Stopped", FOUND="asa-dev")
    assert (result.returncode, result.stderr) == (0, "")
    assert azure.asked == ["/stop"]
    assert "/resourceGroups/rg-dev/" in (azure.folder / "record").read_text()


def test_a_first_deployment_has_nothing_to_stop(azure: Azure) -> None:
    gone = "ERROR: Not Found({'error':{'code':'ResourceGroupNotFound'}})"
    assert azure.run("stop", fresh=True, LIST_ERROR=gone).returncode == 0
    assert azure.run("stop", fresh=True).returncode == 0
    assert azure.asked == []


def test_a_fresh_clone_that_cannot_ask_does_not_deploy(azure: Azure) -> None:
    result = azure.run("stop", fresh=True, LIST_ERROR="ERROR: Please run 'az login' to setup account.")
    assert (result.returncode, azure.asked) == (1, [])
    assert "az login" in result.stderr


@pytest.mark.parametrize("without", [{"HEADRACE_STREAM_ANALYTICS": "false"}, {"AZURE_SUBSCRIPTION_ID": ""}])
def test_a_fresh_clone_without_a_job_or_a_subscription_asks_nothing(azure: Azure, without: dict[str, str]) -> None:
    assert azure.run("stop", fresh=True, **without).returncode == 0
    assert (azure.folder / "record").read_text() == ""


def test_an_unknown_verb_is_an_error(azure: Azure) -> None:
    result: Any = azure.run("restart")
    assert (result.returncode, "usage:" in result.stderr) == (2, True)
