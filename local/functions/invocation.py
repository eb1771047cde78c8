"""One call of a function: what is logged about it, how it ended, and how often it is tried again."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from local.functions.bindings import Function
from local.functions.errors import WorkerLostError
from local.functions.logs import function_logger
from local.functions.messages import Data, Failure, Input, Invocation, Retry
from local.functions.supervision import Worker
from local.functions.timespan import format_timespan


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended: with a value, or with a failure."""

    invocation_id: str
    value: Data | None = None
    failure: Failure | None = None
    lost: bool = False
    """Whether it did not end at all: the worker did, before it. Nothing may be checkpointed for it."""


MakeInput = Callable[[], Input]
"""Makes what the function is called with. It runs inside the invocation: data of the wrong form fail it."""


class Invoker:
    """Has the worker run functions, and logs as the host does."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def invoke(
        self, function: Function, make_input: MakeInput, *, reason: str = "(null)", details: str = "",
        trace: tuple[str, str] = ("", ""), retry: Retry | None = None,
    ) -> Outcome:  # fmt: skip
        """Call a function once. Its failure is in the outcome, and logged; cancellation is the only thing raised.

        Args:
            function: what to call.
            make_input: makes what it is called with.
            reason: why it runs, for the log.
            details: of the trigger, for the log.
            trace: traceparent and tracestate of what it belongs to; empty ones begin a new trace.
            retry: where it stands in its retry policy.
        """
        invocation_id = str(uuid.uuid4())
        log = function_logger(function.name)
        log.info("Executing 'Functions.%s' (Reason='%s', Id=%s)", function.name, reason, invocation_id)
        if details:
            log.info("Trigger Details: %s", details)
        parent, state = trace
        started = time.perf_counter()
        try:
            answer = await self._worker.call(
                Invocation(
                    function.name, invocation_id, make_input(), parent or _new_trace(), state, retry or Retry()
                )
            )  # fmt: skip
            outcome = Outcome(invocation_id, answer.value, answer.failure)
        except Exception as error:
            outcome = Outcome(invocation_id, failure=Failure.of(error), lost=isinstance(error, WorkerLostError))
        milliseconds = (time.perf_counter() - started) * 1000
        if outcome.failure is None:
            log.info(
                "Executed 'Functions.%s' (Succeeded, Id=%s, Duration=%.0fms)",
                function.name, invocation_id, milliseconds,
            )  # fmt: skip
        else:
            log.error(
                "Executed 'Functions.%s' (Failed, Id=%s, Duration=%.0fms)\n%s",
                function.name, invocation_id, milliseconds, outcome.failure.trace,
            )  # fmt: skip
        return outcome

    async def invoke_with_retries(
        self, function: Function, make_input: MakeInput, stopping: asyncio.Event, *, reason: str = "(null)",
        details: str = "",
    ) -> Outcome:  # fmt: skip
        """Call a function until it succeeds, its policy is exhausted, or `stopping` is set; the last outcome.

        A call that was lost with its worker is no attempt: it is made again, whatever the policy.
        """
        policy, log = function.retry, function_logger(function.name)
        delays = policy.delays() if policy else iter(())
        retry = Retry(0, policy.max_retry_count if policy else 0)
        while True:
            outcome = await self.invoke(function, make_input, reason=reason, details=details, retry=retry)
            if outcome.failure is None or stopping.is_set():
                return outcome
            if outcome.lost:
                if self._worker.closing:
                    return outcome
                continue
            if policy is None:
                return outcome
            if policy.exhausted(retry.count):
                log.error("Function execution failed after '%d' retries.", retry.count)
                return outcome
            retry = Retry(retry.count + 1, policy.max_retry_count, outcome.failure)
            delay = next(delays)
            log.info(
                "Waiting for `%s` before retrying function execution. Next attempt: '%d'. Max retry count: '%d'",
                format_timespan(delay), retry.count, policy.max_retry_count,
            )  # fmt: skip
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await stopping.wait()
                return outcome


def _new_trace() -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
