"""One call of a function: its context, where it runs, what is logged about it, how it ended.

Synchronous functions run in a pool of threads, asynchronous ones on the event loop, as in the worker: an `async`
function that blocks holds up every other.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import secrets
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from azure.functions import _abc as abstract  # where the library keeps the context types that it does not export

from local.functions.errors import FunctionTimeoutError
from local.functions.indexing import IndexedFunction
from local.functions.logs import function_logger, running_function
from local.functions.timespan import format_timespan

_thread_local = threading.local()


class TraceContext(abstract.TraceContext):
    """W3C trace context: a fresh trace for each invocation, unless the caller brought one."""

    def __init__(self, trace_parent: str | None = None, trace_state: str = "") -> None:
        self._trace_parent = trace_parent or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
        self._trace_state = trace_state

    @property
    def trace_parent(self) -> str:
        return self._trace_parent

    @property
    def trace_state(self) -> str:
        return self._trace_state

    @property
    def attributes(self) -> dict[str, str]:
        return {}


class RpcException(abstract.RpcException):
    """The exception of the attempt before, as the host hands it over."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    @property
    def source(self) -> str:
        return type(self._error).__name__

    @property
    def stack_trace(self) -> str:
        return "".join(traceback.format_exception(self._error))

    @property
    def message(self) -> str:
        return f"{type(self._error).__name__}: {self._error}"


@dataclass(frozen=True)
class RetryContext:
    """Where an invocation stands in its retry policy; `retry_count` is 0 the first time."""

    retry_count: int = 0
    max_retry_count: int = 0
    exception: RpcException | None = None


class Context(abstract.Context):
    """What a function's `context` parameter receives."""

    def __init__(self, function: IndexedFunction, invocation_id: str, trace: TraceContext, retry: RetryContext) -> None:
        self._function, self._invocation_id, self._trace, self._retry = function, invocation_id, trace, retry

    @property
    def invocation_id(self) -> str:
        return self._invocation_id

    @property
    def thread_local_storage(self) -> Any:
        return _thread_local

    @property
    def function_name(self) -> str:
        return self._function.name

    @property
    def function_directory(self) -> str:
        return self._function.directory

    @property
    def trace_context(self) -> abstract.TraceContext:
        return self._trace

    @property
    def retry_context(self) -> Any:
        return self._retry


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended: with a value, or with an error."""

    invocation_id: str
    value: Any = None
    error: BaseException | None = None


Arguments = Callable[[], Mapping[str, Any]]
"""Makes the trigger's argument. It runs inside the invocation: data that cannot be decoded fails it."""


