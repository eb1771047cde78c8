"""HTTP routes on loopback. Keys are not asked for, as with `func start`: authorisation levels count in Azure.

Requests and responses go through the library's own converters, so a function sees what the worker would give it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web
from azure.functions.http import HttpRequestConverter, HttpResponseConverter
from azure.functions.meta import Datum

from local.functions.bindings import HttpTrigger
from local.functions.indexing import IndexedFunction
from local.functions.invocation import Invoker, Outcome, TraceContext
from local.loopback import listen

MAX_BODY = 100 * 1024 * 1024
"""Bytes of a request: the limit of Azure (FUNCTIONS_REQUEST_BODY_SIZE_LIMIT)."""

REASON = "This function was programmatically called via the host APIs."
_VERSION = "4.0-local"


class HttpServer:
    """Serves the routes of an app under its prefix, and `/admin/host/status`."""

    def __init__(self, functions: Sequence[IndexedFunction], invoker: Invoker, prefix: str) -> None:
        routed = [(function, function.trigger) for function in functions if isinstance(function.trigger, HttpTrigger)]
        # The most specific template first: orders/latest before orders/{id}.
        self._routes = sorted(routed, key=lambda item: item[1].route.precedence)
        self._invoker, self._prefix = invoker, f"/{prefix}/" if prefix else "/"
        self._started = time.monotonic()
        self._runner: web.AppRunner | None = None
        self._calls: set[asyncio.Task[web.Response]] = set()
        self.state = "Initialized"

    async def start(self, port: int) -> int:
        """Listen, on a free port when `port` is 0; returns the port.

        Raises:
            OSError: the port is taken.
        """
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.5)
        await self._runner.setup()
        try:
            for listening in listen(port):
                await web.SockSite(self._runner, listening).start()
        except OSError:
            await self._runner.cleanup()
            raise
        return int(self._runner.addresses[0][1])

    async def stop(self, seconds: float) -> bool:
        """Take no more requests; those at hand have `seconds` to be answered. Returns whether they were."""
        for site in list(self._runner.sites) if self._runner else ():
            await site.stop()
        left: set[asyncio.Task[web.Response]] = set()
        if self._calls:
            _, left = await asyncio.wait(self._calls, timeout=seconds)
        if self._runner is not None:
            await self._runner.cleanup()
        return not left

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        if path == "/":
            return web.Response(text="Your Functions host is up and running.")
        if path == "/admin/host/status" and request.method == "GET":
            uptime = int((time.monotonic() - self._started) * 1000)
            return web.json_response({
                "id": "local", "state": self.state, "version": _VERSION, "processUptime": uptime,
            })  # fmt: skip
        if not path.lower().startswith(self._prefix.lower()):
            return web.Response(status=404)
        allowed: set[str] = set()
        for function, trigger in self._routes:
            parameters = trigger.route.match(path[len(self._prefix) :])
            if parameters is None:
                continue
            if request.method in trigger.methods:
                call = asyncio.create_task(self._call(function, trigger, request, parameters))
                self._calls.add(call)
                call.add_done_callback(self._calls.discard)
                return await asyncio.shield(call)  # a caller that hangs up does not end the invocation
            allowed |= trigger.methods
        if allowed:
            return web.Response(status=405, headers={"Allow": ", ".join(sorted(allowed))})
        return web.Response(status=404)

    async def _call(
        self, function: IndexedFunction, trigger: HttpTrigger, request: web.Request, parameters: Mapping[str, str]
    ) -> web.Response:
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return web.Response(status=413, text=f"the body is larger than {MAX_BODY} bytes")
        data = _request_datum(request, body, parameters)
        outcome = await self._invoker.invoke(
            function,
            lambda: {trigger.parameter: HttpRequestConverter.decode(data, trigger_metadata={})},
            reason=REASON,
            trace=TraceContext(request.headers.get("traceparent"), request.headers.get("tracestate", "")),
            encode=_encode,
        )
        return _response(outcome)


def _request_datum(request: web.Request, body: bytes, parameters: Mapping[str, str]) -> Datum:
    return Datum(
        {
            "method": Datum(request.method, "string"),
            "url": Datum(str(request.url), "string"),
            "headers": {name: Datum(value, "string") for name, value in _joined(request.headers.items()).items()},
            "query": {name: Datum(value, "string") for name, value in _joined(request.query.items()).items()},
            "params": {name: Datum(value, "string") for name, value in parameters.items()},
            "body": Datum(body, "bytes"),
        },
        "http",
    )


def _joined(pairs: Any) -> dict[str, str]:
    """Repeated names become one value with commas, as in the message from host to worker."""
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _encode(value: Any) -> Datum:
    try:
        return HttpResponseConverter.encode(value, expected_type=None)
    except NotImplementedError:
        raise TypeError(f"an HTTP function returned {type(value).__name__}; return func.HttpResponse or str") from None


def _response(outcome: Outcome) -> web.Response:
    if outcome.error is not None:
        return web.Response(
            status=500,
            text=f"The function failed; invocation {outcome.invocation_id} in the host's log says why.",
            headers={"x-ms-invocation-id": outcome.invocation_id},
        )
    datum: Datum = outcome.value
    if datum.type == "string":
        return web.Response(text=datum.value)
    value = datum.value
    response = web.Response(status=int(value["status_code"].value), body=value["body"].value)
    for name, header in value["headers"].items():
        if name.lower() not in ("content-length", "transfer-encoding"):
            response.headers[name] = header.value
    for cookie in value.get("cookies") or ():
        for morsel in cookie.values():
            response.headers.add("Set-Cookie", morsel.OutputString())
    return response
