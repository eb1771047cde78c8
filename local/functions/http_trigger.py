"""HTTP routes on loopback. Keys are not asked for, as with `func start`: authorisation levels count in Azure.

Requests cross to the worker whole, and so do its answers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from local.functions.bindings import Function, HttpTrigger
from local.functions.invocation import Invoker, Outcome
from local.functions.messages import Data, Input
from local.loopback import BACKLOG, listen

MAX_BODY = 100 * 1024 * 1024
"""Bytes of a request: the limit of Azure (FUNCTIONS_REQUEST_BODY_SIZE_LIMIT)."""

REASON = "This function was programmatically called via the host APIs."
_VERSION = "4.0-local"


class HttpServer:
    """Serves the routes of an app under its prefix, and `/admin/host/status`."""

    def __init__(self, functions: Sequence[Function], invoker: Invoker, prefix: str) -> None:
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
        # The function reads a body as it was sent, as in Azure, compressed if it was: the header says so.
        self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=0.5, auto_decompress=False
        )
        await self._runner.setup()
        try:
            for listening in listen(port):
                await web.SockSite(self._runner, listening, backlog=BACKLOG).start()
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
                call = asyncio.create_task(self._call(function, request, parameters))
                self._calls.add(call)
                call.add_done_callback(self._calls.discard)
                return await asyncio.shield(call)  # a caller that hangs up does not end the invocation
            allowed |= trigger.methods
        if allowed:
            return web.Response(status=405, headers={"Allow": ", ".join(sorted(allowed))})
        return web.Response(status=404)

    async def _call(self, function: Function, request: web.Request, parameters: Mapping[str, str]) -> web.Response:
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return web.Response(status=413, text=f"the body is larger than {MAX_BODY} bytes")
        except (ConnectionError, web.RequestPayloadError):
            return web.Response(status=400, text="the body ends before it is whole, or its chunks are malformed")
        given = Input(_request(request, body, parameters))
        outcome = await self._invoker.invoke(
            function,
            lambda: given,
            reason=REASON,
            trace=(_text(request.headers.get("traceparent", "")), _text(request.headers.get("tracestate", ""))),
        )
        return _response(outcome)


def _request(request: web.Request, body: bytes, parameters: Mapping[str, str]) -> Data:
    return Data("http", {
        "method": request.method,
        "url": str(request.url),
        "headers": _joined(request.headers.items()),
        "query": _joined(request.query.items()),
        "params": {name: _text(value) for name, value in parameters.items()},
        "body": body,
    })  # fmt: skip


def _joined(pairs: Any) -> dict[str, str]:
    """Repeated names become one value with commas, as in the message from host to worker."""
    joined: dict[str, str] = {}
    for raw, value in pairs:
        name, text = _text(raw), _text(value)
        joined[name] = f"{joined[name]},{text}" if name in joined else text
    return joined


def _text(value: str) -> str:
    """Just a str, without the surrogates that stand for what is not UTF-8: neither JSON nor gRPC carries those."""
    return value.encode(errors="replace").decode()


def _response(outcome: Outcome) -> web.Response:
    if outcome.failure is not None or outcome.value is None:
        return web.Response(
            status=500,
            text=f"The function failed; invocation {outcome.invocation_id} in the host's log says why.",
            headers={"x-ms-invocation-id": outcome.invocation_id},
        )
    kind, value = outcome.value
    if kind == "string":
        return web.Response(text=value)
    response = web.Response(status=value["status"], body=value["body"])
    for name, header in value["headers"].items():
        if name.lower() not in ("content-length", "transfer-encoding"):
            response.headers[name] = header
    for cookie in value["cookies"]:
        response.headers.add("Set-Cookie", cookie)
    return response
