"""The workflows: no linter objects, actions are pinned by digest, permissions are the least, and targets exist."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
WORKFLOWS: dict[str, dict[str, Any]] = {file.stem: yaml.safe_load(file.read_text()) for file in FILES}
JOBS = [(name, job) for name, workflow in WORKFLOWS.items() for job in workflow["jobs"]]


def runs(workflow: str) -> str:
    return "\n".join(s.get("run", "") for job in WORKFLOWS[workflow]["jobs"].values() for s in job["steps"])


def test_zizmor_finds_nothing() -> None:
    command = [Path(sys.executable).parent / "zizmor", "--offline", "--no-progress", ROOT / ".github"]
    checked = subprocess.run(command, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.skipif(not shutil.which("actionlint"), reason="actionlint, a Go program, is not installed; CI runs it")
def test_actionlint_finds_nothing() -> None:
    checked = subprocess.run(["actionlint", *FILES], capture_output=True, text=True, cwd=ROOT)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_actions_are_pinned_by_digest_with_their_version_beside_it(file: Path) -> None:
    used = [line.split("uses:")[1].strip() for line in file.read_text().splitlines() if "uses:" in line]
    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_an_action_has_one_digest() -> None:
    text = "".join(file.read_text() for file in FILES)
    pins = set(re.findall(r"uses: ([\w/-]+)@(\w+ # \S+)", text))
    assert len({name for name, _ in pins}) == len(pins)


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_a_job_may_read_the_code_and_only_the_deployment_more(workflow: str, job: str) -> None:
    assert WORKFLOWS[workflow]["permissions"] == {}
    permissions = WORKFLOWS[workflow]["jobs"][job]["permissions"]
    assert permissions == {"contents": "read"} | ({"id-token": "write"} if workflow == "deploy" else {})
    assert WORKFLOWS[workflow]["jobs"][job]["timeout-minutes"] <= 60


def test_no_workflow_uses_a_secret() -> None:
    assert not [file.name for file in FILES if re.search(r"secrets\.|AZURE_CREDENTIALS", file.read_text())]


def test_the_pythons_and_nodes_that_are_promised_are_tested() -> None:
    matrix = WORKFLOWS["test"]["jobs"]["test"]["strategy"]["matrix"]["include"]
    assert {row["python"] for row in matrix} == {"3.11", "3.12", "3.13"}
    assert {row["node"] for row in matrix} == {"20", "22"}
    required = re.search(r'requires-python = ">=(.+)"', (ROOT / "pyproject.toml").read_text())
    assert required
    assert min(row["python"] for row in matrix) == required[1]


def test_what_is_run_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^make (\w+)$", runs("test"), re.MULTILINE)
    assert set(targets) == {"lint", "test", "demo"}
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
    scanned = re.findall(r"-r (\S+)|--prefix (\S+)", runs("scan"))
    assert scanned
    assert all((ROOT / (file or directory)).exists() for file, directory in scanned)


def test_a_tag_deploys_with_what_the_parameters_take() -> None:
    deploy = WORKFLOWS["deploy"]
    assert deploy[True] == {"push": {"tags": ["v*"]}}  # YAML 1.1 reads `on` as true
    given = set(deploy["jobs"]["deploy"]["env"])
    taken = set(re.findall(r"\$\{(\w+)", (ROOT / "infra" / "main.parameters.json").read_text()))
    assert taken <= given
    assert given - taken == {"AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID"}
    # Without an environment azd may run no hooks: https://github.com/Azure/azure-dev/issues/3920
    assert re.findall(r"^azd (?!auth)(\w+ ?\w*)", runs("deploy"), re.MULTILINE) == ["env new", "provision ", "deploy "]


def test_az_has_every_token_that_the_hook_takes_before_that_of_github_expires() -> None:
    """Signing in takes one for ARM alone: https://github.com/Azure/azure-cli/issues/28708"""
    signs_in, *after = runs("deploy").split("az login --service-principal")[1].split("azd provision")
    assert after
    assert "az account get-access-token --scope https://storage.azure.com/.default" in signs_in


def test_every_dependency_is_looked_after() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    watched = {(u["package-ecosystem"], d) for u in updates for d in u.get("directories", [u.get("directory")])}
    listed = subprocess.run(["git", "-C", ROOT, "ls-files"], capture_output=True, text=True, check=True).stdout.split()
    ecosystems = {"package-lock.json": "npm", "go.mod": "gomod", "pom.xml": "maven"}
    needed = {("github-actions", "/"), ("docker-compose", "/")}
    for name in listed:
        directory = f"/{Path(name).parent}".removesuffix(".") if "/" in name else "/"
        if re.fullmatch(r"requirements.*\.txt", Path(name).name):
            needed.add(("pip", directory))
        elif ecosystem := ecosystems.get(Path(name).name):
            needed.add((ecosystem, directory))
    assert watched == needed
