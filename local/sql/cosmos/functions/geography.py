"""Distances, areas and crossings on the ellipsoid of WGS-84, in metres.

Distances are geodesics (T. Vincenty, "Direct and inverse solutions of geodesics on the ellipsoid", 1975). An edge is
where a plane through the centre cuts the ellipsoid, so that what lies where is a matter of vectors. Areas are those on
the sphere of the same surface, where latitudes are authalic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, TypeAlias

Place: TypeAlias = tuple[float, float]
"""Longitude and latitude, in degrees."""
Vector: TypeAlias = tuple[float, float, float]
Ring: TypeAlias = Sequence[Place]
"""Places of which the last is the first again."""

_A: Final = 6_378_137.0  # https://earth-info.nga.mil/ (WGS 84): the equator's radius, the flattening
_F: Final = 1 / 298.257223563
_B: Final = _A * (1 - _F)
_E2: Final = _F * (2 - _F)
_E: Final = math.sqrt(_E2)
_MEAN: Final = (2 * _A + _B) / 3
_NEAR: Final = 1e-12  # of the radius: some micrometres
_NONE: Final = 1e-15  # a volume of three directions that may as well lie in one plane


def vector(place: Place) -> Vector:
    """The direction of `place` from the centre."""
    longitude, latitude = math.radians(place[0]), math.radians(place[1])
    level = math.cos(latitude)
    x, y, z = level * math.cos(longitude), level * math.sin(longitude), (1 - _E2) * math.sin(latitude)
    size = math.sqrt(x * x + y * y + z * z)
    return x / size, y / size, z / size


def _place(direction: Vector) -> Place:
    x, y, z = direction
    return math.degrees(math.atan2(y, x)), math.degrees(math.atan2(z, (1 - _E2) * math.hypot(x, y)))


def _cross(left: Vector, right: Vector) -> Vector:
    return (
        left[1] * right[2] - left[2] * right[1],
        left[2] * right[0] - left[0] * right[2],
        left[0] * right[1] - left[1] * right[0],
    )


def _dot(left: Vector, right: Vector) -> float:
    return left[0] * right[0] + left[1] * right[1] + left[2] * right[2]


def distance(start: Place, end: Place) -> float:
    """Metres from `start` to `end`; on a sphere where Vincenty's method finds no end, nearly opposite on the globe."""
    first = math.atan((1 - _F) * math.tan(math.radians(start[1])))
    second = math.atan((1 - _F) * math.tan(math.radians(end[1])))
    sin1, cos1, sin2, cos2 = math.sin(first), math.cos(first), math.sin(second), math.cos(second)
    apart = math.radians(end[0] - start[0])
    apart = math.remainder(apart, 2 * math.pi)
    longitude = apart
    for _ in range(100):
        sine, cosine = math.sin(longitude), math.cos(longitude)
        sin_arc = math.hypot(cos2 * sine, cos1 * sin2 - sin1 * cos2 * cosine)
        cos_arc = sin1 * sin2 + cos1 * cos2 * cosine
        if sin_arc == 0:
            return 0.0 if cos_arc > 0 else math.pi * _MEAN
        arc = math.atan2(sin_arc, cos_arc)
        sin_azimuth = cos1 * cos2 * sine / sin_arc
        square = 1 - sin_azimuth * sin_azimuth
        middle = cos_arc - 2 * sin1 * sin2 / square if square > 1e-15 else 0.0
        factor = _F / 16 * square * (4 + _F * (4 - 3 * square))
        before = longitude
        longitude = apart + (1 - factor) * _F * sin_azimuth * (
            arc + factor * sin_arc * (middle + factor * cos_arc * (2 * middle * middle - 1))
        )
        if abs(longitude - before) < 1e-13:
            return _length(arc, sin_arc, cos_arc, square, middle)
    return _MEAN * math.acos(max(-1.0, min(1.0, _dot(vector(start), vector(end)))))


