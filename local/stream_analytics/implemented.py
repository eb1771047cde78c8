"""What of Stream Analytics is here: constructs by what compiles, functions by name, and what a job reads and writes."""

from __future__ import annotations

from typing import Final

from local.ledger import Entry, Ledger, Names, Table
from local.sql.asa.catalog import (
    AGGREGATES,
    ANALYTIC,
    IDENTIFIED,
    METADATA,
    NOT_RUN,
    PREFIXES_NOT_RUN,
    ROWS,
    SEVERAL,
    TIMESTAMP,
    WINDOW,
    WINDOWS,
)
from local.sql.asa.errors import NotRunLocally
from local.sql.asa.functions import FUNCTIONS
from local.stream_analytics.job import compile_job

# A query for each construct: it compiles here, or is refused as what Azure has and this engine does not run.
_CONSTRUCTS: Final = (
    ("`SELECT ... INTO ... FROM`", "SELECT a, b.c AS d, e[0] AS f INTO output FROM input"),
    ("`SELECT *`", "SELECT *, a + 1 AS b FROM input"),
    ("`WITH` steps", "WITH s AS (SELECT a FROM input) SELECT a FROM s"),
    ("Several queries, several outputs", "SELECT a INTO x FROM input; SELECT b INTO y FROM input"),
    (
        "`WHERE`, `CASE`, `CAST`, `TRY_CAST`",
        "SELECT CASE WHEN CAST(a AS bigint) > 1 THEN 'x' ELSE TRY_CAST(b AS nvarchar(max)) END AS c FROM input",
    ),
    (
        "`LIKE`, `BETWEEN`, `IN`, `IS NULL`",
        "SELECT a FROM input WHERE a LIKE 'x%' AND b BETWEEN 1 AND 2 AND c IN (1, 2) AND d IS NOT NULL",
    ),
    ("`TIMESTAMP BY`", "SELECT a FROM input TIMESTAMP BY t"),
    ("`TIMESTAMP BY ... OVER`", "SELECT a FROM input TIMESTAMP BY t OVER device"),
    ("`PARTITION BY PartitionId`", "SELECT a FROM input PARTITION BY PartitionId"),
    (
        "`PARTITION BY ... INTO` any key",
        "SELECT device, COUNT(*) AS n FROM input PARTITION BY device INTO 8 GROUP BY device, TumblingWindow(minute, 1)",
    ),
    (
        "Partitions that a step reads together, or by another key",
        "WITH s AS (SELECT a FROM input PARTITION BY PartitionId) SELECT LAG(a) OVER (LIMIT DURATION(hour, 1)) FROM s",
    ),
    (
        "`GROUP BY`, `LAG` across the keys of `PARTITION BY`",
        "SELECT COUNT(*) AS n FROM input PARTITION BY device GROUP BY TumblingWindow(minute, 1)",
    ),
    (
        "`JOIN` of one source with `PARTITION BY` and one without",
        "SELECT x.a FROM input x PARTITION BY a JOIN input y ON x.a = y.a AND DATEDIFF(second, x, y) BETWEEN 0 AND 5",
    ),
    (
        "`GROUP BY` and `HAVING`",
        "SELECT a, COUNT(*) AS n FROM input GROUP BY a, TumblingWindow(minute, 1) HAVING COUNT(*) > 1",
    ),
    ("Tumbling windows", "SELECT COUNT(*) AS n FROM input GROUP BY TumblingWindow(minute, 1)"),
    ("Hopping windows", "SELECT COUNT(*) AS n FROM input GROUP BY HoppingWindow(minute, 2, 1)"),
    ("Sliding windows", "SELECT COUNT(*) AS n FROM input GROUP BY SlidingWindow(minute, 1)"),
    ("Session windows", "SELECT COUNT(*) AS n FROM input GROUP BY SessionWindow(minute, 1, 5)"),
    ("Snapshot windows", "SELECT COUNT(*) AS n FROM input GROUP BY System.Timestamp()"),
    (
        "`System.Timestamp()` as a key",
        "SELECT COUNT(*) AS n FROM input GROUP BY System.Timestamp(), TumblingWindow(hour, 1)",
    ),
    (
        "Several windows (`Windows()`)",
        "SELECT COUNT(*) AS n FROM input GROUP BY Windows(Window('a', TumblingWindow(minute, 1)))",
    ),
    ("`COUNT(DISTINCT ...)`", "SELECT COUNT(DISTINCT a) AS n FROM input GROUP BY TumblingWindow(minute, 1)"),
    ("`CROSS APPLY`, `OUTER APPLY`", "SELECT e.ArrayValue FROM input i CROSS APPLY GetArrayElements(i.a) AS e"),
    (
        "`JOIN` of streams within a time",
        "SELECT x.a FROM input x JOIN input y ON DATEDIFF(second, x, y) BETWEEN 0 AND 5 AND x.a = y.a",
    ),
    (
        "`LEFT JOIN` of streams",
        "SELECT x.a FROM input x LEFT JOIN input y ON DATEDIFF(second, x, y) BETWEEN 0 AND 5 AND x.a = y.a",
    ),
    ("`JOIN` with reference data", "SELECT i.a, r.b FROM input i JOIN reference r ON i.a = r.a"),
    ("`CROSS JOIN` with reference data", "SELECT i.a, r.b FROM input i CROSS JOIN reference r"),
    ("`UNION`", "SELECT a FROM input UNION SELECT a FROM input"),
    (
        "`LAG`, `LAST`, `ISFIRST` with `LIMIT DURATION` and `WHEN`",
        "SELECT LAG(a) OVER (PARTITION BY b LIMIT DURATION(hour, 1) WHEN a > 1) AS p FROM input",
    ),
    (
        "`SUM`, `AVG`, `MIN`, `MAX`, `COUNT` of the last while",
        "SELECT AVG(a) OVER (PARTITION BY b LIMIT DURATION(minute, 5) WHEN a > 1) AS p FROM input",
    ),
    (
        "`Collect`, `CollectTop`, `TopOne` of the last while",
        "SELECT Collect(a) OVER (PARTITION BY b LIMIT DURATION(minute, 5)) AS p FROM input",
    ),
    ("`CREATE TABLE`", "CREATE TABLE input (a bigint); SELECT a FROM input"),
    ("`MATCH_RECOGNIZE`", "SELECT a FROM input MATCH_RECOGNIZE (MEASURES A.a AS a PATTERN (A) DEFINE A AS a > 1)"),
    ("User-defined functions and aggregates", "SELECT UDF.f(a) AS b FROM input"),
)  # fmt: skip

