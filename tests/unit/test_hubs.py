"""One file says which hubs and consumer groups exist: the app, by the rules of the real host, uses just those."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.functions.bindings import BINARY, EventHubTrigger
from local.functions.retry import FOREVER
from local.functions.worker.indexing import index
from shared.failures import HUB as DEAD_LETTERS_HUB
from shared.routing import ENRICHED_HUB, ENTRY_HUB, ROUTES, UNPACKED_HUBS

ROOT = Path(__file__).resolve().parents[2]
STREAM_ANALYTICS = ("dev", "stream-analytics")


@pytest.fixture(scope="module")
def functions() -> dict:
    return {function.name: function for function in index(ROOT)}


def hubs() -> dict[str, set[str]]:
    config = json.loads((ROOT / "infra" / "eventhubs.json").read_text())
    entities = config["UserConfig"]["NamespaceConfig"][0]["Entities"]
    return {hub["Name"]: {group["Name"] for group in hub["ConsumerGroups"]} for hub in entities}


def test_every_file_in_functions_is_registered(functions: dict) -> None:
    # An unregistered blueprint is no error to the real worker: its function is just not there.
    files = {path.stem for path in (ROOT / "functions").glob("*.py")} - {"__init__"}
    assert {name: name in functions for name in files} == dict.fromkeys(files, True)


def triggers(functions: dict) -> dict[str, EventHubTrigger]:
    return {name: f.trigger for name, f in functions.items() if isinstance(f.trigger, EventHubTrigger)}


def test_every_trigger_has_its_hub_and_a_consumer_group_named_after_it(functions: dict) -> None:
    for name, trigger in triggers(functions).items():
        assert trigger.consumer_group == name
        assert name in hubs()[trigger.hub], f"infra/eventhubs.json: hub {trigger.hub} lacks consumer group {name}"


def test_every_consumer_group_has_its_consumer(functions: dict) -> None:
    used = {(trigger.hub, trigger.consumer_group) for trigger in triggers(functions).values()}
    looked_at = {(hub, "tools") for hub in hubs()}  # any hub can be read with `python -m tools receive`
    assert {(hub, group) for hub, groups in hubs().items() for group in groups} == used | looked_at | {STREAM_ANALYTICS}


def test_every_hub_has_as_many_partitions() -> None:
    # Records that are in order on one hub stay so on the next because their keys fall together on both.
    config = json.loads((ROOT / "infra" / "eventhubs.json").read_text())
    assert len({hub["PartitionCount"] for hub in config["UserConfig"]["NamespaceConfig"][0]["Entities"]}) == 1


def test_every_hub_that_the_code_names_exists() -> None:
    named = {ENTRY_HUB, ENRICHED_HUB, DEAD_LETTERS_HUB, *UNPACKED_HUBS, *(route.hub for route in ROUTES.values())}
    assert named == set(hubs())


def test_triggers_take_batches_of_bytes_and_never_give_up(functions: dict) -> None:
    for name, trigger in triggers(functions).items():
        assert trigger.many, name
        assert trigger.data_type == BINARY, name
        assert trigger.connection == "EventHubs", name
        assert functions[name].retry, name
        assert functions[name].retry.max_retry_count == FOREVER, name
