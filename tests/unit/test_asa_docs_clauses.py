"""The examples of the pages of the clauses, re-typed: SELECT, WHERE, JOIN, APPLY, UNION, WITH, INTO, TIMESTAMP BY.

Source: https://learn.microsoft.com/stream-analytics-query/NAME-azure-stream-analytics; each says its NAME. The pages
have few events, so most are ours. Spelling mistakes of the pages (BETWEEEN, SELET) are not re-typed.
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
EXITS = table(
    "TollId | ExitTime | LicensePlate",
    "1 | 2014-09-10T12:03:00Z | JNB 7001",
    "3 | 2014-09-10T12:17:00Z | ABC 1004",
    "2 | 2014-09-10T12:18:01Z | XAC 1003",
)


def at(second: int, **columns: Any) -> dict[str, Any]:
    return {"t": f"2026-01-01T00:00:{second:02}Z", **columns}


def test_select() -> None:
    """select-...: aliases before and after, quoted names, and that columns on the left take precedence."""
    rows = run(
        """
        SELECT TollId AS [Toll Id], EntryTime "Entry Time", Plate = LicensePlate, "[my][Field]" AS myField, r.*, *
        FROM input
        """,
        input=[{"TollId": 1, "EntryTime": "e", "LicensePlate": "p", "[my][Field]": 5, "r": {"plate": "q", "x": 6}}],
    )["output"][0]
    assert list(rows)[:5] == ["Toll Id", "Entry Time", "Plate", "myField", "x"]
    assert rows["Plate"] == "p"
    assert rows["TollId"] == 1


def test_where() -> None:
    """where-..., and that NULL is neither = nor <> anything."""
    rows = run(
        """
        SELECT TollId, LicensePlate
        FROM TollTagEntry TIMESTAMP BY EntryTime
        WHERE ( CAST(TollId AS bigint) BETWEEN 1 AND 2 )
        AND LicensePlate LIKE '%AC%'
        """,
        TollTagEntry=TOLL,
    )
    assert rows["output"] == [{"TollId": 2, "LicensePlate": "XAC 1003"}]
    for condition, ids in (("col1 = 1", [1]), ("col1 != 1", [3]), ("col1 IS NULL", [2]), ("id NOT IN (1, 3)", [2])):
        found = run(f"SELECT id FROM input WHERE {condition}", input=[
            {"id": 1, "col1": 1}, {"id": 2, "col1": None}, {"id": 3, "col1": 2},
        ])["output"]  # fmt: skip
        assert [row["id"] for row in found] == ids


def test_join_of_entry_and_exit() -> None:
    """join-..., the second example, and the last, whose rows are those that the first has not."""
    both = """
        SELECT I1.TollId, I1.LicensePlate, DATEDIFF(minute,I1.EntryTime,I2.ExitTime) AS DurationinMinutes
        FROM Input1 I1 TIMESTAMP BY EntryTime
        {} JOIN Input2 I2 TIMESTAMP BY ExitTime
        ON I1.TollId=I2.TollId
        AND I1.LicensePlate=I2.LicensePlate
        AND DATEDIFF(minute,I1,I2) BETWEEN 0 AND 15 {}
        """
    rows = run(both.format("", ""), Input1=TOLL, Input2=EXITS)["output"]
    assert [(row["LicensePlate"], row["DurationinMinutes"]) for row in rows] == [("JNB 7001", 2), ("ABC 1004", 15)]
    rows = run(both.format("LEFT OUTER", "WHERE I2.TollId IS NULL"), Input1=TOLL, Input2=EXITS)["output"]
    assert [(row["LicensePlate"], row["DurationinMinutes"]) for row in rows] == [("YXZ 1001", None), ("XAC 1003", None)]


TRANSACTIONS = """
    SELECT TS.Id, E.ErrorCode, System.Timestamp() AS at
    FROM TStart TS TIMESTAMP BY t
    JOIN TEnd TE TIMESTAMP BY t
    ON DATEDIFF(second, TS, TE) BETWEEN 0 AND 5
    AND TS.Id = TE.Id
    JOIN Error E TIMESTAMP BY t
    ON {}
    AND E.TId = TS.Id
    """


@pytest.mark.parametrize(
    "bounds",
    [
        "DATEDIFF(second, TS, E) BETWEEN 0 AND 5 AND DATEDIFF(second, TE, E) < 0",
        "DATEDIFF(second, E, TE) > 0 AND DATEDIFF(second, E, TS) BETWEEN -5 AND 0",
    ],
)
def test_errors_between_start_and_end(bounds: str) -> None:
    """join-..., the example of three streams, and the same said the other way round."""
    rows = run(
        TRANSACTIONS.format(bounds),
        TStart=[at(0, Id=1), at(1, Id=2)],
        TEnd=[at(4, Id=1), at(5, Id=2)],
        Error=[
            at(0, TId=1, ErrorCode="a"), at(0, TId=2, ErrorCode="before"), at(3, TId=1, ErrorCode="b"),
            at(4, TId=1, ErrorCode="with the end"), at(4, TId=2, ErrorCode="c"), at(5, TId=1, ErrorCode="after"),
        ],
    )["output"]  # fmt: skip
    assert [(row["Id"], row["ErrorCode"], row["at"][18]) for row in rows] == [
        (1, "a", "4"), (1, "b", "4"), (2, "c", "5"),
    ]  # fmt: skip


def test_a_row_that_was_not_found_has_no_time_to_be_near() -> None:
    query = TRANSACTIONS.replace("JOIN TEnd", "LEFT JOIN TEnd")
    near = query.format("DATEDIFF(second, TS, E) BETWEEN 0 AND 5 AND DATEDIFF(second, TE, E) < 9")
    inputs = {"TStart": [at(0, Id=1), at(0, Id=2)], "TEnd": [at(4, Id=1)]}
    errors = [at(3, TId=1, ErrorCode="a"), at(3, TId=2, ErrorCode="b")]
    assert [row["ErrorCode"] for row in run(near, **inputs, Error=errors)["output"]] == ["a"]
    free = query.format("DATEDIFF(second, TS, E) BETWEEN 0 AND 5")
    assert [row["ErrorCode"] for row in run(free, **inputs, Error=errors)["output"]] == ["a", "b"]


def test_commercial_vehicles_whose_registration_has_expired() -> None:
    """reference-data-join-..."""
    rows = run(
        """
        SELECT I1.EntryTime, I1.LicensePlate, I1.TollId, R.RegistrationId
        FROM Input1 I1 TIMESTAMP BY EntryTime
        JOIN Registration R
        ON I1.LicensePlate = R.LicensePlate
        WHERE R.Expired = '1'
        """,
        {
            "Registration": [
                {"LicensePlate": "ABC 1004", "RegistrationId": "285429838", "Expired": "1"},
                {"LicensePlate": "JNB 7001", "RegistrationId": "362715656", "Expired": "0"},
            ]
        },
        Input1=TOLL,
    )["output"]
    assert rows == [
        {"EntryTime": TOLL[2]["EntryTime"], "LicensePlate": "ABC 1004", "TollId": 3, "RegistrationId": "285429838"}
    ]


LICENSES = [
    {"TollId": "1", "Licenses": ["a", "b"], "ArrayOfArray": [["a", "b"], [], ["c"]]},
    {"TollId": "2", "Licenses": [], "ArrayOfArray": []},
]


def test_cars_with_several_license_plates() -> None:
    """apply-..., the first two examples."""
    query = """
        SELECT e.TollId, flat.ArrayValue AS licensePlate, flat.ArrayIndex AS licensePlateIndex
           FROM input AS e
           {} APPLY GetArrayElements(e.Licenses) AS flat
        """
    plates = [("1", "a", 0), ("1", "b", 1)]
    assert [tuple(row.values()) for row in run(query.format("CROSS"), input=LICENSES)["output"]] == plates
    assert [tuple(row.values()) for row in run(query.format("OUTER"), input=LICENSES)["output"]] == [
        *plates, ("2", None, None),
    ]  # fmt: skip


def test_arrays_of_arrays() -> None:
    """apply-..., the third example."""
    rows = run(
        """
        WITH firstQuery AS (
           SELECT input.TollId, input.EntryTime,
           flat.ArrayIndex AS i1, flat.ArrayValue AS licenses
              FROM input
              CROSS APPLY GetArrayElements(input.ArrayOfArray) AS flat)

        SELECT firstQuery.TollId, firstQuery.EntryTime, firstQuery.i1,
        flat2.ArrayIndex AS i2, flat2.ArrayValue AS license
           FROM firstQuery
           CROSS APPLY GetArrayElements(firstQuery.licenses) AS flat2
        """,
        input=LICENSES,
    )["output"]
    assert [(row["i1"], row["i2"], row["license"]) for row in rows] == [(0, 0, "a"), (0, 1, "b"), (2, 0, "c")]


@pytest.mark.parametrize("function", ["GetArrayElements", "GetRecordProperties"])
@pytest.mark.parametrize("kind", ["CROSS", "OUTER"])
def test_apply_of_what_the_function_does_not_take_stops_the_job(function: str, kind: str) -> None:
    """Source: https://learn.microsoft.com/azure/stream-analytics/input-validation ("Device 4 will give us")."""
    with pytest.raises(EvaluationError, match=rf'^q.asaql:1:43: {function}\(\): "text" .* is no (array|record); TRY_'):
        run(f"SELECT 1 AS x FROM input i {kind:5} APPLY    {function}(i.a) AS e", input=[{"a": "text"}])


