"""The queries of Microsoft's tutorials and how-to articles, re-typed: input, query, output.

Source: https://learn.microsoft.com/azure/stream-analytics/NAME; each says its NAME.
"""

from __future__ import annotations

from typing import Any

import pytest

from local.sql.asa.errors import EvaluationError
from tests.unit.asa_queries import run, table

READINGS = [
    {
        "deviceId": 1, "readingTimestamp": "2021-12-10T10:00:00", "readingStr": "A String", "readingNum": 1.7145,
        "readingArray": ["A", "B"],
    },
    {"deviceId": 2, "readingTimestamp": "2021-12-10T10:01:00", "readingNum": 2.378, "readingArray": ["C"]},
    {
        "deviceId": 3, "readingTimestamp": "2021-12-10T10:01:20", "readingStr": "A Third String", "readingNum": "NaN",
        "readingArray": ["D", "E", "F"],
    },
    {
        "deviceId": 4, "readingTimestamp": "2021-12-10T10:02:10", "readingStr": "A Forth String", "readingNum": 1.2126,
        "readingArray": {},
    },
]  # fmt: skip
MAIN = """
    SELECT
        r.deviceId,
        r.readingTimestamp,
        SUBSTRING(r.readingStr,1,200) AS readingStr,
        ROUND(r.readingNum,2) AS readingNum,
        COUNT(a.ArrayValue) AS arrayCount
    INTO SQLOutput
    FROM {}
    CROSS APPLY GetArrayElements(r.readingArray) AS a
    WHERE LEN(r.readingStr) >= 2
    GROUP BY
        System.Timestamp(), --snapshot window
        r.deviceId,
        r.readingTimestamp,
        r.readingStr,
        r.readingNum
    """
VALIDATED = f"""
    WITH readingsValidated AS (
        SELECT
            -- Rename incoming fields, used for audit and debugging
            deviceId AS in_deviceId,
            readingTimestamp AS in_readingTimestamp,
            readingStr AS in_readingStr,
            readingNum AS in_readingNum,
            readingArray AS in_readingArray,

            -- Try casting fields in their expected type
            TRY_CAST(deviceId AS bigint) as deviceId,
            TRY_CAST(readingTimestamp AS datetime) as readingTimestamp,
            TRY_CAST(readingStr AS nvarchar(max)) as readingStr,
            TRY_CAST(readingNum AS float) as readingNum,
            TRY_CAST(readingArray AS array) as readingArray

        FROM readings TIMESTAMP BY readingTimestamp
    ),

    readingsToBeProcessed AS (
        SELECT
            deviceId,
            readingTimestamp,
            readingStr,
            readingNum,
            readingArray
        FROM readingsValidated
        WHERE
            readingStr IS NOT NULL
        AND readingArray IS NOT NULL
    ),

    readingsToBeRejected AS (
        SELECT
            *
        FROM readingsValidated
        WHERE -- Same clauses as readingsToBeProcessed, opposed with NOT
        NOT (
            readingStr IS NOT NULL
        AND readingArray IS NOT NULL
        )
    )

    -- Core business logic
    {MAIN.format("readingsToBeProcessed AS r")}

    -- Rejected output. For human review, correction, and manual re-insertion downstream
    SELECT
        *
    INTO BlobOutput -- to a storage adapter that doesn't require strong typing, here blob/adls
    FROM readingsToBeRejected
    """


def test_input_validation() -> None:
    """input-validation; its UDF of the length is LEN(), as it says itself. Its table lacks the rounding of 1.7145."""
    rows = run(VALIDATED, readings=READINGS)
    assert rows["SQLOutput"] == [
        {
            "deviceId": device, "readingTimestamp": f"2021-12-10T10:0{time}.0000000Z", "readingStr": text,
            "readingNum": number, "arrayCount": count,
        }
        for device, time, text, number, count in (
            (1, "0:00", "A String", 1.71, 2), (3, "1:20", "A Third String", None, 3),
        )
    ]  # fmt: skip
    assert [list(row.values()) for row in rows["BlobOutput"]] == [
        [
            2, "2021-12-10T10:01:00", None, 2.378, ["C"],
            2, "2021-12-10T10:01:00.0000000Z", None, 2.378, ["C"],
        ],
        [
            4, "2021-12-10T10:02:10", "A Forth String", 1.2126, {},
            4, "2021-12-10T10:02:10.0000000Z", "A Forth String", 1.2126, None,
        ],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (READINGS[2], r'ROUND\(\): "NaN" \(nvarchar\(max\)\) is no bigint or float'),
        (READINGS[3], r"GetArrayElements\(\): {} \(record\) is no array"),
    ],
)
def test_without_validation_malformed_events_stop_the_job(event: dict[str, Any], message: str) -> None:
    """input-validation, "Base query": the messages of devices 3 and 4, in our words."""
    query = MAIN.format("readings AS r TIMESTAMP BY r.readingTimestamp")
    assert len(run(query, readings=READINGS[:2])["SQLOutput"]) == 1
    with pytest.raises(EvaluationError, match=rf"^q\.asaql:\d+:\d+: {message}"):
        run(query, readings=[event])


