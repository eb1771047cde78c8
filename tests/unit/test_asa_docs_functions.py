"""The examples of the functions' own pages, and what their "Arguments" and "Remarks" say, re-typed: expression, value.

Source: https://learn.microsoft.com/stream-analytics-query/NAME-azure-stream-analytics, where NAME heads each group.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.asa_queries import run, value

EXAMPLES: dict[str, dict[str, Any]] = {
    "replace": {
        "REPLACE('abcde', 'cd', 'xx')": "abxxe",
        "REPLACE('cdabcd', 'cd', 'x')": "xabx",
        "REPLACE('cd', 'cd', 'xxx')": "xxx",
        "REPLACE('abcde', 'gh', 'xx')": "abcde",
        "REPLACE('abcde', 'cde', '')": "ab",
        "REPLACE('abcde', '', 'xxx')": "abcde",
        "REPLACE('', 'cde', 'xxx')": "",
        "REPLACE(NULL, 'cde', 'xxx')": None,
        "REPLACE('abcde', NULL, 'xxx')": None,
        "REPLACE('abcde', 'cde', NULL)": None,
    },
    "coalesce": {
        "COALESCE(0, 'a')": 0,
        "COALESCE(NULL, 'a')": "a",
        "COALESCE(NULL, NULL)": None,
        "COALESCE(NULL, NULL, 2, NULL)": 2,
    },
    "nullif": {
        "NULLIF(4, 4)": None,
        "NULLIF(5, 7)": 5,
        "NULLIF('a', 'A')": "a",
        "NULLIF(1, 1.0)": None,
        "NULLIF(1, NULL)": 1,
        "NULLIF(NULL, 1)": None,
    },
    "substring": {
        "SUBSTRING('abcdefg', 2, 4)": "bcde",
        "SUBSTRING('abcdefg', -1, 4)": "ab",  # start + length - 1 of them ...
        "SUBSTRING('abcdefg', -9, 4)": "",  # ... or none
        "SUBSTRING('abcdefg', 8, 1)": "",
        "SUBSTRING('abcdefg', 6, 99)": "fg",
    },
    "left": {"LEFT('abcdefg', 2)": "ab", "LEFT('abcdefg', 99)": "abcdefg"},
    "right": {"RIGHT('abcdefg', 2)": "fg", "RIGHT('abcdefg', 0)": ""},
    "reverse": {"REVERSE('abcdefg')": "gfedcba"},
    "stuff": {"STUFF('abcdef', 2, 3, 'ijklmn')": "aijklmnef"},
    "trim": {
        "TRIM( '      a test    ' )": "a test",
        "TRIM(blanks)": "a",
        "LTRIM( '      Left test' )": "Left test",
        "LTRIM(tabs)": "x\t",
        "RTRIM( 'Right test    ' )": "Right test",
        "RTRIM(tabs)": "\tx",
        "TRIM(separator)": "\x1fa\x1f",  # white space to Python, and not on the page
    },
    "space": {
        "RTRIM('LastName  ') + ',' + SPACE(1) +  LTRIM('    FirstName')": "LastName, FirstName",
        "SPACE(-1)": None,
    },
    "translate": {
        "TRANSLATE('2*[3+4]/{7-2}', '[]{}', '()()')": "2*(3+4)/(7-2)",
        "TRANSLATE('[137.4,72.3]', '[,]', '( )')": "(137.4 72.3)",
        "TRANSLATE('abc', 'ab', 'ba')": "bac",  # no character is replaced more than once
        "TRANSLATE('abc', NULL, 'ba')": None,
    },
    "unicode": {"UNICODE('茶')": 33590, "NCHAR(33590)": "茶", "NCHAR(UNICODE('茶'))": "茶", "NCHAR(1114112)": None},
    "charindex": {"CHARINDEX('us', 'Focus')": 4, "CHARINDEX('us', 'Focus', 5)": 0, "CHARINDEX('F', 'Focus', -1)": 1},
    "patindex": {"PATINDEX ( '%100%', 'JNB 1006' )": 5, "PATINDEX ( '%100%', 'JNB 2006' )": 0},
    "concat": {"CONCAT ( 'Make:', 'Ford', ' And Model:', NULL)": "Make:Ford And Model:", "CONCAT(NULL, NULL)": ""},
    "concat-ws": {
        "CONCAT_WS(', ', '1 Microsoft Way', NULL, 'Redmond', 'WA', NULL)": "1 Microsoft Way, Redmond, WA",
        "CONCAT_WS(', ', NULL, NULL)": "",
    },
    "power": {"POWER(2, 3)": 8, "POWER(2.0, 3)": 8.0, "POWER(3, 39)": 3**39},
    "bitwise-and": {"170 & 75": 10, "no & yes": False, "yes & yes": True, "nothing & no": None, "no & 0": 0},
    "bitwise-or": {"170 | 75": 235, "no | no": False, "no | yes": True, "nothing | yes": None, "yes | 2": 3},
    "bitwise-xor": {"170 ^ 75": 225, "no ^ yes": True, "yes ^ yes": False, "nothing ^ yes": None, "yes ^ 3": 2},
    "bitwise-not": {"~ no": True, "~ yes": False, "~ nothing": None, "~ 0": -1, "~ 1": -2, "~ 170": -171},
    "gettype": {
        "GetType(no & no)": "bit", "GetType(0 & 0)": "bigint", "GetType(no & 0)": "bigint",
        "GetType(no | 0)": "bigint", "GetType(no ^ no)": "bit", "GetType(~ no)": "bit", "GetType(~ 0)": "bigint",
        "GetType(ABS(1))": "bigint", "GetType(ABS(1.0))": "float", "GetType(CEILING(1))": "bigint",
        "GetType(FLOOR(1.5))": "float", "GetType(SIGN(1))": "bigint", "GetType(SIGN(1.0))": "float",
        "GetType(SQUARE(2))": "float", "GetType(SQRT(4))": "float", "GetType(EXP(1))": "float",
        "GetType(POWER(2, 2))": "bigint", "GetType(POWER(2.0, 2))": "float",
    },
    "data-types": {
        "CAST(CAST(1 AS bit) AS float)": 1.0, "CAST(CAST(0 AS bit) AS float)": 0.0, "CAST(0.0 AS bit)": False,
        "CAST(0.1 AS bit)": True, "CAST(-2.0 AS bit)": True, "CAST(CAST(NULL AS float) AS bit)": None,
        "-9223372036854775807 - 1": -(2**63),
    },
    "datediff": {
        "DATEDIFF (minute, '2014-09-10 11:45:30', CAST('2014-09-10 12:00:00' AS datetime))": 15,
        "DATEDIFF (minute, '2014-09-10 11:45:30', DATEADD(hour,2,'2014-09-10 11:45:30'))": 120,
    },
    "timestamp-by": {  # "String values conforming to any of ISO 8601 formats are also supported"
        f"CAST('{written}' AS datetime)": "2026-01-01T00:00:00.0000000Z"
        for written in (
            "2026-01-01", "2026-01-01T00:00", "2026-01-01T00:00:00.0Z", "2026-01-01 02:00:00+02:00",
            "2025-12-31T18:30:00.0000000-0530", "2026-01-01T02:00:00+02",
        )
    },
    "dateadd": {"DATEADD(second, -1.9, '2014-09-10')": "2014-09-09T23:59:59.0000000Z"},
    "datetimefromparts": {
        "DATETIMEFROMPARTS(2014,9,10,12,DATEPART(minute,'2014-09-10 12:05')+10,00,00)": "2014-09-10T12:15:00.0000000Z",
    },
    "json-parse": {
        "JSON_PARSE(row.old)": {"SalesOrderID": "65191", "SalesOrderDetailID": "89090"},
        "JSON_PARSE(row.old).SalesOrderID": "65191",
        "GetType(JSON_PARSE(row.old))": "record",
        "JSON_PARSE(row)": None,
        "JSON_PARSE(7)": None,
        "JSON_PARSE('{')": None,
        "JSON_PARSE('[1]')": None,
        "JSON_PARSE('{} {}')": None,
        "JSON_PARSE('{\"a\": 9223372036854775808}')": None,
        "JSON_PARSE('{\"a\": NaN}')": None,
        "JSON_PARSE('{\"a\": 1, \"b\": 1.0, \"c\": true}')": {"a": 1, "b": 1.0, "c": True},
        "JSON_PARSE('{\"a\": \"\\ud800\"}')": {"a": "\ufffd"},
        "JSON_PARSE(CONCAT(REPLICATE('{\"a\":', 101), '1', REPLICATE('}', 101)))": None,
        "JSON_PARSE(nothing)": None,
    },
}  # fmt: skip
EVENT = {
    "yes": True, "no": False, "nothing": None, "tabs": "\tx\t", "separator": "\x1fa\x1f",
    "blanks": "\t\n\v\f\r \x85\xa0\u1680\u2000\u200aa\u2028\u2029\u202f\u205f\u3000",
    "row": {"old": '{"SalesOrderID":"65191","SalesOrderDetailID":"89090"}'},
}  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "expected"), [example for page in EXAMPLES.values() for example in page.items()]
)
def test_example(expression: str, expected: Any) -> None:
    found = value(expression, EVENT)
    assert (type(found), found) == (type(expected), expected)


def test_pad_with_replicate() -> None:
    """.../replicate-...; the page's query lacks a parenthesis, and its table has a 0 more for T than 4 - LEN gives."""
    query = "SELECT ProductLine, CONCAT(REPLICATE('0', 4 - LEN(ProductLine)), [ProductLine]) AS LineCode FROM Input"
    rows = run(query, Input=[{"ProductLine": line} for line in ("T", "1222X", "99A", "123456789")])["output"]
    assert [row["LineCode"] for row in rows] == ["000T", "1222X", "099A", "123456789"]


