"""The host: it starts every trigger of an indexed app and drains them when it stops."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from local.functions.bindings import EventHubTrigger, TimerTrigger
from local.functions.checkpointing import open_store
from local.functions.event_hub_trigger import EventHubListener
from local.functions.host_json import HostOptions
from local.functions.http_trigger import HttpServer
from local.functions.indexing import IndexedFunction
from local.functions.invocation import Invoker
from local.functions.logs import host_logger
from local.functions.settings import storage_connection, thread_count
from local.functions.timer_trigger import TimerListener

NO_FUNCTIONS = (
    "The app has no functions. The real host says nothing about it: is a blueprint not registered "
    "(app.register_functions(blueprint)), or a function without a trigger decorator?"
)


class Host:
    """Runs the functions of one app.

    Args:
        functions: as `index` returned them.
        options: of host.json.
        environment: the app's settings.
        port: of the HTTP routes; 0 for a free one.
        drain: seconds that running invocations have to end when the host stops.
    """

    def __init__(
        self, functions: Sequence[IndexedFunction], options: HostOptions, environment: Mapping[str, str], *, port: int,
        drain: float,
    ) -> None:  # fmt: skip
        self._functions, self._options, self._environment = functions, options, environment
        self._port, self._drain = port, drain
        self._log = host_logger("General")
        self.overran = False
        """Whether an invocation was still running when the drain's time was up."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Mapping[str, object]]:
        """Start everything; yields what the ready line says; drains on leaving.

        Raises:
            SettingsError: a trigger needs a setting that is missing.
            OSError: the port is taken.
        """
        if not self._functions:
            self._log.warning(NO_FUNCTIONS)
        invoker = Invoker(self._options.function_timeout, thread_count(self._environment))
        http = HttpServer(self._functions, invoker, self._options.route_prefix)
        timers = [
            TimerListener(function, invoker, self._environment)
            for function in self._functions
            if isinstance(function.trigger, TimerTrigger)
        ]
        on_hubs = [function for function in self._functions if isinstance(function.trigger, EventHubTrigger)]
        store = await open_store(storage_connection(self._environment)) if on_hubs else None
        try:
            hubs = (
                []
                if store is None
                else [
                    EventHubListener(function, self._options.event_hubs, store, invoker, self._environment)
                    for function in on_hubs
                ]
            )
            port = await http.start(self._port)
            listeners: list[EventHubListener | TimerListener] = [*hubs, *timers]
            await asyncio.gather(*(listener.start() for listener in listeners))
            http.state = "Running"
            self._log.info(
                "Host started: %s", ", ".join(function.name for function in self._functions) or "no functions"
            )
            try:
                yield {"port": port, "functions": [function.name for function in self._functions]}
            finally:
                await self._stop(http, listeners)
        finally:
            invoker.close()
            if store is not None:
                await store.close()

    async def _stop(self, http: HttpServer, listeners: Sequence[EventHubListener | TimerListener]) -> None:
        started = time.monotonic()
        http.state = "Stopping"
        self._log.info("Stopping: running invocations have %.0f s to end.", self._drain)
        ended = await asyncio.gather(http.stop(self._drain), *(listener.stop(self._drain) for listener in listeners))
        self.overran = not all(ended)
        if self.overran:
            self._log.warning("Invocations still ran after %.0f s; their batches come again.", self._drain)
        self._log.info("Stopped after %.1f s.", time.monotonic() - started)
