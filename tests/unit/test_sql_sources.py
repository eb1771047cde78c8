"""FROM, JOIN and subqueries: the examples of the documentation, then what they leave open.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/from, .../join, .../subquery, .../working-with-json.
"""

from __future__ import annotations

from typing import Any

import pytest

from local.sql.cosmos.select import compile_select

EMPLOYEES = [
    {"name": "Cris Barros", "employment": {"weeklyHours": 40, "team": "Retail support"}},
    {"name": "Eduarda Dias", "employment": {"team": "Retail support"}},
    {"name": "Somebody"},
]
SURFBOARD = {
    "name": "Teapo rainbow surfboard", "manufacturer": {"name": "AdventureWorks"},
    "metadata": {
        "sku": "72109", "colors": ["cruise", "picton-blue"],
        "sizes": {"small": {"inches": 76}, "large": {"inches": 92, "feet": 7.66667}},
    },
    "tags": [{"slug": "length-82", "name": "Length: 82"}, {"slug": "color-group-purple", "name": "Purple"}],
}  # fmt: skip
BAGS = [
    {
        "sku": "maresse", "categoryName": "Sleeping Bags",
        "tags": [{"slug": "mummy", "name": "Bag Shape: Mummy"}, {"slug": "down", "name": "Down Fill"}],
    },
    {
        "sku": "vareno", "categoryName": "Sleeping Bags",
        "tags": [{"slug": "yellow", "name": "Yellow"}, {"slug": "mummy", "name": "Bag Shape: Mummy"}],
    },
]  # fmt: skip
COAT = {
    "id": "1", "name": "Snow coat", "weight": {"units": "g", "quantity": 900},
    "inventory": [
        {"location": "Redmond, WA", "quantity": 50}, {"location": "Seattle, WA", "quantity": 30},
        {"location": "Washington, DC", "quantity": 25},
    ],
    "accessories": [{"name": "Chain", "type": "chains", "n": 25}, {"name": "Pedals", "type": "pedals", "n": 15}],
}  # fmt: skip
BIKE = {"name": "Radimer mountain bike", "tags": [{"name": "road"}, {"name": "bike"}, {"name": "competitive"}]}


def run(query: str, *documents: Any, **parameters: Any) -> list[Any]:
    select = compile_select(query, {f"@{name}": value for name, value in parameters.items()})
    return list(select.evaluate(documents))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            'SELECT * FROM employees.employment e WHERE e.team = "Retail support"',
            [{"weeklyHours": 40, "team": "Retail support"}, {"team": "Retail support"}],
        ),
        (
            "SELECT * FROM employees.employment",
            [{"weeklyHours": 40, "team": "Retail support"}, {"team": "Retail support"}],
        ),
        ("SELECT VALUE employment.team FROM employees.employment", ["Retail support", "Retail support"]),
        ('SELECT VALUE h FROM c["employment"].weeklyHours h', [40]),
        ("SELECT VALUE ROOT.name FROM ROOT", ["Cris Barros", "Eduarda Dias", "Somebody"]),
        ("SELECT VALUE c.team FROM (SELECT VALUE e.employment FROM e) AS c", ["Retail support", "Retail support"]),
        ("SELECT VALUE COUNT(1) FROM (SELECT DISTINCT VALUE e.employment.team FROM e)", [1]),
        ("SELECT * FROM (SELECT VALUE e.employment.weeklyHours FROM e)", [40]),
        ("SELECT VALUE x.n FROM (SELECT COUNT(1) AS n FROM e WHERE IS_DEFINED(e.employment)) x", [2]),
        (
            "SELECT VALUE x.t FROM (SELECT e.employment.team AS t FROM e GROUP BY e.employment.team) x",
            ["Retail support"],
        ),
    ],
)
def test_from(query: str, expected: list[Any]) -> None:
    assert run(query, *EMPLOYEES) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "SELECT p.name, c AS color FROM products p JOIN c IN p.metadata.colors",
            [{"name": SURFBOARD["name"], "color": "cruise"}, {"name": SURFBOARD["name"], "color": "picton-blue"}],
        ),
        ("SELECT VALUE p.name FROM p WHERE p.metadata.colors[0] NOT LIKE '%orange%'", [SURFBOARD["name"]]),
        (
            "SELECT VALUE p.name FROM p WHERE "
            'EXISTS (SELECT VALUE c FROM c IN p.metadata.colors WHERE c LIKE "%picton%")',
            [SURFBOARD["name"]],
        ),
        (
            'SELECT t.name AS tag FROM products p JOIN t IN p.tags WHERE STARTSWITH(t.slug, "color-group-")',
            [{"tag": "Purple"}],
        ),
        (
            'SELECT {"productName": p.name, "feet": p.metadata.sizes.large.feet} FROM products p',
            [{"$1": {"productName": SURFBOARD["name"], "feet": 7.66667}}],
        ),
        ('SELECT VALUE {"Name | ": p.name, none: p.none} FROM p', [{"Name | ": SURFBOARD["name"]}]),
        ("SELECT VALUE [p.manufacturer['name'], p.none, p.metadata.sku] FROM p", [["AdventureWorks", "72109"]]),
        # from: what is not there makes no row; only arrays are iterated over
        ("SELECT VALUE c FROM p JOIN c IN p.metadata", []),
        ("SELECT VALUE c FROM p JOIN c IN p.none", []),
        ("SELECT VALUE c FROM p JOIN p.none c", []),
        ("SELECT VALUE sku FROM p JOIN p.metadata.sku", ["72109"]),
        ("SELECT VALUE c FROM p JOIN p.metadata m JOIN c IN m.colors", ["cruise", "picton-blue"]),
        ("SELECT VALUE c FROM c IN p.metadata.colors", ["cruise", "picton-blue"]),
        ("SELECT VALUE CONCAT(a, '/', t.slug) FROM p JOIN a IN p.metadata.colors JOIN t IN p.tags", [
            "cruise/length-82", "cruise/color-group-purple", "picton-blue/length-82", "picton-blue/color-group-purple",
        ]),
        ("SELECT p.name FROM p JOIN (SELECT VALUE t FROM t IN p.tags)", [{"name": SURFBOARD["name"]}] * 2),
    ],
)  # fmt: skip
def test_join_within_one_item(query: str, expected: list[Any]) -> None:
    assert run(query, SURFBOARD) == expected


