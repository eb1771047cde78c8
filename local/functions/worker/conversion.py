"""From what the host sends to a function's argument, and from what an HTTP function returns to what the host answers.

The converters are the library's own, so a function sees what Microsoft's worker would give it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from azure.functions.eventhub import EventHubTriggerConverter
from azure.functions.http import HttpRequestConverter, HttpResponseConverter
from azure.functions.meta import Datum
from azure.functions.timer import TimerRequestConverter

from local.functions.bindings import HttpTrigger, TimerTrigger
from local.functions.messages import Data, Input
from local.functions.worker.annotations import GENERIC
from local.functions.worker.indexing import IndexedFunction


@dataclass(slots=True)
class Collection:
    """Stands for the worker's protobuf collections: one of the three fields is used."""

    bytes: Sequence[bytes] = ()
    string: Sequence[str] = ()
    sint64: Sequence[int] = ()


def argument(function: IndexedFunction, given: Input) -> Any:
    """The trigger's argument.

    Raises:
        AssertionError: bodies and metadata do not match (empty bodies with data type STRING).
        ValueError: the parameter is str or bytes and the data are a collection.
    """
    data = _datum(given.data)
    if isinstance(function.trigger, HttpTrigger):
        return HttpRequestConverter.decode(data, trigger_metadata={})
    if isinstance(function.trigger, TimerTrigger):
        return TimerRequestConverter.decode(data, trigger_metadata={})
    if function.converter != GENERIC:
        metadata = {name: _datum(value) for name, value in given.metadata.items()}
        return EventHubTriggerConverter.decode(data, trigger_metadata=metadata)
    if data.type not in ("string", "bytes", "json"):
        raise ValueError(f"unexpected type of data received for the generic binding: {data.type}")
    return data.value


def http_answer(value: Any) -> Data:
    """What an HTTP function returned.

    Raises:
        TypeError: neither str nor an HttpResponse.
    """
    try:
        datum = HttpResponseConverter.encode(value, expected_type=None)
    except NotImplementedError:
        raise TypeError(f"an HTTP function returned {type(value).__name__}; return func.HttpResponse or str") from None
    if datum.type == "string":
        return Data("string", datum.value)
    response = datum.value
    cookies = [morsel.OutputString() for cookie in response["cookies"] or () for morsel in cookie.values()]
    return Data("http", {
        "status": int(response["status_code"].value),
        "headers": {str(name): str(header.value) for name, header in response["headers"].items()},
        "cookies": cookies,
        "body": response["body"].value,
    })  # fmt: skip


def _datum(data: Data) -> Datum:
    kind, value = data
    if kind == "http":
        texts = {name: Datum(value[name], "string") for name in ("method", "url")}
        maps = {
            name: {key: Datum(text, "string") for key, text in value[name].items()}
            for name in ("headers", "query", "params")
        }
        return Datum({**texts, **maps, "body": Datum(value["body"], "bytes")}, "http")
    _, collection, field = kind.rpartition("collection_")
    return Datum(Collection(**{field: value}) if collection else value, kind)
