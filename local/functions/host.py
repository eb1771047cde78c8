"""The host: it starts every trigger of an app that its worker has loaded, and drains them when it stops."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager

from azure.eventhub.aio import CheckpointStore

from local.functions.bindings import EventHubTrigger, Function, TimerTrigger
from local.functions.checkpointing import open_store
from local.functions.event_hub_trigger import EventHubListener
from local.functions.host_json import HostOptions
from local.functions.http_trigger import HttpServer
from local.functions.invocation import Invoker
from local.functions.logs import host_logger
from local.functions.settings import storage_connection
from local.functions.supervision import Worker
from local.functions.timer_trigger import TimerListener

NO_FUNCTIONS = (
    "The app has no functions. The real host says nothing about it: is a blueprint not registered "
    "(app.register_functions(blueprint)), or a function without a trigger decorator?"
)

LAST = 1.0
"""Seconds that the worker has to end when the invocations took the drain's time nearly whole."""


class Host:
    """Runs the functions of one app.

    Args:
        functions: as the worker declared them.
        worker: runs them; the host stops it.
        options: of host.json.
        environment: the app's settings.
        port: of the HTTP routes; 0 for a free one.
        drain: seconds that running invocations have to end when the host stops.
    """

    def __init__(
        self, functions: Sequence[Function], worker: Worker, options: HostOptions, environment: Mapping[str, str], *,
        port: int, drain: float,
    ) -> None:  # fmt: skip
        self._functions, self._worker, self._options, self._environment = functions, worker, options, environment
        self._port, self._drain = port, drain
        self._log = host_logger("General")
        self.overran = False
        """Whether an invocation, or the worker, was still running when the drain's time was up."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Mapping[str, object]]:
        """Start everything; yields what the ready line says; drains on leaving.

        Raises:
            SettingsError: a trigger needs a setting that is missing.
            OSError: the port is taken.
            WorkerError: on leaving: the host gave up on its worker.
        """
        if not self._functions:
            self._log.warning(NO_FUNCTIONS)
        self._worker.start()
        stopped_within = self._drain
        try:
            invoker = Invoker(self._worker)
            http = HttpServer(self._functions, invoker, self._options.route_prefix)
            async with self._checkpoints() as store:
                listeners = list(self._listeners(invoker, store))
                port = await http.start(self._port)
                await asyncio.gather(*(listener.start() for listener in listeners))
                gc.collect()
                gc.freeze()  # the libraries stay: a full collection need not walk them, and hold up the loop
                http.state = "Running"
                self._log.info(
                    "Host started: %s", ", ".join(function.name for function in self._functions) or "no functions"
                )
                try:
                    yield {"port": port, "functions": [function.name for function in self._functions]}
                finally:
                    stopped_within = await self._stop(http, listeners)
        finally:
            if not await self._worker.stop(stopped_within):
                self.overran = True
        if self._worker.failure is not None:
            raise self._worker.failure

    @asynccontextmanager
    async def _checkpoints(self) -> AsyncIterator[CheckpointStore | None]:
        """The store, when a function needs one."""
        if not any(isinstance(function.trigger, EventHubTrigger) for function in self._functions):
            yield None
            return
        store = await open_store(storage_connection(self._environment))
        try:
            yield store
        finally:
            await store.close()

    def _listeners(self, invoker: Invoker, store: CheckpointStore | None) -> Iterator[EventHubListener | TimerListener]:
        for function in self._functions:
            if isinstance(function.trigger, TimerTrigger):
                yield TimerListener(function, invoker, self._environment)
            elif store is not None and isinstance(function.trigger, EventHubTrigger):
                yield EventHubListener(function, self._options.event_hubs, store, invoker, self._environment)

    async def _stop(self, http: HttpServer, listeners: Sequence[EventHubListener | TimerListener]) -> float:
        """Drain; returns the seconds that are left of the drain's time."""
        started = time.monotonic()
        http.state = "Stopping"
        self._worker.abandon()
        self._log.info("Stopping: running invocations have %.0f s to end.", self._drain)
        ended = await asyncio.gather(http.stop(self._drain), *(listener.stop(self._drain) for listener in listeners))
        self.overran = not all(ended)
        if self.overran:
            self._log.warning("Invocations still ran after %.0f s; their batches come again.", self._drain)
        elapsed = time.monotonic() - started
        self._log.info("Stopped after %.1f s.", elapsed)
        return 0.0 if self.overran else max(self._drain - elapsed, LAST)
