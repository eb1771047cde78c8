"""How hot it feels: the heat index of the US National Weather Service, from temperature and humidity.

Equation and adjustments: https://www.wpc.ncep.noaa.gov/html/heatindex_equation.shtml (Rothfusz, NWS technical
attachment SR 90-23).
"""

from __future__ import annotations

from math import sqrt


def heat_index_f(temperature_f: float, relative_humidity: float) -> float:
    """The apparent temperature in degrees Fahrenheit.

    Args:
        temperature_f: air temperature, degrees Fahrenheit.
        relative_humidity: percent, 0 to 100.

    Returns:
        The air temperature itself at or below 40 F, as the NWS calculator answers: heat has no index there, and the
        simple formula would run far below it. Beyond the range of Steadman's data (about 80-110 F) it extrapolates.
    """
    t, rh = temperature_f, relative_humidity
    if t <= 40.0:
        return t
    simple = 0.5 * (t + 61.0 + (t - 68.0) * 1.2 + rh * 0.094)
    # "The simple formula is computed first and the result averaged with the temperature": that decides.
    if (simple + t) / 2.0 < 80.0:
        return simple
    index = (
        -42.379
        + 2.04901523 * t
        + 10.14333127 * rh
        - 0.22475541 * t * rh
        - 0.00683783 * t * t
        - 0.05481717 * rh * rh
        + 0.00122874 * t * t * rh
        + 0.00085282 * t * rh * rh
        - 0.00000199 * t * t * rh * rh
    )
    if rh < 13.0 and 80.0 <= t <= 112.0:
        return index - (13.0 - rh) / 4.0 * sqrt((17.0 - abs(t - 95.0)) / 17.0)
    if rh > 85.0 and 80.0 <= t <= 87.0:
        return index + (rh - 85.0) / 10.0 * (87.0 - t) / 5.0
    return index
