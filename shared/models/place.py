"""A place: a US postal code with its city and coordinates. What an event without a `kind` is."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from pydantic import Field, with_config
from typing_extensions import TypedDict

from shared.models.fields import MODEL, Latitude, Longitude, Sent, StateCode


@with_config(MODEL)
class Place(Sent):
    """A postal code, as the postal-code producers send it. Its key is `postal_cd` unless `pk` says otherwise."""

    kind: Literal["place"]
    postal_cd: Annotated[str, Field(pattern=r"^\d{5}(-\d{4})?$")]
    country_cd: NotRequired[Annotated[str, Field(pattern=r"^[A-Z]{2}$")]]
    city_name: Annotated[str, Field(min_length=1, max_length=100)]
    state_abbrv: StateCode
    latitude: Latitude
    longitude: Longitude


@with_config(MODEL)
class PlaceEnrichment(TypedDict):
    """What the postal-code reference data says of a place; a code it lacks has `known` false and nothing else."""

    known: bool
    city: NotRequired[str]
    county: NotRequired[str]
    state: NotRequired[StateCode]
    time_zone: NotRequired[str]
    centre_latitude: NotRequired[Latitude]
    centre_longitude: NotRequired[Longitude]
