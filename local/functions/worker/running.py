"""Running one function in the worker: where it runs, and how it ended.

Synchronous functions run in a pool of threads, asynchronous ones on the event loop, as in Microsoft's worker: an
`async` function that blocks holds up every other.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local.functions.bindings import HttpTrigger
from local.functions.errors import FunctionTimeoutError
from local.functions.logs import running_function
from local.functions.messages import Answer, Failure, Invocation
from local.functions.worker.context import Context, thread_local
from local.functions.worker.conversion import argument, http_answer
from local.functions.worker.indexing import IndexedFunction


class Runner:
    """Runs the functions of an app.

    Args:
        functions: by name.
        timeout: seconds that an asynchronous function may take; None for no limit.
        threads: of the pool for synchronous functions (PYTHON_THREADPOOL_THREAD_COUNT); None leaves the choice to
            ThreadPoolExecutor, as Microsoft's worker does.
    """

    def __init__(
        self, functions: Mapping[str, IndexedFunction], timeout: float | None = None, threads: int | None = None
    ) -> None:
        self._functions, self._timeout = functions, timeout
        self._threads = ThreadPoolExecutor(threads, "function")

    async def run(self, invocation: Invocation) -> Answer:
        """Call a function once. What it raises is in the answer; SystemExit is let through: it ends the worker."""
        function = self._functions[invocation.function]
        token = running_function.set(function.name)
        try:
            value = await self._call(function, invocation)
            if isinstance(function.trigger, HttpTrigger):
                return Answer(http_answer(value))
            if value is not None and not function.has_return:
                raise RuntimeError(
                    f"function {function.name} without a $return binding returned {type(value).__name__}, not None"
                )
            return Answer()
        except Exception as error:
            return Answer(failure=Failure.of(error))
        finally:
            running_function.reset(token)

    async def _call(self, function: IndexedFunction, invocation: Invocation) -> Any:
        if function.is_async:
            limit = asyncio.timeout(self._timeout)
            try:
                async with limit:
                    return await function.call(**_arguments(function, invocation))
            except TimeoutError as error:
                if limit.expired():
                    raise FunctionTimeoutError(self._timeout or 0, function.name, invocation.id) from error
                raise

        def call() -> Any:
            thread_local.invocation_id = invocation.id
            try:
                return function.call(**_arguments(function, invocation))
            finally:
                thread_local.invocation_id = None

        # The context variables go along: logs of the thread belong to the function.
        return await asyncio.get_running_loop().run_in_executor(self._threads, contextvars.copy_context().run, call)

    def close(self) -> None:
        """Take no more work."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _arguments(function: IndexedFunction, invocation: Invocation) -> dict[str, Any]:
    arguments = {function.trigger.parameter: argument(function, invocation.input)}
    if function.requires_context:
        arguments["context"] = Context(invocation, function.directory)
    return arguments
