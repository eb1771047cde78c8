"""The hubs file: Microsoft's format, and an error that says where and what for anything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from local.eventhubs import config
from local.eventhubs.config import HubConfig
from local.eventhubs.errors import ConfigError

REPOSITORY = Path(__file__).parents[2]


def with_hubs(*hubs: Any) -> dict[str, Any]:
    return {"UserConfig": {"NamespaceConfig": [{"Type": "EventHub", "Name": "emulatorNs1", "Entities": list(hubs)}]}}


def hub(name: Any = "hub", count: Any = 2, groups: Any = ()) -> dict[str, Any]:
    return {"Name": name, "PartitionCount": count, "ConsumerGroups": [{"Name": group} for group in groups]}


def test_the_file_of_this_repository() -> None:
    hubs = {hub.name: hub for hub in config.read(REPOSITORY / "infra" / "eventhubs.json")}
    assert hubs["dev"] == HubConfig("dev", 4, ("$Default", "split", "stream-analytics", "tools"))


def test_the_default_group_is_there_once_whether_it_is_listed_or_not() -> None:
    (listed, unlisted) = config.parse(with_hubs(hub("a", 1, ["g", "$default"]), {"Name": "b", "PartitionCount": 1}))
    assert listed.consumer_groups == ("$Default", "g")
    assert unlisted.consumer_groups == ("$Default",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "the file: UserConfig is missing"),
        ({"UserConfig": []}, "UserConfig is not a dict"),
        ({"UserConfig": {"NamespaceConfig": []}}, "one namespace is expected, not 0"),
        (with_hubs(), "from 1 to 10 hubs"),
        (with_hubs(*(hub(f"h{number}") for number in range(11))), "not 11"),
        (with_hubs(hub("a"), hub("A")), "two hubs are named 'A'"),
        (with_hubs({"PartitionCount": 1}), r"Entities\[0\]: Name is missing"),
        (with_hubs(hub("with space")), "Name 'with space'"),
        (with_hubs(hub("x" * 51)), "at most 50"),
        (with_hubs(hub(count=0)), r"Entities\[0\] \(hub\): PartitionCount is from 1 to 32, not 0"),
        (with_hubs(hub(count=True)), "not True"),
        (with_hubs(hub(count="4")), "PartitionCount is not a int but '4'"),
        (with_hubs(hub(groups=["g", "G"])), "two consumer groups are named 'G'"),
        (with_hubs(hub(groups=["-g"])), r"ConsumerGroups\[0\]: Name '-g'"),
        (with_hubs(hub(groups=[f"g{number}" for number in range(20)])), "at most 20 consumer groups"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, content: Any, message: str) -> None:
    file = tmp_path / "hubs.json"
    file.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match=message) as raised:
        config.read(file)
    assert str(raised.value).startswith(str(file))


def test_a_file_that_is_missing_or_not_json(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        config.read(tmp_path / "none.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ConfigError, match="is not JSON"):
        config.read(tmp_path / "broken.json")
