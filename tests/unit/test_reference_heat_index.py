"""The heat index, held to the chart that the National Weather Service publishes."""

from __future__ import annotations

import pytest

from shared.reference.heat_index import heat_index_f

# https://www.weather.gov/safety/heat-index: by relative humidity, the index at 80, 82, ... degrees Fahrenheit.
NWS_CHART = {
    40: [80, 81, 83, 85, 88, 91, 94, 97, 101, 105, 109, 114, 119, 124, 130, 136],
    45: [80, 82, 84, 87, 89, 93, 96, 100, 104, 109, 114, 119, 124, 130, 137],
    50: [81, 83, 85, 88, 91, 95, 99, 103, 108, 113, 118, 124, 131, 137],
    55: [81, 84, 86, 89, 93, 97, 101, 106, 112, 117, 124, 130, 137],
    60: [82, 84, 88, 91, 95, 100, 105, 110, 116, 123, 129, 137],
    65: [82, 85, 89, 93, 98, 103, 108, 114, 121, 128, 136],
    70: [83, 86, 90, 95, 100, 105, 112, 119, 126, 134],
    75: [84, 88, 92, 97, 103, 109, 116, 124, 132],
    80: [84, 89, 94, 100, 106, 113, 121, 129],
    85: [85, 90, 96, 102, 110, 117, 126, 135],
    90: [86, 91, 98, 105, 113, 122, 131],
    95: [86, 93, 100, 108, 117, 127],
    100: [87, 95, 103, 112, 121, 132],
}


@pytest.mark.parametrize("humidity", NWS_CHART)
def test_the_chart_of_the_weather_service(humidity: int) -> None:
    for step, expected in enumerate(NWS_CHART[humidity]):
        temperature = 80 + 2 * step
        # The chart is the regression without adjustments, rounded; those of 85% and more add up to 2.1 F at 80-87 F.
        adjustment = (humidity - 85) / 10 * (87 - temperature) / 5 if humidity > 85 and temperature <= 87 else 0
        assert heat_index_f(temperature, humidity) - adjustment == pytest.approx(expected, abs=1.0), temperature


def test_dry_air_is_adjusted_down() -> None:
    """95 F at 10%: the regression alone is 90.20, less (13-10)/4 * sqrt((17-0)/17) = 0.75."""
    assert heat_index_f(95.0, 10.0) == pytest.approx(90.20 - 0.75, abs=0.005)


def test_humid_air_is_adjusted_up() -> None:
    """82 F at 90%: the regression alone is 91.49, and (90-85)/10 * (87-82)/5 = 0.5 is added."""
    assert heat_index_f(82.0, 90.0) == pytest.approx(91.49 + 0.5, abs=0.005)


def test_mild_air_takes_the_simple_formula() -> None:
    assert heat_index_f(70.0, 50.0) == pytest.approx(0.5 * (70 + 61 + 2 * 1.2 + 50 * 0.094))


@pytest.mark.parametrize("temperature", [-40.0, 0.0, 40.0])
def test_cold_air_has_no_heat_index(temperature: float) -> None:
    assert heat_index_f(temperature, 80.0) == temperature
