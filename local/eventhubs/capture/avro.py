"""A captured file's bytes: an Avro object container in Microsoft's schema, written by fastavro as events come.

What is here is the schema, and which of its types AMQP's values become.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime

from fastavro.write import Writer

from local.eventhubs.codec import Described

# As Event Hubs writes it, character by character:
# https://learn.microsoft.com/azure/event-hubs/explore-captured-avro-files
SCHEMA = (
    '{"type":"record","name":"EventData","namespace":"Microsoft.ServiceBus.Messaging","fields":['
    '{"name":"SequenceNumber","type":"long"},'
    '{"name":"Offset","type":"string"},'
    '{"name":"EnqueuedTimeUtc","type":"string"},'
    '{"name":"SystemProperties","type":{"type":"map","values":["long","double","string","bytes"]}},'
    '{"name":"Properties","type":{"type":"map","values":["long","double","string","bytes","null"]}},'
    '{"name":"Body","type":["null","bytes"]}]}'
)
SYNC_SIZE = 16
# A block holds what comes until this is reached: readers hold one block at a time.
_BLOCK_BYTES = 64 * 1024
_LONGS = (-(2**63), 2**63 - 1)
# Handed over as it is, not as `parse_schema` has it: that would be the one in the header.
_SCHEMA = json.loads(SCHEMA)

# A value of a union with the name of its type, which spares fastavro finding it out: a third of its time for an event
# with three such values.
Value = tuple[str, int | float | str | bytes | None]


def time(milliseconds: int) -> str:
    """`EnqueuedTimeUtc` as the service writes it: `6/25/2020 3:47:29 PM`; `milliseconds` since 1970."""
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    hour, half = moment.hour % 12 or 12, "PM" if moment.hour >= 12 else "AM"
    return f"{moment.month}/{moment.day}/{moment.year} {hour}:{moment.minute:02}:{moment.second:02} {half}"


class File:
    """A file that is being written, and taken away piece by piece."""

    def __init__(self, sync: bytes) -> None:
        """Begin with the header; `sync` are the 16 bytes between blocks."""
        assert len(sync) == SYNC_SIZE
        self._ready = io.BytesIO()
        self._taken = 0
        # The real files are not compressed either.
        self._writer = Writer(self._ready, _SCHEMA, "null", _BLOCK_BYTES, sync_marker=sync)

    @property
    def ready(self) -> int:
        """Bytes that `take` would give."""
        return self._ready.tell()

    @property
    def size(self) -> int:
        """Bytes of the file so far, the block that is being filled aside."""
        return self._taken + self.ready

    def add(
        self, sequence: int, enqueued: str, system: Mapping[str, Value], properties: Mapping[str, Value],
        body: bytes | None,
    ) -> None:  # fmt: skip
        """Write one event; `enqueued` is a `time`. Its offset is its sequence number."""
        self._writer.write(
            {
                "SequenceNumber": sequence,
                "Offset": str(sequence),
                "EnqueuedTimeUtc": enqueued,
                "SystemProperties": system,
                "Properties": properties,
                "Body": body,
            }
        )

    def end_block(self) -> None:
        """Let `take` give what was added so far."""
        self._writer.flush()

    def take(self) -> bytes:
        """What was written since the last call, whole blocks only."""
        taken = self._ready.getvalue()
        self._taken += len(taken)
        self._ready.seek(0)
        self._ready.truncate()
        return taken


def typed(value: object) -> Value:
    """Any AMQP value (as `codec.decode` gives it) as one that the schema's unions have.

    The service documents only the unions. What fits stays; booleans, uuids, lists and maps become text.
    """
    match value:
        case None:
            return "null", None
        case bool() | list() | dict() | Described():
            return "string", json.dumps(_json(value), ensure_ascii=False)
        case int() if _LONGS[0] <= value <= _LONGS[1]:
            return "long", value
        case float():
            return "double", value
        case bytes():
            return "bytes", value
        case _:
            return "string", str(value)


def _json(value: object) -> object:
    if isinstance(value, dict):
        return {str(name): _json(member) for name, member in value.items()}
    if isinstance(value, list | Described):
        return [_json(member) for member in value]
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
