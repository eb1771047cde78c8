"""What the host asks of its worker and what the worker answers, as frames carry them.

The shapes are those of the real host's gRPC (InvocationRequest, TypedData, InvocationResponse): the trigger's data and
metadata cross once for a batch, bodies as bytes and the rest as JSON that the host has written.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from local.functions.channel import Frame


class Data(NamedTuple):
    """A value of one of the types of the worker's `Datum`.

    `json` and `string` are str; `bytes`; `int`; `collection_bytes`, `collection_string` and `collection_sint64` are
    lists; `http` is a dictionary whose `body` is bytes.
    """

    type: str
    value: Any


@dataclass(frozen=True)
class Input:
    """What a function is called with: its trigger's data, and their metadata."""

    data: Data
    metadata: Mapping[str, Data] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """An exception as the other process hears of it."""

    type: str
    message: str
    trace: str

    @classmethod
    def of(cls, error: BaseException) -> Self:
        return cls(type(error).__name__, str(error), "".join(traceback.format_exception(error)).rstrip("\n"))


@dataclass(frozen=True)
class Retry:
    """Where an invocation stands in its retry policy; `count` is 0 the first time."""

    count: int = 0
    maximum: int = 0
    failure: Failure | None = None
    """Of the attempt before."""


@dataclass(frozen=True)
class Invocation:
    """One call of a function."""

    function: str
    id: str
    input: Input
    trace_parent: str
    trace_state: str = ""
    retry: Retry = field(default_factory=Retry)

    def frame(self, number: int) -> Frame:
        """The frame that asks for it; the answer bears its `number`."""
        parts: list[bytes] = []
        failure = self.retry.failure
        return Frame(
            {
                "invoke": number,
                "function": self.function,
                "id": self.id,
                "trace": [self.trace_parent, self.trace_state],
                "retry": [self.retry.count, self.retry.maximum, failure and _fields(failure)],
                "data": _encode(self.input.data, parts),
                "metadata": {name: _encode(data, parts) for name, data in self.input.metadata.items()},
            },
            parts,
        )

    @classmethod
    def of(cls, frame: Frame) -> Self:
        """Read a frame of `frame()`."""
        header, parts = frame.header, iter(frame.parts)
        data = _decode(header["data"], parts)
        parent, state = header["trace"]
        count, maximum, failure = header["retry"]
        return cls(
            header["function"],
            header["id"],
            Input(data, {name: _decode(encoded, parts) for name, encoded in header["metadata"].items()}),
            parent,
            state,
            Retry(count, maximum, Failure(*failure) if failure else None),
        )


@dataclass(frozen=True)
class Answer:
    """How a call ended: with a value (None when the function returned none) or with a failure."""

    value: Data | None = None
    failure: Failure | None = None

    def frame(self, number: int) -> Frame:
        """The frame that answers invocation `number`."""
        parts: list[bytes] = []
        if self.failure is not None:
            return Frame({"answer": number, "failure": _fields(self.failure)}, parts)
        return Frame({"answer": number, "value": self.value and _encode(self.value, parts)}, parts)

    @classmethod
    def of(cls, frame: Frame) -> Self:
        """Read a frame of `frame()`."""
        if failure := frame.header.get("failure"):
            return cls(failure=Failure(*failure))
        encoded = frame.header["value"]
        return cls(encoded and _decode(encoded, iter(frame.parts)))


def _fields(failure: Failure) -> list[str]:
    # What a program raises may hold surrogates, which no JSON has.
    return [
        text.encode(errors="replace").decode() for text in (failure.type, failure.message, failure.trace)
    ]  # fmt: skip


def _encode(data: Data, parts: list[bytes]) -> list[Any]:
    """What the header says of `data`; the bytes go to `parts`."""
    kind, value = data
    if kind == "collection_bytes":
        parts.extend(value)
        return [kind, len(value)]
    if kind == "bytes":
        parts.append(value)
        return [kind]
    if kind == "json":
        # Already JSON: as a string of the header it would be escaped once more.
        parts.append(value.encode())
        return [kind]
    if kind == "http":
        parts.append(value["body"])
        return [kind, {name: item for name, item in value.items() if name != "body"}]
    return [kind, value]


def _decode(encoded: list[Any], parts: Iterator[bytes]) -> Data:
    kind = encoded[0]
    if kind == "collection_bytes":
        return Data(kind, [next(parts) for _ in range(encoded[1])])
    if kind == "bytes":
        return Data(kind, next(parts))
    if kind == "json":
        return Data(kind, next(parts).decode())
    if kind == "http":
        return Data(kind, {**encoded[1], "body": next(parts)})
    return Data(kind, encoded[1])
