"""A job as its caller sees it: partitions, time that is told, metadata, names, and what clauses do together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from local.sql.asa.errors import EvaluationError
from local.sql.asa.values import TICKS_PER_SECOND, DateTime, parse_datetime, to_json
from local.stream_analytics.job import Job, compile_job
from local.stream_analytics.watermark import Policies
from tests.unit.asa_queries import run


def at(second: float) -> DateTime:
    start = parse_datetime("2024-05-01T10:00:00Z")
    assert start is not None
    return DateTime(start + int(second * TICKS_PER_SECOND))


def clock(second: float) -> str:
    text = to_json(at(second))
    assert isinstance(text, str)
    return text


def push(job: Job, second: float, partition: int = 0, name: str = "hub", **event: Any) -> list[Any]:
    """Push an event that arrives at a second, with it as `t`."""
    return [to_json(row) for _, row in job.push(name, partition, {"t": clock(second), **event}, at(second))]


COUNT = "SELECT COUNT(*) AS c, System.Timestamp() AS t FROM hub TIMESTAMP BY t GROUP BY TumblingWindow(second, 10)"


def test_a_window_ends_when_a_later_event_comes() -> None:
    job = compile_job(COUNT, inputs=["hub"])
    assert push(job, 1) == []
    assert push(job, 10) == []
    assert push(job, 10.5) == [{"c": 2, "t": clock(10)}]
    assert [to_json(row) for _, row in job.finish()] == [{"c": 1, "t": clock(20)}]


def test_a_window_ends_when_time_goes_on_without_events() -> None:
    job = compile_job(COUNT, inputs=["hub"], policies=Policies(late_arrival=5 * TICKS_PER_SECOND))
    push(job, 1)
    assert job.idle(at(15)) == []
    assert [row["c"] for _, row in job.idle(at(15.1))] == [1]


def test_a_silent_partition_holds_a_window_back() -> None:
    job = compile_job(COUNT, inputs={"hub": 2})
    push(job, 1, partition=0)
    assert push(job, 30, partition=0) == []
    assert [row["c"] for row in push(job, 31, partition=1)] == [1]
    with pytest.raises(KeyError):
        push(job, 31, partition=2)


def test_partitions_apart_do_not_wait_for_each_other() -> None:
    job = compile_job(COUNT.replace("BY t", "BY t PARTITION BY PartitionId"), inputs={"hub": 2})
    push(job, 1, partition=0)
    push(job, 2, partition=1)
    assert [row["c"] for row in push(job, 30, partition=0)] == [1]


def test_an_event_without_a_time_is_dropped_and_counted() -> None:
    job = compile_job("SELECT n FROM hub TIMESTAMP BY DATEADD(second, n, t)", inputs=["hub"])
    job.push("hub", 0, {"n": 1}, at(0))
    job.push("hub", 0, {"n": 1, "t": "soon"}, at(0))
    assert [row["n"] for _, row in job.finish()] == []
    assert job.counts["hub"]["untimed"] == 2


def test_late_and_disordered_events_are_adjusted() -> None:
    """The example of .../azure/stream-analytics/stream-analytics-time-handling: out of order 5 s, late arrival 15 s."""
    policies = Policies(out_of_order=5 * TICKS_PER_SECOND, late_arrival=15 * TICKS_PER_SECOND)
    job = compile_job("SELECT System.Timestamp() AS s FROM hub TIMESTAMP BY t", inputs=["hub"], policies=policies)
    arrivals = [(40, 0), (41, 30), (42, 42), (43, 38), (45, 35)]
    rows = [row for arrival, time in arrivals for row in job.push("hub", 0, {"t": clock(time)}, at(arrival))]
    assert [row["s"] for _, row in rows + job.finish()] == [at(25), at(30), at(37), at(38), at(42)]


def test_an_input_that_the_query_does_not_read() -> None:
    job = compile_job("SELECT a FROM hub", inputs=["hub", "other"])
    assert (job.inputs, job.outputs) == (("hub",), ("output",))
    assert push(job, 1, name="other", a=1) == []


def test_outputs_are_spelled_as_the_job_spells_them() -> None:
    job = compile_job("SELECT a INTO ADL FROM Hub", inputs=["hub"], outputs=["adl", "cosmos"])
    push(job, 1, a=1)
    assert job.finish() == [("adl", {"a": 1})]


META: Mapping[str, Any] = {
    "EventId": "0-17",
    "EventHub": {
        "EventEnqueuedUtcTime": at(1), "EventProcessedUtcTime": at(2), "PartitionId": 0, "SequenceNumber": 17,
        "Offset": "4096", "PartitionKey": "k",
    },
    "User": {"traceparent": "00-1-2-01", "a.b c": 5},
}  # fmt: skip


def of_hub(query: str, **event: Any) -> Any:
    job = compile_job(query, inputs=["hub"])
    rows = job.push("hub", 0, event, at(1), META) + job.finish()
    return [to_json(row) for _, row in rows]


def test_columns_that_an_event_hub_adds() -> None:
    """Source: .../azure/stream-analytics/stream-analytics-define-inputs, "Stream data from Event Hubs"."""
    columns = {"EventProcessedUtcTime": clock(2), "PartitionId": 0, "EventEnqueuedUtcTime": clock(1)}
    assert of_hub("SELECT * FROM hub", a=1) == [{"a": 1, **columns}]
    assert of_hub("SELECT hub.PartitionId, a FROM hub", a=1) == [{"PartitionId": 0, "a": 1}]
    assert of_hub("SELECT PartitionId FROM hub", PartitionId="own") == [{"PartitionId": "own"}]


def test_metadata() -> None:
    """Source: .../stream-analytics-query/getmetadatapropertyvalue"""
    assert of_hub(
        """
        SELECT
            GetMetadataPropertyValue(h, 'EventId') AS id,
            GetMetadataPropertyValue(h, '[EventHub].[SequenceNumber]') AS number,
            GetMetadataPropertyValue(h, '[EventHub].[EventEnqueuedUtcTime]') AS enqueued,
            GetMetadataPropertyValue(h, '[User].[traceparent]') AS trace,
            GetMetadataPropertyValue(h, '[User].[missing]') AS missing,
            GetMetadataPropertyValue(h, '[User].[a.b c]') AS dotted,
            GetMetadataPropertyValue(h, 'EventHub').PartitionKey
        FROM hub h
        WHERE GetMetadataPropertyValue(h, '[EventHub].[SequenceNumber]') > 16
        """
    ) == [
        {
            "id": "0-17", "number": 17, "enqueued": clock(1), "trace": "00-1-2-01", "missing": None,
            "dotted": 5, "PartitionKey": "k",
        }
    ]  # fmt: skip


def test_metadata_after_a_join_and_where_there_is_none() -> None:
    query = "SELECT GetMetadataPropertyValue(h, 'EventId') AS id FROM hub h JOIN names n ON n.a = h.a"
    job = compile_job(query, inputs=["hub"], references={"names": [{"a": 1}]})
    rows = job.push("hub", 0, {"a": 1}, at(1), META) + job.push("hub", 0, {"a": 1}, at(2)) + job.finish()
    assert [row["id"] for _, row in rows] == ["0-17", None]


def test_an_event_is_not_changed() -> None:
    event = {"a": {"b": [1, 2]}}
    job = compile_job("SELECT *, a.b AS c FROM hub SELECT * INTO second FROM hub", inputs=["hub"])
    job.push("hub", 0, event, at(1), META)
    job.finish()
    assert event == {"a": {"b": [1, 2]}}


def test_what_stops_a_job_is_raised_where_it_happens() -> None:
    job = compile_job(
        "SELECT kind, SUM(n) AS s, MAX(n) AS m\nFROM hub TIMESTAMP BY t GROUP BY kind, TumblingWindow(second, 1)",
        inputs=["hub"],
        file="q.asaql",
    )
    push(job, 1, n="three")
    with pytest.raises(EvaluationError, match=r"^q\.asaql:1:14: SUM\(\) takes bigint and float, not nvarchar"):
        job.finish()
    job = compile_job("SELECT MAX(n) AS m FROM hub\nGROUP BY TumblingWindow(second, 1)", inputs=["hub"], file="q.asaql")
    push(job, 1, n=True)
    push(job, 1, n=3)
    with pytest.raises(EvaluationError, match=r"^q\.asaql:2:10: MAX cannot order bit and bigint"):
        job.finish()


def test_names_are_compared_without_case_and_kept_as_they_are() -> None:
    events = [{"Kind": "a", "n": 1}, {"kind": "a", "KIND": "b", "n": 2}]
    rows = run("SELECT kind, COUNT(*) AS C FROM Input GROUP BY KIND, tumblingwindow(SECOND, 5)", INPUT=events)
    assert rows["output"] == [{"kind": "a", "C": 1}, {"kind": "b", "C": 1}]


def test_the_leftmost_of_columns_with_one_name_stays() -> None:
    """Source: .../stream-analytics-query/select-azure-stream-analytics"""
    events = [{"a": 1, "b": 2, "r": {"A": 9, "c": 3}}]
    assert run("SELECT 0 AS a, *, r.* FROM input", input=events)["output"] == [
        {"a": 0, "b": 2, "r": {"A": 9, "c": 3}, "c": 3}
    ]
    assert run("SELECT x = b, input.* FROM input", input=events)["output"][0]["x"] == 2


def test_groups_by_expressions_members_and_what_is_within_them() -> None:
    events = [{"r": {"k": "a", "z": 1}, "n": n} for n in (1, 2, 11)]
    rows = run(
        """
        SELECT r.k, n / 10 AS tens, 1 + n / 10 AS more, UPPER(r.k) AS u, COUNT(*) * 2 AS twice
        FROM input
        GROUP BY r.k, n / 10, TumblingWindow(second, 1)
        HAVING COUNT(*) > 1 OR tens = 1
        """,
        input=events,
    )
    assert rows["output"] == [
        {"k": "a", "tens": 0, "more": 1, "u": "A", "twice": 4},
        {"k": "a", "tens": 1, "more": 2, "u": "A", "twice": 2},
    ]
    rows = run("SELECT r.z, r FROM input GROUP BY r, TumblingWindow(second, 1)", input=events)
    assert rows["output"] == [{"z": 1, "r": {"k": "a", "z": 1}}]


def test_a_look_back_within_an_aggregate() -> None:
    rows = run(
        "SELECT SUM(n - LAG(n, 1, 0) OVER (LIMIT DURATION(hour, 1))) AS s FROM input "
        "GROUP BY TumblingWindow(second, 1)",
        input=[{"n": n} for n in (1, 5, 7)],
    )
    assert rows["output"] == [{"s": 7}]


def test_a_moving_aggregate_anywhere_that_looking_back_goes() -> None:
    """Source: https://learn.microsoft.com/stream-analytics-query/over-azure-stream-analytics, the second example."""
    events = [{"t": f"2026-01-01T0{hour}:00:00Z", "id": "x", "healthy": up} for hour, up in enumerate((1, 0, 0))]
    rows = run(
        "SELECT System.Timestamp() AS at INTO alerts FROM input TIMESTAMP BY t "
        "WHERE MAX(healthy) OVER (PARTITION BY id LIMIT DURATION(hour, 1)) = 0 "
        "SELECT COUNT(*) AS n, SUM(AVG(healthy) OVER (LIMIT DURATION(hour, 2))) AS s INTO counts "
        "FROM input TIMESTAMP BY t "
        "GROUP BY MIN(healthy) OVER (LIMIT DURATION(day, 1)), TumblingWindow(day, 1)",
        input=events,
    )
    assert [row["at"] for row in rows["alerts"]] == ["2026-01-01T01:00:00.0000000Z", "2026-01-01T02:00:00.0000000Z"]
    assert rows["counts"] == [{"n": 1, "s": 1.0}, {"n": 2, "s": 0.5}]


