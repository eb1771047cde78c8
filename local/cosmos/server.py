"""HTTP in front of an account: read the address, check the key and the budget, call the handler, write the answer.

Whatever arrives gets an answer in Cosmos DB's form: nothing a client sends may end in a traceback or end the process.
"""

from __future__ import annotations

import asyncio
import logging
import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from local.cosmos import addresses
from local.cosmos.answers import Answer
from local.cosmos.authorization import MasterKey
from local.cosmos.catalog import Catalog
from local.cosmos.charges import LEAST, Budget
from local.cosmos.documents import MAXIMUM_BYTES
from local.cosmos.errors import (
    BadRequest,
    CosmosError,
    MethodNotAllowed,
    ServiceUnavailable,
    TooLarge,
    TooManyRequests,
)
from local.cosmos.items import Items
from local.cosmos.metadata import Metadata
from local.cosmos.requests import Request
from local.sql.cosmos.errors import EvaluationError

_log = logging.getLogger(__name__)

BODY_BYTES = 2 * MAXIMUM_BYTES  # read at most; handlers refuse what is over their own limit
_ACTIVITY = re.compile(r"[0-9A-Za-z-]{1,64}")
_LOOPBACK_HOST = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?")
_UNBUDGETED = frozenset(("account", "databases", "database", "containers", "container", "ranges", "offers"))
Handler = Callable[[Request], Awaitable[Answer]]

ROUTES: Final[dict[tuple[str, str], Callable[[Metadata, Items], Handler]]] = {
    ("account", "GET"): lambda metadata, items: metadata.account,
    ("databases", "GET"): lambda metadata, items: metadata.list_databases,
    ("databases", "POST"): lambda metadata, items: metadata.create_database,
    ("database", "GET"): lambda metadata, items: metadata.read_database,
    ("database", "DELETE"): lambda metadata, items: metadata.delete_database,
    ("containers", "GET"): lambda metadata, items: metadata.list_containers,
    ("containers", "POST"): lambda metadata, items: metadata.create_container,
    ("container", "GET"): lambda metadata, items: metadata.read_container,
    ("container", "PUT"): lambda metadata, items: metadata.replace_container,
    ("container", "DELETE"): lambda metadata, items: metadata.delete_container,
    ("ranges", "GET"): lambda metadata, items: metadata.list_ranges,
    ("offers", "GET"): lambda metadata, items: metadata.list_offers,
    ("offers", "POST"): lambda metadata, items: metadata.list_offers,
    ("documents", "GET"): lambda metadata, items: items.list,
    ("documents", "POST"): lambda metadata, items: items.post,
    ("document", "GET"): lambda metadata, items: items.read,
    ("document", "PUT"): lambda metadata, items: items.replace,
    ("document", "PATCH"): lambda metadata, items: items.patch,
    ("document", "DELETE"): lambda metadata, items: items.delete,
    ("purge", "POST"): lambda metadata, items: items.purge,
}
"""Who answers what, by kind of address and method."""


class Server:
    """Answers the requests of one account."""

    def __init__(self, catalog: Catalog, metadata: Metadata, items: Items, key: MasterKey, budget: Budget) -> None:
        self._catalog = catalog
        self._key = key
        self._budget = budget
        self.port = 0
        self._handlers = {route: of(metadata, items) for route, of in ROUTES.items()}

    async def handle(self, http: web.BaseRequest) -> web.Response:
        """Answer one HTTP request."""
        activity = http.headers.get("x-ms-activity-id", "")
        if not _ACTIVITY.fullmatch(activity):
            activity = str(uuid.uuid4())
        try:
            answer = await self._answer(http)
        except CosmosError as error:
            answer = _refusal(error, activity)
        except EvaluationError as error:
            answer = _refusal(BadRequest(str(error)), activity)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception:
            _log.exception("%s %s", http.method, http.raw_path[:200])
            answer = _refusal(ServiceUnavailable("The request failed in the service; its log says why."), activity)
        headers = {
            "x-ms-activity-id": activity,
            "x-ms-request-charge": f"{answer.charge:.2f}",
            "x-ms-gatewayversion": "2.14.0",
            "Content-Type": "application/json",
            **answer.headers,
        }
        return web.Response(body=answer.body, status=answer.status, headers=headers)

    async def _answer(self, http: web.BaseRequest) -> Answer:
        address = addresses.parse(http.rel_url.raw_path)
        ids = self._catalog.ids(address.names)
        if ids is not None:
            address = address.of_resource_ids(ids)
        self._key.check(http.method, address.resource_type, address.resource_link, http.headers)
        if ids is not None and address.kind == "document":
            raise BadRequest("Unsupported: documents by resource id. The local service has them by their ids.")
        handler = self._handlers.get((address.kind, http.method))
        if handler is None:
            raise MethodNotAllowed(f"{http.method} is not supported on {address.kind}.")
        budgeted = address.kind not in _UNBUDGETED
        if budgeted:
            self._budget.admit()
        try:
            body = await http.read()
        except web.HTTPRequestEntityTooLarge:
            raise TooLarge() from None
        charge = LEAST
        try:
            answer = await handler(Request(address.names, http.headers, body, self._base_url(http)))
            charge = answer.charge
        finally:
            if budgeted:
                self._budget.spend(charge)
        return answer

    def _base_url(self, http: web.BaseRequest) -> str:
        """The address that the client used, if it is this machine's: it will use what the account advertises."""
        host = http.headers.get("host", "").lower()
        return f"http://{host if _LOOPBACK_HOST.fullmatch(host) else f'localhost:{self.port}'}/"


def _refusal(error: CosmosError, activity: str) -> Answer:
    headers = {"x-ms-substatus": str(error.substatus)} if error.substatus else {}
    charge = 0.0 if isinstance(error, TooManyRequests) else LEAST
    return Answer(error.body(activity), error.status, charge, headers | error.headers)
