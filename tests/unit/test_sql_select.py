"""The clauses of a query together: rows in, rows out; what is pinned down; what is refused, and how it is named."""

from __future__ import annotations

from typing import Any

import pytest

from local.sql.cosmos.errors import (
    InvalidQuery,
    QuerySyntaxError,
    SqlError,
    UnknownFunction,
    UnresolvedIdentifier,
    UnsupportedConstruct,
    WrongArguments,
)
from local.sql.cosmos.select import compile_select

DOCUMENTS: list[dict[str, Any]] = [
    {"id": "1", "n": 3, "at": {"city": "Boone"}, "tags": ["a"]},
    {"id": "2", "n": None, "s": "x"},
    {"id": "3", "s": "y", "n": 1.5},
    {"id": "4", "s": 7},
]


def run(query: str, documents: list[dict[str, Any]] = DOCUMENTS, **parameters: Any) -> list[Any]:
    select = compile_select(query, {f"@{name}": value for name, value in parameters.items()})
    return list(select.evaluate(documents))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # select: what is undefined is left out of objects, and of SELECT VALUE altogether
        ("SELECT * FROM c", DOCUMENTS),
        ("select * from c", DOCUMENTS),
        ("SELECT VALUE c FROM c", DOCUMENTS),
        ("SELECT VALUE root FROM root", DOCUMENTS),
        ("SELECT e.id FROM events AS e WHERE e.n = 3", [{"id": "1"}]),
        ("SELECT e.id FROM events e WHERE e.n = 3", [{"id": "1"}]),
        ("SELECT c.id, c.n FROM c", [{"id": "1", "n": 3}, {"id": "2", "n": None}, {"id": "3", "n": 1.5}, {"id": "4"}]),
        ("SELECT VALUE c.n FROM c", [3, None, 1.5]),
        ("SELECT c.at.city FROM c WHERE c.id = '1'", [{"city": "Boone"}]),
        ("SELECT c['at']['city'] FROM c WHERE c.id = '1'", [{"city": "Boone"}]),
        ("SELECT c.at.city AS town, c.n + 1 AS more FROM c WHERE c.id = '1'", [{"town": "Boone", "more": 4}]),
        ("SELECT c.id, c.n + 1, c.tags[0], 'x' FROM c WHERE c.id = '1'", [{"id": "1", "$1": 4, "$2": "a", "$3": "x"}]),
        ("SELECT c FROM c WHERE c.id = '4'", [{"c": DOCUMENTS[3]}]),
        ("SELECT VALUE 1 + 1", [2]),
        ("SELECT 1 AS one", [{"one": 1}]),
        ("SELECT c.id AS name, c.n AS number FROM c WHERE c.id = '1'", [{"name": "1", "number": 3}]),
        # where: only true passes
        ("SELECT VALUE c.id FROM c WHERE c.n > 1", ["1", "3"]),
        ("SELECT VALUE c.id FROM c WHERE NOT (c.n > 1)", []),
        ("SELECT VALUE c.id FROM c WHERE c.n != 3", ["2", "3"]),
        ("SELECT VALUE c.id FROM c WHERE c.n != null", ["1", "3"]),
        ("SELECT VALUE c.id FROM c WHERE c.n = null", ["2"]),
        ("SELECT VALUE c.id FROM c WHERE NOT IS_DEFINED(c.n)", ["4"]),
        ("SELECT VALUE c.id FROM c WHERE c.n", []),
        ("SELECT VALUE c.id FROM c WHERE true", ["1", "2", "3", "4"]),
        ("SELECT VALUE c.id FROM c -- a remark\nWHERE c.n = 3 /* and\nanother */", ["1"]),
        # order by: undefined, null, numbers, strings
        ("SELECT VALUE c.id FROM c ORDER BY c.n", ["4", "2", "3", "1"]),
        ("SELECT VALUE c.id FROM c ORDER BY c.n DESC", ["1", "3", "2", "4"]),
        ("SELECT VALUE c.id FROM c ORDER BY c.s ASC", ["1", "4", "2", "3"]),
        ("SELECT VALUE c.id FROM c ORDER BY c.s, c.id DESC", ["1", "4", "2", "3"]),
        ("SELECT TOP 2 VALUE c.id FROM c ORDER BY c.n DESC", ["1", "3"]),
        ("SELECT TOP 0 * FROM c", []),
        ("SELECT TOP @k VALUE c.id FROM c", ["1"]),
        # aggregate-functions
        ("SELECT VALUE COUNT(1) FROM c", [4]),
        ("SELECT VALUE COUNT(c.n) FROM c", [3]),
        ("SELECT VALUE COUNT(c.none) FROM c", [0]),
        ("SELECT VALUE COUNT(1) FROM c WHERE c.n > 100", [0]),
        ("SELECT VALUE SUM(c.n) FROM c", []),
        ("SELECT VALUE SUM(c.n) FROM c WHERE IS_NUMBER(c.n)", [4.5]),
        ("SELECT VALUE SUM(c.none) FROM c", [0]),
        ("SELECT VALUE AVG(c.n) FROM c WHERE c.n > 0", [2.25]),
        ("SELECT VALUE AVG(c.none) FROM c", []),
        ("SELECT VALUE MIN(c.n) FROM c", [None]),
        ("SELECT VALUE MAX(c.n) FROM c", [3]),
        ("SELECT VALUE MAX(c.s) FROM c", ["y"]),
        ("SELECT VALUE MIN(c.s) FROM c", [7]),
        ("SELECT VALUE MAX(c.tags) FROM c", []),
        ("SELECT VALUE MAX(c.id) FROM c WHERE false", []),
        ("SELECT COUNT(1) AS k, MAX(c.n), MIN(c.none) FROM c", [{"k": 4, "$1": 3}]),
        ("SELECT VALUE COUNT(1) * 10 + MAX(c.n) FROM c", [43]),
        ("select value count(1) from c where c.n >= 1", [2]),
    ],
)
def test_rows(query: str, expected: list[Any]) -> None:
    assert run(query, k=1) == expected