def test_parse_a_row_that_is_text() -> None:
    """.../json-parse-..., the second query."""
    rows = run(
        """
        WITH ParsedEvents AS
        (
            SELECT JSON_PARSE(eventrow.[current]) AS ParsedCurrent
            FROM Input
        )
        SELECT
            ParsedCurrent.SalesOrderID,
            ParsedCurrent.ProductName
        FROM ParsedEvents
        """,
        Input=[{"eventrow": {"current": '{"SalesOrderID":"65191","ProductName":"Touring-2000 Blue, 54"}'}}],
    )
    assert rows["output"] == [{"SalesOrderID": "65191", "ProductName": "Touring-2000 Blue, 54"}]


def test_project_a_reading_that_changed() -> None:
    """.../nullif-..."""
    rows = run(
        """
        SELECT
             sensorId,
             reading,
             NULLIF(
                LAG(reading) OVER (PARTITION BY sensorId LIMIT DURATION(hour, 1)),
                reading
              ) AS previous_reading_if_changed
        FROM input
        """,
        input=[{"sensorId": 1, "reading": reading} for reading in (5, 5, 7)],
    )["output"]
    assert [row["previous_reading_if_changed"] for row in rows] == [None, None, 5]


def test_elements_of_an_array() -> None:
    """.../getarrayelement-...: one element, all of them, and their sums."""
    events = [
        {
            "DeviceId": device,
            "SensorReadings": {"Temperature": 80, "CustomSensor": readings},
            "t": "2026-01-01T00:00:30Z",
        }
        for device, readings in (("123", [1, 1, 0]), ("631", [0, 1, 0]))
    ]
    rows = run(
        """
        SELECT i.DeviceId, CustomerSensorValue.ArrayValue AS CustomerSensorValue
        INTO each
        FROM input AS i TIMESTAMP BY t
        CROSS APPLY GetArrayElements(i.SensorReadings.CustomSensor) AS CustomerSensorValue

        SELECT i.DeviceId, SUM(CustomerSensorValue.ArrayValue) AS CustomerSensorTotal
        INTO sums
        FROM input AS i TIMESTAMP BY t
        CROSS APPLY GetArrayElements(i.SensorReadings.CustomSensor) AS CustomerSensorValue
        GROUP BY i.DeviceId, TumblingWindow(minute, 1)

        SELECT GetArrayElement(i.SensorReadings.CustomSensor,0) AS First, i.SensorReadings.CustomSensor as All
        INTO one
        FROM input i TIMESTAMP BY t
        """,
        input=events,
    )
    assert [(row["DeviceId"], row["CustomerSensorValue"]) for row in rows["each"]] == [
        ("123", 1), ("123", 1), ("123", 0), ("631", 0), ("631", 1), ("631", 0),
    ]  # fmt: skip
    assert rows["sums"] == [
        {"DeviceId": "123", "CustomerSensorTotal": 2},
        {"DeviceId": "631", "CustomerSensorTotal": 1},
    ]
    assert rows["one"] == [{"First": 1, "All": [1, 1, 0]}, {"First": 0, "All": [0, 1, 0]}]
