"""Captured files as Avro has them: the schema, how many events, and each of them, without holding the file."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any, cast

import fastavro

from tools.capture.source import Source
from tools.errors import ToolError

# What Capture's records have: https://learn.microsoft.com/azure/event-hubs/explore-captured-avro-files
FIELDS = ("SequenceNumber", "Offset", "EnqueuedTimeUtc", "SystemProperties", "Properties", "Body")


class UnreadableFile(ToolError):
    """It is not Avro, is not Capture's, ends too early or is damaged."""


def schema(source: Source, name: str) -> Any:
    """The schema that the file states, as JSON.

    Raises:
        UnreadableFile: it is not Avro.
    """
    with _explained(name, _Progress()):
        return json.loads(fastavro.reader(cast(Any, source)).metadata["avro.schema"])


def count(source: Source, name: str) -> int:
    """How many events the file holds, of any schema: read block by block, without decoding them.

    Raises:
        UnreadableFile: it is not Avro, or ends too early.
    """
    progress = _Progress()
    with _explained(name, progress):
        for block in fastavro.block_reader(cast(Any, source)):
            progress.events += block.num_records
    return progress.events


def events(source: Source, name: str) -> Iterator[dict[str, Any]]:
    """The records of a captured file, in order.

    Raises:
        UnreadableFile: it is not Avro, not Capture's, or ends too early: after the records before that.
    """
    progress = _Progress()
    with _explained(name, progress):
        reader = fastavro.reader(cast(Any, source))
        stated = cast(Any, reader.writer_schema)
        names = [field["name"] for field in stated.get("fields", ())] if isinstance(stated, dict) else []
        if not set(FIELDS) <= set(names):
            raise UnreadableFile(
                f"{name}: is Avro, but not a captured file ({', '.join(names) or 'no record'}); see --schema"
            )
        for record in reader:
            yield cast(dict[str, Any], record)
            progress.events += 1


class _Progress:
    """How many events came before an error."""

    events = 0


@contextlib.contextmanager
def _explained(name: str, progress: _Progress) -> Iterator[None]:
    """The reader's own errors, of which there are many kinds for bytes that are not what they should be."""
    try:
        yield
    except EOFError:
        raise UnreadableFile(
            f"{name}: is truncated: it ends within a block, after {progress.events:,} events"
        ) from None
    except (ValueError, TypeError, LookupError, OverflowError, MemoryError, ArithmeticError) as error:
        if "cannot read header" in str(error):
            raise UnreadableFile(f"{name}: is not an Avro file") from None
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnreadableFile(f"{name}: is damaged after {progress.events:,} events: {reason}") from None
