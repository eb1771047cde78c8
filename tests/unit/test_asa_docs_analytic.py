"""The examples of LAG, LAST, ISFIRST and OVER, re-typed, and what their pages say of *, the default and the units.

Source: https://learn.microsoft.com/stream-analytics-query/lag-azure-stream-analytics, .../last-..., .../isfirst-...,
.../over-..., .../analytic-functions-...; the pages have no events, so those are ours.
"""

from __future__ import annotations

from typing import Any

from tests.unit.asa_queries import run


def events(*readings: Any, **more: list[Any]) -> list[dict[str, Any]]:
    """One a minute."""
    return [
        {
            "t": f"2026-01-01T00:{minute:02}:00Z",
            "reading": reading,
            **{name: values[minute] for name, values in more.items()},
        }
        for minute, reading in enumerate(readings)
    ]


def column(expression: str, rows: list[dict[str, Any]], rest: str = "") -> list[Any]:
    found = run(f"SELECT {expression} AS x FROM input TIMESTAMP BY t {rest}", input=rows)["output"]
    return [row["x"] for row in found]


def test_rate_of_growth() -> None:
    rows = run(
        """
        SELECT sensorId,
               growth = reading -
                                LAG(reading) OVER (PARTITION BY sensorId LIMIT DURATION(hour, 1))
        FROM input TIMESTAMP BY t
        """,
        input=events(1, 10, 4, 15, sensorId=["a", "b", "a", "b"]),
    )["output"]
    assert [(row["sensorId"], row["growth"]) for row in rows] == [("a", None), ("b", None), ("a", 3), ("b", 5)]


def test_previous_reading_that_is_not_null() -> None:
    previous = "LAG(reading) OVER (PARTITION BY sensorId LIMIT DURATION(hour, 1) WHEN reading IS NOT NULL)"
    assert column(previous, events(1, None, None, 4, sensorId=[1, 1, 1, 1])) == [None, 1, 1, 1]


def test_filter_first_and_look_back_then() -> None:
    rows = run(
        """
        WITH filterSensor AS
        (
          SELECT *
          FROM input TIMESTAMP BY t
          WHERE input.sensorType = 4 AND sensorId IS NOT NULL
        )

        SELECT
          LAG(reading) OVER (PARTITION BY sensorId LIMIT DURATION(hour, 1))
        FROM filterSensor
        """,
        input=events(1, 2, 3, sensorType=[4, 5, 4], sensorId=[1, 1, 1]),
    )
    assert rows["output"] == [{"LAG": None}, {"LAG": 1}]


def test_crossing_a_threshold() -> None:
    rows = run(
        """
        SELECT
            sensorId, reading
        FROM input TIMESTAMP BY t
        WHERE
            devicetype = 'thermostat'
            AND reading > 100
            AND LAG(reading) OVER (PARTITION BY sensorId LIMIT DURATION(hour, 1) WHEN devicetype = 'thermostat') <= 100
        """,
        input=events(
            90, 200, 101, 102, sensorId=[1, 1, 1, 1], devicetype=["thermostat", "other", "thermostat", "thermostat"]
        ),
    )
    assert rows["output"] == [{"sensorId": 1, "reading": 101}]


def test_the_default_is_for_no_event_and_not_for_null() -> None:
    """LAG(name, 2, 'none such') OVER (PARTITION BY userId LIMIT DURATION(minute, 2)), of the page's syntax."""
    rows = events(None, None, None, None, name=["a", None, "c", "d"], userId=[1, 1, 1, 1])
    two_back = "LAG(name, 2, 'none such') OVER (PARTITION BY userId LIMIT DURATION(minute, 3))"
    assert column(two_back, rows) == ["none such", "none such", "a", None]
    assert column(two_back.replace("minute, 3", "minute, 2"), rows) == ["none such"] * 4


def test_a_duration_may_be_of_weeks() -> None:
    """LIMIT DURATION takes the units of DATEDIFF."""
    rows = [{"t": f"2026-01-{day:02}T00:00:00Z", "reading": day} for day in (1, 7, 15)]
    assert column("LAG(reading) OVER (LIMIT DURATION(wk, 1))", rows) == [None, 1, None]


