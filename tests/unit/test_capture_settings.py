"""infra/capture.json: what is taken, and what each mistake in it is answered with."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from local.eventhubs import config
from local.eventhubs.capture.settings import TOKENS, Settings, parse, read
from local.eventhubs.config import HubConfig
from local.eventhubs.errors import ConfigError

ROOT = Path(__file__).parents[2]
HUBS = [HubConfig("dev", 4, ("$Default",)), HubConfig("other", 1, ("$Default",))]
FORMAT = "{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}"
GOOD: dict[str, Any] = {
    "enabled": True,
    "encoding": "Avro",
    "intervalInSeconds": 300,
    "sizeLimitInBytes": 314572800,
    "skipEmptyArchives": False,
    "destination": {
        "name": "EventHubArchive.AzureBlockBlob",
        "properties": {"blobContainer": "capture", "archiveNameFormat": FORMAT},
    },
}


def changed(path: str, value: object) -> dict[str, Any]:
    """The good settings with one member set to something else; None takes it out."""
    hub = copy.deepcopy(GOOD)
    *way, last = path.split(".")
    at = hub
    for name in way:
        at = at[name]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return {"dev": hub}


def test_the_projects_own_file_captures_dev() -> None:
    found = read(ROOT / "infra" / "capture.json", config.read(ROOT / "infra" / "eventhubs.json"))
    assert [(one.hub, one.interval, one.container, one.skip_empty) for one in found] == [("dev", 60, "capture", True)]


def test_a_disabled_hub_is_checked_and_not_captured() -> None:
    assert parse(changed("enabled", False), HUBS) == []
    with pytest.raises(ConfigError, match="intervalInSeconds"):
        parse({"dev": {**GOOD, "enabled": False, "intervalInSeconds": 1}}, HUBS)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("enabled", "true", "dev.enabled is not a bool but 'true'"),
        ("enabled", None, "dev: enabled is missing"),
        ("encoding", "AvroDeflate", "dev.encoding is 'Avro' here, not 'AvroDeflate'"),
        ("intervalInSeconds", 59, "dev.intervalInSeconds is from 60 to 900, not 59"),
        ("intervalInSeconds", 901, "from 60 to 900"),
        ("intervalInSeconds", True, "dev.intervalInSeconds is not a int but True"),
        ("intervalInSeconds", 60.0, "is not a int"),
        ("sizeLimitInBytes", 10_485_759, "dev.sizeLimitInBytes is from 10485760 to 524288000, not 10485759"),
        ("sizeLimitInBytes", 524_288_001, "from 10485760 to 524288000"),
        ("skipEmptyArchives", 0, "dev.skipEmptyArchives is not a bool but 0"),
        ("skipEmptyArchive", True, "'skipEmptyArchive' is none of enabled, encoding"),
        ("destination", None, "dev: destination is missing"),
        ("destination", "capture", "dev.destination is not a dict"),
        ("destination.name", "EventHubArchive.AzureDataLake", "dev.destination.name is 'EventHubArchive."),
        ("destination.properties.storageAccountResourceId", "/x", "'storageAccountResourceId' is none of"),
        ("destination.properties.blobContainer", "Capture", "dev.destination.properties.blobContainer is 'Capture'"),
        ("destination.properties.blobContainer", "a--b", "blobContainer"),
        ("destination.properties.blobContainer", "ab", "3 to 63"),
        ("destination.properties.blobContainer", "a" * 64, "3 to 63"),
        ("destination.properties.archiveNameFormat", FORMAT + "{Minutes}", "'{Minutes}' is none of"),
        ("destination.properties.archiveNameFormat", FORMAT + "/", "neither begins nor ends with '/'"),
        ("destination.properties.archiveNameFormat", FORMAT + "\n", "printable"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(path: str, value: object, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(changed(path, value), HUBS)
    assert message in str(refused.value)


@pytest.mark.parametrize("token", TOKENS)
def test_every_token_must_be_in_the_name(token: str) -> None:
    """Without one of them, two files could have the same name."""
    with pytest.raises(ConfigError, match="must be in it") as refused:
        parse(changed("destination.properties.archiveNameFormat", FORMAT.replace(token, "x")), HUBS)
    assert token in str(refused.value)


def test_only_hubs_of_the_hubs_file_are_captured() -> None:
    with pytest.raises(ConfigError, match="the hubs file has no hub 'Dev'; it has dev, other"):
        parse({"Dev": GOOD}, HUBS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "an object is expected"),
        ('{"dev": 1}', "dev is not an object but 1"),
        ('{"dev": {"enabled": true, "enabled": false}}', "'enabled' is stated twice"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "capture.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as refused:
        read(path, HUBS)
    assert str(refused.value).startswith(str(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"capture\.json: cannot be read"):
        read(tmp_path / "capture.json", HUBS)


def test_a_blob_is_named_by_when_its_window_opened() -> None:
    settings = Settings("dev", 60, 10_485_760, False, "capture", FORMAT)
    assert settings.blob_name("ns", 2, 1_593_100_049) == "ns/dev/2/2020/06/25/15/47/29.avro"


def test_the_namespaces_name_is_the_hubs_files(tmp_path: Path) -> None:
    assert config.namespace_name(ROOT / "infra" / "eventhubs.json") == "emulatorNs1"
    path = tmp_path / "hubs.json"
    path.write_text(json.dumps({"UserConfig": {"NamespaceConfig": [{"Entities": []}]}}))
    with pytest.raises(ConfigError, match="Name is missing"):
        config.namespace_name(path)
