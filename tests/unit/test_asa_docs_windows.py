"""The examples of the pages of the windows and of the aggregates, re-typed.

Source: https://learn.microsoft.com/stream-analytics-query/NAME-azure-stream-analytics; each says its NAME. The pages
have few events, so most are ours.
"""

from __future__ import annotations

from typing import Any

import pytest

from local.sql.asa.errors import EvaluationError
from tests.unit.asa_queries import run, table

TOLL = table(
    "TollId | EntryTime | LicensePlate | State | Toll",
    "1 | 2014-09-10T12:01:00Z | JNB 7001 | NY | 7",
    "1 | 2014-09-10T12:02:00Z | YXZ 1001 | NY | 4",
    "3 | 2014-09-10T12:02:00Z | ABC 1004 | CT | 5",
    "2 | 2014-09-10T12:03:00Z | XAC 1003 | WA | 4",
)


def at(second: int, **columns: Any) -> dict[str, Any]:
    return {"t": f"2026-01-01T00:00:{second:02}Z", **columns}


def test_windows_beside_a_snapshot() -> None:
    """snapshot-window-stream-analytics, "Aggregate windows example"."""
    rows = run(
        """
        SELECT
            TollId,
            COUNT(*)
        FROM Input TIMESTAMP BY EntryTime
        GROUP BY
            TollId,
            Windows(
                TumblingWindow(minute, 10),
                TumblingWindow(minute, 20),
                System.Timestamp())
        """,
        Input=[*TOLL[:2], *TOLL[:1]],
    )["output"]
    assert sorted((row["TollId"], row["COUNT"]) for row in rows) == [(1, 1), (1, 2), (1, 3), (1, 3)]


def test_window_sizes_by_reference_data() -> None:
    """windows-..., the third example (whose step lacks its AS)."""
    sizes = (10, 20, 30)
    windows = ", ".join(f"Window('H{size}', Hopping(minute, {size}, 5))" for size in sizes)
    rows = run(
        f"""
        WITH HoppingWindowResults AS
        (
            SELECT
                System.Window().Id,
                TollId,
                COUNT(*)
            FROM Input TIMESTAMP BY EntryTime
            GROUP BY
                TollId,
                Windows({windows})
        )

        SELECT HoppingWindowResults.*
        FROM HoppingWindowResults
        JOIN ReferenceTable ON
            HoppingWindowResults.TollId = ReferenceTable.TollId
            AND HoppingWindowResults.Id = ReferenceTable.windowId
        """,
        {"ReferenceTable": [{"TollId": 1, "windowId": "H20"}, {"TollId": 3, "windowId": "H10"}]},
        Input=TOLL,
    )["output"]
    assert [(row["Id"], row["TollId"], row["COUNT"]) for row in rows] == [
        ("H10", 3, 1), ("H20", 1, 2), ("H10", 3, 1), ("H20", 1, 2), ("H20", 1, 2), ("H20", 1, 2),
    ]  # fmt: skip


def test_an_offset_takes_the_start_into_the_window() -> None:
    """tumbling-window-... and hopping-window-..."""
    events = [{"EntryTime": f"2026-01-01T{time}Z", "TollId": 1} for time in ("12:00:00", "12:30:00", "13:00:00")]
    counted = "SELECT System.Timestamp() AS WindowEnd, TollId, COUNT(*) AS n FROM Input TIMESTAMP BY EntryTime GROUP BY"
    rows = run(f"{counted} TollId, TumblingWindow(Duration(hour, 1), Offset(millisecond, -1))", Input=events)["output"]
    assert [(row["WindowEnd"][11:23], row["n"]) for row in rows] == [("12:59:59.999", 2), ("13:59:59.999", 1)]
    hopping = "HoppingWindow(Duration(hour, 1), Hop(minute, 5), Offset(millisecond, -1))"
    ends = {row["WindowEnd"][11:23]: row["n"] for row in run(f"{counted} TollId, {hopping}", Input=events)["output"]}
    assert (ends["12:04:59.999"], ends["12:59:59.999"], ends["13:04:59.999"]) == (1, 2, 2)


