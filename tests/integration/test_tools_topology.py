"""`python -m tools topology` against a namespace and the checkpoints that the SDK's own store has written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from azure.eventhub.extensions.checkpointstoreblobaio import BlobCheckpointStore
from azure.storage.blob import ContainerClient

from local.children import Child
from tests.integration.azurite_service import Azurite, azurite
from tests.integration.tools_commands import Tools, hubs, tools
from tests.sending import send_bodies

__all__ = ["azurite", "hubs", "tools"]

CONTAINER = "azure-webjobs-eventhub"


@pytest.fixture(autouse=True)
def _settings(azurite: Azurite, tools: Tools) -> None:
    tools.settings["AzureWebJobsStorage"] = azurite.connection_string


async def checkpoint(azurite: Azurite, namespace: str, hub: str, group: str, positions: dict[str, int]) -> None:
    """Store where a processor of the SDK is."""
    with ContainerClient.from_connection_string(azurite.connection_string, CONTAINER) as container:
        if not container.exists():
            container.create_container()
    async with BlobCheckpointStore.from_connection_string(azurite.connection_string, CONTAINER) as store:
        for partition, sequence in positions.items():
            await store.update_checkpoint({
                "fully_qualified_namespace": namespace, "eventhub_name": hub, "consumer_group": group,
                "partition_id": partition, "offset": str(sequence), "sequence_number": sequence,
            })  # fmt: skip


async def test_each_group_is_behind_by_what_came_after_its_checkpoint(
    azurite: Azurite, hubs: Child, tools: Tools
) -> None:
    for partition, count in (("0", 5), ("2", 3)):
        send_bodies(tools.settings["EventHubs"], "dev", [b"{}"] * count, partition=partition)
    await checkpoint(azurite, f"localhost:{hubs.port}", "dev", "split", {"0": 1})
    table, one, away = tools.run_together(
        ("topology",), ("topology", "--hub", "dev", "--json"), ("topology", "--hub", "nowhere")
    )
    groups = {line["consumer_group"]: line for line in one.lines()}
    assert list(groups) == ["split", "stream-analytics", "tools"]
    assert groups["split"]["behind"] == 3 + 3
    assert [lag["behind"] for lag in groups["split"]["partitions"]] == [3, 0, 3, 0]
    assert groups["stream-analytics"]["behind"] is None

    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in table.out.splitlines() if "│" in line]
    assert ["dev", "8", "split", "6", "0: 3, 1: 0, 2: 3, 3: 0"] in rows
    assert ["enriched", "0", "store_documents", "-", "no checkpoint"] in rows
    assert ["", "", "store_files", "-", "no checkpoint"] in rows

    assert away.status == 2
    assert "--hub nowhere" in away.err


def test_hubs_that_do_not_exist_or_are_not_described_are_one_line(hubs: Child, tools: Tools, tmp_path: Path) -> None:
    gone = {"UserConfig": {"NamespaceConfig": [{"Entities": [{"Name": "gone", "ConsumerGroups": [{"Name": "g"}]}]}]}}
    (tmp_path / "gone.json").write_text(json.dumps(gone))
    (tmp_path / "other.json").write_text("[]")
    missing, malformed, absent = tools.run_together(
        *(("topology", "--config", str(tmp_path / name)) for name in ("gone.json", "other.json", "none.json"))
    )
    assert (missing.status, malformed.status, absent.status) == (1, 2, 2)
    assert "no such hub" in missing.err
    assert "emulator's format" in malformed.err
    assert "cannot be read" in absent.err
    for ended in (missing, malformed, absent):
        assert ended.err.count("\n") == 1
