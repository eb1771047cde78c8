"""The nearest place: the search is held to brute force over every place, all over the Earth."""

from __future__ import annotations

import random

import pytest

from shared.reference.nearest_place import EARTH_RADIUS_KM, Place, great_circle_km, nearest, places

SEED = 20261122


def nearest_by_brute_force(latitude: float, longitude: float) -> tuple[float, Place]:
    return min((great_circle_km(latitude, longitude, p.latitude, p.longitude), p) for p in places())


def points() -> list[tuple[float, float]]:
    chance = random.Random(SEED)
    worldwide = [(chance.uniform(-90, 90), chance.uniform(-180, 180)) for _ in range(40)]
    at_home = [(chance.uniform(25, 49), chance.uniform(-124, -67)) for _ in range(40)]
    antipodes = [(-38.0 + chance.gauss(0, 3), 82.0 + chance.gauss(0, 5)) for _ in range(10)]
    edges = [(90.0, 0.0), (-90.0, 0.0), (52.0, 180.0), (52.0, -180.0), (0.0, 179.999), (89.9, 45.0), (0.0, 0.0)]
    return worldwide + at_home + antipodes + edges


@pytest.mark.parametrize(("latitude", "longitude"), points())
def test_the_search_finds_what_brute_force_finds(latitude: float, longitude: float) -> None:
    distance, _ = nearest_by_brute_force(latitude, longitude)
    found = nearest(latitude, longitude)
    assert found.distance_km == pytest.approx(distance, rel=1e-9, abs=1e-6)
    assert any(
        (place.name, place.state) == (found.name, found.state)
        and great_circle_km(latitude, longitude, place.latitude, place.longitude) == pytest.approx(found.distance_km)
        for place in places()
    )


def test_a_known_place() -> None:
    found = nearest(35.4833, -80.7997)
    assert (found.name, found.state) == ("Davidson", "NC")
    assert found.distance_km < 3


def test_a_place_is_nearest_to_itself() -> None:
    for place in random.Random(SEED).sample(places(), 200):
        assert nearest(place.latitude, place.longitude).distance_km == pytest.approx(0.0, abs=1e-6)


def test_across_the_antimeridian() -> None:
    """GIVEN a point just west of the antimeridian, THEN Alaska's islands, just east of it, are near."""
    found = nearest(51.9, 179.9)
    assert found.state == "AK"
    assert found.distance_km < 300
    assert nearest(51.9, 179.9 - 360).distance_km == pytest.approx(found.distance_km)


def test_every_longitude_is_one_pole() -> None:
    assert {nearest(90.0, longitude)[:2] for longitude in (-180.0, -90.0, 0.0, 123.4)} == {nearest(90.0, 0.0)[:2]}


@pytest.mark.parametrize(
    ("start", "end", "kilometres"),
    [
        ((0.0, 0.0), (0.0, 180.0), EARTH_RADIUS_KM * 3.141592653589793),  # half the equator
        ((90.0, 0.0), (0.0, 77.0), EARTH_RADIUS_KM * 3.141592653589793 / 2),  # pole to equator
        ((36.12, -86.67), (33.94, -118.40), 2886.45),  # Nashville to Los Angeles airports, on this radius
        ((10.0, 20.0), (10.0, 20.0), 0.0),
    ],
)
def test_great_circle_distances(start: tuple[float, float], end: tuple[float, float], kilometres: float) -> None:
    assert great_circle_km(*start, *end) == pytest.approx(kilometres, abs=0.05)


@pytest.mark.parametrize(("latitude", "longitude"), [(90.1, 0.0), (float("nan"), 0.0), (0.0, float("inf"))])
def test_a_point_that_does_not_exist_is_refused(latitude: float, longitude: float) -> None:
    with pytest.raises(ValueError, match="no such point"):
        nearest(latitude, longitude)
