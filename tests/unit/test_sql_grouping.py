"""GROUP BY, aggregates, DISTINCT, TOP and OFFSET LIMIT: the examples of the documentation, then the edges.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/group-by, .../keywords, .../offset-limit.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.sql.cosmos.select import compile_select
from local.sql.cosmos.values import identity

TEAM = [
    {"name": name, "capabilities": capabilities, "team": "Cloud software engineering"}
    for name, capabilities in (
        ("Jordan Mitchell", {"softwareDevelopment": "python", "mediaTrained": True}),
        ("Mikaela Lee", {"softwareDevelopment": "javascript", "mediaTrained": False}),
        ("Graham Barnes", {"softwareDevelopment": "c-sharp", "mediaTrained": True}),
        ("Hayden Cook", {"softwareDevelopment": "javascript", "mediaTrained": True}),
        ("Morgan Connors", {"mediaTrained": True}),
        ("Devon Torres", {"softwareDevelopment": "python", "mediaTrained": False}),
        ("Sam Centrell", {"softwareDevelopment": "javascript", "mediaTrained": True}),
    )
]
LANGUAGE = "e.capabilities.softwareDevelopment"
PRODUCTS = [
    {"id": "1", "category": "Accessories", "price": 20}, {"id": "2", "category": "Tools", "price": 7.5},
    {"id": "3", "price": "free"}, {"id": "4", "category": "Accessories", "price": None}, {"id": "5", "category": 1},
    {"id": "6", "category": True}, {"id": "7", "category": 1.0},
]  # fmt: skip


def run(query: str, documents: list[Any], **parameters: Any) -> list[Any]:
    select = compile_select(query, {f"@{name}": value for name, value in parameters.items()})
    return list(select.evaluate(documents))


def same_rows(found: list[Any], expected: list[Any]) -> bool:
    """Whether two results have the same rows, in any order."""
    return Counter(map(identity, found)) == Counter(map(identity, expected))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            f'SELECT {LANGUAGE} AS developmentLang FROM employees e WHERE e.team = "Cloud software engineering" '
            f"GROUP BY {LANGUAGE}",
            [{}, {"developmentLang": "c-sharp"}, {"developmentLang": "javascript"}, {"developmentLang": "python"}],
        ),
        (
            f"SELECT COUNT(1) AS trainedEmployees, {LANGUAGE} AS developmentLang FROM employees e GROUP BY {LANGUAGE}",
            [
                {"trainedEmployees": 1}, {"trainedEmployees": 1, "developmentLang": "c-sharp"},
                {"trainedEmployees": 3, "developmentLang": "javascript"},
                {"trainedEmployees": 2, "developmentLang": "python"},
            ],
        ),
        (
            f"SELECT COUNT(1) AS n, {LANGUAGE} AS lang, e.capabilities.mediaTrained AS ready FROM employees e "
            f"GROUP BY {LANGUAGE}, e.capabilities.mediaTrained",
            [
                {"n": 1, "lang": "python", "ready": True}, {"n": 1, "lang": "javascript", "ready": False},
                {"n": 1, "lang": "c-sharp", "ready": True}, {"n": 2, "lang": "javascript", "ready": True},
                {"n": 1, "ready": True}, {"n": 1, "lang": "python", "ready": False},
            ],
        ),
        # expressions, said in another way and made more of; literals; VALUE
        (
            f"SELECT UPPER({LANGUAGE}) AS lang, 'x' AS x FROM e GROUP BY UPPER(e['capabilities'].softwareDevelopment)",
            [{"x": "x"}, {"lang": "C-SHARP", "x": "x"}, {"lang": "JAVASCRIPT", "x": "x"}, {"lang": "PYTHON", "x": "x"}],
        ),
        (f"SELECT VALUE {LANGUAGE} FROM e GROUP BY {LANGUAGE}", ["python", "javascript", "c-sharp"]),
        (f"SELECT VALUE COUNT(1) FROM e GROUP BY {LANGUAGE}", [2, 3, 1, 1]),
        (f"SELECT VALUE {{l: {LANGUAGE}, n: COUNT(1) * 10}} FROM e WHERE {LANGUAGE} = 'python' GROUP BY {LANGUAGE}",
         [{"l": "python", "n": 20}]),
        (f"SELECT VALUE LENGTH({LANGUAGE}) FROM e GROUP BY {LANGUAGE}", [6, 10, 7]),
        (f"SELECT VALUE MAX(e.name) FROM e WHERE false GROUP BY {LANGUAGE}", []),
        (f"SELECT DISTINCT VALUE COUNT(1) FROM e GROUP BY {LANGUAGE}", [2, 3, 1]),
        (f"SELECT VALUE COUNT(1) FROM e GROUP BY {LANGUAGE} OFFSET 1 LIMIT 2", [3, 1]),
        (f"SELECT TOP 1 VALUE COUNT(1) FROM e GROUP BY {LANGUAGE}", [2]),
    ],
)  # fmt: skip
def test_group_by(query: str, expected: list[Any]) -> None:
    assert same_rows(run(query, TEAM), expected)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT DISTINCT VALUE p.category FROM products p", ["Accessories", "Tools", 1, True]),
        ("SELECT DISTINCT p.category FROM p", [
            {"category": "Accessories"}, {"category": "Tools"}, {}, {"category": 1}, {"category": True},
        ]),
        ("SELECT DISTINCT VALUE p.category FROM p WHERE p.category > '' ORDER BY p.category", ["Accessories", "Tools"]),
        ("SELECT DISTINCT TOP 2 VALUE p.category FROM p", ["Accessories", "Tools"]),
        ("SELECT DISTINCT VALUE p.category FROM p OFFSET 2 LIMIT 1", [1]),
        ("SELECT VALUE p.price FROM products p WHERE p.price BETWEEN 17.25 AND 25.50", [20]),
        ("SELECT VALUE p.id FROM p ORDER BY p.id DESC OFFSET 1 LIMIT 2", ["6", "5"]),
        ("SELECT VALUE p.id FROM p OFFSET 5 LIMIT 10", ["6", "7"]),
        ("SELECT VALUE p.id FROM p OFFSET 50 LIMIT 10", []),
        ("SELECT VALUE p.id FROM p OFFSET 0 LIMIT 0", []),
        ("SELECT VALUE p.id FROM p OFFSET @o LIMIT @l", ["3", "4"]),
        # aggregates: over expressions and subqueries, over nothing, with limits of what comes out
        ("SELECT VALUE SUM(p.price * 2) FROM p", [55]),
        ("SELECT VALUE SUM(p.price) FROM p", []),
        ("SELECT VALUE COUNT(1) FROM p OFFSET 0 LIMIT 1", [7]),
        ("SELECT TOP 1 VALUE COUNT(1) FROM p", [7]),
        ("SELECT TOP 0 VALUE COUNT(1) FROM p", []),
        ("SELECT VALUE COUNT(1) FROM p ORDER BY p.id", [7]),
        ("SELECT COUNT(1) AS n, COUNT(p.price) AS k, COUNT(p.none) AS none FROM p", [{"n": 7, "k": 4, "none": 0}]),
        ("SELECT VALUE COUNT(p.price > 10 ? 1 : undefined) FROM p", [1]),
        ("SELECT VALUE MIN(p.category) FROM p", [True]),
        ("SELECT VALUE {n: COUNT(1), ids: [MIN(p.id), MAX(p.id)]} FROM p", [{"n": 7, "ids": ["1", "7"]}]),
    ],
)  # fmt: skip
def test_distinct_limits_and_aggregates(query: str, expected: list[Any]) -> None:
    found = run(query, PRODUCTS, o=2, l=2)
    assert [identity(row) for row in found] == [identity(row) for row in expected]


VALUES = st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "a", 1.0, 0.5, [1], [True], {"x": 1}])
ROWS = st.lists(st.fixed_dictionaries({}, optional={"k": VALUES, "v": st.integers(-9, 9)}), max_size=12)


@given(ROWS)
def test_groups_are_a_partition(rows: list[dict[str, Any]]) -> None:
    """Every row is in one group, equal keys together, and the aggregates of the groups add up to those of all."""
    groups = run("SELECT c.k, COUNT(1) AS n, SUM(c.v) AS total FROM c GROUP BY c.k", rows)
    keys = [identity(group["k"]) if "k" in group else None for group in groups]
    assert len(set(keys)) == len(keys)
    assert Counter({key: group["n"] for key, group in zip(keys, groups, strict=True)}) == Counter(
        identity(row["k"]) if "k" in row else None for row in rows
    )
    assert sum(group["total"] for group in groups) == sum(row.get("v", 0) for row in rows)
    assert len(run("SELECT DISTINCT c.k FROM c", rows)) == len(groups)
