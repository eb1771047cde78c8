"""A stage over records: validates what a hub's events carry and applies one function to each."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import GenericAlias
from typing import Annotated, Any

import orjson
from pydantic import FailFast, TypeAdapter, ValidationError

from shared.batches import Batch, HubEvent
from shared.bodies import element_bytes, is_array
from shared.failures import Failure, plain_error, validation_errors
from shared.records import REPLAY_PROPERTY, Origin, Unsendable, parse_origin, serialise
from shared.stages.outcome import Outcome, position

Transform = Callable[[dict[str, Any]], Sequence[dict[str, Any]]]


@dataclass
class RecordReader:
    """Reads the records of a hub's events, each validated; what is no such record becomes a failure of `stage`."""

    stage: str
    model: Any
    _one: TypeAdapter[Any] = field(init=False, repr=False)
    _many: TypeAdapter[Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._one = TypeAdapter(self.model)
        # It only says whether all are good: a list of what is wrong with a million elements would fill the memory.
        models: Any = GenericAlias(list, (self.model,))
        self._many = TypeAdapter(Annotated[models, FailFast()])

    def read(self, batch: Batch, event: HubEvent, outcome: Outcome) -> list[tuple[int, dict[str, Any]]]:
        """The records of one event: a CloudEvents batch, or a single record."""
        try:
            items = orjson.loads(event.body)
        except orjson.JSONDecodeError as error:
            outcome.records += 1
            self.fail(batch, event, None, None, outcome, "decode", plain_error("not_json", f"not JSON: {error}"))
            return []
        if not isinstance(items, list):
            items = [items]
        outcome.records += len(items)
        try:
            self._many.validate_python(items)
            return list(enumerate(items))
        except ValidationError:
            pass
        valid = []
        for number, item in enumerate(items):
            try:
                self._one.validate_python(item)
            except ValidationError as invalid:
                self.fail(batch, event, number, item, outcome, "validation", validation_errors(invalid))
            else:
                valid.append((number, item))
        return valid

    def fail(
        self, batch: Batch, event: HubEvent, number: int | None, record: Any, outcome: Outcome,
        reason: str, errors: list[dict[str, Any]],
    ) -> None:  # fmt: skip
        """Note that one record of an event failed, or (`number` None) the event as a whole.

        Its own origin is kept where it has a readable one; else the position in this hub stands for it. So it does for
        a dead letter that is sent again and fails again: with the origin it had, a sink would take it for a repeat.
        """
        key, own, through = event.key, None, ""
        if isinstance(record, dict):
            key, through = record.get("partitionkey", key), record.get("through", "")
            with contextlib.suppress(KeyError, ValueError, TypeError):
                own = parse_origin(record["origin"])
        origin = position(batch, event, number or 0) if own is None or REPLAY_PROPERTY in event.properties else own
        in_array = number is not None and is_array(event.body)
        outcome.fail(
            Failure(
                stage=self.stage, reason=reason, errors=errors, hub=batch.hub, partition=batch.partition,
                sequence=event.sequence, element=number or 0, enqueued=event.enqueued, origin=origin,
                body=element_bytes(event.body, number or 0) if in_array else event.body, in_array=in_array, key=key,
                through=through if isinstance(through, str) else "",
            ),
            alone=own is not None,  # its key is its own too: what shares a dead letter is sent again with one key
        )  # fmt: skip


class RecordStage:
    """One function applied to every record of a hub; what it returns goes to the hub `to`, keyed as it was.

    The function takes a validated record and returns those it makes of it: one, none (a filter) or several. It may
    change the record in place, all but its key: records that change partitions lose their order, and a sink that tells
    repeats by order would drop them. Whatever it raises dead-letters that record alone.
    """

    def __init__(self, name: str, model: Any, transform: Transform, to: str) -> None:
        """`model` is the pydantic type of one record, such as `Record[Place]`."""
        self.name = name
        self._to = to
        self._transform = transform
        self._reader = RecordReader(name, model)

    def process(self, batch: Batch) -> Outcome:
        """Apply the function to each record of the batch."""
        outcome = Outcome()
        outputs = outcome.outputs[self._to]
        here = f"{batch.hub}/{batch.partition}"
        for event in batch.events:
            if not event.is_for(self.name):
                continue
            replayed = REPLAY_PROPERTY in event.properties
            for number, record in self._reader.read(batch, event, outcome):
                if replayed:
                    record["origin"] = str(position(batch, event, number))
                    record.pop("through", None)
                through = f"{record['through']}>{here}" if "through" in record else here
                origin, key = record["origin"], record["partitionkey"]
                try:
                    results = self._transform(record)
                    if len(results) > 1:
                        results = _told_apart(results, parse_origin(origin))
                    for result in results:
                        result["through"] = through
                    payloads = [(_kept(result["partitionkey"], key), serialise(result)) for result in results]
                except Unsendable as error:
                    self._reader.fail(batch, event, number, record, outcome, error.reason, error.errors)
                except Exception as error:
                    errors = plain_error(type(error).__name__, f"{self.name}: {error}")
                    self._reader.fail(batch, event, number, record, outcome, "stage", errors)
                else:
                    outputs.extend(payloads)
        return outcome


def _kept(key: Any, before: str) -> str:
    if key != before:
        raise ValueError(f"a stage keeps the key of its records; this one made {str(key)[:100]!r} of {before!r}")
    return before


def _told_apart(results: Sequence[dict[str, Any]], origin: Origin) -> list[dict[str, Any]]:
    """Give each of several records made of one an id and an origin of its own, the same on every replay."""
    told = []
    for number, result in enumerate(results):
        child = origin.child(number)
        own = child.record_id() if result["id"] == origin.record_id() else f"{result['id']}.{number}"
        told.append({**result, "id": own, "origin": str(child)})
    return told
