"""The last step before a store: the records of a hub, read and validated, each with the document it becomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from shared.batches import Batch, HubEvent
from shared.documents import Stored, to_document
from shared.failures import DeadLetter, plain_error
from shared.records import REPLAY_STAGE_PROPERTY, Origin, Record, parse_origin, to_json
from shared.sinks.ledger import Entry, Mark
from shared.stages.outcome import Outcome, position
from shared.stages.records import RecordReader


class StoredRecord(NamedTuple):
    """A record with its document, the document as a line of JSON, and where the record was read."""

    event: HubEvent
    number: int
    record: dict[str, Any]
    document: dict[str, Any]
    line: bytes
    origin: Origin


class StoreStage:
    """Reads what a store takes; what it cannot be given becomes a failure."""

    def __init__(
        self,
        name: str,
        model: Any = Record[Stored],
        document: Callable[[dict[str, Any]], dict[str, Any]] = to_document,
        *,
        enters_anew: bool = True,
    ) -> None:
        """A stage of a store.

        Args:
            name: the stage's, and its function's.
            model: the pydantic type of one record.
            document: what is stored of it.
            enters_anew: whether a dead letter that is sent again counts as having entered where it was sent. For files,
                or its old origin would make it a repeat; not for documents, which say where a fact first entered.
        """
        self.name = name
        self._enters_anew = enters_anew
        self._document = document
        self._reader = RecordReader(name, model)

    def read(self, batch: Batch) -> tuple[list[StoredRecord], Outcome]:
        """The batch's records, in order, and an outcome that holds the failures so far."""
        outcome = Outcome()
        stored = []
        for event in batch.events:
            if not event.is_for(self.name):
                continue
            for number, record in self._reader.read(batch, event, outcome):
                if self._enters_anew and REPLAY_STAGE_PROPERTY in event.properties:
                    record["origin"] = str(position(batch, event, number))
                try:
                    document = self._document(record)
                    line = to_json(document)
                except orjson.JSONEncodeError as error:
                    errors = plain_error("decode", f"nested too deeply: {error}")
                    self._reader.fail(batch, event, number, record, outcome, "decode", errors)
                except Exception as error:
                    errors = plain_error(type(error).__name__, f"{self.name}: {error}")
                    self._reader.fail(batch, event, number, record, outcome, "stage", errors)
                else:
                    origin = parse_origin(record["origin"])
                    stored.append(StoredRecord(event, number, record, document, line, origin))
        return stored, outcome

    def refuse(self, batch: Batch, stored: StoredRecord, outcome: Outcome, status: int, message: str) -> None:
        """Note that the store refused a record for itself."""
        errors = plain_error(f"http_{status}", message)
        self._reader.fail(batch, stored.event, stored.number, stored.record, outcome, "refused", errors)


def event_entry(stored: StoredRecord) -> Entry:
    """The line of an event: in `kind=place/date=2026-11-22/hour=09`, by the record's time in UTC."""
    return _entry(stored, f"kind={stored.document['kind']}")


def dead_letter_entry(stored: StoredRecord) -> Entry:
    """The line of a dead letter: in `stage=split/date=2026-11-22/hour=09`, by when it failed.

    Stages of one hub, and its partitions, go on apart: each is a way of its own.
    """
    letter = stored.document
    return _entry(stored, f"stage={letter['stage']}", f"/{letter['stage']}/{letter['hub']}/{letter['partition']}")


def _entry(stored: StoredRecord, folder: str, way: str = "") -> Entry:
    # Records of one origin partition that came the same way are in order; those that came by different ways are not.
    time, origin = stored.record["time"], stored.origin
    way = stored.record.get("through", "") + way
    return Entry(
        sequence=stored.event.sequence,
        enqueued=stored.event.enqueued,
        lane=f"{origin.hub}/{origin.partition}/{way}",
        mark=Mark(origin.sequence, tuple(int(part) for part in origin.element.split(".")), origin.enqueued),
        folder=f"{folder}/date={time[:10]}/hour={time[11:13]}",
        line=stored.line,
    )


STORE_DOCUMENTS = StoreStage("store_documents", enters_anew=False)
STORE_FILES = StoreStage("store_files")
STORE_DEAD_LETTERS = StoreStage("store_dead_letters", Record[DeadLetter], lambda record: dict(record["data"]))
