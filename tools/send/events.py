"""Events as producers of the three kinds send them: bare JSON, realistic, and the same for the same seed.

Every event carries what the postal-code producers add: `pk` (its partition key), `seq` (1 to N), `timestamp`, `epoch`
and `sender`.
"""

from __future__ import annotations

import random
import string
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

from shared.reference import postal_codes
from tools.send.stations import STATIONS

Event = dict[str, Any]
Clock = Callable[[], float]

SENDER = "python_ms_sdk"  # of what the Event Hubs SDK sends
# Out of 100 events of `mixed`.
MIXED_SHARES = {"place": 60, "weather": 25, "seismic": 15}


class Network(NamedTuple):
    """A seismic network, its middle (degrees) and how far its events scatter around it (degrees)."""

    latitude: float
    longitude: float
    scatter: float


# Networks of the Advanced National Seismic System: https://earthquake.usgs.gov/monitoring/anss/regions.php
NETWORKS = {
    "us": Network(15.0, 140.0, 25.0),
    "ak": Network(61.5, -150.5, 4.0),
    "ci": Network(34.5, -117.5, 1.5),
    "hv": Network(19.4, -155.3, 0.4),
    "nc": Network(38.8, -122.8, 1.5),
    "nn": Network(38.5, -117.5, 2.0),
    "pr": Network(18.1, -66.9, 0.8),
    "se": Network(35.7, -82.5, 1.5),
    "uu": Network(40.0, -111.8, 1.5),
    "uw": Network(46.5, -121.5, 1.5),
}


@cache
def _north_carolina() -> tuple[tuple[str, postal_codes.PostalCode], ...]:
    return tuple((code, place) for code, place in postal_codes.all_codes().items() if place.state == "NC")


def place(chance: random.Random) -> tuple[str, Event]:
    """A North Carolina postal code; it carries no `kind`, as the producers' events do not. The key is the code."""
    code, found = chance.choice(_north_carolina())
    return code, {
        "postal_cd": code,
        "country_cd": "US",
        "city_name": found.city,
        "state_abbrv": found.state,
        "latitude": found.latitude,
        "longitude": found.longitude,
    }


def weather(chance: random.Random) -> tuple[str, Event]:
    """A report of a North Carolina weather station. The key is the station."""
    station, (latitude, longitude) = chance.choice(tuple(STATIONS.items()))
    return station, {
        "kind": "weather",
        "station": station,
        "state_abbrv": "NC",
        "temperature_f": round(_within(chance.gauss(72.0, 16.0), -10.0, 108.0), 1),
        "humidity": round(_within(chance.gauss(64.0, 18.0), 8.0, 100.0), 1),
        "wind_mph": round(_within(chance.expovariate(1 / 7.0), 0.0, 90.0), 1),
        "pressure_hpa": round(chance.gauss(1016.0, 7.0), 1),
        "latitude": latitude,
        "longitude": longitude,
    }


def seismic(chance: random.Random) -> tuple[str, Event]:
    """An earthquake; ten times rarer with each unit of magnitude (Gutenberg-Richter). The key is the network."""
    name, network = chance.choice(tuple(NETWORKS.items()))
    suffix = "".join(chance.choices(string.digits + string.ascii_lowercase, k=4))
    longitude = network.longitude + chance.gauss(0.0, network.scatter)
    return name, {
        "kind": "seismic",
        "event_id": f"{name}7000{suffix}",
        "network": name,
        "magnitude": round(_within(0.8 + chance.expovariate(2.302585), -1.0, 9.5), 1),
        "depth_km": round(_within(chance.expovariate(1 / 18.0), 0.0, 690.0), 1),
        "latitude": round(_within(network.latitude + chance.gauss(0.0, network.scatter), -90.0, 90.0), 4),
        "longitude": round((longitude + 180.0) % 360.0 - 180.0, 4),
    }


def mixed(chance: random.Random) -> tuple[str, Event]:
    """Any of the three, in the shares of `MIXED_SHARES`."""
    (kind,) = chance.choices(tuple(MIXED_SHARES), tuple(MIXED_SHARES.values()))
    return KINDS[kind](chance)


KINDS: dict[str, Callable[[random.Random], tuple[str, Event]]] = {
    "place": place,
    "weather": weather,
    "seismic": seismic,
    "mixed": mixed,
}


def generate(
    kind: str, count: int, seed: int, clock: Clock = time.time, sender: str = SENDER
) -> Iterator[tuple[str, Event]]:
    """Yield `count` events with their keys; `clock` gives each one's time when it is taken.

    Args:
        kind: one of `KINDS`.
        count: how many.
        seed: the same seed gives the same events, times apart.
        clock: seconds since 1970.
        sender: what the events say of who sends them.
    """
    chance = random.Random(f"{kind}/{seed}")
    make = KINDS[kind]
    for sequence in range(1, count + 1):
        key, event = make(chance)
        now = int(clock())
        event["pk"] = key
        event["seq"] = sequence
        event["timestamp"] = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now))
        event["epoch"] = now
        event["sender"] = sender
        yield key, event


def _within(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))