@pytest.mark.parametrize(
    ("where", "pinned"),
    [
        ("c.id = 'a'", {("id",): ["a"]}),
        ("'a' = c.id AND c.at.city = 'Boone'", {("id",): ["a"], ("at", "city"): ["Boone"]}),
        ("(c.id = @x) AND (c.n > 1 OR c.s = 's')", {("id",): ["p"]}),
        ("c.id = 'a' OR c.id = 'b'", {("id",): ["a", "b"]}),
        ("c.id IN ('a', @x) AND c.n > 1", {("id",): ["a", "p"]}),
        ("c.id IN ('a', 'b') AND c.id = 'a'", {("id",): ["a"]}),
        ("(c.id = 'a' AND c.pk = 1) OR (c.pk = 2 AND c.id = 'b')", {("id",): ["a", "b"], ("pk",): [1, 2]}),
        ("c.id = 'a' OR c.n = 1", {}),
        ("c.id IN ('a', c.n)", {}),
        ("c.id NOT IN ('a')", {}),
        ("NOT c.id = 'a'", {}),
        ("c.id = c.s", {}),
        ("c['id'] = 'a' AND c.list[0] = 1", {("id",): ["a"], ("list", 0): [1]}),
        ("c.id != 'a' AND c.id > 'b'", {}),
        ("c.id = undefined", {}),
        ("ARRAY_CONTAINS(@ids, c.id) AND c.n > 1", {("id",): ["a", "b"]}),
        ("ARRAY_CONTAINS(['x'], c.id)", {("id",): ["x"]}),
        ("ARRAY_CONTAINS(['x'], c.id, true)", {}),
        ("ARRAY_CONTAINS(c.tags, 'x')", {}),
        ("NOT ARRAY_CONTAINS(['x'], c.id)", {}),
    ],
)
def test_what_a_where_pins_down(where: str, pinned: dict[Any, Any]) -> None:
    assert compile_select(f"SELECT * FROM c WHERE {where}", {"@x": "p", "@ids": ["a", "b"]}).pinned == pinned