def test_what_count_counts() -> None:
    """Source: https://learn.microsoft.com/stream-analytics-query/count-azure-stream-analytics, "Remarks"."""
    events = [{"t": f"2026-01-01T00:1{n}:00Z", "n": n or None} for n in range(4)]
    rows = run(
        "SELECT COUNT(*) AS a, COUNT() AS b, COUNT(input) AS c, COUNT(DISTINCT input) AS d, COUNT(n) AS e, "
        "COUNT(ALL n) AS f INTO window FROM input TIMESTAMP BY t GROUP BY TumblingWindow(day, 1) "
        "SELECT COUNT(*) OVER (LIMIT DURATION(minute, 3)) AS a, COUNT(n) OVER (LIMIT DURATION(minute, 3)) AS e, "
        "COUNT() OVER (LIMIT DURATION(minute, 3) WHEN n > 1) AS w INTO moving FROM input TIMESTAMP BY t",
        input=[*events, events[3]],
    )
    assert rows["window"] == [{"a": 5, "b": 5, "c": 5, "d": 4, "e": 4, "f": 4}]
    assert [tuple(row.values()) for row in rows["moving"]] == [(1, 0, 0), (2, 1, 0), (3, 2, 1), (3, 3, 2), (4, 4, 3)]


def test_count_of_a_column_that_is_called_as_its_step() -> None:
    query = "WITH s AS (SELECT n AS s FROM input) SELECT COUNT(s) AS c FROM s GROUP BY TumblingWindow(day, 1)"
    assert run(query, input=[{"n": 1}, {"n": None}])["output"] == [{"c": 1}]


