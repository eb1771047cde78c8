"""Computed properties: the examples of their page, every clause they may be named in, and what may not define one.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/computed-properties.
"""

from __future__ import annotations

from typing import Any

import pytest

from local.sql.cosmos.computed import compile_computed
from local.sql.cosmos.errors import SqlError
from local.sql.cosmos.select import compile_select

DEFINITIONS = (
    ("cp_lowerName", "SELECT VALUE LOWER(c.name) FROM c"),
    ("cp_20PercentDiscount", "SELECT VALUE (c.price * 0.2) FROM c"),
    ("cp_primaryCategory", "SELECT VALUE SUBSTRING(c.categoryName, 0, INDEX_OF(c.categoryName, ',')) FROM c"),
    ("cp_monthUpdated", "SELECT VALUE DateTimePart('m', TimestampToDateTime(c._ts*1000)) FROM c"),
    ("cp_parts", "SELECT VALUE StringSplit(root.name, ' ') FROM root"),
    ("price", "SELECT VALUE ROUND(p.price) FROM MyContainer p"),
)
ITEMS: list[dict[str, Any]] = [
    {
        "id": "1", "categoryName": "Bikes, Touring Bikes", "name": "Touring-1000 Blue", "price": 2384.07,
        "tags": [{"name": "Tag-61", "cp_lowerName": "kept"}], "_ts": 1683094347,
    },
    {"id": "2", "categoryName": "Bikes, Road Bikes", "name": "Road-150", "price": 99.6, "_ts": 1688364747},
    {"id": "3", "name": 5, "_ts": 1672531200},
]  # fmt: skip


def run(query: str, definitions: tuple[tuple[str, str], ...] = DEFINITIONS) -> list[Any]:
    return list(compile_select(query, {"@name": "road-150"}, definitions).evaluate(ITEMS))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT c.cp_lowerName FROM c", [{"cp_lowerName": "touring-1000 blue"}, {"cp_lowerName": "road-150"}, {}]),
        ("SELECT VALUE c.id FROM c WHERE c.cp_20PercentDiscount < 50.00", ["2"]),
        (
            "SELECT COUNT(1) AS n, c.cp_primaryCategory FROM c GROUP BY c.cp_primaryCategory",
            [{"n": 2, "cp_primaryCategory": "Bikes"}, {"n": 1}],
        ),
        ("SELECT VALUE c.id FROM c ORDER BY c.cp_monthUpdated", ["3", "1", "2"]),
        ("SELECT VALUE c.id FROM c ORDER BY c['cp_lowerName'] DESC", ["1", "2", "3"]),
        # the property that the document keeps is behind the computed one, but for SELECT *
        ("SELECT VALUE c.price FROM c", [2384, 100]),
        ("SELECT * FROM c WHERE c.price = 100", [ITEMS[1]]),
        ("SELECT VALUE c FROM c WHERE c.cp_lowerName = @name", [ITEMS[1]]),
        # in any place, by any alias of the document, and only of the document
        ("SELECT VALUE c.cp_parts[1] FROM c", ["Blue"]),
        ("SELECT VALUE p FROM c JOIN p IN c.cp_parts", ["Touring-1000", "Blue", "Road-150"]),
        ("SELECT VALUE p FROM p IN c.cp_parts", ["Touring-1000", "Blue", "Road-150"]),
        ("SELECT VALUE n FROM c.cp_lowerName n", ["touring-1000 blue", "road-150"]),
        ("SELECT VALUE t.cp_lowerName FROM c JOIN t IN c.tags", ["kept"]),
        ("SELECT VALUE c.tags[0].cp_lowerName FROM c", ["kept"]),
        ("SELECT VALUE e.id FROM c AS e WHERE EXISTS(SELECT VALUE p FROM p IN e.cp_parts WHERE p = 'Blue')", ["1"]),
        ("SELECT VALUE (SELECT VALUE COUNT(1) FROM p IN c.cp_parts) FROM c", [2, 1, 0]),
        ("SELECT VALUE MAX(c.cp_20PercentDiscount * 10) FROM c", [4768.14]),
        ("SELECT VALUE d FROM (SELECT VALUE c.cp_lowerName FROM c) d", ["touring-1000 blue", "road-150"]),
        ("SELECT DISTINCT VALUE c.cp_primaryCategory FROM c", ["Bikes"]),
    ],
)  # fmt: skip
def test_what_is_computed_is_read_like_what_is_kept(query: str, expected: list[Any]) -> None:
    assert run(query) == pytest.approx(expected) if "MAX" in query else run(query) == expected