@pytest.mark.parametrize(
    ("query", "error", "named"),
    [
        # the grammar has no such thing
        ("SELECT c.n FROM c LIMIT 1", QuerySyntaxError, "LIMIT"),
        ("SELECT c.n FROM c OFFSET 1", QuerySyntaxError, "end of query"),
        ("SELECT * FROM c, d", QuerySyntaxError, ","),
        ("SELECT * FROM c WHERE c.id IN (SELECT VALUE 1)", QuerySyntaxError, "SELECT"),
        ("SELECT * FROM c WHERE c.n IS NULL", QuerySyntaxError, "IS"),
        ("SELECT COUNT(1) OVER () FROM c", QuerySyntaxError, "OVER"),
        ("SELECT COUNT(DISTINCT c.n) FROM c", QuerySyntaxError, "DISTINCT"),
        ("SELECT LOWER(c.id ORDER BY c.n) FROM c", QuerySyntaxError, "ORDER"),
        ("SELECT 1 UNION SELECT 2", QuerySyntaxError, "UNION"),
        ("WITH x AS (SELECT 1) SELECT * FROM c", QuerySyntaxError, "WITH"),
        ("SELECT * INTO x FROM c", QuerySyntaxError, "INTO"),
        ("SELECT * FROM c TABLESAMPLE (10 PERCENT)", QuerySyntaxError, "("),
        ("SELECT * FROM c FOR UPDATE", QuerySyntaxError, "FOR"),
        ("SELECT * FROM c QUALIFY true", QuerySyntaxError, "QUALIFY"),
        ("SELECT c.n FROM c GROUP BY c.n HAVING true", QuerySyntaxError, "HAVING"),
        ("SELECT * FROM c JOIN t ON t.id = c.id", QuerySyntaxError, "ON"),
        # it means nothing
        ("SELECT * FROM c JOIN t IN c.tags", InvalidQuery, "single input set"),
        ("SELECT c.id FROM c JOIN c IN c.tags", InvalidQuery, "'c'"),
        ("SELECT c.id FROM c JOIN t IN d.tags", UnresolvedIdentifier, "d"),
        ("SELECT (SELECT VALUE t FROM t IN c.tags) FROM c", InvalidQuery, "cardinality"),
        ("SELECT (SELECT VALUE COUNT(1) FROM c)", UnresolvedIdentifier, "c"),
        ("SELECT ARRAY(SELECT VALUE t FROM t IN c.tags ORDER BY t) FROM c", InvalidQuery, "'ORDER BY' is not"),
        ("SELECT ARRAY(SELECT TOP 1 VALUE t FROM t IN c.tags) FROM c", InvalidQuery, "'TOP' is not"),
        ("SELECT ARRAY(SELECT VALUE t FROM t IN c.tags OFFSET 0 LIMIT 1) FROM c", InvalidQuery, "'OFFSET LIMIT'"),
        ("SELECT t FROM c JOIN t IN c.tags ORDER BY t", InvalidQuery, "Order-by over correlated collections"),
        ("SELECT s FROM c JOIN c.at s ORDER BY s.city", InvalidQuery, "Order-by over correlated collections"),
        ("SELECT * FROM t IN c.tags ORDER BY t.n", InvalidQuery, "Order-by over correlated collections"),
        ("SELECT c.n FROM c GROUP BY c.n ORDER BY c.n", InvalidQuery, "'ORDER BY' is not supported in presence of"),
        ("SELECT c.id, COUNT(1) FROM c GROUP BY c.n", InvalidQuery, "'c'"),
        ("SELECT * FROM c GROUP BY c.n", InvalidQuery, "'c'"),
        ("SELECT COUNT(1) FROM c GROUP BY COUNT(1)", InvalidQuery, "GROUP BY"),
        ("SELECT COUNT(1) FROM c GROUP BY (SELECT VALUE c.n)", InvalidQuery, "Subqueries"),
        ("SELECT COUNT(1) FROM c GROUP BY 1", InvalidQuery, "property reference"),
        ("SELECT TOP 1 c.n FROM c OFFSET 0 LIMIT 1", InvalidQuery, "TOP"),
        ("SELECT c.n FROM c OFFSET 0 LIMIT @bad", InvalidQuery, "LIMIT"),
        # the service has it
        ("SELECT udf.f(c.n) FROM c", UnsupportedConstruct, "udf.f()"),
        ("SELECT FIRST(SELECT VALUE 1) FROM c", UnsupportedConstruct, "FIRST(SUBQUERY)"),
        ("SELECT * FROM c ORDER BY RANK FullTextScore(c.s, 'x')", UnsupportedConstruct, "ORDER BY RANK"),
        ("", QuerySyntaxError, "end of query"),
        ("SELEC * FROM c", QuerySyntaxError, "SELEC"),
        ("SELECT", QuerySyntaxError, "end of query"),
        ("SELECT FROM c", QuerySyntaxError, "FROM"),
        ("SELECT * FROM c WHERE", QuerySyntaxError, "end of query"),
        ("SELECT * FROM c WHERE c.n >", QuerySyntaxError, "end of query"),
        ("SELECT * FROM c WHERE c.n == 1", QuerySyntaxError, "="),
        ("SELECT * FROM c; SELECT * FROM c", QuerySyntaxError, ";"),
        ("DELETE FROM c", QuerySyntaxError, "DELETE"),
        ("DROP TABLE c", QuerySyntaxError, "DROP"),
        ("SELECT COUNT(*) FROM c", QuerySyntaxError, "*"),
        ("SELECT c.* FROM c", QuerySyntaxError, "*"),
        ("SELECT *, c.n FROM c", QuerySyntaxError, ","),
        ("SELECT `c`.n FROM c", QuerySyntaxError, "`"),
        ("SELECT 'open FROM c", QuerySyntaxError, "open"),
        ("SELECT VALUE c.id, c.n FROM c", QuerySyntaxError, ","),
        ("SELECT * FROM c ORDER BY c.n NULLS LAST", QuerySyntaxError, "NULLS"),
        ("SELECT c.order FROM c", QuerySyntaxError, "order"),
        ("SELECT c.value FROM c", QuerySyntaxError, "value"),
        ("SELECT c.id FROM c WHERE c.group = 1", QuerySyntaxError, "group"),
        ("SELECT c.in FROM c", QuerySyntaxError, ""),
        ("SELECT c.id AS top FROM c", QuerySyntaxError, "top"),
        ("SELECT c.undefined FROM c", QuerySyntaxError, "undefined"),
        ("SELECT other.n FROM c", UnresolvedIdentifier, "other"),
        ("SELECT c.n FROM c AS d", UnresolvedIdentifier, "c"),
        ("SELECT n FROM c", UnresolvedIdentifier, "n"),
        ("SELECT * FROM c WHERE c.n = @no", UnresolvedIdentifier, "@no"),
        ("SELECT NOPE(c.n) FROM c", UnknownFunction, "NOPE"),
        ("SELECT LOWER() FROM c", WrongArguments, "LOWER"),
        ("SELECT ABS(1, 2) FROM c", WrongArguments, "ABS"),
        ("SELECT COUNT() FROM c", WrongArguments, "COUNT"),
        ("SELECT COUNT(1), c.n FROM c", InvalidQuery, "c"),
        ("SELECT * FROM c WHERE COUNT(1) > 1", InvalidQuery, "COUNT"),
        ("SELECT SUM(MAX(c.n)) FROM c", InvalidQuery, "MAX"),
        ("SELECT c.n, c.at.n FROM c", InvalidQuery, "n"),
        ("SELECT *", InvalidQuery, "FROM"),
        ("SELECT * FROM c ORDER BY LOWER(c.id)", InvalidQuery, "ORDER BY"),
        ("SELECT * FROM c ORDER BY 1", InvalidQuery, "ORDER BY"),
        ("SELECT TOP 'x' * FROM c", SqlError, ""),
        ("SELECT TOP @bad * FROM c", InvalidQuery, "TOP"),
    ],
)
def test_what_is_refused_and_named(query: str, error: type[SqlError], named: str) -> None:
    with pytest.raises(error) as refused:
        compile_select(query, {"@bad": -1})
    assert named in str(refused.value)