def test_join_of_several_items() -> None:
    query = 'SELECT p.sku, t.name AS tag FROM products p JOIN t IN p.tags WHERE p.categoryName = "Sleeping Bags"'
    assert run(query, *BAGS) == [
        {"sku": "maresse", "tag": "Bag Shape: Mummy"}, {"sku": "maresse", "tag": "Down Fill"},
        {"sku": "vareno", "tag": "Yellow"}, {"sku": "vareno", "tag": "Bag Shape: Mummy"},
    ]  # fmt: skip
    assert run(query + ' AND t.slug = "yellow"', *BAGS) == [{"sku": "vareno", "tag": "Yellow"}]
    ordered = "SELECT p.sku, t.slug FROM p JOIN t IN p.tags ORDER BY p.sku DESC OFFSET 1 LIMIT 2"
    assert run(ordered, *BAGS) == [{"sku": "vareno", "slug": "mummy"}, {"sku": "maresse", "slug": "mummy"}]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT (SELECT VALUE 1) AS a, (SELECT VALUE 2) AS b", [{"a": 1, "b": 2}]),
        ("SELECT (SELECT VALUE CONCAT('ID-', p.id)) AS internalId FROM products p", [{"internalId": "ID-1"}]),
        ('SELECT p.id, (SELECT p.name WHERE CONTAINS(p.name, "coat")).name FROM p', [{"id": "1", "name": "Snow coat"}]),
        ('SELECT p.id, (SELECT p.name WHERE CONTAINS(p.name, "glove")).name FROM p', [{"id": "1"}]),
        ("SELECT (SELECT VALUE COUNT(1) FROM i IN p.inventory) AS n FROM products p", [{"n": 3}]),
        ('SELECT VALUE (SELECT VALUE COUNT(1) FROM i IN p.inventory WHERE ENDSWITH(i.location, "WA")) FROM p', [2]),
        (
            "SELECT p.name, (SELECT COUNT(1) AS n, SUM(i.quantity) AS total FROM i IN p.inventory) AS data FROM p",
            [{"name": "Snow coat", "data": {"n": 3, "total": 105}}],
        ),
        (
            """SELECT p.name, (SELECT VALUE AVG(q.quantity) FROM q IN p.inventory WHERE q.quantity > 10) AS average
               FROM products p WHERE (SELECT VALUE COUNT(1) FROM i IN p.inventory WHERE i.quantity > 10) >= 1""",
            [{"name": "Snow coat", "average": 35}],
        ),
        (
            """SELECT p.name, inventoryData.inventoryAverage FROM products p
               JOIN (SELECT COUNT(1) AS inventoryCount, AVG(i.quantity) AS inventoryAverage
                     FROM i IN p.inventory WHERE i.quantity > 10) AS inventoryData
               WHERE inventoryData.inventoryCount >= 1""",
            [{"name": "Snow coat", "inventoryAverage": 35}],
        ),
        (
            """SELECT s.id, (s.weight.quantity * m.multiplier) AS calculatedWeight, m.unit AS unitOfWeight
               FROM shipments s JOIN m IN (SELECT VALUE [
                   {unit: 'mg', name: 'milligram', multiplier: 0.001, baseUnit: 'gram'},
                   {unit: 'g', name: 'gram', multiplier: 1, baseUnit: 'gram'}
               ]) WHERE s.weight.units = m.unit""",
            [{"id": "1", "calculatedWeight": 900, "unitOfWeight": "g"}],
        ),
        ("SELECT VALUE undefined", []),
        ("SELECT undefined", [{}]),
        ("SELECT EXISTS (SELECT VALUE undefined)", [{"$1": False}]),
        ("SELECT EXISTS (SELECT undefined)", [{"$1": True}]),
        (
            """SELECT VALUE p.name FROM products p WHERE EXISTS (
                   SELECT VALUE a FROM a IN p.accessories WHERE a.type = "chains" AND a.n >= 10)""",
            ["Snow coat"],
        ),
        ("SELECT EXISTS (SELECT VALUE a FROM a IN p.accessories WHERE a.n > 99) AS many FROM p", [{"many": False}]),
        ("SELECT VALUE NOT EXISTS (SELECT VALUE a FROM a IN p.none) FROM p", [True]),
        # the same names inside, one in the other, and in every clause
        ("SELECT VALUE ARRAY(SELECT VALUE p.quantity FROM p IN p.inventory) FROM p", [[50, 30, 25]]),
        (
            "SELECT VALUE ARRAY(SELECT VALUE [i.quantity, (SELECT VALUE COUNT(1) FROM j IN p.inventory WHERE "
            "j.quantity < i.quantity)] FROM i IN p.inventory) FROM p",
            [[[50, 2], [30, 1], [25, 0]]],
        ),
        (
            "SELECT VALUE x.v FROM p JOIN i IN p.inventory "
            "JOIN (SELECT VALUE {v: i.quantity * 2} WHERE i.quantity < 50) x",
            [60, 50],
        ),
        ("SELECT VALUE ARRAY(SELECT DISTINCT VALUE a.n > 20 FROM a IN p.accessories) FROM p", [[True, False]]),
        (
            "SELECT VALUE ARRAY(SELECT i.quantity > 28 AS many, COUNT(1) AS n FROM i IN p.inventory "
            "GROUP BY i.quantity > 28) FROM p",
            [[{"many": True, "n": 2}, {"many": False, "n": 1}]],
        ),
        ("SELECT VALUE SUM((SELECT VALUE COUNT(1) FROM i IN p.inventory)) FROM p", [3]),
        ("SELECT VALUE (SELECT VALUE i FROM p.inventory i)[0].quantity FROM p", [50]),
    ],
)
def test_subqueries(query: str, expected: list[Any]) -> None:
    assert run(query, COAT) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT ARRAY (SELECT VALUE t.name FROM t in p.tags) AS n FROM p", [{"n": ["road", "bike", "competitive"]}]),
        (
            'SELECT ARRAY (SELECT VALUE t.name FROM t in p.tags WHERE CONTAINS(t.name, "bike")) AS names FROM p',
            [{"names": ["bike"]}],
        ),
        (
            """SELECT n.t.name AS nonBikeTagName FROM products p
               JOIN n IN (SELECT VALUE ARRAY(SELECT t FROM t in p.tags WHERE t.name NOT LIKE "%bike%"))""",
            [{"nonBikeTagName": "road"}, {"nonBikeTagName": "competitive"}],
        ),
        ("SELECT VALUE ARRAY(SELECT VALUE t FROM t IN p.none) FROM p", [[]]),
    ],
)  # fmt: skip
def test_array(query: str, expected: list[Any]) -> None:
    assert run(query, BIKE) == expected