def test_a_look_back_sees_what_where_takes_away() -> None:
    """Source: .../stream-analytics-query/lag-azure-stream-analytics: it "isn't affected by predicates in the WHERE"."""
    rows = run(
        "SELECT n, LAG(n) OVER (LIMIT DURATION(hour, 1)) AS p FROM input WHERE n > 2",
        input=[{"n": 1}, {"n": 2}, {"n": 3}],
    )
    assert rows["output"] == [{"n": 3, "p": 2}]


def test_what_collects() -> None:
    """Source: .../stream-analytics-query/collect-..., collecttop-... and topone-azure-stream-analytics"""
    events = [{"v": 2, "w": 1}, {"v": 3, "w": 2}, {"v": 2, "w": 3}]
    rows = run(
        """
        SELECT
            Collect() AS everything,
            Collect(v) AS v,
            CollectTop(2) OVER (ORDER BY v DESC, w DESC) AS top,
            CollectTop(1, v + w) OVER (ORDER BY w ASC) AS sums,
            TopOne() OVER (ORDER BY v ASC, w DESC) AS one,
            TopOne(w) OVER (ORDER BY v) AS w
        FROM input
        GROUP BY TumblingWindow(second, 1)
        """,
        input=events,
    )
    assert rows["output"] == [
        {
            "everything": events,
            "v": [2, 3, 2],
            "top": [{"rank": 1, "value": events[1]}, {"rank": 2, "value": events[2]}],
            "sums": [{"rank": 1, "value": 3}],
            "one": events[2],
            "w": 1,
        }
    ]


