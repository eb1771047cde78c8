"""The APIs that are served."""

from __future__ import annotations

from local.eventhubs.kafka import (
    api_versions,
    authentication,
    configs,
    delete_records,
    fetch,
    metadata,
    offsets,
    produce,
    producers,
    topics,
)
from local.eventhubs.kafka.api import Api
from local.eventhubs.kafka.groups import handlers as groups

_SERVED = [
    api_versions.API,
    *authentication.APIS,
    metadata.API,
    produce.API,
    producers.API,
    fetch.API,
    offsets.API,
    topics.API,
    delete_records.API,
    configs.API,
    *groups.APIS,
]
APIS: dict[int, Api] = {api.key: api for api in _SERVED}
