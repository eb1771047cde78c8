"""Reference data: which table is in effect at a row's time, and what a join with it gives."""

from __future__ import annotations

from typing import Any

import pytest

from local.stream_analytics.files import IN_ANY_ORDER
from local.stream_analytics.job import compile_job
from local.stream_analytics.reference import ReferenceData, ReferenceJoin
from tests.unit.streams import at, clock, event, name, run

KEY = (name("key"),)
CODE = (name("code"),)


def cities(operator: ReferenceJoin, rows: list[Any]) -> list[tuple[str, Any]]:
    return [(clock(row.time), row.sources[1] and row.sources[1]["city"]) for row in run(operator, rows)]


def test_it_joins_by_key_and_keeps_the_time() -> None:
    data = ReferenceData(
        [{"code": 1, "city": "Raleigh"}, {"code": 1, "city": "Cary"}, {"code": None, "city": "Nowhere"}]
    )
    rows = [event("00:00:01", key=1.0), event("00:00:02", key=2), event("00:00:03", key=None)]
    keys: dict[str, Any] = {"stream_keys": KEY, "table_keys": CODE}
    inner = [("00:00:01", "Raleigh"), ("00:00:01", "Cary")]
    assert cities(ReferenceJoin(data, **keys), rows) == inner
    assert cities(ReferenceJoin(data, outer=True, **keys), rows) == [*inner, ("00:00:02", None), ("00:00:03", None)]
    only: Any = lambda row: row.sources[1]["city"] > "D"  # noqa: E731
    assert cities(ReferenceJoin(data, only, **keys), rows) == inner[:1]


def test_a_row_meets_the_table_in_effect_at_its_time() -> None:
    """ "pick up the updated blob ... at 5:30 PM": the first row of the new table is that of the same moment."""
    data = ReferenceData()
    data.put(at("17:30:00"), [{"code": 1, "city": "new"}])
    data.put(at("17:00:00"), [{"code": 1, "city": "old"}])  # in any order
    rows = [event(time, key=1) for time in ("16:59:59", "17:00:00", "17:29:59", "17:30:00", "18:00:00")]
    found = cities(ReferenceJoin(data, stream_keys=KEY, table_keys=CODE), rows)
    assert [city for _, city in found] == ["old", "old", "old", "new", "new"]


def test_of_two_tables_from_the_same_time_on_the_last_is_in_effect() -> None:
    data = ReferenceData()
    for city in ("first", "second"):
        data.put(at("17:00:00"), [{"city": city}])
    assert data.at(at("17:00:00")).rows == ({"city": "second"},)


def test_what_no_row_can_meet_any_more_is_let_go_and_nothing_else() -> None:
    data = ReferenceData()
    for hour in (10, 11, 12):
        data.put(at(f"{hour}:00:00"), [{"hour": hour}])
    data.forget(at("09:00:00"))
    assert len(data) == 3
    data.forget(at("11:59:59"))
    assert len(data) == 2
    assert data.at(at("11:59:59")).rows == ({"hour": 11},)
    data.forget(at("23:00:00"))
    assert (len(data), data.at(at("23:00:00")).rows) == (1, ({"hour": 12},))


def test_none_at_all_is_an_error_and_not_an_empty_table() -> None:
    with pytest.raises(LookupError):
        ReferenceData().at(at("00:00:00"))
    assert ReferenceData([]).at(at("00:00:00")).rows == ()


def test_partitions_share_the_index_of_a_table() -> None:
    looked_at: list[Any] = []

    def key(row: Any) -> Any:
        looked_at.append(row.sources[0]["code"])
        return row.sources[0]["code"]

    data = ReferenceData([{"code": code, "city": "x"} for code in range(5)])
    keys = (key,)
    for _ in range(4):  # a graph for each partition
        run(ReferenceJoin(data, stream_keys=KEY, table_keys=keys), [event("00:00:01", key=1)])
    assert looked_at == list(range(5))


def test_a_query_joins_each_event_with_what_is_in_effect_then() -> None:
    data = ReferenceData()
    data.put(at("12:00:00"), [{"code": 1, "city": "old"}])
    data.put(at("12:30:00"), [{"code": 1, "city": "new"}])
    query = "SELECT i.n, r.city INTO o FROM i TIMESTAMP BY t LEFT JOIN r ON i.code = r.code"
    job = compile_job(query, inputs=["i"], references={"r": data}, policies=IN_ANY_ORDER)
    # In order of time, though not of arrival; the last has no match.
    events = [("12:29:59", 1), ("12:30:01", 1), ("12:30:00", 1), ("12:31:00", 2)]
    found = []
    for n, (time, code) in enumerate(events):
        record = {"n": n, "code": code, "t": f"2021-10-26T{time}Z"}
        found += job.push("i", 0, record, at("12:31:00"))
    found += job.finish()
    assert {record["n"]: record["city"] for _, record in found} == {0: "old", 1: "new", 2: "new", 3: None}
    assert job.references == ("r",)


def test_reference_data_that_no_query_reads_is_not_waited_for() -> None:
    job = compile_job("SELECT n INTO o FROM i", inputs=["i"], references={"r": ReferenceData()})
    assert job.references == ()