_ENDS: Final = (
    Entry("Event Hubs input, JSON", note="with a consumer group of its own; objects, arrays, lines"),
    Entry("IoT Hub, Blob and other inputs", here=False, note="refused at start, by name"),
    Entry("Avro, CSV, Parquet, compression", here=False, note="refused at start, by name"),
    Entry("Reference data in blobs, JSON", note="one that stands still, or a sequence by `{date}` and `{time}`"),
    Entry("Reference data in CSV, of SQL Database, by deltas", here=False, note="refused at start, by name"),
    Entry("Cosmos DB output", note="insert or replace by `documentId`"),
    Entry("Data Lake and Blob output", note="lines of JSON, `{date}` and `{time}` in the path, write mode Once"),
    Entry("`{field}` in paths", here=False, note="refused at start"),
    Entry("Other outputs", here=False, note="refused at start, by name"),
    Entry("Out of order and late arrival policies", note="`Adjust`, `Drop`; what is over 5 minutes early is dropped"),
    Entry("Output error policy", note="`Drop` and `Stop`"),
    Entry("Restart", note="where it stopped, without loss, whatever was killed"),
    Entry("Start time", here=False, note="a job without state reads its hubs from their beginning"),
    Entry("Compatibility levels below 1.2", here=False, note="refused at start"),
)  # fmt: skip

