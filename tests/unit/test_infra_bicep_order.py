"""What Azure takes one after the other, or once a role is known: the order of modules, and the names of roles."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.unit.bicep_files import FILES, MAIN, body, name_of, parsed

MODULES = parsed(MAIN)["modules"]


def _resources(file: Path, kind: str) -> list[dict[str, Any]]:
    found = parsed(file)["resources"].values()
    return [item for item in found if item["type"].rpartition("/")[2] == kind and not item["existing"]]


def _file(module: str) -> Path:
    return MAIN.parent / str(MODULES[module]["detail"]["path"])


def _before(module: str) -> set[str]:
    """The modules that are deployed before one: those that it names, and those before them."""
    said = json.dumps(body(MODULES[module]))
    named = {name for name in MODULES if f'"{name}"' in said and name != module}
    return named | {name for near in named for name in _before(near)}


def test_the_cosmos_account_is_changed_by_one_module_at_a_time() -> None:
    """It refuses one while it makes another: "another user operation in progress which requires an exclusive lock".

    https://github.com/hashicorp/terraform-provider-azurerm/issues/15842
    """
    changing = [
        name
        for name in MODULES
        if _resources(_file(name), "sqlRoleAssignments") or _resources(_file(name), "privateEndpoints")
    ]
    assert set(changing) == {"privateEndpoints", "appAccess", "peopleAccess", "jobAccess"}
    for one, other in combinations(changing, 2):
        assert one in _before(other) or other in _before(one), (one, other)


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_the_cosmos_account_is_given_one_role_at_a_time(file: Path) -> None:
    for grant in _resources(file, "sqlRoleAssignments"):
        looped = grant["config"].get("loop_type") is not None
        assert looped == any(item == {"type": "batchSize", "argument": 1} for item in grant["decorators"])


def test_hubs_are_captured_by_who_may_write_by_then() -> None:
    """Event Hubs asks it of who deploys, too: "Linked access check failed for capture storage destination".

    https://learn.microsoft.com/azure/event-hubs/event-hubs-capture-overview#azure-storage-account-as-a-destination
    A role takes minutes to be known; an account of Cosmos DB takes as long to be made.
    """
    assert {"captureAccess", "cosmos"} <= _before("hubs")


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_a_role_assignment_is_named_after_its_identity(file: Path) -> None:
    """One that is left of an identity that is gone cannot be given to another: RoleAssignmentUpdateNotPermitted."""
    for kind in ("roleAssignments", "sqlRoleAssignments"):
        for grant in _resources(file, kind):
            config = body(grant)
            parts = list(config["name"]["function"]["parameters"].values())
            flat = [item for part in parts for item in (part if isinstance(part, list) else [part])]
            assert config["properties"]["principalId"] in flat
