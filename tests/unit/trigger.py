"""Events as the Functions worker builds them, to call a function without a host: the pattern for your own tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import orjson
from azure.functions.eventhub import EventHubTriggerConverter
from azure.functions.meta import Datum

ENQUEUED = 1_763_802_000_123  # 2025-11-22T09:00:00.123Z


def events(
    hub: str,
    bodies: Sequence[Any],
    *,
    partition: str = "2",
    first: int = 418,
    enqueued: int = ENQUEUED,
    properties: dict[str, Any] | None = None,
) -> list[func.EventHubEvent]:
    """One trigger batch: `bodies` are bytes, or what is to be JSON; each is enqueued 1 ms after the one before."""
    raw = [body if isinstance(body, bytes) else orjson.dumps(body) for body in bodies]
    system = [
        {
            "SequenceNumber": first + number,
            "Offset": first + number,
            "OffsetString": str(first + number),
            "PartitionKey": None,
            # The host omits the Z.
            "EnqueuedTimeUtc": datetime.fromtimestamp((enqueued + number) / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f"),
        }
        for number in range(len(raw))
    ]
    context = {
        "IsCheckpointingAfterInvocation": True,
        "FullyQualifiedNamespace": "headrace.servicebus.windows.net",
        "EventHubName": hub,
        "ConsumerGroup": "$Default",
        "PartitionId": partition,
    }
    metadata = {
        "SystemPropertiesArray": system,
        "PropertiesArray": [properties or {} for _ in raw],
        "PartitionContext": context,
        "TriggerPartitionContext": context,
    }
    return EventHubTriggerConverter.decode(  # type: ignore[no-any-return]
        Datum(SimpleNamespace(bytes=raw), "collection_bytes"),
        trigger_metadata={name: Datum(json.dumps(value), "json") for name, value in metadata.items()},
    )


def user_function(module: Any) -> Any:
    """The function behind a `functions/` module's decorators, by the name the blueprint gives it."""
    (builder,) = module.blueprint._function_builders
    return builder._function.get_user_function()
