"""The options of a Kafka client from the settings of Event Hubs: the same connection string, or an identity.

https://learn.microsoft.com/azure/event-hubs/apache-kafka-configurations has the service's recommendations.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from shared.settings import Connection, SettingsError
from tools import clients, environment

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

# Kafka's port in Azure, and on a laptop.
_AZURE_PORT, _LAPTOP = 9093, "localhost:9092"
# librdkafka writes to stderr what it thinks of each broken connection; what a send ends with is explained once.
_SILENT = logging.getLogger("tools.send.kafka_client")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


def options(settings: Mapping[str, str]) -> dict[str, Any]:
    """What librdkafka needs to reach and enter the namespace.

    Raises:
        SettingsError: Event Hubs is not set, or its connection string names no namespace.
    """
    connection = environment.event_hubs(settings)
    laptop = (connection.part("UseDevelopmentEmulator") or "").lower() == "true"
    host = connection.endpoint or _host(connection)
    found: dict[str, Any] = {
        "bootstrap.servers": environment.kafka_servers(settings, connection)
        or (_LAPTOP if laptop else f"{host}:{_AZURE_PORT}"),
        "security.protocol": "SASL_PLAINTEXT" if laptop else "SASL_SSL",
        "client.id": "headrace-tools",
        # Azure closes a connection that idles for 240 s, and a client only notices when it sends.
        "socket.keepalive.enable": True,
        "metadata.max.age.ms": 180_000,
        "connections.max.idle.ms": 180_000,
        "logger": _SILENT,
    }
    if connection.connection_string:
        # https://learn.microsoft.com/azure/event-hubs/azure-event-hubs-apache-kafka-overview#shared-access-signature-sas
        signed = {"sasl.username": "$ConnectionString", "sasl.password": connection.connection_string}
        return found | {"sasl.mechanism": "PLAIN"} | signed
    give_token = partial(_token, clients.credential(connection), host)
    return found | {"sasl.mechanism": "OAUTHBEARER", "oauth_cb": give_token}


def _host(connection: Connection) -> str:
    """`NAME.servicebus.windows.net` of a connection string."""
    scheme, separator, rest = (connection.part("Endpoint") or "").partition("://")
    host = rest.strip("/").partition(":")[0]
    if scheme != "sb" or not separator or not host:
        raise SettingsError(
            f"{connection.name}: this connection string has no Endpoint=sb://NAME.servicebus.windows.net/"
        )
    return host


def _token(credential: TokenCredential, host: str, _config: str) -> tuple[str, float]:
    """A token for the namespace and when it expires, in seconds since 1970: what librdkafka asks for."""
    token = credential.get_token(f"https://{host}/.default")
    return token.token, float(token.expires_on)
