"""US postal codes: the city, county, state, time zone and coordinates of each, from a file that ships beside this one.

`python -m scripts.derive_postal_codes` derives the file, and says what it leaves out and why. Coordinates come from
GeoNames (CC BY 4.0), cities and counties from the package `zipcodes` (MIT) and the USPS.
"""

from __future__ import annotations

import gzip
from functools import cache
from importlib.resources import files
from sys import intern
from typing import NamedTuple


class PostalCode(NamedTuple):
    """Where a postal code is. `county` is empty where a territory has none; `time_zone` is an IANA name; degrees."""

    city: str
    county: str
    state: str
    time_zone: str
    latitude: float
    longitude: float


def lookup(postal_code: str) -> PostalCode | None:
    """The place of a postal code.

    Args:
        postal_code: five digits, or ZIP+4 (`28036-1234`), of which the first five count.

    Returns:
        None for a code that does not exist or has no place: military codes, for instance, follow their unit.
    """
    if len(postal_code) != 5:
        if len(postal_code) != 10 or postal_code[5] != "-":
            return None
        postal_code = postal_code[:5]
    return all_codes().get(postal_code)


@cache
def all_codes() -> dict[str, PostalCode]:
    """Every postal code, in order. Shared by all callers: not to be changed. The first call takes about 0.1 s."""
    packed = files(__package__).joinpath("postal_codes.tsv.gz").read_bytes()
    codes: dict[str, PostalCode] = {}
    for line in gzip.decompress(packed).decode("utf-8").splitlines():
        code, city, county, state, time_zone, latitude, longitude = line.split("\t")
        codes[code] = PostalCode(
            intern(city), intern(county), intern(state), intern(time_zone), float(latitude), float(longitude)
        )
    return codes
