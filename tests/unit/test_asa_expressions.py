"""Functions and operators: what each is of its arguments. Those marked * are the examples of its page.

Source: https://learn.microsoft.com/stream-analytics-query/built-in-functions-azure-stream-analytics, a page for each.
"""

from __future__ import annotations

from typing import Any

import pytest

from local.sql.asa.errors import EvaluationError
from local.sql.asa.functions import FUNCTIONS
from tests.unit.asa_queries import run, value

EVENT = {
    "i": 7, "f": 2.5, "s": "Hello", "t": "2024-02-29T13:45:10.1234567Z", "yes": True, "no": False, "nothing": None,
    "r": {"a": {"b c": 1}, "B": [10, 20]}, "list": [1, "two", None], "Mixed": "case", "rec": {},
}  # fmt: skip

VALUES: dict[str, Any] = {
    # literals and names
    "NULL": None, "'it''s'": "it's", "N'x'": "x", ".5": 0.5, "1e3": 1000.0, "-i": -7, "+f": 2.5, "- -i": 7,
    "missing": None, "nothing": None, "mixed": "case", "[Mixed]": "case", '"mixed"': "case", "input.i": 7,
    "r.a.[b c]": 1, "r.A.missing.deeper": None, "r.b[1]": 20, "r.b[2]": None, "s.x": None, "list[0]": 1, "i[0]": None,
    "GetRecordPropertyValue(r, 'a').[b c]": 1, "GetArrayElement(r.B, 0)": 10, "GetArrayElement(r.B, -1)": None,
    # arithmetic: bigint stays bigint, and a quotient drops its fraction
    "i + 1": 8, "i - 10": -3, "i * 2": 14, "i / 2": 3, "-i / 2": -3, "i % 4": 3, "-i % 4": -3, "i / 2.0": 3.5,
    "f * 2": 5.0, "f + i": 9.5, "i + 1 * 2": 9, "(i + 1) * 2": 16, "10 - 3 - 2": 5, "yes + 1": 2, "i + NULL": None,
    "i & 3": 3, "i | 8": 15, "i ^ 1": 6, "~i": -8, "~yes": False, "-yes": -1, "+yes": 1,
    "s + '!'": "Hello!", "s + nothing": None,
    # CASE, COALESCE
    "CASE WHEN i > 5 THEN 'big' ELSE 'small' END": "big",
    "CASE i WHEN 1 THEN 'one' WHEN 7 THEN 'seven' ELSE NULL END": "seven",
    "CASE WHEN missing > 5 THEN 1 ELSE NULL END": None, "CASE missing WHEN NULL THEN 1 ELSE 2 END": 2,
    "COALESCE(missing, NULL, i)": 7, "COALESCE(missing, nothing)": None,
    # texts
    "CONCAT('Make: ', s, ', ', missing)": "Make: Hello, ",  # *
    "CONCAT(NULL, missing)": "",  # *
    "CONCAT_WS('-', 'a', NULL, 'b')": "a-b", "LEN('ab  ')": 2, "LEN(' ab')": 3, "LEN(missing)": None,
    "LOWER(s)": "hello", "UPPER(s)": "HELLO", "TRIM('  a ')": "a", "LTRIM('  a ')": "a ", "RTRIM('  a ')": "  a",
    "LEFT(s, 2)": "He", "RIGHT(s, 3)": "llo", "RIGHT(s, 99)": "Hello", "LEFT(s, 0)": "", "REVERSE(s)": "olleH",
    "SUBSTRING(s, 2, 3)": "ell", "SUBSTRING(s, 0, 3)": "He", "SUBSTRING(s, 4, 99)": "lo",
    "CHARINDEX('l', s)": 3, "CHARINDEX('l', s, 4)": 4, "CHARINDEX('z', s)": 0, "CHARINDEX('L', s)": 0,
    "CHARINDEX('H', s, -5)": 1, "PATINDEX('%l_o%', s)": 3, "PATINDEX('%lo', s)": 4, "PATINDEX('H%', s)": 1,
    "PATINDEX('%[0-9]%', 'ab3')": 3, "PATINDEX('%z%', s)": 0, "PATINDEX('%', s)": 1, "PATINDEX('%e%o', s)": 2,
    "REGEXMATCH('AB 123', '[0-9][0-9][0-9]')": 4,
    "REGEXMATCH(s, 'HELL')": 1, "REGEXMATCH(s, '(')": 0, "REGEXMATCH(s, missing)": None,
    "REPLACE(s, 'l', 'L')": "HeLLo", "REPLICATE('ab', 3)": "ababab", "REPLICATE('ab', -1)": None, "SPACE(2)": "  ",
    "STUFF('abcdef', 2, 3, 'ijklmn')": "aijklmnef", "STUFF(s, 9, 1, 'x')": "", "STUFF(s, -3, 1, 'x')": "xello",
    "STUFF(s, 2, 99, 'x')": "Hx", "STUFF(s, 2, 0, 'x')": "Hxello", "STUFF(s, 6, 0, 'x')": "",
    "STUFF('', 1, 0, 'x')": "",
    "TRANSLATE('[137.4, 72.3]', '[,]', '( )')": "(137.4  72.3)", "UNICODE('A')": 65, "NCHAR(65)": "A",
    "NCHAR(-1)": None,
    # numbers
    "ABS(-i)": 7, "ABS(-f)": 2.5, "CEILING(f)": 3.0, "FLOOR(-f)": -3.0, "CEILING(i)": 7, "SIGN(-f)": -1.0, "SIGN(i)": 1,
    "SQUARE(i)": 49.0, "SQRT(16)": 4.0, "POWER(f, 2)": 6.25,
    "POWER(2, 0.5)": 1, "POWER(i, -1)": 0, "POWER(-1, 99999999999)": -1, "EXP(0)": 1.0,
    "ROUND(1, 0)": 1, "ROUND(0, 0)": 0, "ROUND(-1, 0)": -1, "ROUND(1.0, 0)": 1.0, "ROUND(0.5, 0)": 1.0,  # *
    "ROUND(-0.5, 0)": -1.0, "ROUND(1.234, 2)": 1.23, "ROUND(1.234, 10)": 1.234, "ROUND(123.4, -1)": 120.0,  # *
    "ROUND(123.4, -10)": 0.0, "ROUND(501.0101, -3)": 1000.0, "ROUND(123.9995, 3)": 124.0,  # *
    # datetimes
    "DATEPART(year, t)": 2024, "DATEPART(qq, t)": 1, "DATEPART(mm, t)": 2, "DATEPART(dy, t)": 60, "DATEPART(d, t)": 29,
    "DATEPART(wk, t)": 9, "DATEPART(weekday, t)": 5, "DATEPART(hh, t)": 13, "DATEPART(n, t)": 45, "DATEPART(s, t)": 10,
    "DATEPART(ms, t)": 123, "DATEPART(mcs, t)": 123456, "DATENAME(month, t)": "February", "DATENAME(dw, t)": "Thursday",
    "DATENAME(year, t)": "2024", "DAY(t)": 29, "MONTH(t)": 2, "YEAR(t)": 2024, "YEAR(missing)": None,
    "DATEADD(year, 1, t)": "2025-02-28T13:45:10.1234567Z", "DATEADD(month, -3, t)": "2023-11-29T13:45:10.1234567Z",
    "DATEADD(hour, 2, t)": "2024-02-29T15:45:10.1234567Z", "DATEADD(day, 1.9, t)": "2024-03-01T13:45:10.1234567Z",
    "DATEDIFF(minute, t, DATEADD(hour, 2, t))": 120, "DATEDIFF(year, '2023-12-31T23:59:59Z', t)": 1,
    "DATEDIFF(day, '2024-02-28T23:59:59Z', '2024-02-29T00:00:00Z')": 1, "DATEDIFF(month, t, '2024-01-31')": -1,
    "DATEDIFF(week, '2024-03-02', '2024-03-03')": 1, "DATEDIFF(second, t, missing)": None,
    "DATETIMEFROMPARTS(2024, 2, 29, 13, 45, 10, 123)": "2024-02-29T13:45:10.1230000Z",
    # types
    "NULLIF(i, 7)": None, "NULLIF(s, i)": "Hello", "JSON_PARSE('{\"a\": 1}')": {"a": 1}, "JSON_PARSE(s)": None,
    "GetType(i)": "bigint", "GetType(f)": "float", "GetType(s)": "nvarchar(max)", "GetType(yes)": "bit",
    "GetType(r)": "record", "GetType(list)": "array", "GetType(CAST(t AS datetime))": "datetime",
    "GetType(t)": "nvarchar(max)", "GetType(missing)": None, "GetArrayLength(list)": 3, "GetArrayLength(missing)": None,
    "CAST('42' AS bigint)": 42, "CAST(2.9 AS bigint)": 2, "CAST(yes AS bigint)": 1, "CAST('1.5' AS float)": 1.5,
    "CAST(i AS float)": 7.0, "CAST(i AS nvarchar(max))": "7", "CAST(2.0 AS nvarchar(max))": "2",
    "CAST(f AS nvarchar(max))": "2.5", "CAST(yes AS nvarchar(max))": "true",
    "CAST(r.a AS nvarchar(max))": '{"b c":1}', "CAST('2024-01-01' AS datetime)": "2024-01-01T00:00:00.0000000Z",
    "CAST('2024-01-01T02:00:00+02:00' AS datetime)": "2024-01-01T00:00:00.0000000Z", "CAST(1 AS bit)": True,
    "CAST('false' AS bit)": False, "CAST(NULL AS bigint)": None, "CAST(r AS record)": EVENT["r"],
    "TRY_CAST('this is a string' AS bigint)": None,  # *
    "TRY_CAST('1.5' AS bigint)": None, "TRY_CAST('2024-13-01' AS datetime)": None, "TRY_CAST(s AS bit)": None,
    "TRY_CAST(s AS array)": None, "TRY_CAST(1e300 AS bigint)": None, "TRY_CAST('9223372036854775808' AS bigint)": None,
    "TRY_CAST(list AS array)": EVENT["list"], "TRY_CAST(i AS record)": None, "TRY_CAST('7 ' AS bigint)": 7,
}  # fmt: skip


