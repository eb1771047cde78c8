"""host.json: the options that this host honours, with the defaults and the limits of the real one.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-event-hubs#hostjson-settings
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.functions.errors import HostJsonError
from local.functions.timespan import parse_timespan

LOG_LEVELS = {
    "trace": 10, "debug": 10, "information": 20, "warning": 30, "error": 40, "critical": 50, "none": 100,
}  # fmt: skip
"""The host's levels, as Python's numbers."""

OVERRIDE = "AzureFunctionsJobHost__"
"""Begins the name of a setting that replaces a value of host.json."""

_EVENT_HUBS_KEYS = {
    "maxEventBatchSize", "minEventBatchSize", "maxWaitTime", "batchCheckpointFrequency", "prefetchCount",
    "initialOffsetOptions", "loadBalancingUpdateInterval", "partitionOwnershipExpirationInterval",
    # Taken and without effect here: they shape a network that a laptop does not have, or the scale controller.
    "transportType", "webProxy", "customEndpointAddress", "clientRetryOptions", "targetUnprocessedEventThreshold",
    "trackLastEnqueuedEventProperties",
}  # fmt: skip
_RENAMED = {"maxBatchSize": "maxEventBatchSize", "eventProcessorOptions": "prefetchCount, one level up"}


@dataclass(frozen=True)
class EventHubOptions:
    """`extensions.eventHubs`. Times are in seconds; the two load-balancing ones are shorter than Azure's 30 s and
    2 min, so that on a laptop a host that was killed is replaced within seconds."""

    max_batch: int = 100
    min_batch: int = 1
    max_wait: float = 60.0
    prefetch: int = 300
    checkpoint_frequency: int = 1
    start: str | datetime = "-1"
    load_balancing_interval: float = 3.0
    ownership_expiration: float = 10.0


@dataclass(frozen=True)
class HostOptions:
    """What host.json says, where it says anything."""

    event_hubs: EventHubOptions = field(default_factory=EventHubOptions)
    route_prefix: str = "api"
    function_timeout: float | None = 1800.0
    """Seconds; None for no limit. The default is that of the Flex Consumption and Premium plans."""
    log_levels: Mapping[str, int] = field(default_factory=dict)


def load(path: Path, environment: Mapping[str, str] | None = None) -> HostOptions:
    """Read host.json; settings such as `AzureFunctionsJobHost__extensions__eventHubs__prefetchCount` are over it.

    Raises:
        HostJsonError: it is missing, is not JSON, or has a value that the host refuses; names the key.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise HostJsonError(f'{path}: {error.strerror}; the smallest one is {{"version": "2.0"}}') from None
    except ValueError as error:
        raise HostJsonError(f"{path} is not JSON: {error}") from None
    if isinstance(document, dict):
        _override(document, environment or {})
    return parse(document, str(path))


def _override(document: dict[str, Any], environment: Mapping[str, str]) -> None:
    """https://learn.microsoft.com/azure/azure-functions/functions-host-json#override-hostjson-values"""
    for name, text in environment.items():
        if not name.startswith(OVERRIDE):
            continue
        *sections, key = name.removeprefix(OVERRIDE).split("__")
        target = document
        for section in sections:
            inner = target.setdefault(section, {})
            if not isinstance(inner, dict):
                raise HostJsonError(f"{name}: {section} is not an object in host.json")
            target = inner
        try:
            target[key] = json.loads(text)
        except ValueError:
            target[key] = text


