"""Postal codes: what a lookup answers, what the shipped file holds, and how the script repairs its source."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path
from zoneinfo import available_timezones

import pytest

from scripts.derive_postal_codes import SHIPPED, derive, main, render, write
from shared.reference.postal_codes import PostalCode, all_codes, lookup


def record(code: str, **fields: str) -> dict[str, str]:
    return {
        "zip_code": code, "city": "Davidson", "county": "Mecklenburg County", "state": "NC",
        "timezone": "America/New_York", "lat": "35.5", "long": "-80.8", **fields,
    }  # fmt: skip


def test_a_code_has_its_place() -> None:
    assert lookup("28036") == PostalCode(
        "Davidson", "Mecklenburg County", "NC", "America/New_York", pytest.approx(35.4858), pytest.approx(-80.794)
    )


def test_zip_plus_four_is_its_first_five_digits() -> None:
    assert lookup("28036-1234") is lookup("28036")


@pytest.mark.parametrize("code", ["", "2803", "00000", "28036x", "280361234", "28036 1234", "abcde", "28036-12345"])
def test_what_is_not_a_code_is_none(code: str) -> None:
    assert lookup(code) is None


@pytest.mark.parametrize("code", ["09001", "34001", "96201", "56950"])
def test_military_and_parcel_return_codes_have_no_place(code: str) -> None:
    assert lookup(code) is None


def test_every_code_shipped_is_complete_and_plausible() -> None:
    zones = available_timezones()
    codes = all_codes()
    assert len(codes) > 41_000
    assert list(codes) == sorted(codes)
    for code, place in codes.items():
        assert len(code) == 5, code
        assert code.isdigit(), code
        assert place.city, code
        assert len(place.state) == 2, code
        assert place.time_zone in zones, code
        assert -15 < place.latitude < 72, code
        assert -180 <= place.longitude < -64 or 134 < place.longitude < 180, code


def test_only_territories_have_no_county() -> None:
    assert {place.state for place in all_codes().values() if not place.county} == {"VI", "GU", "MP", "AS", "PW", "MH"}


def test_nothing_is_read_at_import() -> None:
    program = (
        "import shared.reference.postal_codes as codes, shared.reference.nearest_place as nearest\n"
        "assert codes.all_codes.cache_info().currsize == 0\n"
        "assert nearest.places.cache_info().currsize == 0\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=SHIPPED.parents[2])


def test_a_missing_coordinate_is_the_mean_of_its_city() -> None:
    rows = derive([record("28035", lat="0", long="0.0000"), record("28036"), record("28037", lat="36.5", long="-81.8")])
    assert (rows[0].code, rows[0].latitude, rows[0].longitude) == ("28035", 36.0, pytest.approx(-81.3))


def test_a_city_nowhere_is_left_out() -> None:
    assert derive([record("96941", city="Pohnpei", state="FM", lat="0", long="0")]) == []


def test_a_missing_county_or_zone_is_the_nearest_codes_of_the_state() -> None:
    rows = derive(
        [
            record("99634", county="", timezone="Napakiak", lat="60.6", long="-161.7"),
            record("99559", county="Bethel", timezone="America/Anchorage", lat="60.7", long="-161.7"),
            record("99501", county="Anchorage", timezone="America/Nome", lat="61.2", long="-149.9"),
        ]
    )
    repaired = next(row for row in rows if row.code == "99634")
    assert (repaired.county, repaired.time_zone) == ("Bethel", "America/Anchorage")


@pytest.mark.parametrize("fields", [{"state": "AE"}, {"city": "Dpo"}, {"city": "Parcel Return Service"}])
def test_codes_of_no_place_are_left_out(fields: dict[str, str]) -> None:
    assert derive([record("09001", **fields)]) == []


def test_the_same_text_is_the_same_bytes(tmp_path: Path) -> None:
    text = render(derive([record("28036")]))
    write(tmp_path / "one.gz", text)
    write(tmp_path / "other.gz", text)
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "other.gz").read_bytes()
    assert gzip.decompress((tmp_path / "one.gz").read_bytes()).decode() == text


def test_check_tells_a_shipped_file_that_is_out_of_date(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("zipcodes")
    assert main(["--check"]) == 0
    write(tmp_path / "old.gz", "28036\tDavidson\n")
    assert main(["--check", "--output", str(tmp_path / "old.gz")]) == 1
    assert "out of date" in capsys.readouterr().err