def metric(second: int, node: str, value: float, cluster: str = "C1") -> dict[str, Any]:
    return {
        "eventTime": f"2018-04-30T14:50:{second}.1324132Z",
        "deviceId": "978648",
        "custom": {
            "dimensions": {
                "0": {"name": "NodeType", "value": "N1"}, "1": {"name": "Cluster", "value": cluster},
                "2": {"name": "NodeName", "value": node},
            },
            "filters": {
                "0": {"name": "application", "value": "A1"}, "1": {"name": "deviceType", "value": "T1"},
                "2": {"name": "cluster", "value": "C1"}, "3": {"name": "nodeType", "value": "N1"},
            },
        },
        "metric": {"name": "CPU", "value": value, "count": 1.0, "min": value, "max": value, "stdDev": 0.0},
    }  # fmt: skip


def test_rules_in_reference_data() -> None:
    """stream-analytics-threshold-based-rules."""
    rule = {
        "ruleId": 1234, "deviceId": "978648", "metricName": "CPU", "alertName": "hot node AVG CPU over 90",
        "operator": "AVGGREATEROREQUAL", "value": 90,
        "includeDim": {"0": "FALSE", "1": "FALSE", "2": "TRUE", "3": "FALSE", "4": "FALSE"},
        "filter": {"0": "", "1": "", "2": "C1", "3": "", "4": ""},
    }  # fmt: skip
    included = ",\n".join(
        f"dim{n} = CASE rules.includeDim.[{n}] WHEN 'TRUE' THEN metrics.custom.dimensions.[{n}].value ELSE NULL END"
        for n in range(5)
    )
    filtered = " AND\n".join(
        f"(rules.filter.[{n}] = '' OR metrics.custom.filters.[{n}].value = rules.filter.[{n}])" for n in range(5)
    )
    rows = run(
        f"""
        WITH transformedInput AS
        (
            SELECT
                {included},
                metric = metrics.metric.value,
                metricName = metrics.metric.name,
                deviceId = rules.deviceId,
                ruleId = rules.ruleId,
                alertName = rules.alertName,
                ruleOperator = rules.operator,
                ruleValue = rules.value
            FROM
                metrics
                timestamp by eventTime
            JOIN
                rules
                ON metrics.deviceId = rules.deviceId AND metrics.metric.name = rules.metricName
            WHERE
                {filtered}
        )

        SELECT
            System.Timestamp as time,
            transformedInput.deviceId as deviceId,
            transformedInput.ruleId as ruleId,
            transformedInput.metricName as metric,
            transformedInput.alertName as alert,
            AVG(metric) as avg,
            MIN(metric) as min,
            MAX(metric) as max,
            dim0, dim1, dim2, dim3, dim4
        FROM
            transformedInput
        GROUP BY
            transformedInput.deviceId,
            transformedInput.ruleId,
            transformedInput.metricName,
            transformedInput.alertName,
            dim0, dim1, dim2, dim3, dim4,
            ruleOperator,
            ruleValue,
            TumblingWindow(second, 60)
        HAVING
            (
                (ruleOperator = 'AVGGREATEROREQUAL' AND avg(metric) >= ruleValue) OR
                (ruleOperator = 'AVGEQUALORLESS' AND avg(metric) <= ruleValue)
            )
        """,
        {"rules": [rule]},
        metrics=[metric(23, "N024", 98), metric(24, "N024", 95), metric(37, "N014", 80, "C1 ")],
    )["output"]
    assert rows == [
        {
            "time": "2018-04-30T14:51:00.0000000Z", "deviceId": "978648", "ruleId": 1234, "metric": "CPU",
            "alert": "hot node AVG CPU over 90", "avg": 96.5, "min": 95.0, "max": 98.0,
            "dim0": None, "dim1": None, "dim2": "N024", "dim3": None, "dim4": None,
        }
    ]  # fmt: skip


