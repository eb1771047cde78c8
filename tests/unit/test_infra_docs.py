"""The pages on deploying and operating name what there is: scripts, sizes, settings, queries, alerts; nothing else."""

from __future__ import annotations

import json
import re

import pytest

from tests.unit.az_scripts import RUNNABLE
from tests.unit.bicep_files import INFRA, parsed

ROOT = INFRA.parent
DEPLOYING, OPERATING, FUNC_START = (
    (ROOT / "docs" / f"{name}.md").read_text() for name in ("deploying", "operating", "func-start")
)


def first_column(text: str) -> set[str]:
    """What stands in code in the first column of the tables."""
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| ")]
    return {name for cell in rows for name in re.findall(r"`([^`]+)`", cell)}


def section(text: str, heading: str) -> str:
    return text.split(f"## {heading}\n")[1].split("\n## ")[0]


def test_every_script_is_explained() -> None:
    assert first_column(section(DEPLOYING, "By az scripts")) == set(RUNNABLE) - {"provision_all.sh"}
    assert "`provision_all.sh`" in DEPLOYING


def test_every_parameter_of_azd_is_explained() -> None:
    taken = set(re.findall(r"\$\{(\w+)", (INFRA / "main.parameters.json").read_text()))
    assert first_column(section(DEPLOYING, "By azd")) - {"azd env set NAME VALUE"} == taken


def test_every_size_is_explained_as_it_is() -> None:
    explained = first_column(section(DEPLOYING, "Sizes")) - {"infra/parameters.*.json"}
    for profile in ("dev", "prod"):
        sizes = json.loads((INFRA / f"parameters.{profile}.json").read_text())
        alerts = {name for name in sizes if "Alert" in name}
        assert explained == set(sizes) - alerts - {"pythonVersion"}
    table = section(DEPLOYING, "Sizes")
    rows = {line.split("|")[1]: line.split("|")[2:4] for line in table.splitlines() if line.startswith("| `")}
    for column, profile in enumerate(("dev", "prod")):
        sizes = json.loads((INFRA / f"parameters.{profile}.json").read_text())
        for names, cells in rows.items():
            for name in re.findall(r"`(\w+)`", names):
                if isinstance(sizes.get(name), int) and not isinstance(sizes[name], bool) and "Ttl" not in name:
                    assert f"{sizes[name]:,}" in cells[column], (name, profile)


def test_every_query_is_explained() -> None:
    assert first_column(section(OPERATING, "Look")) - {"infra/queries/"} == {
        path.name for path in (INFRA / "queries").glob("*.kql")
    }


def test_every_alert_is_explained() -> None:
    alerts = parsed(INFRA / "alerts.bicep")["variables"]
    names = set(
        re.findall(r"^    name: '([\w-]+)'\n    description", (INFRA / "alerts.bicep").read_text(), re.MULTILINE)
    )
    assert alerts
    assert names
    assert first_column(section(OPERATING, "Alerts")) == names


def test_every_setting_is_explained_key_by_key() -> None:
    example = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
    deployed = parsed(INFRA / "modules" / "function_app.bicep")["resources"]["settings"]["config"]["properties"]
    explained = first_column(section(FUNC_START, "Settings, key by key")) - {"local.settings.json"}
    assert explained == set(example) | set(deployed)


@pytest.mark.parametrize("name", ["deploying", "operating", "func-start"])
def test_links_and_paths_lead_somewhere(name: str) -> None:
    text = (ROOT / "docs" / f"{name}.md").read_text()
    for target, anchor in re.findall(r"\]\((?!http)([\w-]+\.md)?(?:#([\w-]+))?\)", text):
        page = ROOT / "docs" / (target or f"{name}.md")
        headings = {
            re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
        }
        assert not anchor or anchor in headings, (target, anchor)
    for path in re.findall(r"(?:infra|shared|stream_analytics|local|\.github)/[\w./-]*\w", text):
        if not path.startswith("infra/az/out"):
            assert (ROOT / path).exists() or list(ROOT.glob(f"{path}*")), path
