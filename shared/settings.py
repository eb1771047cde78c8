"""Connection settings, named as Azure Functions names them: a connection string, or an identity's endpoint.

Read when first used, never at import: an import error would take every function of the app down with it.
https://learn.microsoft.com/azure/azure-functions/functions-reference#connections
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


class SettingsError(Exception):
    """A setting is missing or cannot be used; the message names it and says what to put there."""


@dataclass(frozen=True)
class Connection:
    """How to reach one service: `connection_string`, or `endpoint` with an identity (`client_id` if user-assigned)."""

    name: str
    connection_string: str | None
    endpoint: str | None
    client_id: str | None

    def part(self, key: str) -> str | None:
        """One `key=value` of the connection string, by its case-insensitive key; None when it is not there."""
        for item in (self.connection_string or "").split(";"):
            found, _, value = item.partition("=")
            if found.strip().lower() == key.lower():
                return value.strip()
        return None


def event_hubs(environment: Mapping[str, str] = os.environ) -> Connection:
    """The Event Hubs namespace: `EventHubs`, or `EventHubs__fullyQualifiedNamespace`.

    Raises:
        SettingsError: neither is set, or the connection string names one hub (EntityPath would override every hub).
    """
    connection = _connection("EventHubs", "fullyQualifiedNamespace", environment)
    if connection.part("EntityPath"):
        raise SettingsError(
            "EventHubs: the connection string carries EntityPath, which would override the hub of every function; "
            "use the namespace's connection string"
        )
    return connection


def cosmos(environment: Mapping[str, str] = os.environ) -> Connection:
    """The Cosmos DB account: `Cosmos` (AccountEndpoint=...;AccountKey=...;), or `Cosmos__accountEndpoint`."""
    return _connection("Cosmos", "accountEndpoint", environment)


def data_lake(environment: Mapping[str, str] = os.environ) -> Connection:
    """The Data Lake account: `DataLake` (a storage connection string), or `DataLake__serviceUri` (https://X.dfs.core.windows.net)."""
    return _connection("DataLake", "serviceUri", environment)


def _connection(name: str, endpoint_key: str, environment: Mapping[str, str]) -> Connection:
    connection_string = environment.get(name) or None
    endpoint = environment.get(f"{name}__{endpoint_key}") or None
    if connection_string is None and endpoint is None:
        raise SettingsError(
            f"{name} is not set: give {name} a connection string, or {name}__{endpoint_key} the address to reach with "
            "an identity (locally: `python -m local env` prints them; local.settings.json.example has them)"
        )
    return Connection(
        name=name,
        connection_string=connection_string,
        endpoint=None if connection_string else endpoint,
        client_id=environment.get(f"{name}__clientId") or environment.get("AZURE_CLIENT_ID") or None,
    )
