"""The worked examples of Microsoft's "Common query patterns", re-typed: query, input, output.

Source: https://learn.microsoft.com/azure/stream-analytics/stream-analytics-stream-analytics-query-patterns. Where the
page's query and its tables call a column by two names, the query's is taken. Two examples differ, and say so.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.asa_queries import run, table

SECONDS = [f"2015-01-01T00:00:{second:02}.0000000Z" for second in range(60)]
TOLL = table(
    "LicensePlate | Make | Time",
    "DXE 5291 | Honda | 2015-07-27T00:00:05.0000000Z",
    "YZK 5704 | Ford | 2015-07-27T00:02:17.0000000Z",
    "RMV 8282 | Honda | 2015-07-27T00:05:01.0000000Z",
    "YHN 6970 | Toyota | 2015-07-27T00:06:00.0000000Z",
    "VFE 1616 | Toyota | 2015-07-27T00:09:31.0000000Z",
    "QYF 9358 | Honda | 2015-07-27T00:12:02.0000000Z",
    "MDR 6128 | BMW | 2015-07-27T00:13:45.0000000Z",
)


def cars(*makes_and_seconds: tuple[str, int], **more: list[Any]) -> list[dict[str, Any]]:
    return [
        {"Make": make, "Time": SECONDS[second], **{name: values[index] for name, values in more.items()}}
        for index, (make, second) in enumerate(makes_and_seconds)
    ]


def plates(rows: list[dict[str, Any]]) -> list[str]:
    return [row["LicensePlate"] for row in rows]


def test_convert_data_types() -> None:
    rows = run(
        """
        SELECT Make, SUM(CAST(Weight AS BIGINT)) AS Weight
        FROM Input TIMESTAMP BY Time
        GROUP BY Make, TumblingWindow(second, 10)
        """,
        Input=cars(("Honda", 1), ("Honda", 2), Weight=["1000", "2000"]),
    )
    assert rows == {"output": [{"Make": "Honda", "Weight": 3000}]}


def test_like() -> None:
    events = cars(("Honda", 1), ("Toyota", 2), ("Nissan", 3), LicensePlate=["ABC-123", "AAA-999", "ABC-369"])
    rows = run("SELECT * FROM Input TIMESTAMP BY Time WHERE LicensePlate LIKE 'A%9'", Input=events)
    assert rows == {"output": events[1:]}


def test_case() -> None:
    rows = run(
        """
        SELECT
            CASE
                WHEN COUNT(*) = 1 THEN CONCAT('1 ', Make)
                ELSE CONCAT(CAST(COUNT(*) AS NVARCHAR(MAX)), ' ', Make, 's')
            END AS CarsPassed,
            System.TimeStamp() AS AsaTime
        FROM Input TIMESTAMP BY Time
        GROUP BY Make, TumblingWindow(second, 10)
        """,
        Input=cars(("Honda", 1), ("Toyota", 2), ("Toyota", 3)),
    )
    assert rows["output"] == [
        {"CarsPassed": "1 Honda", "AsaTime": SECONDS[10]},
        {"CarsPassed": "2 Toyotas", "AsaTime": SECONDS[10]},
    ]


FIVE_CARS = cars(("Honda", 1), ("Toyota", 1), ("Honda", 2), ("Toyota", 2), ("Toyota", 3))


def test_several_outputs_without_semicolons_and_having_by_alias() -> None:
    rows = run(
        """
        SELECT *
        INTO ArchiveOutput
        FROM Input TIMESTAMP BY Time

        SELECT Make, System.TimeStamp() AS AsaTime, COUNT(*) AS [Count]
        INTO AlertOutput
        FROM Input TIMESTAMP BY Time
        GROUP BY Make, TumblingWindow(second, 10)
        HAVING [Count] >= 3
        """,
        Input=FIVE_CARS,
    )
    assert rows == {
        "ArchiveOutput": FIVE_CARS,
        "AlertOutput": [{"Make": "Toyota", "AsaTime": SECONDS[10], "Count": 3}],
    }


def test_a_step_read_by_two_queries() -> None:
    events = cars(("Honda", 1), ("Toyota", 2), ("Honda", 3), Color=["red", "red", "blue"])
    rows = run(
        """
        WITH AllRedCars AS (
            SELECT * FROM Input TIMESTAMP BY Time WHERE Color = 'red'
        )
        SELECT * INTO HondaOutput FROM AllRedCars WHERE Make = 'Honda'
        SELECT * INTO ToyotaOutput FROM AllRedCars WHERE Make = 'Toyota'
        """,
        Input=events,
    )
    assert rows == {"HondaOutput": [events[0]], "ToyotaOutput": [events[1]]}


def test_count_unique_values() -> None:
    rows = run(
        """
        SELECT COUNT(DISTINCT Make) AS CountMake, System.TIMESTAMP() AS AsaTIME
        FROM Input TIMESTAMP BY TIME
        GROUP BY TumblingWindow(second, 2)
        """,
        Input=FIVE_CARS,
    )
    assert rows["output"] == [{"CountMake": 2, "AsaTIME": SECONDS[2]}, {"CountMake": 1, "AsaTIME": SECONDS[4]}]


def test_has_a_value_changed() -> None:
    rows = run(
        """
        SELECT Make, Time FROM Input TIMESTAMP BY Time
        WHERE LAG(Make, 1) OVER (LIMIT DURATION(minute, 1)) <> Make
        """,
        Input=cars(("Honda", 1), ("Toyota", 2)),
    )
    assert rows["output"] == cars(("Toyota", 2))


def test_first_event_in_a_window() -> None:
    rows = run("SELECT LicensePlate, Make, Time FROM Input TIMESTAMP BY Time WHERE IsFirst(minute, 10) = 1", Input=TOLL)
    assert rows["output"] == [TOLL[0], TOLL[5]]


def test_first_event_of_each_make_in_a_window() -> None:
    rows = run(
        """
        SELECT LicensePlate, Make, Time FROM Input TIMESTAMP BY Time
        WHERE IsFirst(minute, 10) OVER (PARTITION BY Make) = 1
        """,
        Input=TOLL,
    )
    assert plates(rows["output"]) == ["DXE 5291", "YZK 5704", "YHN 6970", "QYF 9358", "MDR 6128"]


def test_last_event_in_a_window() -> None:
    rows = run(
        """
        WITH LastInWindow AS
        (
            SELECT MAX(Time) AS LastEventTime
            FROM Input TIMESTAMP BY Time
            GROUP BY TumblingWindow(minute, 10)
        )
        SELECT Input.LicensePlate, Input.Make, Input.Time
        FROM Input TIMESTAMP BY Time
        INNER JOIN LastInWindow
            ON DATEDIFF(minute, Input, LastInWindow) BETWEEN 0 AND 10
            AND Input.Time = LastInWindow.LastEventTime
        """,
        Input=TOLL,
    )
    assert plates(rows["output"]) == ["VFE 1616", "MDR 6128"]


def test_correlated_events() -> None:
    rows = run(
        """
        SELECT
            Make, Time, LicensePlate AS CurrentCarLicensePlate,
            LAG(LicensePlate, 1) OVER (LIMIT DURATION(second, 90)) AS FirstCarLicensePlate,
            LAG(Time, 1) OVER (LIMIT DURATION(second, 90)) AS FirstCarTime
        FROM Input TIMESTAMP BY Time
        WHERE LAG(Make, 1) OVER (LIMIT DURATION(second, 90)) = Make
        """,
        Input=cars(
            ("Honda", 1), ("Honda", 2), ("Toyota", 3), ("Honda", 4),
            LicensePlate=["ABC-123", "AAA-999", "DEF-987", "GHI-345"],
        ),
    )  # fmt: skip
    assert rows["output"] == [
        {
            "Make": "Honda",
            "Time": SECONDS[2],
            "CurrentCarLicensePlate": "AAA-999",
            "FirstCarLicensePlate": "ABC-123",
            "FirstCarTime": SECONDS[1],
        }
    ]


def test_duration_between_events() -> None:
    """The page compares with 'start' and 'end' what its table spells Start and End: texts differ by case here."""
    rows = run(
        """
        SELECT
            [user], feature,
            DATEDIFF(
                second,
                LAST(Time) OVER (PARTITION BY [user], feature LIMIT DURATION(hour, 1) WHEN Event = 'Start'),
                Time) as duration
        FROM input TIMESTAMP BY Time
        WHERE Event = 'End'
        """,
        input=table(
            "user | feature | Event | Time",
            "user@location.com | RightMenu | Start | 2015-01-01T00:00:01.0000000Z",
            "user@location.com | RightMenu | End | 2015-01-01T00:00:08.0000000Z",
        ),
    )
    assert rows["output"] == [{"user": "user@location.com", "feature": "RightMenu", "duration": 7}]


def test_duration_of_a_condition() -> None:
    weights = [2000, 25000, 26000, 25000, 26000, 25000, 26000, 2000]
    rows = run(
        """
        WITH SelectPreviousEvent AS
        (
            SELECT
                *,
                LAG([time]) OVER (LIMIT DURATION(hour, 24)) as previousTime,
                LAG([weight]) OVER (LIMIT DURATION(hour, 24)) as previousWeight
            FROM input TIMESTAMP BY [time]
        )
        SELECT
            LAG(time) OVER (LIMIT DURATION(hour, 24) WHEN previousWeight < 20000 ) [StartFault],
            previousTime [EndFault]
        FROM SelectPreviousEvent
        WHERE [weight] < 20000 AND previousWeight > 20000
        """,
        input=cars(*((("Honda", "Toyota")[n % 2], n + 1) for n in range(8)), Weight=weights),
    )
    assert rows["output"] == [{"StartFault": SECONDS[2], "EndFault": SECONDS[7]}]


def test_fill_missing_values() -> None:
    """The page prints other time zones than its input has; the seconds and the values are its own."""
    rows = run(
        """
        SELECT System.Timestamp() AS windowEnd, TopOne() OVER (ORDER BY t DESC) AS lastEvent
        FROM input TIMESTAMP BY t
        GROUP BY HOPPINGWINDOW(second, 300, 5)
        """,
        input=table(
            "t | value",
            '"2014-01-01T06:01:00" | 1',
            '"2014-01-01T06:01:05" | 2',
            '"2014-01-01T06:01:10" | 3',
            '"2014-01-01T06:01:15" | 4',
            '"2014-01-01T06:01:30" | 5',
            '"2014-01-01T06:01:35" | 6',
        ),
    )["output"][:10]
    assert [(row["windowEnd"][14:19], row["lastEvent"]["t"][14:], row["lastEvent"]["value"]) for row in rows] == [
        ("01:00", "01:00", 1), ("01:05", "01:05", 2), ("01:10", "01:10", 3), ("01:15", "01:15", 4),
        ("01:20", "01:15", 4), ("01:25", "01:15", 4), ("01:30", "01:30", 5), ("01:35", "01:35", 6),
        ("01:40", "01:35", 6), ("01:45", "01:35", 6),
    ]  # fmt: skip


def test_correlate_two_event_types() -> None:
    readings = [(120, 15), (100, 15), (70, 15), (50, 15), (30, 8), (20, 8), (20, 8), (20, 8)]
    rows = run(
        """
        WITH max_power_during_last_3_mins AS (
            SELECT System.TimeStamp() AS windowTime, deviceId, max(value) as maxPower
            FROM input TIMESTAMP BY t
            WHERE sensorName = 'power'
            GROUP BY deviceId, SlidingWindow(minute, 3)
        )
        SELECT
            t1.t AS eventTime, t1.deviceId, t1.value AS temp, 'Short circuit heating elements' as alertMessage,
            t2.maxPower AS maxPowerDuringLast3mins
        INTO resultsr
        FROM input t1 TIMESTAMP BY t
        JOIN max_power_during_last_3_mins t2
            ON t1.deviceId = t2.deviceId AND t1.t = t2.windowTime AND DATEDIFF(minute,t1,t2) between 0 and 3
        WHERE t1.sensorName = 'temp' AND t1.value <= 40 AND t2.maxPower > 10
        """,
        input=[
            {"t": f"2018-01-01T16:0{minute}:00", "deviceId": "Oven1", "sensorName": sensor, "value": reading}
            for minute, pair in enumerate(readings, 1)
            for sensor, reading in zip(("temp", "power"), pair, strict=True)
        ],
    )["resultsr"]
    # The page has a third row, of 16:07: it takes the power of 16:04 to be within 3 minutes still. The sliding window's
    # own page had it otherwise, row by row, and so has the windowing page (see `windows.expires`).
    assert [(row["eventTime"][11:16], row["temp"], row["maxPowerDuringLast3mins"]) for row in rows] == [
        ("16:05", 30, 15),
        ("16:06", 20, 15),
    ]


def test_substreams_keep_their_own_time() -> None:
    rows = run(
        """
        SELECT TollId, COUNT(*) AS Count
        FROM input TIMESTAMP BY Time OVER TollId
        GROUP BY TUMBLINGWINDOW(second, 5), TollId
        """,
        input=table(
            "LicensePlate | Make | Time | TollID",
            "DXE 5291 | Honda | 2015-07-27T00:00:01.0000000Z | 1",
            "YHN 6970 | Toyota | 2015-07-27T00:00:05.0000000Z | 1",
            "QYF 9358 | Honda | 2015-07-27T00:00:01.0000000Z | 2",
            "GXF 9462 | BMW | 2015-07-27T00:00:04.0000000Z | 2",
            "VFE 1616 | Toyota | 2015-07-27T00:00:10.0000000Z | 1",
            "RMV 8282 | Honda | 2015-07-27T00:00:03.0000000Z | 3",
            "MDR 6128 | BMW | 2015-07-27T00:00:11.0000000Z | 2",
            "YZK 5704 | Ford | 2015-07-27T00:00:07.0000000Z | 3",
        ),
    )["output"]
    counts = [(row["TollId"], row["Count"]) for row in rows]
    assert sorted(counts) == sorted([(1, 2), (2, 2), (1, 1), (3, 1), (2, 1), (3, 1)])
    for toll, of_toll in {1: [2, 1], 2: [2, 1], 3: [1, 1]}.items():
        assert [count for own, count in counts if own == toll] == of_toll


def test_remove_duplicates() -> None:
    rows = run(
        """
        With Temp AS (
            SELECT COUNT(DISTINCT Time) AS CountTime, Value, DeviceId
            FROM Input TIMESTAMP BY Time
            GROUP BY Value, DeviceId, SYSTEM.TIMESTAMP()
        )
        SELECT AVG(Value) AS AverageValue, DeviceId
        INTO Output
        FROM Temp
        GROUP BY DeviceId,TumblingWindow(minute, 5)
        """,
        Input=table(
            "DeviceId | Time | Attribute | Value",
            "1 | 2018-07-27T00:00:01.0000000Z | Temperature | 50",
            "1 | 2018-07-27T00:00:01.0000000Z | Temperature | 50",
            "2 | 2018-07-27T00:00:01.0000000Z | Temperature | 40",
            "1 | 2018-07-27T00:00:05.0000000Z | Temperature | 60",
            "2 | 2018-07-27T00:00:05.0000000Z | Temperature | 50",
            "1 | 2018-07-27T00:00:10.0000000Z | Temperature | 100",
        ),
    )
    assert rows["Output"] == [{"AverageValue": 70.0, "DeviceId": 1}, {"AverageValue": 45.0, "DeviceId": 2}]


@pytest.mark.parametrize(
    ("window", "answer"),
    [("SlidingWindow(hour, 1)", 0.988), ("TumblingWindow(Duration(hour, 1), Offset(millisecond, -1))", 0.988)],
)
def test_percentile(window: str, answer: float) -> None:
    """Source: .../stream-analytics-query/percentile-cont-azure-stream-analytics; the offset: .../tumbling-window-..."""
    values = (0.98, 0.93, 0.78, 0.99, 0.89)
    rows = run(
        f"SELECT PERCENTILE_CONT(0.95) OVER (ORDER BY serviceAvailability) AS p FROM testInput GROUP BY {window}",
        testInput=[{"Regions": name, "ServiceAvailability": of} for name, of in zip("ABCDE", values, strict=True)],
    )["output"]
    assert any(row["p"] == pytest.approx(answer) for row in rows)


def test_a_moment_is_a_key_beside_a_window() -> None:
    """Source: .../stream-analytics-query/snapshot-window-... (the results of 30 minutes each, every 2 hours)."""
    times = ["0:10", "0:20", "0:25", "0:40", "1:50", "2:10"]
    tweets = [
        {"Topic": topic, "User": user, "CreatedAt": f"2026-01-01T0{time}:00Z"}
        for topic, user, time in zip("xxxxyx", "abaaac", times, strict=True)
    ]
    rows = run(
        """
        WITH PerInterval AS (
            SELECT Topic, User, COUNT(*)
            FROM TwitterStream TIMESTAMP BY CreatedAt
            GROUP BY Topic, User, TumblingWindow(minute, 30)
        )
        SELECT Topic, Users = COUNT(*), Total = SUM(count), System.Timestamp() AS T
        FROM PerInterval
        GROUP BY Topic, System.Timestamp(), Tumbling (hour, 2)
        """,
        TwitterStream=tweets,
    )["output"]
    assert [(row["Topic"], row["Users"], row["Total"], row["T"][11:16]) for row in rows] == [
        ("x", 2, 3, "02:00"),
        ("x", 1, 1, "02:00"),
        ("y", 1, 1, "02:00"),
        ("x", 1, 1, "04:00"),
    ]
