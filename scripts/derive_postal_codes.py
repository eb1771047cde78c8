"""Derive `shared/reference/postal_codes.tsv.gz` from the PyPI package `zipcodes`: run it after upgrading that package.

The same version of the package gives the same lines, sorted, so that a difference is a change of the data alone.

What is repaired, and what is left out (so that a lookup answers None rather than something untrue):

- military and diplomatic codes are left out: they follow a unit around the world, and have no county, zone or place;
  so are codes that name a department or a service;
- a code without coordinates takes the mean of its city's other codes, and is left out when there are none (some
  Pacific islands): 0 N 0 E is a point in the Atlantic, not a missing value;
- a code without a county, or whose time zone is not an IANA name, takes that of the nearest code of its state; a
  territory without counties keeps none (the Virgin Islands, Guam and others);
- a coordinate known to be wrong is corrected below.
"""

from __future__ import annotations

import argparse
import gzip
import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import available_timezones

SHIPPED = Path(__file__).parent.parent / "shared" / "reference" / "postal_codes.tsv.gz"
MILITARY_STATES = frozenset({"AA", "AE", "AP"})
NOT_CITIES = frozenset({"Apo", "Dhs", "Dpo", "Fpo", "Parcel Return Service"})
# Majuro is at 171 degrees east; the data says west.
LONGITUDE_CORRECTIONS = {"96960": 171.1569}


@dataclass(frozen=True)
class Row:
    """One postal code on its way; None where the source has nothing usable, and 0 N 0 E for nowhere."""

    code: str
    city: str
    county: str | None
    state: str
    time_zone: str | None
    latitude: float
    longitude: float

    @property
    def located(self) -> bool:
        return (self.latitude, self.longitude) != (0.0, 0.0)


def parse(record: Mapping[str, str], time_zones: frozenset[str]) -> Row:
    """One record of the package, with what is missing or invalid as None."""
    code = record["zip_code"]
    longitude = LONGITUDE_CORRECTIONS.get(code, float(record["long"]))
    return Row(
        code=code,
        city=record["city"],
        county=record["county"] or None,
        state=record["state"],
        time_zone=record["timezone"] if record["timezone"] in time_zones else None,
        latitude=float(record["lat"]),
        longitude=longitude,
    )


def derive(records: Iterable[Mapping[str, str]]) -> list[Row]:
    """Every postal code that can be given a place on the ground, complete, in order of code."""
    time_zones = frozenset(available_timezones())
    parsed = (parse(record, time_zones) for record in records)
    rows = [row for row in parsed if row.state not in MILITARY_STATES and row.city not in NOT_CITIES]
    by_city: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.located:
            by_city[row.city, row.state].append(row)
    placed = [located for row in rows if (located := _locate(row, by_city[row.city, row.state])) is not None]
    by_state: dict[str, list[Row]] = defaultdict(list)
    for row in placed:
        by_state[row.state].append(row)
    return sorted((_complete(row, by_state[row.state]) for row in placed), key=lambda row: row.code)


def _locate(row: Row, neighbours: list[Row]) -> Row | None:
    if row.located or not neighbours:
        return row if row.located else None
    return replace(
        row,
        latitude=sum(other.latitude for other in neighbours) / len(neighbours),
        longitude=sum(other.longitude for other in neighbours) / len(neighbours),
    )


def _complete(row: Row, neighbours: list[Row]) -> Row:
    if row.county is None:
        row = replace(row, county=_nearest_value(row, [(other, other.county) for other in neighbours]) or "")
    if row.time_zone is None:
        row = replace(row, time_zone=_nearest_value(row, [(other, other.time_zone) for other in neighbours]))
    return row


def _nearest_value(row: Row, candidates: list[tuple[Row, str | None]]) -> str | None:
    known = [(_squared_distance(row, other), other.code, value) for other, value in candidates if value]
    return min(known)[2] if known else None


def _squared_distance(one: Row, other: Row) -> float:
    """In degrees of latitude squared, as on a plane: good enough to rank neighbours of one state."""
    north = one.latitude - other.latitude
    east = (one.longitude - other.longitude) * math.cos(math.radians(one.latitude))
    return north * north + east * east


def render(rows: Iterable[Row]) -> str:
    """Tab-separated lines: code, city, county, state, time zone, latitude, longitude (degrees, 4 decimals: 11 m)."""
    return "".join(
        f"{row.code}\t{row.city}\t{row.county}\t{row.state}\t{row.time_zone}\t{row.latitude:.4f}\t{row.longitude:.4f}\n"
        for row in rows
    )


def write(path: Path, text: str) -> None:
    """Compress without a time or a name, so that the same text is the same bytes."""
    with path.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=9, mtime=0) as packed:
        packed.write(text.encode("utf-8"))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.derive_postal_codes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the file is out of date")
    parser.add_argument("--output", type=Path, default=SHIPPED, help="where to write (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        from zipcodes import list_all
    except ImportError:
        print("zipcodes is not installed: pip install -r requirements-dev.txt", file=sys.stderr)
        return 2
    text = render(derive(list_all()))
    if not options.check:
        write(options.output, text)
        print(f"{options.output}: {text.count(chr(10))} postal codes, {options.output.stat().st_size} bytes")
        return 0
    # The text is compared, not the bytes: another build of zlib compresses differently.
    if not options.output.exists() or gzip.decompress(options.output.read_bytes()).decode("utf-8") != text:
        print(f"{options.output} is out of date: run python -m scripts.derive_postal_codes", file=sys.stderr)
        return 1
    print(f"{options.output} is up to date: {text.count(chr(10))} postal codes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
