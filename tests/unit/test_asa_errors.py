"""What a query must not hold is refused before an event is read: where it is, what it is, and what to do."""

from __future__ import annotations

import pytest

from local.sql.asa.errors import QueryError
from local.stream_analytics.job import compile_job
from tests.unit.asa_queries import run

ELSEWHERE = "is valid in Azure Stream Analytics but the local engine does not run it"
WINDOWED = "a stream has no end: GROUP BY takes a window, as in TumblingWindow(minute, 1), or System.Timestamp()"

REFUSED = {
    # Azure has it, this engine has not
    "SELECT AnomalyDetection_SpikeAndDip(x, 95, 120, 'spikes') OVER(LIMIT DURATION(second, 120)) AS a FROM input": (
        f"q.asaql:1:8: AnomalyDetection_SpikeAndDip() {ELSEWHERE}"
    ),
    "SELECT\n  a,\n  udf.parse(b) AS c\nFROM input": f"q.asaql:3:3: udf.parse() {ELSEWHERE}",
    "SELECT uda.median(b) AS c FROM input GROUP BY TumblingWindow(second, 1)": f"q.asaql:1:8: uda.median() {ELSEWHERE}",
    "SELECT ST_DISTANCE(a, b) AS d FROM input": f"q.asaql:1:8: ST_DISTANCE() {ELSEWHERE}",
    "CREATE TABLE input (a bigint)": f"q.asaql:1:1: CREATE TABLE {ELSEWHERE}",
    "SELECT * FROM input MATCH_RECOGNIZE (LIMIT DURATION (minute, 1))": f"q.asaql:1:21: MATCH_RECOGNIZE {ELSEWHERE}",
    "SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY a) AS p FROM input GROUP BY TumblingWindow(second, 1)": (
        f"q.asaql:1:8: PERCENTILE_CONT() {ELSEWHERE}"
    ),
    "SELECT Collect(a) OVER (LIMIT DURATION(hour, 1)) AS c FROM input": (
        f"q.asaql:1:8: Collect() OVER (... LIMIT DURATION ...) {ELSEWHERE}"
    ),
    "SELECT input.a FROM input JOIN cities ON cities.a = LAG(input.a) OVER (LIMIT DURATION(hour, 1))": (
        f"q.asaql:1:53: LAG() in ON {ELSEWHERE}"
    ),
    "SELECT e.ArrayIndex FROM input CROSS APPLY GetArrayElements(LAST(a) OVER (LIMIT DURATION(hour, 1))) AS e": (
        f"q.asaql:1:61: LAST() in APPLY {ELSEWHERE}"
    ),
    "SELECT TopOne(a) OVER (ORDER BY a LIMIT DURATION(hour, 1)) AS t FROM input": (
        f"q.asaql:1:8: TopOne() OVER (... LIMIT DURATION ...) {ELSEWHERE}"
    ),
    # nobody has it, or somebody else
    "SELECT VAR(a) OVER (PARTITION BY b LIMIT DURATION(hour, 1)) AS v FROM input": (
        "q.asaql:1:8: VAR() OVER (... LIMIT DURATION ...) is not Stream Analytics: SUM, AVG, MIN, MAX, COUNT have it"
    ),
    "SELECT a FROM input ORDER BY a": (
        "q.asaql:1:21: ORDER BY is not Stream Analytics: a stream has no end to be sorted at; TopOne() and "
        "CollectTop() order within a window"
    ),
    "SELECT a FROM input LIMIT 10": (
        "q.asaql:1:21: LIMIT is not Stream Analytics: a stream has no end; TopOne() and CollectTop() take the first "
        "of a window"
    ),
    "SELECT TOP 5 a FROM input": (
        "q.asaql:1:8: SELECT TOP is not Stream Analytics: TopOne() and CollectTop() take the first of a window"
    ),
    "SELECT DISTINCT a FROM input": (
        "q.asaql:1:8: SELECT DISTINCT is not Stream Analytics: GROUP BY with a window has each group once"
    ),
    "SELECT (SELECT 1) AS a FROM input": (
        "q.asaql:1:9: a subquery is not Stream Analytics: name it as a step, with WITH, and JOIN it"
    ),
    "SELECT * FROM (SELECT a FROM input)": (
        "q.asaql:1:15: a subquery is not Stream Analytics: name it as a step, with WITH"
    ),
    "SELECT ROW_NUMBER() OVER (PARTITION BY a) AS n FROM input": (
        "q.asaql:1:8: ROW_NUMBER() is not Stream Analytics: CollectTop() ranks the events of a window"
    ),
    "SELECT GETDATE() AS now FROM input": (
        "q.asaql:1:8: GETDATE() is not Stream Analytics: System.Timestamp() is the time of the event or of the window"
    ),
    "SELECT my.ABS(a) AS b FROM input": "q.asaql:1:8: my.ABS() is not Stream Analytics: ABS() takes no prefix",
    "SELECT frobnicate(a) AS b FROM input": "q.asaql:1:8: frobnicate() is not Stream Analytics",
    "SELECT CAST(a AS int) AS b FROM input": (
        "q.asaql:1:18: the type int is not Stream Analytics: the types are bigint, float, nvarchar(max), datetime, "
        "bit, record, array"
    ),
    "SELECT a FROM input UNION ALL SELECT a FROM input": (
        "q.asaql:1:21: UNION ALL is not Stream Analytics: UNION keeps every row, repeats too"
    ),
    "SELECT * FROM input RIGHT JOIN other ON 1 = 1": (
        "q.asaql:1:21: RIGHT JOIN is not Stream Analytics: there are JOIN and LEFT JOIN"
    ),
    "SELECT a FROM input WHERE b = TRUE": (
        "q.asaql:1:31: TRUE is not Stream Analytics: a bit is 1 or 0, as in x = 1 or CAST(1 AS bit)"
    ),
    "INSERT INTO output SELECT * FROM input": (
        "q.asaql:1:1: INSERT is not Stream Analytics: a script is steps and SELECTs"
    ),
    "SELECT i.a, * FROM input i JOIN cities c ON i.a = c.a": (
        "q.asaql:1:13: SELECT * of a JOIN is not Stream Analytics: name the columns, or a source and all of its, as in "
        "i.*"
    ),
    # it does not parse
    "SELECT CASE WHEN a = 1 THEN 2 END AS x FROM input": "q.asaql:1:31: expected ELSE, found 'END'",
    "": "q.asaql:1:1: expected SELECT, found the end of the query",
    "SELECT a, FROM input": "q.asaql:1:11: expected an expression, found 'FROM'",
    "SELECT a b c FROM input": "q.asaql:1:12: expected INTO or FROM, found 'c'",
    "SELECT a\nFROM input\nWHERE a BETWEEN 1 5": "q.asaql:3:19: expected AND, found '5'",
    "SELECT 'abc FROM input": "q.asaql:1:8: a quote or a comment is not closed",
    "SELECT 'a''b' AS x, [c FROM input": "q.asaql:1:21: a quote or a comment is not closed",
    "SELECT a FROM input /* no end": "q.asaql:1:21: a quote or a comment is not closed",
    "SELECT 1a FROM input": "q.asaql:1:8: '1a' is neither a number nor a name",
    "SELECT a FROM input WHERE {# b #} c = 1": "q.asaql:1:27: expected an expression, found '{'",
    "SELECT a ? b FROM input": "q.asaql:1:10: expected INTO or FROM, found '?'",
    "SELECT 'a' 'b' AS x FROM input": "q.asaql:1:16: expected INTO or FROM, found 'AS'",
    "SELECT a FROM input WHERE a = 1 = 1": "q.asaql:1:33: expected SELECT, found '='",
    "SELECT a FROM input; WITH s AS (SELECT a FROM input) SELECT a FROM s": (
        "q.asaql:1:22: the steps of a script are all in one WITH, before its first SELECT"
    ),
    f"SELECT {'(' * 200}1{')' * 200} AS x FROM input": "q.asaql:1:88: nested too deeply",
    # names
    "SELECT a FROM inptu": "q.asaql:1:15: no input or step inptu; there are: cities, input, other",
    "SELECT a INTO results FROM input": "q.asaql:1:10: no output results; there are: output, second",
    "WITH s AS (SELECT a, b FROM input) SELECT s.c FROM s": "q.asaql:1:43: s has no column c; it has: a, b",
    "WITH s AS (SELECT a FROM t), t AS (SELECT a FROM input) SELECT a FROM s": (
        "q.asaql:1:26: no input or step t; there are: cities, input, other"
    ),
    "WITH input AS (SELECT a FROM input) SELECT a FROM input": (
        "q.asaql:1:6: a step or an input is called input already"
    ),
    "SELECT e.Nope FROM input CROSS APPLY GetArrayElements(a) AS e": (
        "q.asaql:1:8: e has no column Nope; it has: ArrayIndex, ArrayValue"
    ),
    "SELECT x.* FROM input JOIN cities ON input.a = cities.a": (
        "q.asaql:1:8: x.*: no source of this FROM is called x"
    ),
    "SELECT a FROM input JOIN cities ON input.a = cities.a": (
        "q.asaql:1:8: a could be of several sources: write input.a or cities.a"
    ),
    "SELECT 1 AS x FROM input JOIN input ON DATEDIFF(second, input, input) BETWEEN 0 AND 1": (
        "q.asaql:1:31: two sources are called input; give one an alias"
    ),
    "SELECT GetMetadataPropertyValue(hub, 'EventId') AS x FROM input": (
        "q.asaql:1:33: GetMetadataPropertyValue() is of an input of this FROM; hub is none"
    ),
    # arguments
    "SELECT LEN(a, b) AS x FROM input": "q.asaql:1:8: LEN() takes 1 argument, not 2",
    "SELECT CHARINDEX(a) AS x FROM input": "q.asaql:1:8: CHARINDEX() takes 2 to 3 arguments, not 1",
    "SELECT CONCAT(a) AS x FROM input": "q.asaql:1:8: CONCAT() takes 2 or more arguments, not 1",
    "SELECT DATEDIFF(fortnight, a, b) AS x FROM input": (
        "q.asaql:1:17: DATEDIFF() begins with a part of a date: year, quarter, month, dayofyear, day, week, weekday, "
        "hour, minute, second, millisecond, microsecond"
    ),
    "SELECT LAG(a) AS x FROM input": "q.asaql:1:8: LAG() takes OVER (LIMIT DURATION(unit, number))",
    "SELECT SUM(a) OVER (PARTITION BY b) AS x FROM input": (
        "q.asaql:1:15: SUM() OVER looks back for a time: LIMIT DURATION(unit, number)"
    ),
    "SELECT SUM(DISTINCT a) OVER (LIMIT DURATION(hour, 1)) AS x FROM input": "q.asaql:1:8: SUM() takes no DISTINCT",
    "SELECT COUNT(DISTINCT a) OVER (LIMIT DURATION(hour, 1)) AS x FROM input": "q.asaql:1:8: COUNT() takes no DISTINCT",
    "SELECT SUM(*) OVER (LIMIT DURATION(hour, 1)) AS x FROM input": "q.asaql:1:8: SUM() takes no *",
    "SELECT COUNT(*, a) OVER (LIMIT DURATION(hour, 1)) AS x FROM input": (
        "q.asaql:1:8: COUNT() takes 0 to 1 argument, not 2"
    ),
    "SELECT COUNT(*, a) AS x FROM input GROUP BY TumblingWindow(second, 1)": (
        "q.asaql:1:8: COUNT() takes no * beside others"
    ),
    "SELECT LEN(*) AS x FROM input": "q.asaql:1:8: LEN() takes no *",
    "SELECT LAG(*, 1, a, b) OVER (LIMIT DURATION(hour, 1)) AS x FROM input": (
        "q.asaql:1:8: LAG() takes 1 to 3 arguments, not 4"
    ),
    "SELECT LAG(a, 0) OVER (LIMIT DURATION(hour, 1)) AS x FROM input": (
        "q.asaql:1:15: LAG() takes as offset a number of events, 1 or more; LAST() begins with the event at hand"
    ),
    "SELECT LAG(*, 0) OVER (LIMIT DURATION(hour, 1)) AS x FROM input": (
        "q.asaql:1:15: LAG() takes as offset a number of events, 1 or more; LAST() begins with the event at hand"
    ),
    "SELECT LAST(a, b, c) OVER (LIMIT DURATION(hour, 1)) AS x FROM input": (
        "q.asaql:1:8: LAST() takes 1 to 2 arguments, not 3"
    ),
    "SELECT LAST(a, LAG(b) OVER (LIMIT DURATION(hour, 1))) OVER (LIMIT DURATION(hour, 1)) AS x FROM input": (
        "q.asaql:1:16: LAG() looks back at events; LAST() cannot"
    ),
    "SELECT a FROM input TIMESTAMP BY CASE WHEN a = 1 THEN System.Timestamp() ELSE b END": (
        "q.asaql:1:55: System.Timestamp() is what TIMESTAMP BY gives: it cannot be taken from there"
    ),
    "SELECT i.a FROM input i CROSS JOIN other o": (
        "q.asaql:1:25: CROSS JOIN is with reference data; other is a stream, and joined ON a DATEDIFF"
    ),
    "SELECT i.a FROM input i JOIN other o ON DATEDIFF(day, i, o) BETWEEN 0 AND 8": (
        "q.asaql:1:41: a JOIN is of rows that are up to 7 days apart"
    ),
    "SELECT i.a FROM input i JOIN other o ON DATEDIFF(hour, i, o) BETWEEN -169 AND 0": (
        "q.asaql:1:41: a JOIN is of rows that are up to 7 days apart"
    ),
    "SELECT i.a FROM input i JOIN other o ON DATEDIFF(second, i, o) BETWEEN 0 AND 1 OR i.a = 1": (
        "q.asaql:1:58: i is a source, and no value here: DATEDIFF of sources is for ON, between ANDs"
    ),
    "SELECT i.a FROM input i JOIN cities c ON i.a = c.a JOIN other o ON DATEDIFF(second, c, o) BETWEEN 0 AND 1": (
        "q.asaql:1:52: c is no stream: DATEDIFF of it means nothing"
    ),
    "SELECT i.a FROM input i JOIN other o ON DATEDIFF(day, i, o) BETWEEN 0 AND 1 "
    "JOIN other p ON DATEDIFF(day, i, p) >= 0 AND DATEDIFF(day, o, p) <= 1": (
        f"q.asaql:1:77: a JOIN that no source bounds on its own, by DATEDIFF on both sides, {ELSEWHERE}"
    ),
    "SELECT a FROM input TIMESTAMP BY '2026-01-01'": (
        "q.asaql:1:34: TIMESTAMP BY takes the time of an event from the event"
    ),
    "SELECT ISFIRST(week, 1) AS x FROM input": (
        "q.asaql:1:16: ISFIRST() takes as unit one of day, hour, minute, second, millisecond, microsecond"
    ),
    "SELECT COUNT(*) AS c FROM input GROUP BY DATEPART(minute, System.Timestamp())": f"q.asaql:1:42: {WINDOWED}",
    "SELECT AVG(a, b) OVER (LIMIT DURATION(hour, 1)) AS x FROM input": "q.asaql:1:8: AVG() takes 1 argument, not 2",
    "SELECT AVG(LAG(a) OVER (LIMIT DURATION(hour, 1))) OVER (LIMIT DURATION(hour, 1)) AS x FROM input": (
        "q.asaql:1:12: LAG() looks back at events; AVG() cannot"
    ),
    "SELECT LAG(a) OVER (LIMIT DURATION(DISTINCT hour, 1)) AS x FROM input": (
        "q.asaql:1:27: DURATION() takes no DISTINCT"
    ),
    "SELECT SUM(a) OVER (LIMIT DURATION(hour, 1) OVER (PARTITION BY b)) AS x FROM input": (
        "q.asaql:1:45: DURATION() takes no OVER"
    ),
    "SELECT LAG(a) OVER (LIMIT DURATION(month, 1)) AS x FROM input": (
        "q.asaql:1:36: DURATION() takes as unit one of week, day, hour, minute, second, millisecond, microsecond"
    ),
    "SELECT COUNT(*) AS c FROM input GROUP BY TumblingWindow(second, 0)": (
        "q.asaql:1:65: TumblingWindow() takes a whole number of more than 0"
    ),
    "SELECT COUNT(*) AS c FROM input GROUP BY TumblingWindow(second, 1.5)": (
        "q.asaql:1:65: TumblingWindow() takes a whole number of more than 0"
    ),
    "SELECT COUNT(*) AS c FROM input GROUP BY HoppingWindow(Duration(second, 5), Hop(second, 0.5))": (
        "q.asaql:1:89: Hop() takes a whole number of more than 0"
    ),
    "SELECT COUNT(*) AS c FROM input GROUP BY TumblingWindow(second, a)": (
        "q.asaql:1:65: TumblingWindow() takes a constant number"
    ),
    "SELECT COUNT(*) AS c FROM input GROUP BY TumblingWindow(day, 8)": (
        "q.asaql:1:62: TumblingWindow() of more than 7 days"
    ),
    "SELECT COUNT(*) AS c FROM input GROUP BY HoppingWindow(second, 10)": (
        "q.asaql:1:42: HoppingWindow() takes a unit of time and 2 or 3 numbers"
    ),
    "SELECT COUNT(DISTINCT ALL a) AS c FROM input GROUP BY TumblingWindow(second, 1)": (
        "q.asaql:1:27: expected ), found 'a'"
    ),
    "SELECT SUM(DISTINCT a) AS s FROM input GROUP BY TumblingWindow(second, 1)": (
        "q.asaql:1:8: SUM(DISTINCT ...) is not Stream Analytics: COUNT(DISTINCT ...) is"
    ),
    "SELECT TopOne() AS t FROM input GROUP BY TumblingWindow(second, 1)": (
        "q.asaql:1:8: TopOne() takes OVER (ORDER BY ...)"
    ),
    "SELECT 9223372036854775808 AS x FROM input": "q.asaql:1:8: 9223372036854775808 does not fit in a bigint",
    "SELECT 1e400 AS x FROM input": "q.asaql:1:8: 1e400 does not fit in a float",
    # rules
    "SELECT a > 1 AS x FROM input": (
        "q.asaql:1:8: a condition is no value: CASE WHEN ... THEN 1 ELSE 0 END makes one of it"
    ),
    "SELECT a FROM input WHERE b": (
        "q.asaql:1:27: WHERE takes a condition, not a value: compare it with something, as in x = 1"
    ),
    "SELECT a + 1 FROM input": "q.asaql:1:8: a column that is computed wants a name: ... AS name",
    "SELECT a, b AS A FROM input": "q.asaql:1:11: two columns are called A; give one an alias",
    "SELECT a, COUNT(*) AS c FROM input GROUP BY b, TumblingWindow(second, 1)": (
        "q.asaql:1:8: a is neither in GROUP BY nor in an aggregate"
    ),
    "SELECT * FROM input GROUP BY TumblingWindow(second, 1)": "q.asaql:1:8: * has columns that are not in GROUP BY",
    "SELECT COUNT(*) AS c FROM input": (
        f"q.asaql:1:8: {WINDOWED}"
    ),
    "SELECT COUNT(*) AS c FROM input GROUP BY a": (
        f"q.asaql:1:42: {WINDOWED}"
    ),
    "SELECT COUNT(*) AS c FROM input GROUP BY TumblingWindow(second, 1), SlidingWindow(second, 1)": (
        "q.asaql:1:69: GROUP BY takes one window; Windows() holds several"
    ),
    "SELECT a FROM input WHERE COUNT(*) > 1": "q.asaql:1:27: COUNT() is an aggregate; WHERE has none",
    "SELECT SUM(COUNT(*)) AS x FROM input GROUP BY TumblingWindow(second, 1)": (
        "q.asaql:1:12: COUNT() is an aggregate; SUM() has none"
    ),
    "SELECT a FROM input HAVING COUNT(*) > 1": (
        "q.asaql:1:28: COUNT() is an aggregate; HAVING without GROUP BY has none"
    ),
    "SELECT a FROM cities": "q.asaql:1:15: cities is reference data: it can be joined, and a stream is to be first",
    "SELECT i.a FROM input i JOIN other o ON i.a = o.a": (
        "q.asaql:1:25: a JOIN of streams is bounded in time: AND DATEDIFF(unit, i, o) BETWEEN least AND most"
    ),
    "SELECT i.a FROM input i JOIN other o ON i.a = o.a AND DATEDIFF(minute, i, o) < 5": (
        "q.asaql:1:25: a JOIN of streams is bounded in time: AND DATEDIFF(unit, i, o) BETWEEN least AND most"
    ),
    "SELECT i.a FROM input i JOIN other o ON DATEDIFF(minute, i, o) BETWEEN 5 AND 1": (
        "q.asaql:1:41: no rows are so far apart: the bounds of DATEDIFF exclude each other"
    ),
    "WITH s AS (SELECT a FROM input) SELECT a FROM s TIMESTAMP BY a": (
        "q.asaql:1:62: s is a step: TIMESTAMP BY is of the input that it reads"
    ),
    "SELECT COUNT(*) AS c FROM input TIMESTAMP BY t OVER device GROUP BY TumblingWindow(second, 1)": (
        "q.asaql:1:53: what TIMESTAMP BY is OVER is to be in GROUP BY: each has a time of its own"
    ),
    "WITH s AS (SELECT a INTO output FROM input) SELECT a FROM s": (
        "q.asaql:1:21: INTO is of a query; a step is read by its name"
    ),
    "SELECT a FROM input UNION SELECT b FROM other": (
        "q.asaql:1:27: UNION of (a) with (b): the columns are to be the same"
    ),
    "SELECT TumblingWindow(second, 1) AS w FROM input": (
        "q.asaql:1:8: TumblingWindow() is of GROUP BY, and stands there alone"
    ),
    "SELECT GetArrayElements(a) AS e FROM input": (
        "q.asaql:1:8: GetArrayElements() gives rows: it is for CROSS APPLY and OUTER APPLY"
    ),
    "SELECT * FROM input CROSS APPLY LEN(a) AS e": (
        "q.asaql:1:33: APPLY takes GetArrayElements() and GetRecordProperties(), not LEN()"
    ),
    "SELECT LAG(c.a) OVER (LIMIT DURATION(hour, 1)) AS x FROM input i JOIN cities c ON c.a = i.a": (
        f"q.asaql:1:12: c.a here, where rows are of one source, {ELSEWHERE}"
    ),
}  # fmt: skip


