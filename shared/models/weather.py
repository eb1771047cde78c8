"""A weather report of one station."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from pydantic import Field, with_config
from typing_extensions import TypedDict

from shared.models.fields import MODEL, Latitude, Longitude, Sent, StateCode


@with_config(MODEL)
class Weather(Sent):
    """One observation. The ranges are a little wider than the records ever measured on Earth. Its key is `station`."""

    kind: Literal["weather"]
    station: Annotated[str, Field(pattern=r"^[A-Z0-9]{3,8}$")]
    state_abbrv: NotRequired[StateCode]
    temperature_f: Annotated[float, Field(ge=-130, le=140, description="degrees Fahrenheit")]
    humidity: Annotated[float, Field(ge=0, le=100, description="relative humidity, percent")]
    wind_mph: NotRequired[Annotated[float, Field(ge=0, le=260, description="miles per hour")]]
    pressure_hpa: NotRequired[Annotated[float, Field(ge=850, le=1090, description="hectopascal, at sea level")]]
    latitude: NotRequired[Latitude]
    longitude: NotRequired[Longitude]


@with_config(MODEL)
class WeatherEnrichment(TypedDict):
    """How hot the air feels (NWS heat index, degrees Fahrenheit)."""

    heat_index_f: float