def test_sessions_of_users() -> None:
    """session-window-..., without its CREATE TABLE: what TIMESTAMP BY reads is a time to MIN, too."""
    rows = run(
        """
        SELECT
            user_id,
            MIN(time) AS window_start,
            System.Timestamp() AS window_end,
            DATEDIFF(s, MIN(time), System.Timestamp()) AS duration_in_seconds
        FROM localinput TIMESTAMP BY time
        GROUP BY user_id, SessionWindow(minute, 2, 60) OVER (PARTITION BY user_id)
        """,
        localinput=[
            {"time": "2017-01-26T00:00:00.0000000z", "user_id": 0, "url": "www.example.com/a.html"},
            {"time": "2017-01-26T00:00:20.0000000z", "user_id": 0, "url": "www.example.com/b.html"},
            {"time": "2017-01-26T00:00:55.0000000z", "user_id": 1, "url": "www.example.com/c.html"},
        ],
    )["output"]
    assert [(row["user_id"], row["window_start"][17:19], row["duration_in_seconds"]) for row in rows] == [
        (0, "00", 140), (1, "55", 120),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "values", "least", "greatest"),
    [
        ("v", [2, 1.5, None], 1.5, 2),
        ("v", [True, False, None], False, True),
        ("v", ["9", "10", " 2e1 "], 9.0, 20.0),  # not cast, so it is tried as a float
        ("v", ["9", 10], 9.0, 10),
        ("CAST(v AS nvarchar(max))", ["9", "10", "20"], "10", "9"),
        ("TRY_CAST(v AS nvarchar(max))", ["b", "a", "c"], "a", "c"),
        ("CONCAT(v, '!')", ["b", "a", "c"], "a!", "c!"),
        ("v", ["2026-01-01T02:00+02:00", "2025-12-31"], "2025-12-31T00:00:00.0000000Z", "2026-01-01T00:00:00.0000000Z"),
    ],
)  # fmt: skip
def test_least_and_greatest(expression: str, values: list[Any], least: Any, greatest: Any) -> None:
    """min-... and max-..., "Arguments"."""
    rows = run(
        f"SELECT MIN({expression}) AS least, MAX({expression}) AS greatest FROM input TIMESTAMP BY t "
        "GROUP BY TumblingWindow(second, 1)",
        input=[at(1, v=value) for value in values],
    )["output"]
    assert [(type(value), value) for value in rows[0].values()] == [(type(least), least), (type(greatest), greatest)]


@pytest.mark.parametrize("column", ["v", "r.v", "GetArrayElement(list, 0)", "list[0]", "e.ArrayValue"])
def test_the_least_of_texts_that_nobody_cast_stops_the_job(column: str) -> None:
    event = at(1, v="a", r={"v": "a"}, list=["a"])
    query = "SELECT MIN({}) AS x FROM input CROSS APPLY GetArrayElements(list) AS e GROUP BY TumblingWindow(second, 1)"
    with pytest.raises(
        EvaluationError, match=r'^q.asaql:1:8: MIN\(\): "a" \(nvarchar\(max\)\) is no .* CAST to nvarch'
    ):
        run(query.format(column), input=[event])
    assert run(query.format(f"CAST({column} AS nvarchar(max))"), input=[event])["output"] == [{"x": "a"}]


def test_a_step_may_cast_what_is_ordered() -> None:
    rows = run(
        "WITH s AS (SELECT CAST(v AS nvarchar(max)) AS w FROM input TIMESTAMP BY t) "
        "SELECT MAX(w) AS x FROM s GROUP BY TumblingWindow(minute, 1)",
        input=[at(1, v="9"), at(2, v="10")],
    )
    assert rows["output"] == [{"x": "9"}]


def test_events_are_counted_and_collected() -> None:
    """count-..., collect-..., collecttop-..., topone-..., percentile-disc-..."""
    events = [at(1, a=1, b=2), at(1, a=1, b=2), at(2, a=3, b=None), at(3, a=None, b=5)]
    rows = run(
        """
        SELECT COUNT(*) AS "all", COUNT() AS those, COUNT(input) AS too, COUNT(a) AS a, COUNT(ALL a) AS alla,
            COUNT(DISTINCT a) AS distincta, COUNT(DISTINCT input) AS distincts, Collect(a + b) AS allab,
            CollectTop(2, a + b) OVER (ORDER BY a ASC, b DESC) AS ranked, TopOne(a * b) OVER (ORDER BY b DESC) AS top1,
            PERCENTILE_DISC(0.95) OVER (ORDER BY b) AS p, STDEV(a) AS s, VARP(a) AS v
        FROM input TIMESTAMP BY t
        GROUP BY Tumbling(second, 10)
        """,
        input=events,
    )["output"][0]
    assert [rows[name] for name in ("all", "those", "too", "a", "alla", "distincta", "distincts")] == [
        4, 4, 4, 3, 3, 2, 3,
    ]  # fmt: skip
    assert sorted(rows["allab"], key=str) == [3, 3, None, None]
    assert rows["ranked"] == [{"rank": 1, "value": None}, {"rank": 2, "value": 3}]
    assert (rows["top1"], rows["p"]) == (None, 5)
    assert rows["s"] == pytest.approx(1.1547005)
    assert rows["v"] == pytest.approx(8 / 9)
