"""PARTITION BY: what is apart, what is read together, and that nothing is grouped, joined or looked back at across."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.sql.asa.errors import QueryError
from local.sql.asa.values import TICKS_PER_SECOND, DateTime, format_datetime, to_json
from local.stream_analytics.job import Job, compile_job
from local.stream_analytics.watermark import Policies
from tests.unit.asa_queries import run, table

ELSEWHERE = "is valid in Azure Stream Analytics but the local engine does not run it"
START = 63_850_000_000 * TICKS_PER_SECOND


def at(second: float) -> DateTime:
    return DateTime(START + int(second * TICKS_PER_SECOND))


def partitioned(query: str, /, **inputs: int) -> Job:
    policies = Policies(late_arrival=3600 * TICKS_PER_SECOND)
    return compile_job(query, inputs=inputs, file="q.asaql", policies=policies)


def feed(job: Job, name: str, partition: int, *events: Mapping[str, Any]) -> list[Any]:
    """The rows that events of a partition settle: each has a second, `t`, and PartitionId as a hub adds it."""
    rows = []
    for event in events:
        record = {**event, "t": format_datetime(at(event["t"])), "PartitionId": partition}
        rows += [to_json(row) for _, row in job.push(name, partition, record, at(event["t"]))]
    return rows


def finish(job: Job) -> list[Any]:
    return [to_json(row) for _, row in job.finish()]


READINGS = table("DeviceId | Reading | t",
                 'a | 10 | 2024-05-01T10:00:10Z', 'b | 7 | 2024-05-01T10:00:20Z', 'a | 20 | 2024-05-01T10:00:50Z',
                 'a | 1 | 2024-05-01T10:01:10Z')  # fmt: skip


def test_a_step_that_repartitions() -> None:
    """Source: .../azure/stream-analytics/repartition, "Repartition input within a single Stream Analytics job"."""
    rows = run(
        """
        WITH RepartitionedInput AS (SELECT * FROM input TIMESTAMP BY t PARTITION BY DeviceID)
        SELECT DeviceId, AVG(Reading) AS AvgNormalReading
        INTO output
        FROM RepartitionedInput
        GROUP BY DeviceId, TumblingWindow(minute, 1)
        """,
        input=READINGS,
    )["output"]
    assert rows == [
        {"DeviceId": "a", "AvgNormalReading": 15.0},
        {"DeviceId": "b", "AvgNormalReading": 7.0},
        {"DeviceId": "a", "AvgNormalReading": 1.0},
    ]


def test_a_union_of_repartitioned_steps() -> None:
    """Source: .../azure/stream-analytics/repartition, which has no SELECT after UNION."""
    rows = run(
        """
        WITH step1 AS (SELECT * FROM input1 PARTITION BY DeviceID),
             step2 AS (SELECT * FROM input2 PARTITION BY DeviceID)
        SELECT * INTO output FROM step1 PARTITION BY DeviceID
        UNION step2 PARTITION BY DeviceID
        """,
        input1=[{"DeviceID": 1, "n": 1}],
        input2=[{"DeviceID": 1, "n": 2}],
    )["output"]
    assert [row["n"] for row in rows] == [1, 2]


def test_a_number_of_shards_changes_nothing_but_how_azure_runs_it() -> None:
    """Sources: .../azure/stream-analytics/repartition, "Repartitions for SQL output", and
    .../stream-analytics-query/into-azure-stream-analytics, "INTO (Shard Count)".
    """
    events = [{"DeviceID": n % 3, "n": n} for n in range(20)]
    query = "SELECT * INTO [output] FROM [input] PARTITION BY DeviceID INTO 10"
    assert run(query, input=events)["output"] == events
    query = (
        "WITH Step1 AS (SELECT * FROM input PARTITION BY DeviceId INTO 10) "
        "SELECT * INTO [output] FROM Step1 PARTITION BY DeviceId"
    )
    assert run(query, input=events)["output"] == events


def test_a_join_of_unlike_numbers_of_partitions_into_as_many() -> None:
    join = JOIN.format("PartitionId").replace("PARTITION BY PartitionId", "PARTITION BY PartitionId INTO 2")
    job = partitioned(join, a=2, b=3)
    feed(job, "a", 1, {"t": 1, "n": 1})
    feed(job, "b", 1, {"t": 2, "n": 2})
    feed(job, "b", 2, {"t": 2, "n": 3})
    assert finish(job) == [{"a": 1, "b": 2}]


# .../azure/stream-analytics/stream-analytics-parallelization, "Examples of scaling": TollBooth #1 is in two partitions.
STEP = """
    WITH Step1 AS (
        SELECT COUNT(*) AS Count, TollBoothId, PartitionId
        FROM Input1 TIMESTAMP BY t PARTITION BY PartitionId
        GROUP BY TumblingWindow(minute, 3), TollBoothId, PartitionId
    )
