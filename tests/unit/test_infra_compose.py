"""docker-compose.yml: what it mounts is there and within the emulator's limits, on the ports that settings name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.stack import CAPTURE, HUBS

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
# https://learn.microsoft.com/azure/event-hubs/overview-emulator#usage-quotas
HUBS_AT_MOST, PARTITIONS_AT_MOST, GROUPS_AT_MOST = 10, 32, 20


def test_what_is_mounted_exists() -> None:
    mounts = [m for service in COMPOSE["services"].values() for m in service["volumes"] if isinstance(m, dict)]
    assert [ROOT / mount["source"] for mount in mounts] == [HUBS]
    named = {m.split(":")[0] for s in COMPOSE["services"].values() for m in s["volumes"] if isinstance(m, str)}
    assert named == set(COMPOSE["volumes"])


def test_the_emulator_takes_what_the_file_says() -> None:
    config = json.loads(HUBS.read_text())["UserConfig"]
    (namespace,) = config["NamespaceConfig"]
    assert (namespace["Type"], namespace["Name"], config["LoggingConfig"]["Type"]) == (
        "EventHub",
        "emulatorNs1",
        "Console",
    )
    assert 1 <= len(namespace["Entities"]) <= HUBS_AT_MOST
    for hub in namespace["Entities"]:
        assert 1 <= hub["PartitionCount"] <= PARTITIONS_AT_MOST
        assert 1 <= len(hub["ConsumerGroups"]) <= GROUPS_AT_MOST
        assert set(hub) == {"Name", "PartitionCount", "ConsumerGroups"}
    # What it lacks stands in a file that it does not read.
    assert CAPTURE.exists()


def test_every_port_is_loopback_only() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service["ports"]]
    assert all(re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port) for port in ports), ports


def test_the_settings_that_work_with_local_work_with_it() -> None:
    values = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
    published = {port.split(":")[1] for service in COMPOSE["services"].values() for port in service["ports"]}
    named = {
        name: set(re.findall(r"(?:localhost|127\.0\.0\.1):(\d+)", value))
        for name, value in values.items()
        if name != "DataLake"  # the gateway in front of Azurite, which runs beside the containers
    }
    assert {port for ports in named.values() for port in ports} <= published
    assert named["AzureWebJobsStorage"] == {"10000", "10001", "10002"}


@pytest.mark.parametrize("service", sorted(COMPOSE["services"]))
def test_images_are_of_a_version(service: str) -> None:
    image = COMPOSE["services"][service]["image"]
    assert image.startswith("mcr.microsoft.com/")
    # Of the Cosmos DB emulator that runs on Linux, there is only the preview.
    assert re.search(r":(\d+\.\d+\.\d+|vnext-preview)$", image)


def test_azurite_is_the_one_that_local_runs() -> None:
    pinned = json.loads((ROOT / "local" / "azurite" / "package.json").read_text())["dependencies"]["azurite"]
    assert COMPOSE["services"]["azurite"]["image"].endswith(f":{pinned}")


def test_dependencies_are_services() -> None:
    for service in COMPOSE["services"].values():
        assert set(service.get("depends_on", [])) <= set(COMPOSE["services"])
