"""The APIs that are served."""

from __future__ import annotations

from local.eventhubs.kafka import api_versions, authentication, metadata
from local.eventhubs.kafka.api import Api

APIS: dict[int, Api] = {api.key: api for api in (api_versions.API, *authentication.APIS, metadata.API)}