def test_all_of_an_event() -> None:
    rows = events(1, 2)
    assert column("LAG(*) OVER (LIMIT DURATION(hour, 1))", rows) == [None, rows[0]]
    assert column("LAG(*, 1, reading) OVER (LIMIT DURATION(hour, 1))", rows) == [1, rows[0]]
    assert column("LAST(*) OVER (LIMIT DURATION(hour, 1) WHEN reading = 1)", rows) == [rows[0], rows[0]]


def test_the_most_recent_reading_that_is_not_null() -> None:
    last = "LAST(reading{}) OVER (PARTITION BY sensorId LIMIT DURATION(hour, 1) WHEN reading IS NOT NULL)"
    rows = events(None, 1, None, 3, sensorId=[1, 1, 1, 1])
    assert column(last.format(""), rows) == [None, 1, 1, 3]
    assert column(last.format(", -1"), rows) == [-1, 1, 1, 3]


def test_the_last_time_that_a_reading_was_high() -> None:
    last = "LAST(System.Timestamp()) OVER (PARTITION BY sensorId LIMIT DURATION(hour, 1) WHEN reading > 50 )"
    rows = events(60, 40, 70, sensorId=[1, 1, 1])
    assert [found and found[14:16] for found in column(last, rows)] == ["00", "00", "02"]


def test_is_first_of_an_interval() -> None:
    rows = run(
        """
        SELECT
               deviceid,
               reading,
               ISFIRST(mi, 10) as first,
               ISFIRST(mi, 10) OVER (PARTITION BY deviceid) as firstOfDevice,
            ISFIRST(mi, 10) OVER (PARTITION BY deviceid WHEN reading > 50 AND devicetype = 'thermostat') as firstAbove,
            ISFIRST(mi, 10) OVER (PARTITION BY deviceid WHEN reading < 50 AND devicetype = 'thermostat') as firstUnder
        FROM Input TIMESTAMP BY t
        WHERE
               devicetype = 'thermostat'
        """,
        Input=events(None, 40, 60, 45, 70, deviceid=[1, 1, 1, 2, 2], devicetype=["other"] + ["thermostat"] * 4),
    )["output"]
    firsts = [tuple(row[name] for name in ("first", "firstOfDevice", "firstAbove", "firstUnder")) for row in rows]
    # The interval of 00:00:00 ends then, so 00:01 is the first of the next, and 00:03 of its device.
    assert firsts == [(1, 1, 0, 1), (0, 0, 1, 0), (0, 1, 0, 1), (0, 0, 1, 0)]


def test_the_average_of_five_minutes_and_an_alert() -> None:
    rows = events(10, 20, 60, 0, 0, id=[1] * 5, healthy=[1, 0, 0, 0, 0])
    average = "AVG(reading) OVER (PARTITION BY id LIMIT DURATION (minute, 2))"
    assert column(average, rows) == [10.0, 15.0, 40.0, 30.0, 0.0]
    alert = "WHERE MAX(healthy) OVER (PARTITION BY id LIMIT DURATION (minute, 3)) = 0"
    assert column("t", rows, alert) == [rows[3]["t"], rows[4]["t"]]


def test_looking_back_goes_before_where_and_group_by() -> None:
    """.../analytic-functions-...: "Analytic functions are not affected by predicates in WHERE clause"."""
    rows = events(1, 2, 3, 4)
    assert column("LAG(reading) OVER (LIMIT DURATION(hour, 1))", rows, "WHERE reading % 2 = 0") == [1, 3]
    counted = run(
        "SELECT LAG(reading) OVER (LIMIT DURATION(hour, 1)) AS x, COUNT(*) AS n FROM input TIMESTAMP BY t "
        "GROUP BY LAG(reading) OVER (LIMIT DURATION(hour, 1)), TumblingWindow(hour, 1)",
        input=[*rows, {"t": "2026-01-01T00:10:00Z", "reading": 3}],
    )["output"]
    assert {(row["x"], row["n"]) for row in counted} == {(None, 1), (1, 1), (2, 1), (3, 1), (4, 1)}


def test_having_without_group_by_is_where() -> None:
    """Source: .../having-azure-stream-analytics: "When GROUP BY is not used, HAVING behaves like a WHERE clause"."""
    rows = events(1, 2, 3)
    assert column("reading", rows, "HAVING reading > 1") == [2, 3]
    assert column("reading", rows, "WHERE reading < 3 HAVING reading > 1") == [2]
    assert column("reading", rows, "HAVING LAG(reading) OVER (LIMIT DURATION(hour, 1)) = 1") == [2]