def parse(document: Any, where: str = "host.json") -> HostOptions:
    """Options from the parsed document; see `load`."""
    root = _Section(document, where, "")
    if root.values.get("version") != "2.0":
        raise HostJsonError(f'{where}: "version" must be "2.0", is {root.values.get("version")!r}')
    extensions = root.section("extensions")
    prefix = extensions.section("http").values.get("routePrefix", "api")
    if not isinstance(prefix, str):
        raise HostJsonError(f"{where}: extensions.http.routePrefix must be a string, is {prefix!r}")
    return HostOptions(
        event_hubs=_event_hubs(extensions.section("eventHubs")),
        route_prefix=prefix.strip("/"),
        function_timeout=None
        if root.values.get("functionTimeout") == "-1"
        else root.seconds("functionTimeout", 1800.0),
        log_levels=_log_levels(root.section("logging").section("logLevel")),
    )


def _event_hubs(section: _Section) -> EventHubOptions:
    for key in section.values:
        if key in _RENAMED:
            raise HostJsonError(f"{section.name(key)} is of extension version 4: write {_RENAMED[key]}")
        if key not in _EVENT_HUBS_KEYS:
            raise HostJsonError(f"{section.name(key)} is not an option; they are {', '.join(sorted(_EVENT_HUBS_KEYS))}")
    defaults = EventHubOptions()
    options = EventHubOptions(
        max_batch=section.integer("maxEventBatchSize", defaults.max_batch),
        min_batch=section.integer("minEventBatchSize", defaults.min_batch),
        max_wait=section.seconds("maxWaitTime", defaults.max_wait),
        prefetch=section.integer("prefetchCount", defaults.prefetch),
        checkpoint_frequency=section.integer("batchCheckpointFrequency", defaults.checkpoint_frequency),
        start=_initial_offset(section.section("initialOffsetOptions")),
        load_balancing_interval=section.seconds("loadBalancingUpdateInterval", defaults.load_balancing_interval),
        ownership_expiration=section.seconds("partitionOwnershipExpirationInterval", defaults.ownership_expiration),
    )
    if options.min_batch > options.max_batch:
        raise HostJsonError(
            f"{section.name('minEventBatchSize')} is {options.min_batch}, more than maxEventBatchSize "
            f"({options.max_batch})"
        )
    return options


def _initial_offset(section: _Section) -> str | datetime:
    kind = section.values.get("type", "fromStart")
    if kind == "fromStart":
        return "-1"
    if kind == "fromEnd":
        return "@latest"
    if kind != "fromEnqueuedTime":
        raise HostJsonError(f"{section.name('type')} is {kind!r}; write fromStart, fromEnd or fromEnqueuedTime")
    text = section.values.get("enqueuedTimeUtc")
    try:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError as error:
        raise HostJsonError(
            f"{section.name('enqueuedTimeUtc')} is {text!r}; write a time such as 2026-11-22T09:00:00Z"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _log_levels(section: _Section) -> dict[str, int]:
    levels: dict[str, int] = {}
    for category, level in section.values.items():
        number = LOG_LEVELS.get(str(level).lower())
        if number is None:
            raise HostJsonError(f"{section.name(category)} is {level!r}; the levels are {', '.join(LOG_LEVELS)}")
        levels[category] = number
    return levels


class _Section:
    """One object of the document, with its path for messages."""

    def __init__(self, values: Any, where: str, path: str) -> None:
        if not isinstance(values, dict):
            raise HostJsonError(f"{where}: {path or 'the document'} must be an object, is {type(values).__name__}")
        self.values: dict[str, Any] = values
        self._where, self._path = where, path

    def name(self, key: str) -> str:
        return f"{self._where}: {f'{self._path}.{key}'.lstrip('.')}"

    def section(self, key: str) -> _Section:
        return _Section(self.values.get(key, {}), self._where, f"{self._path}.{key}".lstrip("."))

    def integer(self, key: str, default: int) -> int:
        value = self.values.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise HostJsonError(f"{self.name(key)} must be a whole number of at least 1, is {value!r}")
        return value

    def seconds(self, key: str, default: float) -> float:
        value = self.values.get(key)
        if value is None:
            return default
        try:
            return parse_timespan(value)
        except ValueError as error:
            raise HostJsonError(f"{self.name(key)}: {error}") from error
