"""What holds of every query: restarts and idle time change nothing, and any text compiles or is refused."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.sql.asa.errors import EvaluationError, QueryError
from local.sql.asa.values import TICKS_PER_SECOND, DateTime, format_datetime, to_json
from local.stream_analytics.job import Job, StateError, compile_job
from local.stream_analytics.watermark import Policies

QUERIES = {
    "pass": "SELECT *, a.kind AS k INTO copy FROM a SELECT kind, n INTO some FROM a WHERE n > 2",
    "tumbling": "SELECT kind, COUNT(*) AS c, SUM(n) AS s, System.Timestamp() AS t FROM a TIMESTAMP BY at "
    "GROUP BY kind, TumblingWindow(second, 5)",
    "hopping": "SELECT COUNT(DISTINCT kind) AS c, AVG(n) AS m, STDEV(n) AS d FROM a TIMESTAMP BY at "
    "GROUP BY HoppingWindow(second, 7, 3) HAVING COUNT(*) > 1",
    "sliding": "SELECT kind, MAX(n) AS m, System.Timestamp() AS t FROM a TIMESTAMP BY at "
    "GROUP BY kind, SlidingWindow(second, 4)",
    "session": "SELECT kind, Collect(n) AS n FROM a TIMESTAMP BY at "
    "GROUP BY kind, SessionWindow(second, 2, 10) OVER (PARTITION BY kind)",
    "snapshot": "SELECT CollectTop(2, n) OVER (ORDER BY n DESC) AS n FROM a TIMESTAMP BY at "
    "GROUP BY System.Timestamp()",
    "look back": "SELECT n, LAG(n, 2, -1) OVER (PARTITION BY kind LIMIT DURATION(second, 9)) AS p, "
    "LAST(n) OVER (LIMIT DURATION(second, 9) WHEN n < 3) AS l, ISFIRST(second, 4) AS f, "
    "SUM(n) OVER (PARTITION BY kind LIMIT DURATION(second, 3)) AS s FROM a TIMESTAMP BY at",
    "join": "SELECT x.n AS left_n, y.n AS right_n FROM a x TIMESTAMP BY at "
    "LEFT JOIN b y TIMESTAMP BY at ON x.kind = y.kind AND DATEDIFF(second, x, y) BETWEEN -1 AND 3",
    "two joins": "SELECT x.n AS x, y.n AS y, z.n AS z FROM a x TIMESTAMP BY at "
    "JOIN b y TIMESTAMP BY at ON DATEDIFF(second, x, y) BETWEEN 0 AND 2 "
    "JOIN a z TIMESTAMP BY at ON z.kind = x.kind AND DATEDIFF(second, x, z) BETWEEN 0 AND 4",
    "union": "WITH both AS (SELECT kind, n FROM a TIMESTAMP BY at UNION SELECT kind, n FROM b TIMESTAMP BY at) "
    "SELECT kind, COUNT(*) AS c FROM both GROUP BY kind, TumblingWindow(second, 6)",
    "apply": "SELECT e.ArrayIndex AS i, e.ArrayValue AS v FROM a TIMESTAMP BY at "
    "OUTER APPLY GetArrayElements(list) AS e",
    "reference": "SELECT a.n, names.name FROM a TIMESTAMP BY at LEFT JOIN names ON a.kind = names.kind",
    "substreams": "SELECT kind, COUNT(*) AS c FROM a TIMESTAMP BY at OVER kind, PartitionId PARTITION BY PartitionId "
    "GROUP BY kind, PartitionId, TumblingWindow(second, 5)",
    "partitions": "SELECT kind, MIN(n) AS m FROM a TIMESTAMP BY at PARTITION BY PartitionId "
    "GROUP BY kind, TumblingWindow(second, 5)",
    "partitions together": "WITH s AS (SELECT kind, COUNT(*) AS c FROM a TIMESTAMP BY at PARTITION BY PartitionId "
    "GROUP BY kind, TumblingWindow(second, 5)) "
    "SELECT kind, SUM(c) AS c INTO x FROM s PARTITION BY kind GROUP BY kind, TumblingWindow(second, 5) "
    "SELECT c, LAG(c) OVER (LIMIT DURATION(minute, 1)) AS p INTO y FROM s "
    "SELECT kind, c INTO z FROM s UNION SELECT kind, n AS c FROM b TIMESTAMP BY at",
}  # fmt: skip
NAMES = [{"kind": "x", "name": "ex"}, {"kind": "y", "name": "why"}]
PARTITIONS = 2
Arrival = tuple[str, int, dict[str, Any], DateTime]


def fresh(query: str) -> Job:
    policies = Policies(out_of_order=2 * TICKS_PER_SECOND, late_arrival=6 * TICKS_PER_SECOND)
    return compile_job(
        query, inputs={"a": PARTITIONS, "b": PARTITIONS}, references={"names": NAMES}, file="q.asaql", policies=policies
    )


@st.composite
def arrivals(draw: st.DrawFn) -> list[Arrival]:
    """Events of two inputs of two partitions, up to three seconds out of order."""
    time = 1_000 * TICKS_PER_SECOND
    found: list[Arrival] = []
    for _ in range(draw(st.integers(1, 40))):
        time += draw(st.integers(0, 4)) * TICKS_PER_SECOND // 2
        event = {
            "at": format_datetime(DateTime(time - draw(st.integers(0, 3)) * TICKS_PER_SECOND)),
            "kind": draw(st.sampled_from(["x", "y", None])),
            "n": draw(st.integers(0, 5)),
            "list": draw(st.lists(st.integers(0, 2), max_size=2)),
        }
        input_name = draw(st.sampled_from(["a", "a", "b"]))
        found.append((input_name, draw(st.integers(0, PARTITIONS - 1)), event, DateTime(time)))
    return found


def outputs(job: Job, events: list[Arrival]) -> list[Any]:
    found = [row for event in events for row in job.push(*event)]
    return [(name, to_json(row)) for name, row in found + job.finish()]


def by_output(rows: list[Any]) -> dict[str, list[Any]]:
    return {name: [row for own, row in rows if own == name] for name, _ in rows}


@pytest.mark.parametrize("name", QUERIES)
@settings(max_examples=15)
@given(events=arrivals(), seed=st.integers(0, 2**32))
def test_a_restart_anywhere_changes_nothing(name: str, events: list[Arrival], seed: int) -> None:
    expected = outputs(fresh(QUERIES[name]), events)
    chance = random.Random(seed)
    job = fresh(QUERIES[name])
    found: list[Any] = []
    for event in events:
        if chance.random() < 0.3:
            saved = job.save()
            job = fresh(QUERIES[name])
            job.restore(saved)
        found += job.push(*event)
    saved = job.save()
    job = fresh(QUERIES[name])
    job.restore(saved)
    assert [(output, to_json(row)) for output, row in found + job.finish()] == expected


@pytest.mark.parametrize("name", QUERIES)
@settings(max_examples=10)
@given(events=arrivals(), seed=st.integers(0, 2**32))
def test_to_be_told_the_time_changes_nothing(name: str, events: list[Arrival], seed: int) -> None:
    """An idle input's watermark only says earlier what later events would have said, or the end."""
    expected = outputs(fresh(QUERIES[name]), events)
    chance = random.Random(seed)
    job = fresh(QUERIES[name])
    found: list[Any] = []
    for event in events:
        if chance.random() < 0.3:
            found += job.idle(event[3])
        found += job.push(*event)
    found = [(output, to_json(row)) for output, row in found + job.finish()]
    if name in ("substreams", "partitions"):  # each timeline has its order; none is between two of them
        key = str
        assert sorted(found, key=key) == sorted(expected, key=key)
    else:
        assert by_output(found) == by_output(expected)


