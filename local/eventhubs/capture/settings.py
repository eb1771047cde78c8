"""What is captured: infra/capture.json, by hub, with the names and limits of ARM's `captureDescription`.

https://learn.microsoft.com/azure/templates/microsoft.eventhub/namespaces/eventhubs#capturedescription. The deployment
reads the same file and adds only the storage account, so every member is stated and no other is taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from local.eventhubs.config import HubConfig
from local.eventhubs.errors import ConfigError

INTERVAL_SECONDS = (60, 900)
SIZE_LIMIT_BYTES = (10_485_760, 524_288_000)
BLOCK_BLOB = "EventHubArchive.AzureBlockBlob"
TOKENS = (
    "{Namespace}", "{EventHub}", "{PartitionId}", "{Year}", "{Month}", "{Day}", "{Hour}", "{Minute}", "{Second}",
)  # fmt: skip
_HUB = ("enabled", "encoding", "intervalInSeconds", "sizeLimitInBytes", "skipEmptyArchives", "destination")
_DESTINATION = ("name", "properties")
_PROPERTIES = ("blobContainer", "archiveNameFormat")
# https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
_CONTAINER = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_NAME = 1024
_T = TypeVar("_T")


@dataclass(frozen=True)
class Settings:
    """How one hub is captured.

    Attributes:
        hub: its name, as the hubs file spells it.
        interval: seconds after which a window closes.
        size_limit: bytes after which it closes, if they come first.
        skip_empty: write no file for a window without events.
        container: where files go.
        name_format: their names, without `.avro`.
    """

    hub: str
    interval: int
    size_limit: int
    skip_empty: bool
    container: str
    name_format: str

    def blob_name(self, namespace: str, partition: int, opened: int) -> str:
        """The name of a file, by when its window opened (seconds since 1970)."""
        values = (
            namespace,
            self.hub,
            str(partition),
            *f"{datetime.fromtimestamp(opened, UTC):%Y %m %d %H %M %S}".split(),
        )
        name = self.name_format
        for token, value in zip(TOKENS, values, strict=True):
            name = name.replace(token, value)
        return f"{name}.avro"


def read(path: Path, hubs: Sequence[HubConfig]) -> list[Settings]:
    """The hubs that the file at `path` has captured.

    Raises:
        ConfigError: it is missing, is not JSON, or says something that cannot be; the message names the member.
    """
    try:
        return parse(json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_object), hubs)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{path}: is not JSON: {error}") from None
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def parse(content: object, hubs: Sequence[HubConfig]) -> list[Settings]:
    """The captured hubs of an already loaded file; see `read`."""
    if not isinstance(content, dict):
        raise ConfigError('an object is expected: {"<hub>": {"enabled": true, ...}}')
    known = {hub.name: hub for hub in hubs}
    unknown = [name for name in content if name not in known]
    if unknown:
        raise ConfigError(f"the hubs file has no hub {unknown[0]!r}; it has {', '.join(known)}")
    parsed = [_hub(name, value) for name, value in content.items()]
    return [settings for settings, enabled in parsed if enabled]


def _hub(name: str, value: object) -> tuple[Settings, bool]:
    _only(value, _HUB, name)
    enabled = _member(value, "enabled", bool, name)
    _one_of(_member(value, "encoding", str, name), "Avro", f"{name}.encoding")
    interval = _within(value, "intervalInSeconds", INTERVAL_SECONDS, name)
    size_limit = _within(value, "sizeLimitInBytes", SIZE_LIMIT_BYTES, name)
    skip_empty = _member(value, "skipEmptyArchives", bool, name)
    destination = _member(value, "destination", dict, name)
    where = f"{name}.destination"
    _only(destination, _DESTINATION, where)
    _one_of(_member(destination, "name", str, where), BLOCK_BLOB, f"{where}.name")
    properties = _member(destination, "properties", dict, where)
    where = f"{where}.properties"
    _only(properties, _PROPERTIES, where)
    container = _member(properties, "blobContainer", str, where)
    if not _CONTAINER.fullmatch(container):
        raise ConfigError(
            f"{where}.blobContainer is {container!r}: 3 to 63 small letters, digits and single '-' between them"
        )
    name_format = _name_format(_member(properties, "archiveNameFormat", str, where), f"{where}.archiveNameFormat")
    return Settings(name, interval, size_limit, skip_empty, container, name_format), enabled


def _name_format(text: str, where: str) -> str:
    missing = [token for token in TOKENS if token not in text]
    if missing:
        raise ConfigError(f"{where} is {text!r}: {', '.join(missing)} must be in it")
    others = [token for token in re.findall(r"\{[^{}]*\}?|\}", text) if token not in TOKENS]
    if others:
        raise ConfigError(f"{where} is {text!r}: {others[0]!r} is none of {', '.join(TOKENS)}")
    if text.startswith("/") or text.endswith(("/", ".")) or len(text) > _LONGEST_NAME // 2 or not text.isprintable():
        raise ConfigError(
            f"{where} is {text!r}: a name of at most {_LONGEST_NAME // 2} printable characters that neither begins "
            "nor ends with '/' and does not end with '.'"
        )
    return text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{name!r} is stated twice")
    return dict(pairs)


def _only(value: object, names: tuple[str, ...], where: str) -> None:
    if not isinstance(value, dict):
        raise ConfigError(f"{where} is not an object but {value!r}")
    for name in value:
        if name not in names:
            raise ConfigError(f"{where}: {name!r} is none of {', '.join(names)}")


def _member(value: Any, name: str, kind: type[_T], where: str) -> _T:
    if name not in value:
        raise ConfigError(f"{where}: {name} is missing")
    member = value[name]
    if not isinstance(member, kind) or (kind is int and isinstance(member, bool)):
        raise ConfigError(f"{where}.{name} is not a {kind.__name__} but {member!r}")
    return member


def _within(value: Any, name: str, limits: tuple[int, int], where: str) -> int:
    number = _member(value, name, int, where)
    low, high = limits
    if not low <= number <= high:
        raise ConfigError(f"{where}.{name} is from {low} to {high}, not {number}")
    return number


def _one_of(value: str, only: str, where: str) -> None:
    if value != only:
        raise ConfigError(f"{where} is {only!r} here, not {value!r}")