class Invoker:
    """Runs functions and logs as the host does.

    Args:
        timeout: seconds that a function may take; None for no limit.
        threads: of the pool for synchronous functions (PYTHON_THREADPOOL_THREAD_COUNT); None leaves the choice to
            ThreadPoolExecutor, as the worker does.
    """

    def __init__(self, timeout: float | None = None, threads: int | None = None) -> None:
        self._timeout = timeout
        self._threads = ThreadPoolExecutor(threads, "function")

    async def invoke(
        self, function: IndexedFunction, arguments: Arguments, *, reason: str = "(null)", details: str = "",
        trace: TraceContext | None = None, retry: RetryContext | None = None,
        encode: Callable[[Any], Any] | None = None,
    ) -> Outcome:  # fmt: skip
        """Call a function once. Its error is in the outcome, and logged; cancellation is the only thing raised.

        Args:
            function: what to call.
            arguments: makes the trigger's argument.
            reason: why it runs, for the log.
            details: of the trigger, for the log.
            trace: the trace that it belongs to; a new one when None.
            retry: where it stands in its retry policy.
            encode: turns the result into what goes out; the invocation fails if it raises.
        """
        invocation_id = str(uuid.uuid4())
        log = function_logger(function.name)
        log.info("Executing 'Functions.%s' (Reason='%s', Id=%s)", function.name, reason, invocation_id)
        if details:
            log.info("Trigger Details: %s", details)
        context = Context(function, invocation_id, trace or TraceContext(), retry or RetryContext())
        started = time.perf_counter()
        token = running_function.set(function.name)
        try:
            value = await self._call(function, arguments, context)
            if value is not None and not function.has_return:
                raise RuntimeError(
                    f"function {function.name} without a $return binding returned {type(value).__name__}, not None"
                )
            if encode is not None:
                value = encode(value)
        except Exception as error:
            outcome = Outcome(invocation_id, error=error)
        else:
            outcome = Outcome(invocation_id, value=value)
        finally:
            running_function.reset(token)
        milliseconds = (time.perf_counter() - started) * 1000
        if outcome.error is None:
            log.info(
                "Executed 'Functions.%s' (Succeeded, Id=%s, Duration=%.0fms)",
                function.name, invocation_id, milliseconds,
            )  # fmt: skip
        else:
            log.error(
                "Executed 'Functions.%s' (Failed, Id=%s, Duration=%.0fms)", function.name, invocation_id, milliseconds,
                exc_info=outcome.error,
            )  # fmt: skip
        return outcome

    async def _call(self, function: IndexedFunction, arguments: Arguments, context: Context) -> Any:
        if function.is_async:
            limit = asyncio.timeout(self._timeout)
            try:
                async with limit:
                    return await function.call(**_bind(function, arguments, context))
            except TimeoutError as error:
                if limit.expired():
                    raise FunctionTimeoutError(self._overdue(context)) from error
                raise

        def call() -> Any:
            _thread_local.invocation_id = context.invocation_id
            try:
                return function.call(**_bind(function, arguments, context))
            finally:
                _thread_local.invocation_id = None

        # The context variables go along: logs of the thread belong to the function.
        running = asyncio.get_running_loop().run_in_executor(self._threads, contextvars.copy_context().run, call)
        done, _ = await asyncio.wait((running,), timeout=self._timeout)
        if not done:
            function_logger(function.name).error(
                "%s A thread cannot be interrupted; the real host would restart its worker.", self._overdue(context)
            )
        return await running

    def _overdue(self, context: Context) -> str:
        return (
            f"Timeout value of {format_timespan(self._timeout or 0)} exceeded by function "
            f"'Functions.{context.function_name}' (Id: '{context.invocation_id}')."
        )

    async def invoke_with_retries(
        self, function: IndexedFunction, arguments: Arguments, stopping: asyncio.Event, *, reason: str = "(null)",
        details: str = "",
    ) -> Outcome:  # fmt: skip
        """Call a function until it succeeds, its policy is exhausted, or `stopping` is set; the last outcome."""
        policy, log, attempt = function.retry, function_logger(function.name), 0
        if policy is None:
            return await self.invoke(function, arguments, reason=reason, details=details)
        delays, retry = policy.delays(), RetryContext(0, policy.max_retry_count)
        while True:
            outcome = await self.invoke(function, arguments, reason=reason, details=details, retry=retry)
            if outcome.error is None or stopping.is_set():
                return outcome
            if policy.exhausted(attempt):
                log.error("Function execution failed after '%d' retries.", attempt)
                return outcome
            attempt += 1
            retry = RetryContext(attempt, policy.max_retry_count, RpcException(outcome.error))
            delay = next(delays)
            log.info(
                "Waiting for `%s` before retrying function execution. Next attempt: '%d'. Max retry count: '%d'",
                format_timespan(delay), attempt, policy.max_retry_count,
            )  # fmt: skip
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await stopping.wait()
                return outcome

    def close(self) -> None:
        """Stop taking work; threads that still run a function are left to end with the process."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _bind(function: IndexedFunction, arguments: Arguments, context: Context) -> dict[str, Any]:
    bound = dict(arguments())
    if function.requires_context:
        bound["context"] = context
    return bound
