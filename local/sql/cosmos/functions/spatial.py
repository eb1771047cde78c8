"""ST_DISTANCE, ST_WITHIN, ST_INTERSECTS, ST_AREA, ST_ISVALID and ST_ISVALIDDETAILED, over GeoJSON.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/st-distance and the pages beside it. What is no valid
geometry makes undefined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final

from local.sql.cosmos.functions.geography import GLOBE, Place, Ring, area, cross, distance, encloses, nearest, touches
from local.sql.cosmos.functions.geojson import Geometry, NotValid, read
from local.sql.cosmos.functions.table import Function
from local.sql.cosmos.values import UNDEFINED


def _of_geometries(apply: Callable[..., Any]) -> Callable[..., Any]:
    def call(*values: Any) -> Any:
        try:
            return apply(*map(read, values))
        except NotValid:
            return UNDEFINED

    return call


def _is_in(place: Place, polygon: Sequence[Ring]) -> bool:
    """In the outer ring, and in no hole, whichever way that runs."""
    return encloses(polygon[0], place) and not any(
        encloses(hole if area(hole) > 0 else hole[::-1], place) and not _is_on(place, hole) for hole in polygon[1:]
    )


def _is_on(place: Place, line: Sequence[Place]) -> bool:
    return any(touches(place, start, end) for start, end in pairwise(line))


def _covers(geometry: Geometry, place: Place) -> bool:
    return (
        place in geometry.points
        or any(_is_on(place, line) for line in geometry.lines)
        or any(_is_in(place, polygon) for polygon in geometry.polygons)
    )


def _cross_each_other(first: Geometry, second: Geometry) -> bool:
    others = second.edges()
    return any(cross(*one, *other) for one in first.edges() for other in others)


def _intersects(first: Geometry, second: Geometry) -> bool:
    return (
        any(_covers(second, place) for place in first.places())
        or any(_covers(first, place) for place in second.places())
        or _cross_each_other(first, second)
    )


def _within(inner: Geometry, outer: Geometry) -> bool:
    """All its places are, no edge leaves, and no hole of the outer one lies inside."""
    if not all(_covers(outer, place) for place in inner.places()) or _cross_each_other(inner, outer):
        return False
    rings = [ring for polygon in inner.polygons for ring in polygon]
    holes = [place for polygon in outer.polygons for hole in polygon[1:] for place in hole]
    return not any(_covers(inner, place) and not any(_is_on(place, ring) for ring in rings) for place in holes)


def _distance(first: Geometry, second: Geometry) -> float:
    if first.points and second.points:
        return distance(first.points[0], second.points[0])
    if _intersects(first, second):
        return 0
    return min(_nearest(first, second), _nearest(second, first))


def _nearest(first: Geometry, second: Geometry) -> float:
    """The least distance from a place of `first` to `second`, which it does not intersect."""
    edges = second.edges() or [(place, place) for place in second.points]
    return min(distance(place, nearest(place, *edge)) for place in first.places() for edge in edges)


def _area(geometry: Geometry) -> float:
    """Of polygons; anything else has none. A polygon that runs clockwise is all but what it surrounds."""
    total = 0.0
    for outer, *holes in geometry.polygons:
        inside = area(outer)
        total += inside if inside >= 0 else GLOBE + inside
        total -= sum(abs(area(hole)) for hole in holes)
    return total


def _details(value: Any) -> Any:
    if value is UNDEFINED:
        return UNDEFINED
    try:
        read(value)
    except NotValid as reason:
        return {"valid": False, "reason": str(reason)}
    return {"valid": True}


def _is_valid(value: Any) -> Any:
    details = _details(value)
    return details if details is UNDEFINED else details["valid"]


SPATIAL: Final = (
    Function("ST_AREA", 1, 1, _of_geometries(_area)),
    Function("ST_DISTANCE", 2, 2, _of_geometries(_distance)),
    Function("ST_INTERSECTS", 2, 2, _of_geometries(_intersects)),
    Function("ST_ISVALID", 1, 1, _is_valid),
    Function("ST_ISVALIDDETAILED", 1, 1, _details),
    Function("ST_WITHIN", 2, 2, _of_geometries(_within)),
)