def test_state_of_another_query_is_refused() -> None:
    saved = fresh(QUERIES["pass"]).save()
    with pytest.raises(StateError, match="another query"):
        fresh(QUERIES["union"]).restore(saved)
    for lines in ([], [b""], [b"{}"], [b"[]"], [b'{"query": 1'], saved[1:]):
        with pytest.raises(StateError):
            fresh(QUERIES["pass"]).restore(lines)


def compiles_or_is_refused(text: str) -> None:
    try:
        job = compile_job(text, inputs=["a", "b"], references={"names": NAMES}, file="q.asaql")
    except QueryError as refused:
        at = refused.at
        assert (at.file, at.line > 0, at.column > 0) == ("q.asaql", True, True)
        return
    event = {"at": "2020-01-01T00:00:01Z", "kind": "x", "n": 3, "list": [1]}
    try:
        for name in job.inputs:
            job.push(name, 0, event, DateTime(0))
        job.finish()
    except EvaluationError:
        pass


@settings(max_examples=200)
@given(st.text())
def test_any_text(text: str) -> None:
    compiles_or_is_refused(text)


WORDS = [
    *sorted({word for query in QUERIES.values() for word in re.findall(r"\w+|[^\w\s]", query)}),
    "[", "]", "'", '"', "[b c]", "'text'", "/*", "*/", "--", "\n", "NOT", "IN", "LIKE", "IS", "NULL", "CASE", "WHEN",
    "THEN", "END", "CAST", "TRY_CAST", "bigint", "CROSS", "OVER", "1.5", "DATEADD", "minute", "GetType", "<>", "%", ";",
]  # fmt: skip


@settings(max_examples=200)
@given(st.lists(st.sampled_from(WORDS), max_size=40))
def test_any_words(words: list[str]) -> None:
    compiles_or_is_refused(" ".join(["SELECT", *words, "FROM a"]))


@settings(max_examples=200)
@given(st.sampled_from(sorted(QUERIES.values())), st.data())
def test_any_query_with_a_word_changed(query: str, data: st.DataObject) -> None:
    words = re.findall(r"\w+|[^\w\s]", query)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(words) - 1))
        words[place : place + data.draw(st.integers(0, 2))] = data.draw(st.lists(st.sampled_from(WORDS), max_size=2))
        words = words or ["SELECT"]
    compiles_or_is_refused(" ".join(words))
