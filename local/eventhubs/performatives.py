"""AMQP 1.0 performatives (specification, parts 2, 3 and 5): read with checks, written in full.

What we send is padded with nulls to the last field: that is legal, and the Python SDK indexes fields by position.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from local.eventhubs import codec
from local.eventhubs.codec import NULL, Described, boolean, string, symbol, uint
from local.eventhubs.errors import INVALID_FIELD, AmqpError, ConnectionFault, DecodeError

OPEN, BEGIN, ATTACH, FLOW, TRANSFER, DISPOSITION, DETACH, END, CLOSE = range(0x10, 0x19)
SASL_MECHANISMS, SASL_INIT, SASL_CHALLENGE, SASL_RESPONSE, SASL_OUTCOME = range(0x40, 0x45)
ERROR, ACCEPTED, REJECTED, SOURCE, TARGET = 0x1D, 0x24, 0x25, 0x28, 0x29
RECEIVER = True
SENDER = False

_NAMES = {
    OPEN: "open", BEGIN: "begin", ATTACH: "attach", FLOW: "flow", TRANSFER: "transfer", DISPOSITION: "disposition",
    DETACH: "detach", END: "end", CLOSE: "close", SASL_INIT: "sasl-init",
}  # fmt: skip


@dataclass(slots=True)
class Performative:
    """One decoded performative: its fields, where each lies in `body`, and where the payload begins."""

    code: int
    body: bytes
    values: list[object]
    spans: list[tuple[int, int]]
    payload: int

    def get(self, index: int) -> object:
        """The field at `index`, None when it was null or left out."""
        return self.values[index] if index < len(self.values) else None

    def raw(self, index: int) -> bytes:
        """The field at `index` as it was encoded."""
        if index >= len(self.spans):
            return NULL
        start, end = self.spans[index]
        return self.body[start:end]

    def number(self, index: int, default: int | None = None) -> int:
        """A uint field (every number that we read is one); `default` when it was left out.

        Raises:
            ConnectionFault: it is not a number, or was left out and has no default.
        """
        value = self.get(index)
        if value is None and default is not None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 0xFFFFFFFF:
            raise self._invalid(index, "a number of 32 bits")
        return value

    def optional_number(self, index: int) -> int | None:
        return None if self.get(index) is None else self.number(index)

    def flag(self, index: int) -> bool:
        """A boolean field; false when it was left out."""
        value = self.get(index)
        if not isinstance(value, bool) and value is not None:
            raise self._invalid(index, "a boolean")
        return bool(value)

    def text(self, index: int) -> str:
        value = self.get(index)
        if not isinstance(value, str):
            raise self._invalid(index, "a string")
        return value

    def symbols(self, index: int) -> frozenset[str]:
        """A multiple symbol field: null, one symbol or an array of them."""
        value = self.get(index)
        values = value if isinstance(value, list) else [value]
        return frozenset(str(item) for item in values if item is not None)

    def properties(self, index: int) -> dict[object, object]:
        value = self.get(index)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._invalid(index, "a map")
        return value

    def _invalid(self, index: int, expected: str) -> ConnectionFault:
        name = _NAMES.get(self.code, hex(self.code))
        return ConnectionFault(f"field {index} of {name} is not {expected}", INVALID_FIELD)


def decode(body: bytes) -> Performative:
    """The performative that a frame's body begins with.

    Raises:
        DecodeError: it is not a described list.
    """
    if not body or body[0] != 0:
        raise DecodeError("a frame's body does not begin with a performative")
    code, position = codec.decode(body, 1)
    if not isinstance(code, int) or isinstance(code, bool):
        raise DecodeError(f"a performative's descriptor is {type(code).__name__}, not a number")
    end = codec.skip(body, position)
    constructor = body[position]
    if constructor == 0x45:
        return Performative(code, body, [], [], end)
    if constructor not in (0xC0, 0xD0):
        raise DecodeError("a performative is not a list")
    wide = constructor == 0xD0
    first = position + (9 if wide else 3)
    if first > end:
        raise DecodeError("a performative's list is cut off")
    count = int.from_bytes(body[first - 4 : first] if wide else body[first - 1 : first], "big")
    values: list[object] = []
    spans: list[tuple[int, int]] = []
    position = first
    for _ in range(min(count, end)):
        value, following = codec.decode(body, position)
        values.append(value)
        spans.append((position, following))
        position = following
    if position != end or len(values) != count:
        raise DecodeError("a performative's size does not match its fields")
    return Performative(code, body, values, spans, end)


def terminus(value: object) -> list[object]:
    """The fields of a source or target; empty when there is none."""
    if isinstance(value, Described) and isinstance(value.value, list):
        return value.value
    return []


def error(fault: AmqpError) -> bytes:
    """An error, all three fields. Descriptions longer than a client cares to print are cut."""
    return codec.described_list(ERROR, [symbol(fault.condition), string(fault.description[:1024]), NULL])


def sasl_mechanisms(names: Sequence[str]) -> bytes:
    return codec.described_list(SASL_MECHANISMS, [codec.symbol_array(names)])


def sasl_outcome(code: int) -> bytes:
    return codec.described_list(SASL_OUTCOME, [codec.ubyte(code), NULL])


def open_(container: str, max_frame_size: int, channel_max: int, idle_timeout: int) -> bytes:
    fields = [
        string(container), NULL, uint(max_frame_size), codec.ushort(channel_max), uint(idle_timeout),
        NULL, NULL, NULL, NULL, NULL,
    ]  # fmt: skip
    return codec.described_list(OPEN, fields)


def begin(remote_channel: int, next_outgoing_id: int, incoming_window: int, outgoing_window: int) -> bytes:
    fields = [
        codec.ushort(remote_channel), uint(next_outgoing_id), uint(incoming_window), uint(outgoing_window),
        uint(HANDLE_MAX), NULL, NULL, NULL,
    ]  # fmt: skip
    return codec.described_list(BEGIN, fields)


# Links per session; the service has the same limit.
HANDLE_MAX = 255


def attach(
    request: Performative, *, role: bool, refused: bool = False, max_message_size: int | None = None,
    offered: Sequence[str] = (), properties: bytes = NULL,
) -> bytes:  # fmt: skip
    """The reply to an Attach: its name, handle, settle modes, source and target again, ours being `role`.

    Args:
        refused: leave out source and target, which announces the Detach that follows.
        max_message_size: in bytes, of what the peer may send.
        offered: capabilities of ours.
    """
    fields = [
        request.raw(0), request.raw(1), boolean(role), request.raw(3), request.raw(4),
        NULL if refused else request.raw(5), NULL if refused else request.raw(6), NULL, NULL,
        NULL if role == RECEIVER else uint(0),
        NULL if max_message_size is None else codec.ulong(max_message_size),
        codec.symbol_array(offered) if offered else NULL, NULL, properties,
    ]  # fmt: skip
    return codec.described_list(ATTACH, fields)


def flow(
    next_incoming_id: int, incoming_window: int, next_outgoing_id: int, outgoing_window: int,
    *, handle: int | None = None, delivery_count: int | None = None, credit: int | None = None, drain: bool = False,
) -> bytes:  # fmt: skip
    fields = [
        uint(next_incoming_id), uint(incoming_window), uint(next_outgoing_id), uint(outgoing_window),
        _optional(handle), _optional(delivery_count), _optional(credit), NULL, boolean(drain), boolean(False), NULL,
    ]  # fmt: skip
    return codec.described_list(FLOW, fields)


def _optional(value: int | None) -> bytes:
    return NULL if value is None else uint(value)


def disposition(first: int, last: int, state: bytes) -> bytes:
    """We, the receiver, settle deliveries `first` to `last` with `state`."""
    fields = [boolean(RECEIVER), uint(first), uint(last), boolean(True), state, NULL]
    return codec.described_list(DISPOSITION, fields)


ACCEPTED_STATE = codec.described_list(ACCEPTED, [])


def rejected(fault: AmqpError) -> bytes:
    return codec.described_list(REJECTED, [error(fault)])


def detach(handle: int, fault: AmqpError | None) -> bytes:
    return codec.described_list(DETACH, [uint(handle), boolean(True), NULL if fault is None else error(fault)])


def end(fault: AmqpError | None) -> bytes:
    return codec.described_list(END, [NULL if fault is None else error(fault)])


def close(fault: AmqpError | None) -> bytes:
    return codec.described_list(CLOSE, [NULL if fault is None else error(fault)])
