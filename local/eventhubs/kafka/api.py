"""What an API of the Kafka protocol is here: its versions, and who answers it for which client.

Requests and responses are kio's typed messages. Each version of each has classes of its own, so they pass as `Any`
through what serves all versions; `make` fills in the fields that a version has.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from functools import cache
from types import ModuleType
from typing import Any

import kio.index
from kio.static.constants import EntityType

from local.eventhubs.kafka.settings import Settings
from local.eventhubs.namespace import Hub, Namespace
from local.eventhubs.sas import Grant

Handler = Callable[[Any, "Session"], Awaitable[Any]]

NO_THROTTLE = timedelta(0)
# The one broker. Its leadership never changes hands.
NODE_ID = 0
LEADER_EPOCH = 0


@dataclass(frozen=True)
class Api:
    """One API.

    Attributes:
        key: its number (https://kafka.apache.org/protocol#protocol_api_keys).
        versions: those that clients are told of.
        handle: answers a request; None means that there is no answer to send.
        before_authentication: a client that has not authenticated may use it.
        refuse_old: answers a request, by version and body, whose version is older than kio knows.
    """

    key: int
    versions: range
    handle: Handler
    before_authentication: bool = False
    refuse_old: Callable[[int, bytes], bytes] | None = None


@dataclass
class Session:
    """What the requests of one connection share.

    Attributes:
        address: host and port at which the client reached us: it will again.
        client_host: where the client is.
        client_id: what it calls itself, in the request at hand.
        version: of the request at hand.
        grant: what it may use, once it has authenticated.
        mechanism: the SASL mechanism that it chose.
        raw_sasl: its next frame is a token of that mechanism, not a request (SaslHandshake version 0).
        ending: the connection closes once the answer at hand is sent.
    """

    namespace: Namespace
    groups: Any
    settings: Settings
    apis: Mapping[int, Api]
    address: tuple[str, int]
    client_host: str
    client_id: str = ""
    version: int = 0
    grant: Grant | None = None
    mechanism: str | None = None
    raw_sasl: bool = False
    ending: bool = False

    @property
    def let_in(self) -> bool:
        """Whether more than authentication is open to the client."""
        return self.grant is not None or self.settings.plaintext

    def may_use(self, topic: str) -> bool:
        """Whether the client may use the hub called `topic`: a connection string with an EntityPath opens one."""
        if self.grant is None:
            return self.settings.plaintext
        return self.grant.path in ((), (topic.lower(),))

    def hub(self, topic: str) -> Hub | None:
        """The hub called `topic`, if there is one. Names of hubs do not depend on case."""
        return self.namespace.find(topic)


def response_module(request: Any) -> ModuleType:
    """kio's module with the response to `request`, in its version: `FetchResponse` and the classes it is made of."""
    return _response_module(request.__api_key__, request.__version__)


@cache
def _response_module(key: int, version: int) -> ModuleType:
    return kio.index.load_payload_module(key, version, EntityType.response)


def make(entity: Any, **values: Any) -> Any:
    """An `entity` of those `values` that its version has fields for."""
    names = _names(entity)
    return entity(**{name: value for name, value in values.items() if name in names})


@cache
def _names(entity: Any) -> frozenset[str]:
    return frozenset(field.name for field in fields(entity))
