"""What a function's `context` parameter receives, with the library's own types behind it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from azure.functions import _abc as abstract  # where the library keeps the context types that it does not export

from local.functions.messages import Failure, Invocation

thread_local = threading.local()
"""`context.thread_local_storage`; its `invocation_id` is that of the function that the thread runs."""


class TraceContext(abstract.TraceContext):
    """W3C trace context."""

    def __init__(self, trace_parent: str, trace_state: str) -> None:
        self._trace_parent, self._trace_state = trace_parent, trace_state

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

    def __init__(self, failure: Failure) -> None:
        self._failure = failure

    @property
    def source(self) -> str:
        return self._failure.type

    @property
    def stack_trace(self) -> str:
        return self._failure.trace

    @property
    def message(self) -> str:
        return f"{self._failure.type}: {self._failure.message}"


@dataclass(frozen=True)
class RetryContext:
    """Where an invocation stands in its retry policy; `retry_count` is 0 the first time."""

    retry_count: int
    max_retry_count: int
    exception: RpcException | None


class Context(abstract.Context):
    """The invocation that a function runs for."""

    def __init__(self, invocation: Invocation, directory: str) -> None:
        self._invocation, self._directory = invocation, directory

    @property
    def invocation_id(self) -> str:
        return self._invocation.id

    @property
    def thread_local_storage(self) -> Any:
        return thread_local

    @property
    def function_name(self) -> str:
        return self._invocation.function

    @property
    def function_directory(self) -> str:
        return self._directory

    @property
    def trace_context(self) -> abstract.TraceContext:
        return TraceContext(self._invocation.trace_parent, self._invocation.trace_state)

    @property
    def retry_context(self) -> Any:
        retry = self._invocation.retry
        return RetryContext(retry.count, retry.maximum, RpcException(retry.failure) if retry.failure else None)
