"""Where a command's settings come from: the environment, then `local.settings.json` of the current directory.

The names are the function app's (shared/settings.py). Event Hubs can also be named as the postal-code producers do:
`AZURE_STREAMPOC_EVENTHUB_CONN_STRING`, or `AZURE_STREAMPOC_EVENTHUB_NAMESPACE` with an identity, and
`AZURE_STREAMPOC_EVENTHUB_HUBNAME`; those win over `EventHubs`, being the client side's own. Where Kafka clients connect
follows from the namespace, unless `EventHubs__kafkaBootstrapServers` says otherwise.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from shared.settings import Connection, SettingsError
from shared.settings import event_hubs as app_event_hubs

FILE = "local.settings.json"
DEFAULT_HUB = "dev"
_CONNECTION_STRING = "AZURE_STREAMPOC_EVENTHUB_CONN_STRING"
_NAMESPACE = "AZURE_STREAMPOC_EVENTHUB_NAMESPACE"
_HUB = "AZURE_STREAMPOC_EVENTHUB_HUBNAME"
_KAFKA_SERVERS = "EventHubs__kafkaBootstrapServers"
_STORAGE = "AzureWebJobsStorage"
_FAMILIES = ("EventHubs", "Cosmos", "DataLake", _STORAGE)


def load(environment: Mapping[str, str] = os.environ, directory: Path | None = None) -> dict[str, str]:
    """The settings in force.

    A connection comes whole from one place: when the environment names one in any form, the file's other forms of it
    are left out, or a connection string in the file would win over an identity in the environment. Kafka's address is
    no connection by itself: alone in the environment, it goes with the file's.

    Raises:
        SettingsError: `local.settings.json` is there but cannot be read.
    """
    stated = {_family(name) for name, value in environment.items() if value and name != _KAFKA_SERVERS}
    values = _file_values((directory or Path.cwd()) / FILE)
    from_file = {name: value for name, value in values.items() if _family(name) not in stated}
    return {**from_file, **environment}


def _family(name: str) -> str:
    if name in (_CONNECTION_STRING, _NAMESPACE):
        return "EventHubs"
    prefix = name.partition("__")[0]
    return prefix if prefix in _FAMILIES else name


def _file_values(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        values = json.loads(path.read_text("utf-8-sig")).get("Values", {})
        return {str(name): str(value) for name, value in values.items()}
    except (ValueError, AttributeError) as error:
        raise SettingsError(f'{path}: not the JSON of Functions settings ({{"Values": {{...}}}}): {error}') from error


def event_hubs(settings: Mapping[str, str]) -> Connection:
    """The namespace: the producers' own setting when there is one, otherwise the function app's.

    Raises:
        SettingsError: none of them is set, or the app's connection string names one hub.
    """
    if connection_string := settings.get(_CONNECTION_STRING):
        return Connection(_CONNECTION_STRING, _without_entity_path(connection_string), None, None)
    if namespace := settings.get(_NAMESPACE):
        host = namespace if "." in namespace else f"{namespace}.servicebus.windows.net"
        return Connection(_NAMESPACE, None, host, settings.get("AZURE_CLIENT_ID") or None)
    return app_event_hubs(settings)


def storage(settings: Mapping[str, str]) -> Connection:
    """The function app's own storage account, to which a laptop's namespace captures, too.

    https://learn.microsoft.com/azure/azure-functions/functions-reference#connecting-to-host-storage-with-an-identity

    Raises:
        SettingsError: it is not set.
    """
    connection_string = settings.get(_STORAGE) or None
    account = settings.get(f"{_STORAGE}__accountName")
    url = settings.get(f"{_STORAGE}__blobServiceUri") or (
        f"https://{account}.blob.core.windows.net" if account else None
    )
    if connection_string is None and url is None:
        raise SettingsError(
            f"{_STORAGE} is not set: give it a connection string (locally: `python -m local env` prints it), or name "
            "an account with --account-url"
        )
    client = settings.get(f"{_STORAGE}__clientId") or settings.get("AZURE_CLIENT_ID") or None
    return Connection(_STORAGE, connection_string, None if connection_string else url, client)


def default_hub(settings: Mapping[str, str]) -> str:
    """The hub of a command that was given none: the producers' setting, their string's EntityPath, or `dev`."""
    producers = Connection(_CONNECTION_STRING, settings.get(_CONNECTION_STRING), None, None)
    return settings.get(_HUB) or producers.part("EntityPath") or DEFAULT_HUB


def kafka_servers(settings: Mapping[str, str], connection: Connection) -> str | None:
    """HOST:PORT of Kafka, when it is set: for `EventHubs`, not for a namespace by the producers' names."""
    return settings.get(_KAFKA_SERVERS) or None if connection.name == "EventHubs" else None


def _without_entity_path(connection_string: str) -> str:
    """A producer's string often names its hub; the SDK refuses to reach another with it (a replay must)."""
    parts = (part for part in connection_string.split(";") if part.strip())
    return ";".join(part for part in parts if part.partition("=")[0].strip().lower() != "entitypath")
