"""Which hubs exist: the file that Microsoft's Event Hubs emulator reads, checked.

https://learn.microsoft.com/azure/event-hubs/test-locally-with-event-hub-emulator (config.json). The emulator stops at
10 hubs, 32 partitions and 20 consumer groups; so do we, so that the same file works there.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from local.eventhubs.errors import ConfigError
from local.eventhubs.topic_config import DEFAULT, TopicConfig

DEFAULT_GROUP = "$Default"
MAX_HUBS, MAX_PARTITIONS, MAX_GROUPS = 10, 32, 20
_T = TypeVar("_T")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


@dataclass(frozen=True)
class HubConfig:
    """One hub: how many partitions, its consumer groups (`$Default` among them), what a Kafka client made of it."""

    name: str
    partition_count: int
    consumer_groups: tuple[str, ...]
    topic: TopicConfig = DEFAULT


def read(path: Path) -> list[HubConfig]:
    """The hubs of the file at `path`.

    Raises:
        ConfigError: it is missing, is not JSON, or says something that cannot be.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{path}: is not JSON: {error}") from None
    try:
        return parse(content)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def namespace_name(path: Path) -> str:
    """The namespace's own name, from a file that `read` takes; Capture's paths begin with it.

    Raises:
        ConfigError: it has none.
    """
    namespace = json.loads(path.read_text(encoding="utf-8"))["UserConfig"]["NamespaceConfig"][0]
    return _name(namespace, f"{path}: UserConfig.NamespaceConfig[0]")


def parse(content: object) -> list[HubConfig]:
    """The hubs of an already loaded file; see `read`."""
    user = _member(content, "UserConfig", dict, "the file")
    namespaces = _member(user, "NamespaceConfig", list, "UserConfig")
    if len(namespaces) != 1:
        raise ConfigError(f"UserConfig.NamespaceConfig: one namespace is expected, not {len(namespaces)}")
    entities = _member(namespaces[0], "Entities", list, "UserConfig.NamespaceConfig[0]")
    hubs = [_hub(entity, f"Entities[{index}]") for index, entity in enumerate(entities)]
    if not 1 <= len(hubs) <= MAX_HUBS:
        raise ConfigError(f"Entities: from 1 to {MAX_HUBS} hubs are possible, not {len(hubs)}")
    _unique([hub.name for hub in hubs], "Entities", "hub")
    return hubs


def _hub(entity: Any, where: str) -> HubConfig:
    name = _name(entity, where)
    where = f"{where} ({name})"
    count = _member(entity, "PartitionCount", int, where)
    if isinstance(count, bool) or not 1 <= count <= MAX_PARTITIONS:
        raise ConfigError(f"{where}: PartitionCount is from 1 to {MAX_PARTITIONS}, not {count!r}")
    listed = _member(entity, "ConsumerGroups", list, where) if "ConsumerGroups" in entity else []
    groups = [_name(group, f"{where}.ConsumerGroups[{index}]") for index, group in enumerate(listed)]
    groups = [DEFAULT_GROUP, *(group for group in groups if group.lower() != DEFAULT_GROUP.lower())]
    if len(groups) > MAX_GROUPS:
        raise ConfigError(f"{where}: at most {MAX_GROUPS} consumer groups are possible, not {len(groups)}")
    _unique(groups, where, "consumer group")
    return HubConfig(name, count, tuple(groups))


def _name(entity: object, where: str) -> str:
    name = _member(entity, "Name", str, where)
    if name.lower() != DEFAULT_GROUP.lower() and (len(name) > 50 or not _NAME.fullmatch(name)):
        raise ConfigError(
            f"{where}: Name {name!r}: at most 50 letters, digits, '.', '-' and '_', beginning and ending with a "
            "letter or a digit"
        )
    return name


def _member(value: object, name: str, kind: type[_T], where: str) -> _T:
    if not isinstance(value, dict) or name not in value:
        raise ConfigError(f"{where}: {name} is missing")
    member = value[name]
    if not isinstance(member, kind):
        raise ConfigError(f"{where}: {name} is not a {kind.__name__} but {member!r}")
    return member


def _unique(names: list[str], where: str, what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            raise ConfigError(f"{where}: two {what}s are named {name!r} (names do not depend on case)")
        seen.add(name.lower())