def _length(arc: float, sin_arc: float, cos_arc: float, square: float, middle: float) -> float:
    u = square * (_A * _A - _B * _B) / (_B * _B)
    a = 1 + u / 16384 * (4096 + u * (u * (320 - 175 * u) - 768))
    b = u / 1024 * (256 + u * (u * (74 - 47 * u) - 128))
    square_middle = 2 * middle * middle - 1
    rest = b / 6 * middle * (4 * sin_arc * sin_arc - 3) * (4 * middle * middle - 3)
    return _B * a * (arc - b * sin_arc * (middle + b / 4 * (cos_arc * square_middle - rest)))


def nearest(place: Place, start: Place, end: Place) -> Place:
    """The place on the edge from `start` to `end` that is nearest to `place`."""
    point, first, second = vector(place), vector(start), vector(end)
    normal = _cross(first, second)
    size = _dot(normal, normal)
    if size > _NEAR * _NEAR:
        scale = _dot(normal, point) / size
        foot = (point[0] - normal[0] * scale, point[1] - normal[1] * scale, point[2] - normal[2] * scale)
        if _dot(_cross(first, foot), normal) >= 0 and _dot(_cross(foot, second), normal) >= 0 and _dot(foot, foot) > 0:
            return _place(foot)
    return start if _dot(point, first) >= _dot(point, second) else end


def cross(a: Place, b: Place, c: Place, d: Place) -> bool:
    """Whether the edges from `a` to `b` and from `c` to `d` cross, other than by touching."""
    if a in (c, d) or b in (c, d):
        return False
    first, second, third, fourth = vector(a), vector(b), vector(c), vector(d)
    one, other = _cross(first, second), _cross(third, fourth)
    signs = (-_dot(one, third), _dot(one, fourth), -_dot(other, second), _dot(other, first))
    return all(sign > _NONE for sign in signs) or all(sign < -_NONE for sign in signs)


def touches(place: Place, start: Place, end: Place) -> bool:
    """Whether `place` is on the edge from `start` to `end`."""
    point, first, second = vector(place), vector(start), vector(end)
    normal = _cross(first, second)
    size = math.sqrt(_dot(normal, normal))
    if size < _NEAR or place in (start, end):
        return place in (start, end)
    if abs(_dot(normal, point)) > _NEAR * size:
        return False
    return _dot(_cross(first, point), normal) >= 0 and _dot(_cross(point, second), normal) >= 0


def encloses(ring: Ring, place: Place) -> bool:
    """Whether `place` is to the left of `ring`, or on it: a ring that runs clockwise encloses all the rest."""
    if any(touches(place, start, end) for start, end in pairwise(ring)):
        return True
    point = vector(place)
    turns = 0.0
    for start, end in pairwise(ring):
        first, second = _cross(point, vector(start)), _cross(point, vector(end))
        turns += math.atan2(_dot(point, _cross(first, second)), _dot(first, second))
    return turns > math.pi if area(ring) > 0 else not turns < -math.pi


def _authalic(latitude: float) -> float:
    return math.asin(max(-1.0, min(1.0, _zone(latitude) / _zone(90))))


def _zone(latitude: float) -> float:
    sine = math.sin(math.radians(latitude))
    return (1 - _E2) * (sine / (1 - _E2 * sine * sine) + math.atanh(_E * sine) / _E)


def area(ring: Ring) -> float:
    """Square metres inside of `ring`, seen as smaller than half of the globe; negative if it runs clockwise."""
    total = turned = 0.0
    for (longitude1, latitude1), (longitude2, latitude2) in pairwise(ring):
        turn = math.remainder(math.radians(longitude2 - longitude1), 2 * math.pi)
        first, second = math.tan(_authalic(latitude1) / 2), math.tan(_authalic(latitude2) / 2)
        total += 2 * math.atan2(math.tan(turn / 2) * (first + second), 1 + first * second)
        turned += turn
    if abs(turned) > math.pi:  # around a pole
        total = math.copysign(2 * math.pi, total) - total
        total = -math.copysign(total, turned)
    return -total * _A * _A / 2 * _zone(90)


GLOBE: Final = 4 * math.pi * _A * _A / 2 * _zone(90)
"""Square metres in all."""