LINQ = """
    SELECT VALUE root FROM root
    JOIN (SELECT VALUE EXISTS(SELECT VALUE v0 FROM root JOIN v0 IN root["tags"] WHERE (v0["name"] = "bike"))) AS v1
    WHERE ((root["name"] != null) AND v1) ORDER BY root["name"] ASC
"""
EF_CORE = """
SELECT VALUE {"n": c["name"], "c": (
    SELECT VALUE COUNT(1) FROM i IN (SELECT VALUE SetUnion(ARRAY(SELECT VALUE t["name"] FROM t IN c["tags"]), [@one])))}
FROM root c
WHERE (ARRAY_CONTAINS(["Radimer mountain bike", @one], c["name"]) AND ((
    SELECT VALUE COUNT(1) FROM a IN c["tags"] WHERE (LENGTH(a["name"]) > 4)) = 1))
OFFSET @zero LIMIT @one2
"""
PORTAL = 'select c.id, c._ts, [c["name"]] as _partitionKeyValue from c order by c._ts desc'


def test_what_other_sdks_and_the_portal_write() -> None:
    """LINQ of the .NET SDK begins subqueries at the container's own name; EF Core iterates over constants."""
    assert run(LINQ, BIKE, SURFBOARD) == [BIKE]
    found = run(EF_CORE, BIKE, SURFBOARD, one="road", zero=0, one2=1)
    assert found == [{"n": "Radimer mountain bike", "c": 3}]
    assert run(PORTAL, {"id": "1", "_ts": 1, "name": "a"}, {"id": "2", "_ts": 2}) == [
        {"id": "2", "_ts": 2, "_partitionKeyValue": []}, {"id": "1", "_ts": 1, "_partitionKeyValue": ["a"]},
    ]  # fmt: skip