def test_union_of_entry_and_exit() -> None:
    """union-..."""
    rows = run(
        """
        SELECT TollId, EntryTime AS Time, LicensePlate
        FROM Input1 TIMESTAMP BY EntryTime
        UNION
        SELECT TollId, ExitTime AS Time, LicensePlate
        FROM Input2 TIMESTAMP BY ExitTime
        """,
        Input1=TOLL[:2],
        Input2=[*EXITS[:1], *EXITS[:1]],
    )["output"]
    assert [row["Time"][14:16] for row in rows] == ["01", "02", "03", "03"]


def test_steps_and_outputs() -> None:
    """with-... (whose third step calls a column by another name than the second gives it)."""
    readings = [at(1, SensorId=1, Reading=5), at(2, SensorId=1, Reading=7), at(3, SensorId=2, Reading=50)]
    rows = run(
        """
        WITH
        NormalReadings AS
        (
          SELECT *
          FROM Sensor TIMESTAMP BY t
          WHERE Reading < 100 AND Reading > 0
        ),
        Averages AS
        (
          SELECT SensorId, AVG(Reading) as AvgNormalReading
          FROM NormalReadings
          GROUP BY SensorId, TumblingWindow(minute, 1)
        ),
        BadAverages AS
        (
          SELECT *
          FROM Averages
          WHERE AvgNormalReading < 10
        )

        SELECT * INTO outputAlerts FROM BadAverages
        SELECT * INTO outputLog FROM NormalReadings
        """,
        Sensor=[*readings, at(4, SensorId=2, Reading=100), at(5, SensorId=2, Reading=0)],
    )
    assert rows == {"outputAlerts": [{"SensorId": 1, "AvgNormalReading": 6.0}], "outputLog": readings}