def test_a_chain_of_a_thousand_is_no_depth() -> None:
    either = " OR ".join(f"(c.id = '{number}' AND c.n = {number})" for number in range(1000))
    assert run(f"SELECT * FROM c WHERE {either}", [{"id": "999", "n": 999}, {"id": "999", "n": 1}]) == [
        {"id": "999", "n": 999}
    ]
    both = " AND ".join("c.n > 1" for _ in range(1000))
    assert run(f"SELECT VALUE c.id FROM c WHERE {both}") == ["1", "3"]


def test_depth_is_no_way_to_kill_it() -> None:
    for query in ("SELECT VALUE " + "(" * 10_000 + "1" + ")" * 10_000, "SELECT VALUE " + "NOT " * 10_000 + "true"):
        with pytest.raises(SqlError):
            compile_select(query, {})


NOISE = [",", ";", ":", "|>", "!", "==", "?", "ALL", "IN", "IS", "UNION", "WHERE", "OVER", ")"]
SPACED = (
    "SELECT TOP 5 c . a AS x , LOWER ( c . b ) FROM c WHERE c . n > 1 AND c . s IN ( 'x' , 'y' ) ORDER BY c . n DESC"
)


@pytest.mark.parametrize("noise", NOISE)
def test_nothing_is_ignored_wherever_it_stands(noise: str) -> None:
    compile_select(SPACED, {})
    words = SPACED.split(" ")
    for position in range(len(words) + 1):
        if noise in ("IS", "OVER", "ALL", "UNION") and position == 16:
            continue  # the container's name, which may be any
        with pytest.raises(SqlError):
            compile_select(" ".join([*words[:position], noise, *words[position:]]), {})