_UNVERIFIED: Final = (
    "Windows of a size that does not divide a day are counted from 0001-01-01T00:00:00Z.",
    "An event leaves what `LIMIT DURATION` sees exactly that long after it came, as it leaves a sliding window: of "
    "that, the reference showed so in 2017. One of today's query patterns still counts it then.",
    "`COUNT` goes with `LIMIT DURATION`, as its own page has it; the page of `OVER` does not name it.",
    "A session goes on with an event exactly at its timeout; at a checkpoint, exactly its longest duration is not too "
    "long.",
    "`DATEDIFF` in the `ON` of a join is the time that passed, to the tick, and not the boundaries in between.",
    "Beside a window, `System.Timestamp()` as a key is the event's moment; in `SELECT` it is the window's end.",
    "`SELECT *` of an `APPLY`, and `SELECT a.*, b.*` of a `JOIN`, have the columns of all sources side by side, the "
    "leftmost of those of one name. Of a source without a row they are null where the query says what they are, else "
    "absent.",
    "A column that is a call and has no alias has the function's name; any other expression is refused without one.",
    "`MIN` and `MAX` read a text that nothing cast as a float, as documented, or else as a datetime; any other stops "
    "the job. In a column of a step, a text is one.",
    "A text and a number do not compare (the result is unknown); a text beside a datetime is read as one.",
    "Unasked, only what loses nothing is converted. All else stops the job, as do division by zero and a bigint that "
    "overflows. A quotient of bigints and a `CAST` of a float to bigint drop the fraction.",
    "`LIKE` and comparisons heed case, `REGEXMATCH` does not; its regular expressions are those of Python's `regex`. "
    "One that takes over a second of CPU time on an event stops the job.",
    "Reference data that cannot be decoded, or is no array or lines of objects, leaves what was in effect before it "
    "so; a job that starts waits for it.",
    "An event from before the first reference data is joined with that.",
    "Reference data that is there before the time that its name says is in effect from then on, exactly.",
    "Events of the same time are in the order of their partitions, then of their arrival.",
    "`PARTITION BY PartitionId` of an input gives each partition a time of its own. Any other key leaves time as it "
    "is, and what is grouped, joined or looked back at must have it in common: how Azure spreads keys is not known.",
    "What `TIMESTAMP BY` is `OVER` keeps its name through the steps, up to the `GROUP BY` or `JOIN` that says it.",
    "Partitions that are read together wait for the last of them, as do those of a `UNION` of unlike partitions.",
)  # fmt: skip


def ledger() -> Ledger:
    """What is here.

    Raises:
        QueryError: a construct's example is no query.
    """
    return Ledger(
        "Stream Analytics",
        "The query language at compatibility level 1.2. What is not here is refused when a query is loaded, before an "
        "event is read, with file, line and column.",
        (
            Table("Queries", [Entry(name, _compiles(query), f"`{query}`") for name, query in _CONSTRUCTS]),
            Names(
                "Functions",
                [
                    ("Scalar", (function.name.upper() for function in FUNCTIONS.values())),
                    ("Aggregate", AGGREGATES),
                    ("Analytic", ANALYTIC),
                    ("Windows", (*WINDOWS, SEVERAL, IDENTIFIED)),
                    ("Rows", ROWS),
                    ("Of the event or its window", (TIMESTAMP, METADATA, WINDOW)),
                ],
                (*NOT_RUN, *(f"{prefix}*" for prefix in PREFIXES_NOT_RUN)),
            ),
            Table("Inputs, outputs and policies", _ENDS),
        ),
        _UNVERIFIED,
    )


def _compiles(query: str) -> bool:
    try:
        compile_job(query, inputs=["input"], references={"reference": []})
    except NotRunLocally:
        return False
    return True