def test_into_outputs_and_the_start_of_a_window() -> None:
    """into-... (which quotes a text as a name is: here it has the quotes of a text)."""
    rows = run(
        """
        WITH WAVehicle AS (
            SELECT TollId, EntryTime AS VehicleEntryTime, LicensePlate, State
            FROM TollTagEntry TIMESTAMP BY EntryTime
            WHERE State = 'WA'
        )

        SELECT * INTO WAVehicleArchive FROM WAVehicle;

        SELECT DateAdd(minute,-3,System.TimeStamp) AS WinStartTime, System.TimeStamp AS WinEndTime, COUNT(*) INTO WAVehicleCount FROM WAVehicle GROUP BY TumblingWindow(minute, 3)
        """,  # noqa: E501
        TollTagEntry=TOLL,
    )
    assert [row["LicensePlate"] for row in rows["WAVehicleArchive"]] == ["XAC 1003"]
    assert rows["WAVehicleCount"] == [
        {"WinStartTime": "2014-09-10T12:00:00.0000000Z", "WinEndTime": "2014-09-10T12:03:00.0000000Z", "COUNT": 1}
    ]


def test_group_by_and_having() -> None:
    """group-by-... and having-...: the window and the keys in any order."""
    query = """
        SELECT TollId, System.Timestamp() AS WinEndTime, COUNT(*)
        FROM TollTagEntry TIMESTAMP BY EntryTime
        GROUP BY TumblingWindow( minute , 3 ) , TollId
        """
    rows = run(query, TollTagEntry=TOLL)["output"]
    assert [(row["TollId"], row["WinEndTime"][11:16], row["COUNT"]) for row in rows] == [
        (1, "12:03", 2), (3, "12:03", 1), (2, "12:03", 1),
    ]  # fmt: skip
    assert run(f"{query} HAVING COUNT(*) > 1", TollTagEntry=TOLL)["output"] == rows[:1]


def test_epoch_as_time() -> None:
    """timestamp-by-..., example 2."""
    rows = run(
        """
        SELECT
              System.Timestamp(),
              LicensePlate
        FROM input TIMESTAMP BY DATEADD(millisecond, epochtime, '1970-01-01T00:00:00Z')
        """,
        input=[{"epochtime": 1410350460500, "LicensePlate": "JNB 7001"}],
    )
    assert rows["output"] == [{"Timestamp": "2014-09-10T12:01:00.5000000Z", "LicensePlate": "JNB 7001"}]


def test_heterogeneous_times() -> None:
    """timestamp-by-..., example 3 (which has a comma too many)."""
    rows = run(
        """
        SELECT
              System.Timestamp() AS at,
              eventType
        FROM input TIMESTAMP BY
              (CASE eventType
                    WHEN 'A' THEN timestampA
                    WHEN 'B' THEN timestampB
              ELSE NULL END)
        """,
        input=[
            {"eventType": "A", "timestampA": "2026-01-01T00:00:01Z"},
            {"eventType": "C", "timestampA": "2026-01-01T00:00:02Z"},
            {"eventType": "B", "timestampB": "2026-01-01T00:00:03Z"},
        ],
    )["output"]
    assert [(row["at"][17:19], row["eventType"]) for row in rows] == [("01", "A"), ("03", "B")]


def test_the_time_of_a_join() -> None:
    """system-timestamp-...: the later of the two; of a row without a match, the last moment for one."""
    rows = run(
        """
        SELECT x.id, System.Timestamp() AS at
        FROM input1 x TIMESTAMP BY t
        LEFT JOIN input2 y TIMESTAMP BY t
        ON DATEDIFF(second, x, y) BETWEEN -2 AND 10 AND x.id = y.id
        """,
        input1=[at(5, id=1), at(6, id=2), at(7, id=3)],
        input2=[at(9, id=1), at(4, id=2)],
    )["output"]
    assert [(row["id"], row["at"][17:19]) for row in rows] == [(2, "06"), (1, "09"), (3, "17")]
