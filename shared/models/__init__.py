"""The events that Headrace accepts: a union of models, told apart by `kind`.

To add a source, write its model beside these and add it to `Event` (docs/adding-a-source.md).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import FailFast, Field, TypeAdapter

from shared.models.place import Place, PlaceEnrichment
from shared.models.seismic import Seismic, SeismicEnrichment
from shared.models.weather import Weather, WeatherEnrichment

DEFAULT_KIND = "place"

Event = Annotated[Place | Weather | Seismic, Field(discriminator="kind")]

# TypedDicts, not BaseModels: a validated event is a dict that goes on as it is, which halves the cost of a hop
# (`make bench`, "hop").
EVENT: TypeAdapter[Any] = TypeAdapter(Event)
# It only says whether all of a batch are good: a list of what is wrong with a million elements would fill the memory.
EVENTS: TypeAdapter[list[Any]] = TypeAdapter(Annotated[list[Event], FailFast()])

__all__ = [
    "DEFAULT_KIND",
    "EVENT",
    "EVENTS",
    "Event",
    "Place",
    "PlaceEnrichment",
    "Seismic",
    "SeismicEnrichment",
    "Weather",
    "WeatherEnrichment",
]
