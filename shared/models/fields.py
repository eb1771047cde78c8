"""The field types that several models share, and how strict every model is.

Strict: a number sent as a string, or a boolean as a number, is a producer's mistake and is refused rather than coerced.
Unknown fields are kept as they came, so a producer can add one before we model it.
"""

from __future__ import annotations

from typing import Annotated, NotRequired

from pydantic import ConfigDict, Field
from typing_extensions import TypedDict

MODEL = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)

Latitude = Annotated[float, Field(ge=-90, le=90, description="degrees north, WGS 84")]
Longitude = Annotated[float, Field(ge=-180, le=180, description="degrees east, WGS 84")]
StateCode = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="US Postal Service state code")]
Key = Annotated[str, Field(min_length=1, max_length=255)]

# Seconds, up to the year 2100: a producer that sends milliseconds is refused here, not stored in the year 57859.
Epoch = Annotated[float, Field(ge=0, le=4_102_444_800, description="seconds since 1970-01-01 UTC")]

# One-digit seconds are what arrow's 'YYYY-MM-DD HH:mm:s' prints, and producers in the field do.
Timestamp = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{1,2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})?$")]


class Sent(TypedDict):
    """What a producer adds to every event it sends; all of it optional."""

    pk: NotRequired[Key]
    seq: NotRequired[Annotated[int, Field(ge=0)]]
    timestamp: NotRequired[Timestamp]
    epoch: NotRequired[Epoch]
    sender: NotRequired[Annotated[str, Field(min_length=1, max_length=255)]]