def test_without_a_definition_there_is_none() -> None:
    assert run("SELECT VALUE c.cp_lowerName FROM c", ()) == []


def test_no_document_is_looked_up_by_what_is_computed() -> None:
    """What is in the way of the documents' keys is not in the documents."""
    query = "SELECT * FROM c WHERE c.pk = 'a' AND c.id = 'x' AND c.at.pk = 1"
    definitions = (("pk", "SELECT VALUE c.name FROM c"), ("at", "SELECT VALUE c.name FROM c"))
    assert compile_select(query, {}, definitions).pinned == {("id",): ["x"]}


NAMED = "computed property 'p'"


@pytest.mark.parametrize(
    ("definitions", "named"),
    [
        ((("p", "SELECT c.name FROM c"),), "SELECT VALUE"),
        ((("p", "SELECT VALUE c.name"),), "FROM the container"),
        ((("p", "SELECT VALUE 1"),), "FROM the container"),
        ((("p", "SELECT VALUE t FROM c JOIN t IN c.tags"),), "FROM the container"),
        ((("p", "SELECT VALUE t FROM t IN c.tags"),), "FROM the container"),
        ((("p", "SELECT VALUE n FROM c.name n"),), "FROM the container"),
        ((("p", "SELECT VALUE d FROM (SELECT VALUE c.a FROM c) d"),), "FROM the container"),
        ((("p", "SELECT VALUE c.name FROM c WHERE c.a = 1"),), "WHERE"),
        ((("p", "SELECT DISTINCT VALUE c.name FROM c"),), "DISTINCT"),
        ((("p", "SELECT TOP 1 VALUE c.name FROM c"),), "TOP"),
        ((("p", "SELECT VALUE c.name FROM c ORDER BY c.name"),), "ORDER BY"),
        ((("p", "SELECT VALUE c.name FROM c GROUP BY c.name"),), "GROUP BY"),
        ((("p", "SELECT VALUE c.name FROM c OFFSET 0 LIMIT 1"),), "OFFSET LIMIT"),
        ((("p", "SELECT VALUE (SELECT VALUE 1) FROM c"),), "subqueries"),
        ((("p", "SELECT VALUE EXISTS(SELECT VALUE 1) FROM c"),), "subqueries"),
        ((("p", "SELECT VALUE COUNT(1) FROM c"),), "COUNT"),
        ((("p", "SELECT VALUE GetCurrentDateTime() FROM c"),), "GetCurrentDateTime"),
        ((("p", "SELECT VALUE GetCurrentTicksStatic() FROM c"),), "GetCurrentTicksStatic"),
        ((("p", "SELECT VALUE RAND() FROM c"),), "RAND"),
        ((("p", "SELECT VALUE ST_AREA(c.at) FROM c"),), "ST_AREA"),
        ((("p", "SELECT VALUE udf.f(c.a) FROM c"),), "udf"),
        ((("p", "SELECT VALUE c.name = @n FROM c"),), "@n"),
        ((("p", "SELECT VALUE d.name FROM c"),), "'d'"),
        ((("p", "SELEC"),), "Syntax error"),
        ((("id", "SELECT VALUE c.name FROM c"),), "'id'"),
        ((("_ts", "SELECT VALUE c.name FROM c"),), "'_ts'"),
        ((("", "SELECT VALUE c.name FROM c"),), "''"),
        ((("p", "SELECT VALUE c.name FROM c"),) * 2, "'p'"),
        (tuple((f"p{n}", "SELECT VALUE c.name FROM c") for n in range(21)), "at most 20"),
    ],
)
def test_what_may_not_define_one(definitions: tuple[tuple[str, str], ...], named: str) -> None:
    with pytest.raises(SqlError) as refused:
        compile_computed(definitions)
    assert named in str(refused.value)


def test_twenty_are_the_most() -> None:
    assert len(compile_computed(tuple((f"p{n}", f"SELECT VALUE c.n + {n} FROM c") for n in range(20)))) == 20
