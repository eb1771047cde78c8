"""The nearest US place to a point anywhere on Earth: what an earthquake is said to be close to.

Places are the cities of the postal codes, each at the mean of its codes. The search is a ball tree on the unit sphere,
so it is right across the antimeridian and at the poles, and cheap from far away: most earthquakes are.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from math import asin, atan2, cos, degrees, dist, hypot, radians, sin, sqrt
from typing import NamedTuple

from shared.reference import postal_codes

# Mean Earth radius (IUGG R1, the mean of the three semi-axes of WGS 84).
EARTH_RADIUS_KM = 6371.0088
# Measured: from 3 to 12 places to a leaf, a lookup takes 85-100 us in the contiguous states and 30 us worldwide.
_LEAF_SIZE = 8


_Vector = tuple[float, float, float]


class NearestPlace(NamedTuple):
    """A city, its state's two letters, and the great-circle distance to it in kilometres."""

    name: str
    state: str
    distance_km: float


class Place(NamedTuple):
    """A city at the mean of its postal codes, in degrees."""

    name: str
    state: str
    latitude: float
    longitude: float


class _Ball(NamedTuple):
    """Places within `radius` (chord length) of a centre; a leaf has the places, any other ball two halves."""

    centre: _Vector
    radius: float
    halves: tuple[_Ball, _Ball] | None
    places: tuple[tuple[_Vector, Place], ...]


def nearest(latitude: float, longitude: float) -> NearestPlace:
    """The place nearest to a point; of two at the same distance, either.

    Args:
        latitude: degrees, -90 to 90.
        longitude: degrees east; any turn of the Earth (-170 is 190).

    Raises:
        ValueError: the latitude is outside its range, or a coordinate is not a finite number.
    """
    if not (-90.0 <= latitude <= 90.0 and -1e6 < longitude < 1e6):
        raise ValueError(f"no such point on Earth: latitude {latitude}, longitude {longitude}")
    point = _unit_vector(latitude, longitude)
    best = 2.1  # chord length: more than the diameter
    found: Place | None = None
    stack: list[tuple[float, _Ball]] = [(0.0, _tree())]
    while stack:
        bound, (_, _, halves, places) = stack.pop()
        if bound >= best:
            continue
        if halves is None:
            for vector, place in places:
                if (distance := dist(point, vector)) < best:
                    best, found = distance, place
            continue
        one, other = halves
        near = dist(point, one[0]) - one[1]
        far = dist(point, other[0]) - other[1]
        if near > far:
            near, far, one, other = far, near, other, one
        # Last in, first out: the nearer half is searched first, and its answer rules out most of the other.
        if far < best:
            stack.append((far, other))
        if near < best:
            stack.append((near, one))
    assert found is not None
    return NearestPlace(found.name, found.state, great_circle_km(latitude, longitude, found.latitude, found.longitude))


def great_circle_km(latitude: float, longitude: float, to_latitude: float, to_longitude: float) -> float:
    """The haversine distance between two points (degrees) in kilometres, on a sphere of `EARTH_RADIUS_KM`."""
    from_phi, to_phi = radians(latitude), radians(to_latitude)
    half = (
        sin((to_phi - from_phi) / 2) ** 2
        + cos(from_phi) * cos(to_phi) * sin(radians(to_longitude - longitude) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(half)))


@cache
def places() -> tuple[Place, ...]:
    """Every place, in order of its first postal code."""
    vectors: dict[tuple[str, str], list[tuple[float, float, float]]] = defaultdict(list)
    for code in postal_codes.all_codes().values():
        vectors[code.city, code.state].append(_unit_vector(code.latitude, code.longitude))
    return tuple(_mean_place(name, state, found) for (name, state), found in vectors.items())


def _mean_place(name: str, state: str, vectors: list[_Vector]) -> Place:
    """The mean is taken of vectors, not of degrees: Alaska goes on across the antimeridian."""
    x, y, z = _mean(vectors)
    return Place(name, state, degrees(atan2(z, hypot(x, y))), degrees(atan2(y, x)))


def _mean(vectors: list[_Vector]) -> _Vector:
    x, y, z = (sum(axis) / len(vectors) for axis in zip(*vectors, strict=True))
    return x, y, z


def _unit_vector(latitude: float, longitude: float) -> _Vector:
    phi, theta = radians(latitude), radians(longitude)
    return cos(phi) * cos(theta), cos(phi) * sin(theta), sin(phi)


@cache
def _tree() -> _Ball:
    return _build([(_unit_vector(place.latitude, place.longitude), place) for place in places()])


def _build(points: list[tuple[_Vector, Place]]) -> _Ball:
    vectors = [vector for vector, _ in points]
    centre = _mean(vectors)
    radius = max(dist(centre, vector) for vector in vectors)
    if len(points) <= _LEAF_SIZE:
        return _Ball(centre, radius, None, tuple(points))
    spreads = [max(axis) - min(axis) for axis in zip(*vectors, strict=True)]
    widest = spreads.index(max(spreads))
    points.sort(key=lambda point: point[0][widest])
    middle = len(points) // 2
    return _Ball(centre, radius, (_build(points[:middle]), _build(points[middle:])), ())
