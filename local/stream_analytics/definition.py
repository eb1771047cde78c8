"""A job as it deploys: `job.asaql`, and `job.json` with its inputs, outputs and policies in ARM's names.

What names an account in Azure is `<SETTING>` in the file: the deployment puts a name there, and here the setting holds
the connection string. Only what this service does the same as Azure is let through; the rest is refused at start.
https://learn.microsoft.com/azure/templates/microsoft.streamanalytics/streamingjobs
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from local.sql.asa.values import TICKS_PER_SECOND
from local.stream_analytics.errors import DefinitionError
from local.stream_analytics.paths import PathPattern, ReferencePath
from local.stream_analytics.watermark import Policies

QUERY = "job.asaql"
DEFINITION = "job.json"
_PLACEHOLDER = re.compile(r"<([A-Za-z][A-Za-z0-9_]*)>")

# https://learn.microsoft.com/azure/templates/microsoft.streamanalytics/streamingjobs#streamingjobproperties
_MOST_OUT_OF_ORDER = 599
_MOST_LATE = 1_814_399


@dataclass(frozen=True)
class HubInput:
    """A stream: a hub, read by a consumer group. `setting` holds the connection string of its namespace."""

    name: str
    setting: str
    hub: str
    consumer_group: str


@dataclass(frozen=True)
class ReferenceInput:
    """Reference data: a blob, or a sequence of them. `setting` holds the connection string of its account."""

    name: str
    setting: str
    file_system: str
    path: ReferencePath


@dataclass(frozen=True)
class CosmosOutput:
    """A container, whose documents have their id in the column `document_id` (or one of their own when None)."""

    name: str
    setting: str
    database: str
    container: str
    partition_key: str
    document_id: str | None


@dataclass(frozen=True)
class LakeOutput:
    """A file system, and where in it files go."""

    name: str
    setting: str
    file_system: str
    path: PathPattern


Output = CosmosOutput | LakeOutput


@dataclass(frozen=True)
class Definition:
    """A job, read. `drop_refused` is its output error policy: drop a record that an output refuses, or try for ever."""

    query: str
    query_file: Path
    inputs: Sequence[HubInput]
    references: Sequence[ReferenceInput]
    outputs: Sequence[Output]
    policies: Policies
    drop_refused: bool

    def settings(self) -> set[str]:
        """The names of the settings that it needs."""
        return {end.setting for end in (*self.inputs, *self.references, *self.outputs)}


def load(directory: Path) -> Definition:
    """Read the job of a directory.

    Raises:
        DefinitionError: a file is missing, or says something that this service cannot do.
    """
    query_file = directory / QUERY
    root = _Member(_read_json(directory / DEFINITION), str(directory / DEFINITION))
    root.one_of("compatibilityLevel", "1.2")
    action = root.one_of("eventsOutOfOrderPolicy", "Adjust", "Drop")
    drop_refused = root.one_of("outputErrorPolicy", "Drop", "Stop") == "Drop"
    policies = Policies(
        out_of_order=root.seconds("eventsOutOfOrderMaxDelayInSeconds", _MOST_OUT_OF_ORDER) * TICKS_PER_SECOND,
        late_arrival=root.seconds("eventsLateArrivalMaxDelayInSeconds", _MOST_LATE) * TICKS_PER_SECOND,
        action=_ACTIONS[action],
    )
    inputs = [_input(member) for member in root.members("inputs")]
    outputs = [_output(member) for member in root.members("outputs")]
    root.nothing_else()
    for what, names in (("inputs", [end.name for end in inputs]), ("outputs", [end.name for end in outputs])):
        if len({name.lower() for name in names}) < len(names):
            raise DefinitionError(f"{root.where}: {what}: two have the same name ({', '.join(names)})")
    streams = [end for end in inputs if isinstance(end, HubInput)]
    if not streams:
        raise DefinitionError(f"{root.where}: inputs: there is no stream: reference data alone makes no time progress")
    references = [end for end in inputs if isinstance(end, ReferenceInput)]
    return Definition(_read_text(query_file), query_file, streams, references, outputs, policies, drop_refused)


_ACTIONS: Mapping[str, Literal["adjust", "drop"]] = {"Adjust": "adjust", "Drop": "drop"}


def _input(entry: _Member) -> HubInput | ReferenceInput:
    name = entry.text("name")
    properties = entry.member("properties")
    kind = properties.one_of("type", "Stream", "Reference")
    _serialization(properties)
    source = properties.member("datasource")
    found: HubInput | ReferenceInput
    if kind == "Stream":
        source.one_of("type", "Microsoft.EventHub/EventHub", "Microsoft.ServiceBus/EventHub")
        data = source.member("properties")
        found = HubInput(
            name, data.placeholder("serviceBusNamespace"), data.text("eventHubName"), data.text("consumerGroupName")
        )
    else:
        source.one_of("type", "Microsoft.Storage/Blob")
        data = source.member("properties")
        # Where the path has no variable, Azure's portal leaves formats there that nothing is written in.
        formats = {
            argument: data.text(member)
            for argument, member, variable in (
                ("date_format", "dateFormat", "{date}"), ("time_format", "timeFormat", "{time}"),
            )
            if data.has(member) or variable in data.text("pathPattern")
        }  # fmt: skip
        try:
            path = ReferencePath(data.text("pathPattern"), **formats)
        except ValueError as error:
            raise DefinitionError(f"{data.where}: {error}") from None
        found = ReferenceInput(name, _account(data), data.text("container"), path)
    for member in (entry, properties, source, _authenticated(data)):
        member.nothing_else()
    return found


def _output(entry: _Member) -> Output:
    name = entry.text("name")
    properties = entry.member("properties")
    source = properties.member("datasource")
    kind = source.one_of("type", "Microsoft.Storage/Blob", "Microsoft.Storage/DocumentDB")
    sink = source.member("properties")
    found: Output
    if kind == "Microsoft.Storage/DocumentDB":
        found = CosmosOutput(
            name, sink.placeholder("accountId"), sink.text("database"), sink.text("collectionNamePattern"),
            sink.text("partitionKey"), sink.text("documentId") if sink.has("documentId") else None,
        )  # fmt: skip
    else:
        _serialization(properties, "LineSeparated")
        setting = _account(sink)
        sink.one_of("blobWriteMode", "Once")
        try:
            path = PathPattern(sink.text("pathPattern"), sink.text("dateFormat"), sink.text("timeFormat"))
        except ValueError as error:
            raise DefinitionError(f"{sink.where}: {error}") from None
        found = LakeOutput(name, setting, sink.text("container"), path)
    for member in (entry, properties, source, _authenticated(sink)):
        member.nothing_else()
    return found


def _account(member: _Member) -> str:
    accounts = member.members("storageAccounts")
    if len(accounts) != 1:
        raise DefinitionError(f"{member.where}: storageAccounts: it has to be one account")
    setting = accounts[0].placeholder("accountName")
    accounts[0].nothing_else()
    return setting


def _authenticated(member: _Member) -> _Member:
    member.one_of("authenticationMode", "Msi")  # a key is a secret, and has no place in the file
    return member


def _serialization(properties: _Member, *formats: str) -> None:
    serialization = properties.member("serialization")
    serialization.one_of("type", "Json")
    how = serialization.member("properties")
    how.one_of("encoding", "UTF8")
    if formats:
        how.one_of("format", *formats)
    serialization.nothing_else()
    how.nothing_else()


class _Member:
    """An object of the file, and where it stands; it knows which of its members were asked for."""

    def __init__(self, value: Any, where: str) -> None:
        if type(value) is not dict:
            raise DefinitionError(f"{where}: it has to be an object")
        self._value: dict[str, Any] = value
        self.where = where
        self._asked: set[str] = set()

    def has(self, name: str) -> bool:
        return name in self._value

    def text(self, name: str) -> str:
        value = self._get(name)
        if type(value) is not str or not value:
            raise DefinitionError(f"{self.where}: {name}: it has to be a text")
        return value

    def one_of(self, name: str, *values: str) -> str:
        value = self._get(name)
        if value not in values:
            listed = " or ".join(json.dumps(each) for each in values)
            raise DefinitionError(f"{self.where}: {name}: {json.dumps(value)} is not run locally, only {listed} is")
        return str(value)

    def placeholder(self, name: str) -> str:
        found = _PLACEHOLDER.fullmatch(self.text(name))
        if found is None:
            raise DefinitionError(
                f"{self.where}: {name}: it has to be the name of a setting, as <EventHubs>: a deployment replaces it"
            )
        return found[1]

    def seconds(self, name: str, most: int) -> int:
        value = self._get(name)
        if type(value) is not int or not 0 <= value <= most:
            raise DefinitionError(f"{self.where}: {name}: it has to be a whole number of seconds, 0 to {most}")
        return value

    def member(self, name: str) -> _Member:
        return _Member(self._get(name), f"{self.where}: {name}")

    def members(self, name: str) -> list[_Member]:
        value = self._get(name)
        if type(value) is not list or not value:
            raise DefinitionError(f"{self.where}: {name}: it has to be an array with something in it")
        return [_Member(each, f"{self.where}: {name}[{number}]") for number, each in enumerate(value)]

    def nothing_else(self) -> None:
        """Refuse what nobody asked for: it would be left out of a run on a laptop without a word."""
        if others := sorted(self._value.keys() - self._asked):
            raise DefinitionError(f"{self.where}: {', '.join(others)}: not run locally")

    def _get(self, name: str) -> Any:
        self._asked.add(name)
        if name not in self._value:
            raise DefinitionError(f"{self.where}: {name} is missing")
        return self._value[name]


def _read_text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except OSError as error:
        raise DefinitionError(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DefinitionError(f"{file}: it is no UTF-8 text ({error.reason} at byte {error.start})") from None


def _read_json(file: Path) -> Any:
    try:
        return json.loads(_read_text(file))
    except json.JSONDecodeError as error:
        raise DefinitionError(f"{file}:{error.lineno}:{error.colno}: no JSON: {error.msg}") from None
