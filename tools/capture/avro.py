"""Captured files as Avro has them: the schema, how many events, and each of them, without holding the file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import fastavro
from azure.core.exceptions import AzureError

from tools.capture.source import Source
from tools.errors import ToolError

# What Capture's records have: https://learn.microsoft.com/azure/event-hubs/explore-captured-avro-files
FIELDS = ("SequenceNumber", "Offset", "EnqueuedTimeUtc", "SystemProperties", "Properties", "Body")


# Of the source, and explained elsewhere. Whatever else comes out of a reader is about the bytes: of damaged ones it
# raises nearly anything, codecs' own errors among it.
_OF_THE_SOURCE = (ToolError, AzureError)


class UnreadableFile(ToolError):
    """It is not Avro, is not Capture's, ends too early or is damaged."""


def schema(source: Source, name: str) -> Any:
    """The schema that the file states, as JSON.

    Raises:
        UnreadableFile: it is not Avro.
    """
    return json.loads(_reader(fastavro.reader, source, name).metadata["avro.schema"])


def count(source: Source, name: str) -> int:
    """How many events the file holds, of any schema: read block by block, without decoding them.

    Raises:
        UnreadableFile: it is not Avro, or ends too early.
    """
    blocks = _reader(fastavro.block_reader, source, name)
    return sum(block.num_records for block in _explained(blocks, name, "blocks"))


def events(source: Source, name: str) -> Iterator[dict[str, Any]]:
    """The records of a captured file, in order.

    Raises:
        UnreadableFile: it is not Avro, not Capture's, or ends too early: after the records before that.
    """
    records = _reader(fastavro.reader, source, name)
    stated = records.writer_schema
    names = [field["name"] for field in stated.get("fields", ())] if isinstance(stated, dict) else []
    if not set(FIELDS) <= set(names):
        raise UnreadableFile(
            f"{name}: is Avro, but not a captured file ({', '.join(names) or 'no records'}): --schema shows what it is"
        )
    return _explained(records, name)


def _reader(kind: Callable[[Any], Any], source: Source, name: str) -> Any:
    try:
        return kind(source)
    except _OF_THE_SOURCE:
        raise
    except Exception:
        raise UnreadableFile(f"{name}: is not an Avro file") from None


def _explained(items: Iterable[Any], name: str, unit: str = "events") -> Iterator[Any]:
    """`items`, with the reader's errors as one of ours that says how many `unit` came before."""
    before = 0
    try:
        for item in items:
            yield item
            before += 1
    except EOFError:
        raise UnreadableFile(f"{name}: is truncated: it ends within a block, after {before:,} {unit}") from None
    except _OF_THE_SOURCE:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnreadableFile(f"{name}: is damaged after {before:,} {unit}: {reason}") from None
