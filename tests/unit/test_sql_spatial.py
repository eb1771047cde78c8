"""Spatial functions: the examples of the documentation, and what holds of any places.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/st-distance and the pages beside it. The service's
geodesics and these differ by less than one part in a million.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.sql.cosmos.functions import geography
from local.sql.cosmos.select import compile_select

CLOSE = 1e-6


def evaluate(expression: str, **parameters: Any) -> Any:
    named = {f"@{name}": value for name, value in parameters.items()}
    return next(iter(compile_select(f"SELECT VALUE {expression}", named).evaluate(())), None)


def point(*coordinates: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": list(coordinates)}


def square(west: float, south: float, size: float) -> list[list[float]]:
    east, north = west + size, south + size
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def polygon(*rings: list[list[float]]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def line(*places: list[float]) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": list(places)}


def test_st_distance() -> None:
    here = point(-122.11758113953535, 47.66901087006131)
    for office, kilometers in (
        (point(-122.12826822304672, 47.63980239335718), 3.345269817267368),
        (point(-96.84368664765994, 46.81297794314663), 1907.438421299902),
    ):
        found = evaluate("ST_DISTANCE(@office, @here) / 1000", office=office, here=here)
        assert found == pytest.approx(kilometers, rel=CLOSE)


def test_st_area() -> None:
    ring = [[31.8, -5], [32, -5], [32, -4.7], [31.8, -4.7], [31.8, -5]]
    assert evaluate("ST_AREA(@p)", p=polygon(ring)) == pytest.approx(735970283.0522614, rel=CLOSE)
    inverse = evaluate("ST_AREA(@p)", p=polygon(ring[::-1]))
    assert inverse == pytest.approx(geography.GLOBE - 735970283.0522614, rel=1e-9)


def test_st_within() -> None:
    campus = [
        [-122.13236581015025, 47.64606476313813], [-122.13221982500913, 47.633757091363975],
        [-122.11840598103835, 47.641749416109235], [-122.12061400629656, 47.64589264786028],
        [-122.13236581015025, 47.64606476313813],
    ]  # fmt: skip
    assert evaluate("ST_WITHIN(@at, @campus)", at=point(-122.12824857332558, 47.6395516675712), campus=polygon(campus))
    assert evaluate("ST_WITHIN(@at, @campus)", at=point(-122.2, 47.6395516675712), campus=polygon(campus)) is False


@pytest.mark.parametrize(
    ("geometry", "reason"),
    [
        (point(-84.38876194345323, 33.75682784306348), None),
        (point(133.75682784306348, -184.38876194345323), "Latitude values must be between -90 and 90 degrees."),
        (point(233.75, 1), "Longitude values must be between -180 and 180 degrees."),
        (line([0, 0], [1, 1]), None),
        (line([0, 0]), "two positions"),
        (polygon(square(0, 0, 1)), None),
        (polygon(square(0, 0, 1)[:-1]), "ring number 1 are not the same"),
        (polygon(square(0, 0, 3), square(1, 1, 1)[:-1]), "ring number 2 are not the same"),
        (polygon([[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]), "crosses itself"),
        (polygon([[0, 0], [1, 1], [0, 0]]), "fewer than three"),
        ({"type": "MultiPolygon", "coordinates": [[square(0, 0, 1)], [square(5, 5, 1)]]}, None),
        ({"type": "Circle", "coordinates": [0, 0]}, "'Circle'"),
        ({"type": "Point", "coordinates": ["0", 0]}, "two numbers"),
        ({"type": "Point"}, "two numbers"),
        ("POINT (0 0)", "GeoJSON"),
        (None, "GeoJSON"),
    ],
)
def test_st_isvalid_and_st_isvaliddetailed(geometry: Any, reason: str | None) -> None:
    detailed = evaluate("ST_ISVALIDDETAILED(@g)", g=geometry)
    assert evaluate("ST_ISVALID(@g)", g=geometry) is detailed["valid"] is (reason is None)
    assert (reason or "") in detailed.get("reason", "")
    if reason is not None:
        assert evaluate("ST_DISTANCE(@g, @g)", g=geometry) is None
        assert evaluate("ST_INTERSECTS(@g, @g)", g=geometry) is None


@pytest.mark.parametrize(
    ("first", "second", "within", "intersects"),
    [
        (point(1, 1), point(1, 1), True, True),
        (point(1, 1), point(1, 2), False, False),
        (point(1, 1), polygon(square(0, 0, 3)), True, True),
        (point(1.5, 1.5), polygon(square(0, 0, 3), square(1, 1, 1)), False, False),  # in the hole
        (point(1.5, 1.5), polygon(square(0, 0, 3), square(1, 1, 1)[::-1]), False, False),
        (point(2.5, 2.5), polygon(square(0, 0, 3), square(1, 1, 1)), True, True),
        (point(179.5, 0.5), polygon([[179, 0], [-179, 0], [-179, 1], [179, 1], [179, 0]]), True, True),
        (point(-179.5, 0.5), polygon([[179, 0], [-179, 0], [-179, 1], [179, 1], [179, 0]]), True, True),
        (point(178, 0.5), polygon([[179, 0], [-179, 0], [-179, 1], [179, 1], [179, 0]]), False, False),
        (point(0, 90), polygon([[0, 80], [120, 80], [-120, 80], [0, 80]]), True, True),  # the pole
        (point(0, -90), polygon([[0, 80], [120, 80], [-120, 80], [0, 80]]), False, False),
        (point(10, 10), polygon(square(0, 0, 3)[::-1]), True, True),  # clockwise: all but the square
        (point(1, 1), polygon(square(0, 0, 3)[::-1]), False, False),
        (polygon(square(1, 1, 1)), polygon(square(0, 0, 3)), True, True),
        (polygon(square(0, 0, 3)), polygon(square(1, 1, 1)), False, True),
        (polygon(square(2, 2, 3)), polygon(square(0, 0, 3)), False, True),
        (polygon(square(5, 5, 1)), polygon(square(0, 0, 3)), False, False),
        (polygon(square(0, 0, 3)), polygon(square(-1, -1, 5), square(1, 1, 1)), False, True),
        (line([1, 1], [2, 2]), polygon(square(0, 0, 3)), True, True),
        (line([-1, 1], [4, 1]), polygon(square(0, 0, 3)), False, True),  # both ends outside
        (line([0, 1], [2, 1]), line([1, 0], [1, 2]), False, True),
        (line([0, 1], [2, 1]), line([0, 2], [2, 2]), False, False),
    ],
)
def test_what_lies_where(first: Any, second: Any, within: bool, intersects: bool) -> None:
    assert evaluate("ST_WITHIN(@a, @b)", a=first, b=second) is within
    assert evaluate("ST_INTERSECTS(@a, @b)", a=first, b=second) is intersects
    assert evaluate("ST_INTERSECTS(@a, @b)", a=second, b=first) is intersects
    apart = evaluate("ST_DISTANCE(@a, @b)", a=first, b=second)
    assert (apart == 0) is intersects
    assert evaluate("ST_DISTANCE(@a, @b)", a=second, b=first) == pytest.approx(apart)


def test_the_distance_to_a_shape_is_that_to_its_nearest_place() -> None:
    degree = evaluate("ST_DISTANCE(@a, @b)", a=point(1, 0), b=point(2, 0))
    assert degree == pytest.approx(111_319.49, abs=0.01)
    assert evaluate("ST_DISTANCE(@a, @b)", a=point(4, 0), b=polygon(square(0, -1, 3))) == pytest.approx(
        degree, rel=1e-4
    )
    assert evaluate("ST_DISTANCE(@a, @b)", a=point(1, 1), b=line([0, 0], [2, 0])) == pytest.approx(110_574, abs=10)


PLACES = st.tuples(st.floats(-180, 180), st.floats(-90, 90))


@given(PLACES, PLACES, PLACES)
def test_a_distance_is_one(first: geography.Place, second: geography.Place, third: geography.Place) -> None:
    apart = geography.distance(first, second)
    assert 0 <= apart <= math.pi * 6_378_137
    assert apart == pytest.approx(geography.distance(second, first), rel=1e-9, abs=1e-3)
    assert apart <= (geography.distance(first, third) + geography.distance(third, second)) * 1.006 + 1
