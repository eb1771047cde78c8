"""GeoJSON as the spatial functions take it: read, and what is wrong with it said.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/geospatial-intro: points, line strings, polygons and
multi-polygons, coordinates of WGS-84, longitude first.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from local.sql.cosmos.functions.geography import Place, cross
from local.sql.cosmos.values import NUMBERS

_MOST_OF_A_RING = 4096  # places: https://learn.microsoft.com/azure/cosmos-db/concepts-limits#sql-query-limits
_MOST_CHECKED = 500  # places of a ring whose edges are held against each other


class NotValid(Exception):
    """A value that is no GeoJSON geometry; the reason in words."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """A geometry: its points, its lines, its polygons (each a list of rings, the outer one first)."""

    points: tuple[Place, ...] = ()
    lines: tuple[tuple[Place, ...], ...] = ()
    polygons: tuple[tuple[tuple[Place, ...], ...], ...] = ()

    def edges(self) -> list[tuple[Place, Place]]:
        """All edges of its lines and rings."""
        chains = [*self.lines, *(ring for polygon in self.polygons for ring in polygon)]
        return [edge for chain in chains for edge in pairwise(chain)]

    def places(self) -> list[Place]:
        """All places it is made of."""
        return [
            *self.points,
            *(place for line in self.lines for place in line),
            *(place for polygon in self.polygons for ring in polygon for place in ring),
        ]


def read(value: Any) -> Geometry:
    """The geometry that `value` is; raises `NotValid`."""
    if type(value) is not dict or type(kind := value.get("type")) is not str:
        raise NotValid("The input is not a GeoJSON object: it needs a 'type' and 'coordinates'.")
    coordinates = value.get("coordinates")
    match kind:
        case "Point":
            return Geometry(points=(_place(coordinates),))
        case "LineString":
            return Geometry(lines=(_line(coordinates),))
        case "Polygon":
            return Geometry(polygons=(_polygon(coordinates),))
        case "MultiPolygon":
            return Geometry(polygons=tuple(_polygon(polygon) for polygon in _items(coordinates)))
    raise NotValid(f"The geometry type '{kind}' is not supported.")


def _items(value: Any) -> list[Any]:
    if type(value) is not list or not value:
        raise NotValid("The coordinates must be a non-empty array.")
    return value


def _place(value: Any) -> Place:
    if type(value) is not list or not 2 <= len(value) <= 3 or not all(type(part) in NUMBERS for part in value):
        raise NotValid("A position must be an array of two numbers, longitude and latitude.")
    longitude, latitude = float(value[0]), float(value[1])
    if not -90 <= latitude <= 90:
        raise NotValid("Latitude values must be between -90 and 90 degrees.")
    if not -180 <= longitude <= 180:
        raise NotValid("Longitude values must be between -180 and 180 degrees.")
    return longitude, latitude


def _line(value: Any) -> tuple[Place, ...]:
    places = tuple(map(_place, _items(value)))
    if len(places) < 2:
        raise NotValid("A LineString needs at least two positions.")
    return places


def _polygon(value: Any) -> tuple[tuple[Place, ...], ...]:
    return tuple(_ring(ring, number) for number, ring in enumerate(_items(value), 1))


def _ring(value: Any, number: int) -> tuple[Place, ...]:
    places = tuple(map(_place, _items(value)))
    if len(places) > _MOST_OF_A_RING:
        raise NotValid(f"The Polygon input is not valid because the ring number {number} has too many positions.")
    if places[0] != places[-1]:
        raise NotValid(
            "The Polygon input is not valid because the start and end points of the ring number "
            f"{number} are not the same. Each ring of a polygon must have the same start and end points."
        )
    if len(set(places)) < 3:
        raise NotValid(
            f"The Polygon input is not valid because the ring number {number} has fewer than three positions."
        )
    edges = list(pairwise(places)) if len(places) <= _MOST_CHECKED else []
    if any(cross(*one, *other) for place, one in enumerate(edges) for other in edges[place + 2 :]):
        raise NotValid(f"The Polygon input is not valid because the ring number {number} crosses itself.")
    return places