@pytest.mark.parametrize("expression", VALUES)
def test_value(expression: str) -> None:
    found = value(expression, EVENT)
    assert (type(found), found) == (type(VALUES[expression]), VALUES[expression])


def test_every_function_is_tried() -> None:
    tried = " ".join(VALUES).upper()
    assert [name for name in FUNCTIONS if f"{name}(" not in tried] == []


TRUE, FALSE, UNKNOWN = "true", "false", "unknown"
CONDITIONS = {
    "i = 7": TRUE, "i = 7.0": TRUE, "i <> 7": FALSE, "i != 8": TRUE, "i >= 7": TRUE, "i !< 7": TRUE, "i !> 6": FALSE,
    "f < i": TRUE, "yes = 1": TRUE, "no = 0": TRUE, "yes = 'true'": UNKNOWN, "s = 'hello'": FALSE, "s = 'Hello'": TRUE,
    "s > 'Hal'": TRUE, "i = '7'": UNKNOWN, "i <> '7'": UNKNOWN, "missing = missing": UNKNOWN, "i = NULL": UNKNOWN,
    "r = r": UNKNOWN, "CAST(t AS datetime) = t": TRUE, "CAST(t AS datetime) > '2024-02-29'": TRUE,
    "CAST(t AS datetime) > 'soon'": UNKNOWN, "missing IS NULL": TRUE, "i IS NOT NULL": TRUE, "nothing IS NULL": TRUE,
    "i IN (1, 7)": TRUE, "i IN (1, 2)": FALSE, "i IN (1, NULL)": UNKNOWN, "i NOT IN (1, 2)": TRUE,
    "i NOT IN (7, NULL)": FALSE, "i NOT IN (1, NULL)": UNKNOWN, "missing IN (1)": UNKNOWN,
    "i BETWEEN 7 AND 9": TRUE, "i BETWEEN 8 AND 9": FALSE, "i NOT BETWEEN 8 AND 9": TRUE, "i BETWEEN NULL AND 6": FALSE,
    "i BETWEEN NULL AND 9": UNKNOWN, "s LIKE 'H%o'": TRUE, "s LIKE 'h%'": FALSE, "s LIKE '_ello'": TRUE,
    "REPLICATE('a', 2000) LIKE CONCAT(REPLICATE('%a', 40), '%b')": FALSE,  # backtracking would try some 2^40 ways
    "s LIKE '[A-H]%'": TRUE, "s LIKE '[^A-H]%'": FALSE, "s NOT LIKE '%z%'": TRUE, "missing LIKE '%'": UNKNOWN,
    "'50%' LIKE '50[%]'": TRUE, "'505' LIKE '50[%]'": FALSE, "'a.c' LIKE 'a.c'": TRUE, "'abc' LIKE 'a.c'": FALSE,
    "NOT i = 7": FALSE, "NOT missing = 1": UNKNOWN, "i = 7 AND missing = 1": UNKNOWN, "i = 8 AND missing = 1": FALSE,
    "i = 7 OR missing = 1": TRUE, "i = 8 OR missing = 1": UNKNOWN, "i = 1 OR i = 7 AND f = 2.5": TRUE,
    "(i = 7 OR i = 1) AND f = 0": FALSE, "NOT (i = 8) AND NOT (f = 0)": TRUE,
}  # fmt: skip