def test_reference_data() -> None:
    cities = [{"code": "1", "name": "one"}, {"code": "2", "name": "two"}, {"code": "2", "name": "zwei"}, {"code": None}]
    events = [{"id": 1, "code": "2"}, {"id": 2, "code": "9"}, {"id": 3}]
    query = "SELECT e.id, c.name FROM events e {} JOIN cities c ON e.code = c.code AND e.id < 9 WHERE e.id <> 7"
    inner = run(query.format(""), {"cities": cities}, events=events)["output"]
    assert inner == [{"id": 1, "name": "two"}, {"id": 1, "name": "zwei"}]
    left = run(query.format("LEFT OUTER"), {"cities": cities}, events=events)["output"]
    assert left == [*inner, {"id": 2, "name": None}, {"id": 3, "name": None}]


def test_a_join_compares_as_where_does() -> None:
    """A number with a bit, a text with a datetime: equal, and not the same."""
    rows = run(
        "SELECT e.n FROM e JOIN r ON e.yes = r.one AND CAST(e.t AS datetime) = r.t",
        {"r": [{"one": 1, "t": "2024-01-01T00:00Z"}]},
        e=[{"n": 1, "yes": True, "t": "2024-01-01"}, {"n": 2, "yes": False, "t": "2024-01-01"}],
    )
    assert rows["output"] == [{"n": 1}]