@pytest.mark.parametrize("query", REFUSED)
def test_refused(query: str) -> None:
    with pytest.raises(QueryError) as caught:
        compile_job(
            query,
            inputs=["input", "other"],
            references={"cities": []},
            outputs=["output", "second"],
            file="q.asaql",
        )
    assert str(caught.value) == REFUSED[query]


def test_over_of_several_partitions_wants_them_apart() -> None:
    query = "SELECT a FROM input TIMESTAMP BY t OVER device"
    with pytest.raises(QueryError, match=r"^q\.asaql:1:15: .*PARTITION BY PartitionId"):
        compile_job(query, inputs={"input": 4}, file="q.asaql")
    compile_job(query, inputs={"input": 1}, file="q.asaql")
    compile_job(query + ", PartitionId PARTITION BY PartitionId", inputs={"input": 4}, file="q.asaql")


def test_a_position_counts_characters_and_lines() -> None:
    query = "-- żółw\r\nSELECT\r\n\ta,\r\n\t/* ż */ b,frobnicate(c) AS d\r\nFROM input"
    with pytest.raises(QueryError, match=r"^q\.asaql:4:12: frobnicate\(\)"):
        compile_job(query, inputs=["input"], file="q.asaql")


def steps(count: int) -> str:
    named = ", ".join(f"s{n} AS (SELECT * FROM {f's{n - 1}' if n else 'input'})" for n in range(count))
    return f"WITH {named} SELECT * FROM s{count - 1}"


def test_steps_go_as_deep_as_rows_can_be_handed_on() -> None:
    assert run(steps(198), input=[{"a": 1}])["output"] == [{"a": 1}]
    with pytest.raises(QueryError, match=r"^q\.asaql:1:\d+: a query of more than 200 operators, .* is valid in Azure"):
        compile_job(steps(199), inputs=["input"], file="q.asaql")