def test_parameters_go_everywhere() -> None:
    query = (
        "SELECT VALUE ARRAY(SELECT VALUE t.name FROM t IN p.tags WHERE t.name != @name) FROM p "
        "WHERE EXISTS(SELECT VALUE t FROM t IN p.tags WHERE t.name LIKE @like) OFFSET @offset LIMIT @limit"
    )
    found = run(query, BIKE, BIKE, BIKE, name="road", like="b%", offset=1, limit=1)
    assert found == [["bike", "competitive"]]


@pytest.mark.parametrize(
    ("query", "streams", "plain"),
    [
        ("SELECT * FROM c", True, True),
        ("SELECT c.a FROM c WHERE EXISTS(SELECT VALUE t FROM t IN c.tags) ORDER BY c.a", True, True),
        ("SELECT t FROM c JOIN t IN c.tags", True, False),
        ("SELECT * FROM c.tags", True, False),
        ("SELECT * FROM (SELECT * FROM c) d", True, False),
        ("SELECT DISTINCT c.a FROM c", False, True),
        ("SELECT c.a FROM c GROUP BY c.a", False, True),
        ("SELECT COUNT(1) FROM c", False, True),
        ("SELECT * FROM (SELECT DISTINCT c.a FROM c) d", False, False),
        ("SELECT * FROM (SELECT * FROM (SELECT COUNT(1) FROM c) d) e", False, False),
    ],
)
def test_whoever_runs_a_query_is_told_what_one_document_decides(query: str, streams: bool, plain: bool) -> None:
    select = compile_select(query, {})
    assert (select.streams, select.is_plain) == (streams, plain)
    documents = [{"a": 1, "tags": [1, 2]}, {"a": 1}, {"a": 2, "tags": [1]}, {"a": []}]
    one_by_one = [select.project(row) for document in documents for row in select.rows(document)] if streams else None
    assert one_by_one in (None, list(select.evaluate(documents)))
    if streams:
        assert [document for document in documents if select.matches(document)] == [
            document for document in documents if list(select.rows(document))
        ]


def test_what_is_pinned_is_in_the_document() -> None:
    """A filter on what a JOIN yields says nothing of the document, one on the document beside it does."""

    def pinned(query: str) -> Any:
        return compile_select(query, {}).pinned

    assert pinned("SELECT t FROM c JOIN t IN c.tags WHERE c.pk = 'a' AND t.id = 'b'") == {("pk",): ["a"]}
    assert pinned("SELECT * FROM c.sub s WHERE s.id = 'a'") == {("sub", "id"): ["a"]}
    assert pinned("SELECT * FROM s IN c.sub WHERE s.id = 'a'") == {}
    assert pinned("SELECT t.id FROM c JOIN c.sub t WHERE t.id = 'a'") == {("sub", "id"): ["a"]}
    assert pinned("SELECT * FROM (SELECT VALUE c.sub FROM c WHERE c.id = 'x') s WHERE s.id = 'a'") == {}
    assert pinned("SELECT * FROM c WHERE EXISTS(SELECT VALUE 1 WHERE c.id = 'a')") == {}


@pytest.mark.parametrize(
    ("clauses", "holds"),
    [
        ("FROM c WHERE c.n = 1", True),
        ("FROM c WHERE c.n = 2", False),
        ("FROM t IN c.tags WHERE t = 'a'", True),
        ("FROM t IN c.tags WHERE t = 'z'", False),
        ("FROM (SELECT DISTINCT VALUE c.n FROM c) d WHERE d = 1", True),
        ("FROM (SELECT VALUE COUNT(1) FROM c) d WHERE d > 1", False),
    ],
)
def test_a_condition_on_one_document(clauses: str, holds: bool) -> None:
    """What a patch asks: whether the document, were it the only one, gives a row."""
    assert compile_select(f"SELECT * {clauses}", {}).matches({"n": 1, "tags": ["a"]}) is holds
