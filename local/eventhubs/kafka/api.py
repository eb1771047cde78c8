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
from typing import TYPE_CHECKING, Any

import kio.index
from kio.schema.errors import ErrorCode
from kio.static.constants import EntityType

from local.eventhubs.kafka.settings import Settings
from local.eventhubs.namespace import Hub, Namespace
from local.eventhubs.partition import Partition
from local.eventhubs.sas import Grant

if TYPE_CHECKING:
    from local.eventhubs.kafka.groups.coordinator import Groups

Handler = Callable[[Any, "Session"], Awaitable[Any]]

NO_THROTTLE = timedelta(0)
# The one broker. Its leadership never changes hands, so there are no leader epochs: they are left at -1, unknown.
NODE_ID = 0


@dataclass(frozen=True)
class Api:
    """One API.

    Attributes:
        key: its number (https://kafka.apache.org/protocol#protocol_api_keys).
        versions: those that clients are told of.
        handle: answers a request; None means that there is no answer to send.
        before_authentication: a client that has not authenticated may use it.
        refuse_old: answers a request, by version and bytes, whose version is older than kio knows.
    """

    key: int
    versions: range
    handle: Handler
    before_authentication: bool = False
    refuse_old: Callable[[int, memoryview], bytes | None] | None = None


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
    groups: Groups
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

    def hub(self, topic: str) -> Hub | ErrorCode:
        """The hub called `topic` (case does not count), or why the client does not get it."""
        if not self.may_use(topic):
            return ErrorCode.topic_authorization_failed
        return self.namespace.find(topic) or ErrorCode.unknown_topic_or_partition

    def partition(self, topic: str, index: int) -> Partition | ErrorCode:
        """A partition of the hub called `topic`, or why the client does not get it."""
        hub = self.hub(topic)
        if isinstance(hub, ErrorCode):
            return hub
        if not 0 <= index < len(hub.partitions):
            return ErrorCode.unknown_topic_or_partition
        return hub.partitions[index]


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
