"""The first stage: takes producers' bodies apart, validates each event, and gives it an id, a key and a route."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from shared.batches import Batch, HubEvent
from shared.bodies import Element, is_array, take_apart
from shared.failures import Failure, validation_errors
from shared.models import DEFAULT_KIND, EVENT, EVENTS
from shared.records import (
    DERIVED_SOURCE,
    REPLAY_PROPERTY,
    Origin,
    Unsendable,
    parse_origin,
    serialise,
    utc_from_milliseconds,
    utc_from_seconds,
)
from shared.routing import ROUTES, key_of
from shared.stages.outcome import Outcome, position


class Split:
    """Producers' events of any supported form -> records, each on the hub of its kind."""

    name = "split"

    def process(self, batch: Batch) -> Outcome:
        """Take a batch apart. Bad elements become failures; their neighbours go on."""
        outcome = Outcome()
        elements: list[tuple[HubEvent, Element]] = []
        for event in batch.events:
            good, bad = take_apart(event.body)
            elements.extend((event, element) for element in good)
            for number, reason, errors, body in bad:
                outcome.fail(self._failure(batch, event, number, reason, errors, body))
        outcome.records = len(elements) + outcome.dead
        for event, element in self._valid(batch, elements, outcome):
            origin = position(batch, event, element.number)
            first = _replay_of(event, element.number)
            record = to_record(element.data, element.attributes, origin, first.record_id() if first else None)
            try:
                payload = serialise(record)
            except Unsendable as error:
                outcome.fail(
                    self._failure(batch, event, element.number, error.reason, error.errors, element.original())
                )
            else:
                outcome.outputs[ROUTES[element.data["kind"]].hub].append((record["partitionkey"], payload))
        return outcome

    def _valid(
        self, batch: Batch, elements: list[tuple[HubEvent, Element]], outcome: Outcome
    ) -> list[tuple[HubEvent, Element]]:
        for _, element in elements:
            if isinstance(element.data, dict):
                element.data.setdefault("kind", kind_of(element))
        # The whole batch at once; one by one only when that fails. What was parsed goes on, not what pydantic returns:
        # an integer that a producer put in a float field stays an integer.
        try:
            EVENTS.validate_python([element.data for _, element in elements])
            return elements
        except ValidationError:
            pass
        valid = []
        for event, element in elements:
            try:
                EVENT.validate_python(element.data)
            except ValidationError as invalid:
                errors = validation_errors(invalid)
                outcome.fail(self._failure(batch, event, element.number, "validation", errors, element.original()))
            else:
                valid.append((event, element))
        return valid

    def _failure(
        self, batch: Batch, event: HubEvent, number: int, reason: str, errors: list[dict[str, Any]], body: bytes
    ) -> Failure:
        return Failure(
            stage=self.name, reason=reason, errors=errors, hub=batch.hub, partition=batch.partition,
            sequence=event.sequence, element=number, enqueued=event.enqueued,
            origin=position(batch, event, number), body=body, key=event.key, in_array=is_array(event.body),
            replay_of=_replay_of(event, number),
        )  # fmt: skip


def to_record(
    data: dict[str, Any], attributes: dict[str, Any] | None, origin: Origin, own_id: str | None = None
) -> dict[str, Any]:
    """The record of one validated event.

    Args:
        data: the event, `kind` included.
        attributes: the CloudEvents attributes it came with, if any: its id, source, type and time stand.
        origin: where it entered.
        own_id: the id to use instead of one derived from the origin.
    """
    key = key_of(data)
    record: dict[str, Any] = {
        "specversion": "1.0",
        "id": own_id or origin.record_id(),
        "source": f"{DERIVED_SOURCE}{origin.hub}/{origin.partition}",
        "type": f"headrace.{data['kind']}.v1",
        "time": _time(data, origin),
        "partitionkey": key,
    }
    if attributes is not None:
        record |= attributes
        # The key that the event itself names (`pk`) is the key of its document, so it wins over the envelope's.
        if "pk" in data:
            record["partitionkey"] = key
    record["origin"] = str(origin)
    record.pop("through", None)  # ours to say
    record["data"] = data
    return record


def kind_of(element: Element) -> str:
    """What an event without a `kind` is: a place, or what its CloudEvents type says (`headrace.weather.v1`)."""
    parts = str((element.attributes or {}).get("type", "")).split(".")
    return parts[1] if len(parts) == 3 and parts[0] == "headrace" else DEFAULT_KIND


def _time(data: dict[str, Any], origin: Origin) -> str:
    epoch = data.get("epoch")
    return utc_from_milliseconds(origin.enqueued) if epoch is None else utc_from_seconds(int(epoch))


def _replay_of(event: HubEvent, number: int) -> Origin | None:
    """Where a dead letter that is sent again first entered: its id derives from that, so sending it twice makes one."""
    if not event.properties or not (text := event.properties.get(REPLAY_PROPERTY)):
        return None
    try:
        first = parse_origin(str(text))
    except ValueError:
        return None  # not ours: a producer may set any property
    return first if number == 0 else first.child(number)


SPLIT = Split()
