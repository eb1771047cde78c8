"""Bad events on purpose: each way in which producers really spoil one, and each worth exactly one dead letter."""

from __future__ import annotations

import random
from collections.abc import Callable

import orjson

from tools.send.events import Event

# Without it no event of the kind is valid.
_REQUIRED = {"place": "postal_cd", "weather": "station", "seismic": "magnitude"}


def _truncated(event: Event) -> bytes:
    body = orjson.dumps(event)
    return body[: len(body) // 2]


def _not_utf8(event: Event) -> bytes:
    """Latin-1 where UTF-8 is due: a byte that starts a sequence, and no rest of it."""
    return orjson.dumps(event)[:-1] + b',"note":"caf\xe9"}'


def _empty(event: Event) -> bytes:
    return b""


def _latitude_off_the_globe(event: Event) -> bytes:
    return orjson.dumps({**event, "latitude": 123.0})


def _number_as_string(event: Event) -> bytes:
    return orjson.dumps({**event, "longitude": str(event["longitude"])})


def _missing_field(event: Event) -> bytes:
    required = _REQUIRED[event.get("kind", "place")]
    return orjson.dumps({name: value for name, value in event.items() if name != required})


def _unknown_kind(event: Event) -> bytes:
    return orjson.dumps({**event, "kind": "tide"})


def _plain_text(event: Event) -> bytes:
    return f"sensor {event['pk']} rebooting".encode()


FAULTS: dict[str, Callable[[Event], bytes]] = {
    "truncated JSON": _truncated,
    "not UTF-8": _not_utf8,
    "empty body": _empty,
    "latitude 123": _latitude_off_the_globe,
    "a number as a string": _number_as_string,
    "a required field missing": _missing_field,
    "unknown kind": _unknown_kind,
    "plain text": _plain_text,
}


def bad_sequences(count: int, fraction: float, seed: int) -> dict[int, str]:
    """Which of the events 1 to `count` are bad, and by which of `FAULTS`: exactly `round(count * fraction)` of them.

    Every fault takes its turn, so that a run with as many bad events as there are faults shows each.
    """
    chosen = random.Random(f"bad/{seed}").sample(range(1, count + 1), round(count * fraction))
    names = tuple(FAULTS)
    return {sequence: names[turn % len(names)] for turn, sequence in enumerate(chosen)}


def spoil(event: Event, fault: str) -> bytes:
    """The body of `event` after `fault` (a name of `FAULTS`)."""
    return FAULTS[fault](event)
