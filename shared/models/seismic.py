"""An earthquake, as a seismic network reports it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, with_config
from typing_extensions import TypedDict

from shared.models.fields import MODEL, Latitude, Longitude, Sent


@with_config(MODEL)
class Seismic(Sent):
    """One solution for one earthquake. Its key is `network`: revisions of an earthquake stay in order."""

    kind: Literal["seismic"]
    event_id: Annotated[str, Field(min_length=1, max_length=100)]
    network: Annotated[str, Field(pattern=r"^[a-z0-9]{2,8}$")]
    magnitude: Annotated[float, Field(ge=-2, le=10, description="moment magnitude, or the network's preferred")]
    depth_km: Annotated[float, Field(ge=-10, le=800, description="kilometres below sea level")]
    latitude: Latitude
    longitude: Longitude


@with_config(MODEL)
class SeismicEnrichment(TypedDict):
    """Where that was and how strong; the distance is along the surface, in kilometres."""

    nearest_place: str
    nearest_state: str
    distance_km: Annotated[float, Field(ge=0, le=20_040)]
    magnitude_class: Literal["micro", "minor", "light", "moderate", "strong", "major", "great"]
