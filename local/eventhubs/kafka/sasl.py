"""SASL as the service takes it from Kafka clients: PLAIN, user `$ConnectionString`, password a connection string.

https://learn.microsoft.com/azure/event-hubs/azure-event-hubs-apache-kafka-overview#shared-access-signature-sas
"""

from __future__ import annotations

import hmac
import math

from local.eventhubs.kafka.errors import Refused
from local.eventhubs.sas import Grant, Key

PLAIN = "PLAIN"
# What the service also takes, and a laptop cannot: the client is told why, rather than that it is unknown.
OAUTHBEARER = "OAUTHBEARER"
USER = "$ConnectionString"


def authenticate(mechanism: str | None, token: bytes, key: Key) -> Grant:
    """What the client that sent `token` may use: the whole namespace, or the hub that its EntityPath names.

    Raises:
        Refused: it is not the token of someone who knows `key`.
    """
    if mechanism == OAUTHBEARER:
        raise Refused(
            "There is no Microsoft Entra ID here to verify a token: use the SASL mechanism PLAIN with the user name "
            f"{USER} and the connection string as the password."
        )
    if mechanism != PLAIN:
        raise Refused("SaslAuthenticate came without a SaslHandshake before it.")
    # message = [authzid] NUL authcid NUL passwd (RFC 4616)
    fields = token.split(b"\0")
    if len(fields) != 3:
        raise Refused("The token is not one of the SASL mechanism PLAIN.")
    user, password = (field.decode(errors="replace") for field in fields[1:])
    if user != USER:
        raise Refused(f"The user name must be {USER}, and the password the connection string; not {user!r}.")
    return _connection_string(password, key)


def _connection_string(text: str, key: Key) -> Grant:
    fields = {name.strip().lower(): value for name, _, value in (part.partition("=") for part in text.split(";"))}
    if "sharedaccesssignature" in fields:
        raise Refused("A shared access signature is not taken over Kafka: use a connection string with a key.")
    missing = [name for name in ("SharedAccessKeyName", "SharedAccessKey") if not fields.get(name.lower())]
    if missing:
        raise Refused(f"The password is not a connection string: it has no {' and no '.join(missing)}.")
    if fields["sharedaccesskeyname"] != key.name:
        raise Refused(f"There is no key named {fields['sharedaccesskeyname']!r}; there is {key.name!r}.")
    if not hmac.compare_digest(fields["sharedaccesskey"].encode(), key.value.encode()):
        raise Refused(f"The connection string has a wrong SharedAccessKey for {key.name!r}.")
    entity = fields.get("entitypath", "").strip().lower()
    return Grant((entity,) if entity else (), math.inf)
