"""Events over HTTP: validated as `split` does, given ids, sent on as CloudEvents. All of a request or none.

The caller learns at once what is wrong, so nothing that arrives this way ends in the dead letters for being malformed.
"""

from __future__ import annotations

import uuid
from typing import Any, NamedTuple

from pydantic import ValidationError

from shared.bodies import take_apart
from shared.emitter import Keyed
from shared.failures import ALONE, validation_errors
from shared.models import EVENT
from shared.records import Unsendable, serialise
from shared.routing import key_of
from shared.stages.split import kind_of

SOURCE = "/api/events"


class Accepted(NamedTuple):
    """What a request becomes: the ids of its events, and the keyed CloudEvents to send."""

    ids: list[str]
    events: list[Keyed]


class Rejected(ValueError):
    """A request that is not taken: `items` lists `{"index", "reason", "errors"}` for the first `ALONE` bad events."""

    def __init__(self, count: int, items: list[dict[str, Any]]) -> None:
        super().__init__(f"{count} of the request's events cannot be taken")
        self.items = items


def accept(body: bytes, traceparent: str | None = None) -> Accepted:
    """Read a request's body: one event, an array, newline-delimited JSON, or CloudEvents.

    An event's id is the producer's (CloudEvents) or a UUID. The same CloudEvents source and id sent again make one
    document.

    Args:
        body: the request's.
        traceparent: the request's W3C trace context, for events that carry none.

    Raises:
        Rejected: at least one event is bad; none is to be sent.
    """
    elements, unreadable = take_apart(body)
    rejected = [{"index": bad.number, "reason": bad.reason, "errors": bad.errors} for bad in unreadable[:ALONE]]
    count = len(unreadable)
    accepted = Accepted([], [])
    for element in elements:
        try:
            data = element.data
            if isinstance(data, dict):
                data.setdefault("kind", kind_of(element))
            EVENT.validate_python(data)
            key = key_of(data)
            event: dict[str, Any] = {
                "specversion": "1.0",
                "id": str(uuid.uuid4()),
                "source": SOURCE,
                "type": f"headrace.{data['kind']}.v1",
                "partitionkey": key,
            }
            if traceparent:
                event["traceparent"] = traceparent
            event |= element.attributes or {}
            event["data"] = data
            payload = serialise(event)
        except ValidationError as invalid:
            count += 1
            if count <= ALONE:
                errors = validation_errors(invalid)
                rejected.append({"index": element.number, "reason": "validation", "errors": errors})
        except Unsendable as error:
            count += 1
            if count <= ALONE:
                rejected.append({"index": element.number, "reason": error.reason, "errors": error.errors})
        else:
            accepted.ids.append(event["id"])
            accepted.events.append((data.get("pk") or event["partitionkey"], payload))
    if rejected:
        raise Rejected(count, sorted(rejected, key=lambda item: int(item["index"])))
    return accepted
