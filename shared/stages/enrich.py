"""The enrichment stages: each joins reference data to one kind of event and validates what it adds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter

from shared.models import Place, PlaceEnrichment, Seismic, SeismicEnrichment, Weather, WeatherEnrichment
from shared.records import Record, set_aside
from shared.reference.heat_index import heat_index_f
from shared.reference.magnitude import magnitude_class
from shared.reference.nearest_place import nearest
from shared.reference.postal_codes import lookup
from shared.routing import ENRICHED_HUB
from shared.stages.records import RecordStage, Transform


def joining(enrichment: Any, of: Callable[[dict[str, Any]], dict[str, Any]]) -> Transform:
    """A transform that adds to a record's data what `of(data)` returns, validated as `enrichment` (a TypedDict)."""
    adapter = TypeAdapter(enrichment)
    added = frozenset(enrichment.__annotations__)

    def transform(record: dict[str, Any]) -> list[dict[str, Any]]:
        data = set_aside(record["data"], added)
        record["data"] = data | adapter.validate_python(of(data))
        return [record]

    return transform


def place_enrichment(data: dict[str, Any]) -> dict[str, Any]:
    """City, county, state, time zone and centre of a place's postal code, as `PlaceEnrichment`."""
    code = lookup(data["postal_cd"])
    if code is None:
        return {"known": False}
    enrichment = {
        "known": True,
        "city": code.city,
        "county": code.county,
        "state": code.state,
        "time_zone": code.time_zone,
        "centre_latitude": code.latitude,
        "centre_longitude": code.longitude,
    }
    return enrichment if code.county else {name: value for name, value in enrichment.items() if value != ""}


def weather_enrichment(data: dict[str, Any]) -> dict[str, Any]:
    """The heat index of a weather report, to a tenth of a degree, as `WeatherEnrichment`."""
    return {"heat_index_f": round(heat_index_f(data["temperature_f"], data["humidity"]), 1)}


def seismic_enrichment(data: dict[str, Any]) -> dict[str, Any]:
    """The US place nearest to an earthquake, how far it is, and the class of its magnitude, as `SeismicEnrichment`."""
    place = nearest(data["latitude"], data["longitude"])
    return {
        "nearest_place": place.name,
        "nearest_state": place.state,
        "distance_km": round(place.distance_km, 3),
        "magnitude_class": magnitude_class(data["magnitude"]),
    }


ENRICH_PLACES = RecordStage("enrich_places", Record[Place], joining(PlaceEnrichment, place_enrichment), to=ENRICHED_HUB)
ENRICH_WEATHER = RecordStage(
    "enrich_weather", Record[Weather], joining(WeatherEnrichment, weather_enrichment), to=ENRICHED_HUB
)
ENRICH_SEISMIC = RecordStage(
    "enrich_seismic", Record[Seismic], joining(SeismicEnrichment, seismic_enrichment), to=ENRICHED_HUB
)