def streams(*seconds: float, **more: Any) -> list[dict[str, Any]]:
    return [{"t": clock(second), "s": second, **more} for second in seconds]


@pytest.mark.parametrize(
    ("bound", "pairs"),
    [
        ("DATEDIFF(second, l, r) BETWEEN 0 AND 2", [(5, 5), (5, 7)]),
        ("DATEDIFF(second, r, l) BETWEEN -2 AND 0", [(5, 5), (5, 7)]),
        ("DATEDIFF(second, l, r) >= 0 AND DATEDIFF(second, l, r) < 2", [(5, 5)]),
        ("0 < DATEDIFF(second, l, r) AND DATEDIFF(second, l, r) <= 2", [(5, 7)]),
        ("DATEDIFF(second, l, r) = 2", [(5, 7)]),
        ("DATEDIFF(second, l, r) BETWEEN -9 AND 9 AND l.s > r.s", [(5, 3)]),
    ],
)
def test_the_bounds_of_a_join(bound: str, pairs: list[tuple[int, int]]) -> None:
    rows = run(
        "SELECT l.s AS l, r.s AS r, System.Timestamp() AS at "
        f"FROM a l TIMESTAMP BY t JOIN b r TIMESTAMP BY t ON {bound}",
        a=streams(5),
        b=streams(3, 5, 7),
    )["output"]
    assert sorted((row["l"], row["r"]) for row in rows) == pairs
    assert all(row["at"] == clock(max(row["l"], row["r"])) for row in rows)


def test_a_third_stream_is_counted_from_the_one_that_is_named() -> None:
    query = """
        SELECT x.s AS x, y.s AS y, z.s AS z
        FROM a x TIMESTAMP BY t
        JOIN b y TIMESTAMP BY t ON DATEDIFF(second, x, y) BETWEEN 0 AND 10
        JOIN c z TIMESTAMP BY t ON DATEDIFF(second, {}, z) BETWEEN 0 AND 1
        """
    inputs = {"a": streams(1), "b": streams(8), "c": streams(2, 9)}
    assert run(query.format("x"), **inputs)["output"] == [{"x": 1, "y": 8, "z": 2}]
    assert run(query.format("y"), **inputs)["output"] == [{"x": 1, "y": 8, "z": 9}]


def test_a_union_is_in_order_of_time() -> None:
    rows = run(
        "SELECT s INTO both FROM a TIMESTAMP BY t UNION SELECT s FROM b TIMESTAMP BY t",
        a=streams(1, 4),
        b=streams(2, 3),
    )
    assert [row["s"] for row in rows["both"]] == [1, 2, 3, 4]


def test_a_step_of_a_step_and_one_that_nobody_reads() -> None:
    rows = run(
        """
        WITH one AS (SELECT n + 1 AS n FROM input WHERE n > 0),
             two AS (SELECT one.n * 10 AS n FROM one),
             unread AS (SELECT COUNT(*) AS c FROM two GROUP BY TumblingWindow(second, 1))
        SELECT n FROM two
        """,
        input=[{"n": 0}, {"n": 1}],
    )
    assert rows == {"output": [{"n": 20}]}