"""
CARS: Sequence[tuple[int, Sequence[Mapping[str, Any]]]] = [
    (0, [{"t": 1, "TollBoothId": 1}, {"t": 2, "TollBoothId": 1}, {"t": 3, "TollBoothId": 2}, {"t": 400, "gone": 1}]),
    (1, [{"t": 5, "TollBoothId": 1}, {"t": 6, "TollBoothId": 3}, {"t": 400, "gone": 1}]),
]


def test_partitions_are_counted_apart() -> None:
    job = partitioned(STEP + "SELECT Count, TollBoothId, PartitionId FROM Step1", Input1=2)
    first, second = (feed(job, "Input1", partition, *events) for partition, events in CARS)
    assert first == [
        {"Count": 2, "TollBoothId": 1, "PartitionId": 0}, {"Count": 1, "TollBoothId": 2, "PartitionId": 0},
    ]  # fmt: skip
    assert second == [
        {"Count": 1, "TollBoothId": 1, "PartitionId": 1}, {"Count": 1, "TollBoothId": 3, "PartitionId": 1},
    ]  # fmt: skip


@pytest.mark.parametrize("partition_by", ["", "PARTITION BY TollBoothId"], ids=["together", "by another key"])
def test_a_step_that_reads_the_partitions_together(partition_by: str) -> None:
    """Source: as above, and "Multi-step query with different PARTITION BY values"."""
    job = partitioned(
        f"{STEP} SELECT SUM(Count) AS Count, TollBoothId FROM Step1 {partition_by} "
        "GROUP BY TumblingWindow(minute, 3), TollBoothId",
        Input1=2,
    )
    (first, cars), (second, others) = CARS
    assert feed(job, "Input1", first, *cars) == []  # the other partition may have some yet
    assert feed(job, "Input1", second, *others) == [
        {"Count": 3, "TollBoothId": 1}, {"Count": 1, "TollBoothId": 2}, {"Count": 1, "TollBoothId": 3},
    ]  # fmt: skip


def test_steps_that_read_the_same_partitions_together() -> None:
    job = partitioned(
        STEP + "SELECT SUM(Count) AS n INTO a FROM Step1 GROUP BY TumblingWindow(minute, 3) "
        "SELECT MAX(Count) AS most INTO b FROM Step1 GROUP BY TumblingWindow(minute, 3) "
        "SELECT Count INTO c FROM Step1",
        Input1=2,
    )
    for partition, events in CARS:
        feed(job, "Input1", partition, *events[:-1])
    rows = [(name, *row.values()) for name, row in job.finish()]
    assert rows == [("a", 5), ("b", 2), ("c", 2), ("c", 1), ("c", 1), ("c", 1)]


def test_rows_of_the_same_time_come_by_partition() -> None:
    job = partitioned(
        "WITH s AS (SELECT t, n FROM hub TIMESTAMP BY t PARTITION BY PartitionId) "
        "SELECT n, LAG(n) OVER (LIMIT DURATION(hour, 1)) AS before FROM s",
        hub=3,
    )
    rows = []
    for partition in (2, 0, 1):
        rows += feed(job, "hub", partition, {"t": 1, "n": partition}, {"t": 2, "n": 10 + partition})
    numbers = [row["n"] for row in rows + finish(job)]
    assert numbers == [0, 1, 2, 10, 11, 12]
    assert [row["before"] for row in rows] == [None, 0, 1]


JOIN = (
    "SELECT a.n AS a, b.n AS b FROM a TIMESTAMP BY t PARTITION BY {0} JOIN b TIMESTAMP BY t PARTITION BY {0} "
    "ON a.{0} = b.{0} AND DATEDIFF(second, a, b) BETWEEN 0 AND 5"
)


@pytest.mark.parametrize(
    ("key", "inputs", "pairs"),
    [
        ("device", {"a": 2, "b": 3}, [(1, 3), (2, 3)]),
        ("PartitionId", {"a": 2, "b": 2}, [(1, 3), (1, 4)]),
    ],
)
def test_a_join_of_what_is_partitioned_by_the_same_key(
    key: str, inputs: Mapping[str, int], pairs: Sequence[tuple[int, int]]
) -> None:
    """Source: .../stream-analytics-query/join-azure-stream-analytics: ON matches the partition keys of both sides."""
    job = partitioned(JOIN.format(key), **inputs)
    feed(job, "a", 0, {"t": 1, "n": 1, "device": "x"})
    feed(job, "a", 1, {"t": 2, "n": 2, "device": "x"})
    feed(job, "b", 0, {"t": 3, "n": 3, "device": "x"}, {"t": 4, "n": 4, "device": "y"})
    assert [(row["a"], row["b"]) for row in finish(job)] == pairs


def test_a_step_of_substreams_is_grouped_by_their_key() -> None:
    job = partitioned(
        "WITH s AS (SELECT n, device FROM input TIMESTAMP BY t OVER input.device) "
        "SELECT Device, SUM(n) AS n FROM s GROUP BY TumblingWindow(second, 3), s.DEVICE",
        input=1,
    )
    feed(job, "input", 0, {"t": 1, "n": 1, "device": "x"}, {"t": 2, "n": 2, "device": "y"})
    assert finish(job) == [{"Device": "x", "n": 1}, {"Device": "y", "n": 2}]


def test_each_partition_has_substreams() -> None:
    """Source: .../stream-analytics-query/timestamp-by-azure-stream-analytics, example 4."""
    job = partitioned(
        """
        SELECT
              TollId,
              COUNT(*) AS Count
        FROM input
              TIMESTAMP BY t OVER TollId, PartitionId
              PARTITION BY PartitionId
        GROUP BY TUMBLINGWINDOW(second,3), TollId, PartitionId
        """,
        input=2,
    )
    assert feed(job, "input", 0, {"t": 1, "TollId": 1}, {"t": 9, "TollId": 2}, {"t": 2, "TollId": 1}) == []
    assert feed(job, "input", 1, {"t": 1, "TollId": 1}) == []
    assert feed(job, "input", 0, {"t": 9, "TollId": 1}) == [{"TollId": 1, "Count": 2}]
    assert sorted((row["TollId"], row["Count"]) for row in finish(job)) == [(1, 1), (1, 1), (2, 1)]


def test_a_join_of_substreams_is_of_the_same_key() -> None:
    job = partitioned(
        "SELECT a.n AS a, b.n AS b, a.device FROM input a TIMESTAMP BY t OVER device "
        "JOIN other b TIMESTAMP BY t OVER device ON b.device = a.device AND DATEDIFF(second, a, b) BETWEEN 0 AND 5",
        input=1, other=1,
    )  # fmt: skip
    feed(job, "input", 0, {"t": 1, "n": 1, "device": "x"}, {"t": 1, "n": 2, "device": "y"})
    feed(job, "other", 0, {"t": 2, "n": 3, "device": "x"})
    assert finish(job) == [{"a": 1, "b": 3, "device": "x"}]


def test_a_union_of_unlike_numbers_of_partitions_is_in_order() -> None:
    job = partitioned(
        "SELECT n FROM a TIMESTAMP BY t PARTITION BY PartitionId UNION SELECT n FROM b TIMESTAMP BY t", a=2, b=1
    )
    assert feed(job, "a", 1, {"t": 1, "n": 1}, {"t": 4, "n": 4}) == []
    assert feed(job, "b", 0, {"t": 3, "n": 3}) == []
    assert feed(job, "a", 0, {"t": 2, "n": 2}) == [{"n": 1}]
    assert finish(job) == [{"n": 2}, {"n": 3}, {"n": 4}]


KEYED = "FROM input TIMESTAMP BY t PARTITION BY device"
ALLOWED = [
    f"SELECT device, kind, COUNT(*) AS c {KEYED} GROUP BY device, kind, TumblingWindow(second, 3)",
    f"SELECT DEVICE, MAX(n) AS c {KEYED} GROUP BY SlidingWindow(second, 3), Input.Device",
    f"SELECT device, Collect(n) AS c {KEYED} "
    "GROUP BY device, SessionWindow(second, 1, 9) OVER (PARTITION BY kind, device)",
    f"SELECT n, LAG(n) OVER (PARTITION BY device LIMIT DURATION(second, 9)) AS p {KEYED}",
    f"SELECT n {KEYED}, kind WHERE n > 1",
    f"SELECT UPPER(device) AS d, SUM(n) AS s {KEYED.replace('BY device', 'BY UPPER(device)')} "
    "GROUP BY UPPER(device), TumblingWindow(second, 3)",
    "SELECT x.n AS x, y.n AS y FROM input x TIMESTAMP BY t PARTITION BY device JOIN input y TIMESTAMP BY t "
    "PARTITION BY device ON y.device = x.device AND DATEDIFF(second, x, y) BETWEEN 0 AND 2",
    "SELECT y.device, COUNT(*) AS c FROM input x TIMESTAMP BY t PARTITION BY device JOIN input y TIMESTAMP BY t "
    "PARTITION BY device ON y.device = x.device AND DATEDIFF(second, x, y) BETWEEN 0 AND 2 "
    "GROUP BY y.device, TumblingWindow(second, 3)",
]  # fmt: skip
EVENTS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 3), st.sampled_from("ab"), st.sampled_from("xy"), st.integers(0, 3)),
    max_size=25,
)


@pytest.mark.parametrize("query", ALLOWED)
@settings(max_examples=40)
@given(events=EVENTS)
def test_what_a_key_keeps_apart_is_as_it_is_without(query: str, events: list[tuple[int, int, str, str, int]]) -> None:
    without = query
    for clause in ("PARTITION BY UPPER(device) GROUP", "PARTITION BY device, kind WHERE"):
        without = without.replace(clause, clause.rsplit(" ", 1)[1])
    without = without.replace("t PARTITION BY device", "t ")
    assert without != query
    results = []
    for text in (query, without):
        job, time, rows = partitioned(text, input=3), 0, []
        for partition, pause, device, kind, n in events:
            time += pause
            rows += feed(job, "input", partition, {"t": time, "device": device, "kind": kind, "n": n})
        results.append(rows + finish(job))
    assert results[0] == results[1]


# Where the mark is, the error is to be.
REFUSED = {
    f"SELECT kind, COUNT(*) AS c {KEYED} GROUP BY ^kind, TumblingWindow(second, 3)": (
        f"GROUP BY without device, by which the stream is partitioned, {ELSEWHERE}"
    ),
    f"SELECT device, COUNT(*) AS c {KEYED}, kind GROUP BY ^device, TumblingWindow(second, 3)": (
        f"GROUP BY without kind, by which the stream is partitioned, {ELSEWHERE}"
    ),
    f"SELECT device, COUNT(*) AS c {KEYED} GROUP BY device, ^SessionWindow(second, 3, 9)": (
        f"SessionWindow() without device, by which the stream is partitioned, {ELSEWHERE}"
    ),
    f"SELECT ^LAG(n) OVER (LIMIT DURATION(second, 9)) AS p {KEYED}": (
        f"LAG() without device, by which the stream is partitioned, {ELSEWHERE}"
    ),
    f"SELECT ^SUM(n) OVER (PARTITION BY kind LIMIT DURATION(second, 9)) AS s {KEYED}": (
        f"SUM() without device, by which the stream is partitioned, {ELSEWHERE}"
    ),
    f"SELECT device, COUNT(*) AS c {KEYED} "
    "GROUP BY device, Windows(TumblingWindow(second, 3), ^SessionWindow(second, 3, 9))": (
        f"SessionWindow() without device, by which the stream is partitioned, {ELSEWHERE}"
    ),
    f"SELECT ^ISFIRST(second, 9) AS p {KEYED.replace('device', 'UPPER(device)')}": (
        f"ISFIRST() without what is computed there, by which the stream is partitioned, {ELSEWHERE}"
    ),
    f"SELECT input.n {KEYED} JOIN other PARTITION BY ^device ON DATEDIFF(second, input, other) BETWEEN 0 AND 1": (
        "ON is to have it equal to device, by which the other side is partitioned"
    ),
    f"SELECT input.n {KEYED} JOIN ^other ON input.device = other.device "
    "AND DATEDIFF(second, input, other) BETWEEN 0 AND 1": (
        f"a JOIN of other without PARTITION BY, and others with it, {ELSEWHERE}"
    ),
    f"SELECT input.n {KEYED} JOIN other PARTITION BY ^device, kind ON input.device = other.device "
    "AND DATEDIFF(second, input, other) BETWEEN 0 AND 1": (
        "what is joined is partitioned by as many keys on either side"
    ),
    f"SELECT other.device, COUNT(*) AS c {KEYED} LEFT JOIN other PARTITION BY device ON input.device = other.device "
    "AND DATEDIFF(second, input, other) BETWEEN 0 AND 1 GROUP BY ^other.device, TumblingWindow(second, 3)": (
        f"GROUP BY without device, by which the stream is partitioned, {ELSEWHERE}"
    ),
    "SELECT a.n FROM input a PARTITION BY PartitionId JOIN ^other b PARTITION BY PartitionId "
    "ON a.PartitionId = b.PartitionId AND DATEDIFF(second, a, b) BETWEEN 0 AND 5": (
        "b has 3 partitions and a has 2: a JOIN is of as many on either side; PARTITION BY ... INTO makes them so"
    ),
    "SELECT a.n FROM input a PARTITION BY device INTO 4 JOIN ^other b PARTITION BY device INTO 5 "
    "ON a.device = b.device AND DATEDIFF(second, a, b) BETWEEN 0 AND 5": (
        "b has 5 partitions and a has 4: a JOIN is of as many on either side; PARTITION BY ... INTO makes them so"
    ),
    **{
        f"SELECT * FROM input PARTITION BY device INTO ^{count}": "PARTITION BY ... INTO takes a whole number from 2 on"
        for count in ("0", "1", "2.5")
    },
    "WITH s AS (SELECT a FROM input) SELECT a FROM s PARTITION BY ^b": "s has no column b; it has: a",
    **{
        f"WITH s AS (SELECT {columns} FROM input TIMESTAMP BY t OVER {key} PARTITION BY PartitionId) "
        f"SELECT COUNT(*) AS c FROM s PARTITION BY PartitionId GROUP BY ^{group}, TumblingWindow(second, 3)": (
            "what TIMESTAMP BY is OVER is to be in GROUP BY: each has a time of its own"
        )
        for columns, key, group in (
            ("*", "device, PartitionId", "kind, PartitionId"),
            ("*", "UPPER(device), PartitionId", "device, PartitionId"),
            ("device AS d, PartitionId", "device, PartitionId", "d, PartitionId"),
            ("*", "device, kind, PartitionId", "device, PartitionId"), ("*", "device, PartitionId", "device"),
        )
    },
    **{
        "SELECT a.n FROM input a TIMESTAMP BY t OVER device, PartitionId PARTITION BY PartitionId "
        "^JOIN input b TIMESTAMP BY t OVER device, PartitionId PARTITION BY PartitionId "
        f"ON a.PartitionId = b.PartitionId {on} AND DATEDIFF(second, a, b) BETWEEN 0 AND 5": (
            "ON is to have device equal, which TIMESTAMP BY is OVER: each has a time of its own"
        )
        for on in ("", "AND a.device = a.device", "AND a.device = b.kind")
    },
    "WITH s AS (SELECT device FROM input TIMESTAMP BY t OVER device, PartitionId PARTITION BY PartitionId) "
    "SELECT COUNT(*) AS c FROM ^s GROUP BY TumblingWindow(second, 3)": (
        f"reading the partitions of s together, with TIMESTAMP BY ... OVER, {ELSEWHERE}"
    ),
    "SELECT n FROM input TIMESTAMP BY t OVER ^device, kind PARTITION BY PartitionId": (
        "input has several partitions: TIMESTAMP BY is to be OVER PartitionId, too"
    ),
    "SELECT a.n FROM input a TIMESTAMP BY t OVER PartitionId PARTITION BY PartitionId "
    "JOIN ^input b TIMESTAMP BY t PARTITION BY PartitionId "
    "ON a.PartitionId = b.PartitionId AND DATEDIFF(second, a, b) BETWEEN 0 AND 5": (
        "TIMESTAMP BY ... OVER is of all inputs of a query, or of none"
    ),
}  # fmt: skip


@pytest.mark.parametrize("query", REFUSED)
def test_refused(query: str) -> None:
    with pytest.raises(QueryError) as caught:
        compile_job(query.replace("^", ""), inputs={"input": 2, "other": 3}, file="q.asaql")
    assert str(caught.value) == f"q.asaql:1:{query.index('^') + 1}: {REFUSED[query]}"
