"""Application settings as the host sees them: the process environment over the `Values` of local.settings.json.

Also what bindings do with them: `%NAME%` in a hub or consumer group, and connections by the name of a setting.
https://learn.microsoft.com/azure/azure-functions/functions-develop-local#local-settings-file
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from local.functions.errors import SettingsError
from local.storage_account import ACCOUNT, KEY

DEVELOPMENT_STORAGE = (
    f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
    f"BlobEndpoint=http://127.0.0.1:10000/{ACCOUNT};"
)
"""What `UseDevelopmentStorage=true` stands for."""

_PERCENT = re.compile(r"%([^%]+)%")


@dataclass(frozen=True)
class Connection:
    """One service: a connection string, or an identity with the namespace or account that it reaches."""

    name: str
    connection_string: str | None
    endpoint: str | None
    client_id: str | None = None

    def part(self, key: str) -> str | None:
        """One `key=value` of the connection string, whatever its case; None when it is not there."""
        for item in (self.connection_string or "").split(";"):
            found, _, value = item.partition("=")
            if found.strip().lower() == key.lower():
                return value.strip()
        return None


def load(path: Path, environment: MutableMapping[str, str]) -> None:
    """Add the `Values` of a local.settings.json to `environment`, which wins where both have a name.

    Raises:
        SettingsError: not JSON, encrypted, or a value that is not a string (func refuses those too).
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; copy local.settings.json.example to it") from None
    except ValueError as error:
        raise SettingsError(f"{path} is not JSON: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("Values", {}), dict):
        raise SettingsError(f'{path}: expected an object with "Values": {{"NAME": "value"}}')
    if document.get("IsEncrypted"):
        raise SettingsError(f'{path} is encrypted: run `func settings decrypt`, or set "IsEncrypted" to false')
    for name, value in document.get("Values", {}).items():
        if not isinstance(value, str):
            raise SettingsError(
                f"{path}: Values.{name} is {type(value).__name__}, and func takes strings only: "
                f"write {json.dumps(json.dumps(value))}"
            )
        environment.setdefault(name, value)


def resolve(text: str, environment: Mapping[str, str], where: str) -> str:
    """Replace every `%NAME%` by its setting, as the host's name resolver does.

    Raises:
        SettingsError: a name has no setting.
    """

    def value(match: re.Match[str]) -> str:
        found = environment.get(match[1])
        if not found:
            raise SettingsError(f"{where}: '%{match[1]}%' does not resolve to a value: set {match[1]}")
        return found

    return _PERCENT.sub(value, text)


def thread_count(environment: Mapping[str, str]) -> int | None:
    """PYTHON_THREADPOOL_THREAD_COUNT, within the worker's 1 to 32; None where it is not set.

    Raises:
        SettingsError: it is not such a number.
    """
    text = environment.get("PYTHON_THREADPOOL_THREAD_COUNT")
    if not text:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 32:
        raise SettingsError(f"PYTHON_THREADPOOL_THREAD_COUNT is {text!r}; write a number from 1 to 32")
    return int(text)


def event_hubs_connection(name: str, environment: Mapping[str, str], where: str) -> Connection:
    """The namespace that setting `name` gives: a connection string, else `name__fullyQualifiedNamespace`.

    Raises:
        SettingsError: neither is set.
    """
    return _connection(name, "fullyQualifiedNamespace", environment, where)


def storage_connection(environment: Mapping[str, str]) -> Connection:
    """The storage account of the host itself, where checkpoints live (`AzureWebJobsStorage`).

    Raises:
        SettingsError: it is not set.
    """
    name, where = "AzureWebJobsStorage", "the host's storage account"
    account = environment.get(f"{name}__accountName")
    if account and not environment.get(name) and not environment.get(f"{name}__blobServiceUri"):
        return Connection(
            name, None, f"https://{account}.blob.core.windows.net", environment.get(f"{name}__clientId") or None
        )
    found = _connection(name, "blobServiceUri", environment, where)
    if (found.connection_string or "").strip().rstrip(";").lower() == "usedevelopmentstorage=true":
        return Connection(name, DEVELOPMENT_STORAGE, None)
    return found


def _connection(name: str, endpoint_key: str, environment: Mapping[str, str], where: str) -> Connection:
    connection_string = environment.get(name) or None
    endpoint = environment.get(f"{name}__{endpoint_key}") or None
    if connection_string is None and endpoint is None:
        raise SettingsError(
            f"{where}: {name} is not set: give it a connection string, or give {name}__{endpoint_key} the address "
            "to reach with an identity (`python -m local env` prints what the laptop's services need)"
        )
    return Connection(
        name, connection_string, None if connection_string else endpoint, environment.get(f"{name}__clientId") or None
    )