@pytest.mark.parametrize("condition", CONDITIONS)
def test_condition(condition: str) -> None:
    """Unknown is what neither a condition nor its NOT lets through."""
    kept = run(f"SELECT i FROM input WHERE {condition}", input=[EVENT])["output"]
    kept_by_not = run(f"SELECT i FROM input WHERE NOT ({condition})", input=[EVENT])["output"]
    assert {(1, 0): TRUE, (0, 1): FALSE, (0, 0): UNKNOWN}[len(kept), len(kept_by_not)] == CONDITIONS[condition]


STOPS = {
    "CAST(s AS bigint)": 'CAST: "Hello" (nvarchar(max)) is no bigint; TRY_CAST() would be NULL',
    "LEN(i)": "LEN(): 7 (bigint) is no nvarchar(max); CAST() or TRY_CAST() makes it one",
    "s + 1": '+: "Hello" (nvarchar(max)) is no bigint or float; CAST() or TRY_CAST() makes it one',
    "1 + i / 0": "/: division by zero",
    "SQRT(-1)": "SQRT(): it has no result",
    "POWER(10, 400)": "POWER(): the result does not fit in a bigint",
    "POWER(10, 19.5)": "POWER(): the result does not fit in a bigint",
    "POWER(1e1, 400)": "POWER(): the result does not fit in a float",
    "POWER(0, -1)": "POWER(): it has no result",
    "STUFF(s, 2, -1, 'x')": "STUFF(): -1 (bigint) is no length: it is negative; CAST() or TRY_CAST() makes it one",
    "SUBSTRING(s, 2, -1)": "SUBSTRING(): -1 (bigint) is no length: it is negative; CAST() or TRY_CAST() makes it one",
    "~f": "~: 2.5 (float) is no bigint or bit; CAST() or TRY_CAST() makes it one",
    "170 | 75.0": "|: 75.0 (float) is no bigint or bit; CAST() or TRY_CAST() makes it one",
    "9223372036854775807 + 1": "+: the result does not fit in a bigint",
    "CAST(9223372036854775807 AS float) * 1e300": "*: the result does not fit in a float",
    "DATEADD(year, 9000, t)": "DATEADD(): the result is no datetime of the years 1 to 9999",
    "DATEPART(year, s)": 'DATEPART(): "Hello" (nvarchar(max)) is no datetime; CAST() or TRY_CAST() makes it one',
    "DATETIMEFROMPARTS(2023, 2, 29, 0, 0, 0, 0)": "DATETIMEFROMPARTS(): there is no such day or time of day",
    "TRANSLATE(s, 'ab', 'c')": "TRANSLATE(): its second and third arguments differ in length",
    "LEFT(s, -1)": "LEFT(): -1 (bigint) is no length: it is negative; CAST() or TRY_CAST() makes it one",
    "REPLICATE(s, 100000000)": "REPLICATE(): the text would be longer than 8000000 characters",
}


@pytest.mark.parametrize("expression", STOPS)
def test_what_stops_a_job_says_where_and_why(expression: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        value(expression, EVENT)
    position, _, message = str(caught.value).partition(": ")
    assert message == STOPS[expression]
    assert position == f"q.asaql:1:{12 if expression.startswith('1 + i') else 8}"