def test_calls_by_one_user_in_two_countries() -> None:
    """stream-analytics-real-time-fraud-detection, the self-join: 1 to 5 seconds apart."""
    calls = table(
        "CallRecTime | CallingIMSI | CallingNum | SwitchNum",
        "2026-01-01T00:00:01Z | a | 1 | US",
        "2026-01-01T00:00:01Z | a | 2 | China",
        "2026-01-01T00:00:06Z | a | 3 | UK",
        "2026-01-01T00:00:07Z | b | 4 | Germany",
        "2026-01-01T00:00:08Z | a | 5 | UK",
    )
    rows = run(
        """
        SELECT  System.Timestamp as Time,
            CS1.CallingIMSI,
            CS1.CallingNum as CallingNum1,
            CS2.CallingNum as CallingNum2,
            CS1.SwitchNum as Switch1,
            CS2.SwitchNum as Switch2
        FROM CallStream CS1 TIMESTAMP BY CallRecTime
            JOIN CallStream CS2 TIMESTAMP BY CallRecTime
            ON CS1.CallingIMSI = CS2.CallingIMSI
            AND DATEDIFF(ss, CS1, CS2) BETWEEN 1 AND 5
        WHERE CS1.SwitchNum != CS2.SwitchNum
        """,
        CallStream=calls,
    )["output"]
    assert [(row["CallingNum1"], row["CallingNum2"], row["Time"][17:19]) for row in rows] == [
        (1, 3, "06"),
        (2, 3, "06"),
    ]


def test_minutes_of_a_car_in_the_station() -> None:
    """stream-analytics-build-an-iot-solution-using-stream-analytics: 90 seconds that cross two minutes are 2."""
    rows = run(
        """
        SELECT EntryStream.TollId, EntryStream.EntryTime, ExitStream.ExitTime, EntryStream.LicensePlate,
            DATEDIFF (minute, EntryStream.EntryTime, ExitStream.ExitTime) AS DurationInMinutes
        INTO CosmosDB
        FROM EntryStream TIMESTAMP BY EntryTime
        JOIN ExitStream TIMESTAMP BY ExitTime
        ON (EntryStream.TollId= ExitStream.TollId AND EntryStream.LicensePlate = ExitStream.LicensePlate)
        AND DATEDIFF (minute, EntryStream, ExitStream ) BETWEEN 0 AND 15
        """,
        EntryStream=[{"TollId": 4, "EntryTime": "2018-04-05T06:51:39.0491173Z", "LicensePlate": "JVR 9425"}],
        ExitStream=[{"TollId": 4, "ExitTime": "2018-04-05T06:53:09.0491173Z", "LicensePlate": "JVR 9425"}],
    )["CosmosDB"]
    assert [row["DurationInMinutes"] for row in rows] == [2]


def test_sessions_of_a_site() -> None:
    """stream-analytics-stream-analytics-query-patterns, "Session Windows"."""
    rows = run(
        """
        SELECT
            user_id,
            MIN(time) as StartTime,
            MAX(time) as EndTime,
            DATEDIFF(second, MIN(time), MAX(time)) AS duration_in_seconds
        FROM input TIMESTAMP BY time
        GROUP BY
            user_id,
            SessionWindow(minute, 1, 60) OVER (PARTITION BY user_id)
        """,
        input=table(
            "User_id | Time | URL",
            '0 | 2017-01-26T00:00:00.0000000Z | "www.example.com/a.html"',
            '0 | 2017-01-26T00:00:20.0000000Z | "www.example.com/b.html"',
            '1 | 2017-01-26T00:00:55.0000000Z | "www.example.com/c.html"',
            '0 | 2017-01-26T00:01:10.0000000Z | "www.example.com/d.html"',
            '1 | 2017-01-26T00:01:15.0000000Z | "www.example.com/e.html"',
        ),
    )["output"]
    assert [tuple(row.values()) for row in rows] == [
        (0, "2017-01-26T00:00:00.0000000Z", "2017-01-26T00:01:10.0000000Z", 70),
        (1, "2017-01-26T00:00:55.0000000Z", "2017-01-26T00:01:15.0000000Z", 20),
    ]


def test_lanes() -> None:
    """stream-analytics-stream-analytics-query-patterns, "CASE statements"; its texts have the quotes of names there."""
    rows = run(
        """
        SELECT
            Make,
            CASE
                WHEN Make = 'Make1' THEN 'A'
                ELSE 'B'
            END AS Dispatch_to_lane,
            System.TimeStamp() AS Time
        FROM
            Input TIMESTAMP BY Time
        """,
        Input=[
            {"Make": make, "Time": f"2015-01-01T00:00:0{n}Z"} for n, make in enumerate(("Make1", "Make2", "Make2"), 1)
        ],
    )["output"]
    assert [(row["Dispatch_to_lane"], row["Time"][18:]) for row in rows] == [
        ("A", "1.0000000Z"), ("B", "2.0000000Z"), ("B", "3.0000000Z"),
    ]  # fmt: skip
