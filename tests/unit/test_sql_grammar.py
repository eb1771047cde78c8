"""The grammar: what binds to what, what literals say, and that any text at all is a query or an error.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/constants, .../keywords, .../operators, and the grammar
that the .NET SDK publishes.
"""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from local.sql.cosmos.errors import SqlError, UnsupportedConstruct
from local.sql.cosmos.functions import FUNCTIONS
from local.sql.cosmos.grammar import parse
from local.sql.cosmos.select import compile_select

DOCUMENT: dict[str, Any] = {
    "id": "1", "n": 5, "s": "20% off", "name": "Snow_glove", "t": True, "tags": [{"name": "a"}, 1, None], "offset": 7,
    "limit": 8, "price": 24.5, "onSale": True, "onCloseout": False,
}  # fmt: skip


def evaluate(expression: str) -> Any:
    return next(iter(compile_select(f"SELECT {expression} AS x FROM p", {}).evaluate([DOCUMENT]))).get("x", "undefined")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # bitwise-operators: on 32 bits, as in JavaScript
        ("100 >> 2", 25), ("100 << 2", 400), ("100 >>> 0", 100), ("100 & 1000", 96), ("100 | 1000", 1004),
        ("100 ^ 1000", 908), ("~5", -6), ("~5.9", -6), ("-1 >>> 0", 4294967295), ("-1 >>> 28", 15),
        ("1 << 31", -2147483648),
        ("1 << 32", 1), ("4294967296 | 1", 1), ("'1' & 1", "undefined"), ("1e300 | 1", 1), ("~true", "undefined"),
        # ternary-coalesce-operators
        ("p.onSale ? (p.price * 0.85) : p.price", 20.825), ("p.onCloseout ? 1 : p.onSale ? 2 : 3", 2),
        ("p.none ? 1 : 2", 2), ("p.n ? 1 : 2", 2), ("true ? false ? 1 : 2 : 3", 2), ("p.none ?? p.no ?? 3", 3),
        ("p.collapsible ?? false", False), ("p.t ?? 1 = 1", True), ("p.none ?? 1 = 1", True), ("true?.5:1", 0.5),
        ("NOT p.onCloseout ? 1 : 2", 1), ("NOT IS_DEFINED(p.none) ? 1 : NOT p.t ? 2 : 3", 1), ("1 = -p.n ? 1 : 2", 2),
        ("[-p.n ? 1 : 2, ~p.n ? 1 : 2]", [2, 2]),
        # what binds tighter: NOT, then * / %, + - ||, shifts, < IN BETWEEN LIKE, =, &, ^, |, AND, OR, ??, ? :
        ("1 + 2 * 3 = 7 AND 2 < 3", True), ("false AND false OR true", True), ("true OR false AND false", True),
        ("1 + 1 << 2", 8), ("2 * 3 % 4", 2), ("10 - 4 - 3", 3), ("100 / 10 / 2", 5), ("-2 + 3", 1), ("- -2", 2),
        ("1 < 2 = true", True), ("5 & 4 = 4", "undefined"), ("(5 & 4) = 4", True), ("1 | 2 ^ 3 & 2", 1),
        ("'a' || 'b' = 'ab'", True), ("NOT p.t OR true", True), ("NOT NOT p.t", True), ("NOT p.n = 5", "undefined"),
        ("p.n NOT IN (1) AND p.n NOT BETWEEN 6 AND 7 AND p.name NOT LIKE 'x%'", True),
        ("p.n BETWEEN 1 + 1 AND 2 + 3", True), ("p.n BETWEEN 1 AND 9 AND p.t", True), ("1 IN (1) = true", True),
        # keywords: LIKE
        ("p.name LIKE '%glove'", True), ("p.name LIKE 'glove'", False), ("p.name LIKE 'Snow_glove'", True),
        ("p.name LIKE 'Snow[_]glove'", True), ("'Snow-glove' LIKE 'Snow[_]glove'", False),
        ("p.name LIKE 'snow%'", False),
        ("p.s LIKE '%20^%%' ESCAPE '^'", True), ("'20 off' LIKE '%20^%%' ESCAPE '^'", False), ("p.n LIKE '5'",
        "undefined"),
        ("p.name LIKE p.name", True), ("'SOtPS' LIKE '%SO[t-z]PS%'", True), ("'SOaPS' LIKE '%SO[t-z]PS%'", False),
        ("'SOtPS' LIKE '%SO[^abc]PS%'", True), ("'SOaPS' LIKE '%SO[^abc]PS%'", False),
        ("'20-30%' LIKE '20-30[%]'", True),
        ("'_n' LIKE '[_]n'", True), ("'[' LIKE '[[]'", True), ("']' LIKE ']'", True), ("'a\\nb' LIKE 'a%b'", True),
        ("'a.b' LIKE 'a.b'", True), ("'axb' LIKE 'a.b'", False), ("'[x' LIKE '[x'", True), ("'b' LIKE '[z-a]'", False),
        # constants
        ("0xFF", 255), ("0x0", 0), (".5", 0.5), ("1.", 1), ("1E2", 100), ("'\\/\\b'", "/\b"), ("[]", []), ("{}", {}),
        ("[1, [undefined, null]]", [1, [None]]), ("{'a': 1, b: undefined, \"c\": {d: p.n}}", {"a": 1, "c": {"d": 5}}),
        ("{select: 1}", {"select": 1}), ("+5", 5), ("+'5'", "undefined"), ("-9007199254740993", -9007199254740993),
        # names: words of clauses that are no keywords
        ("p.offset + p.limit", 15), ("p['offset']", 7), ("p.tags[0][CONCAT('na', 'me')]", "a"), ("p.tags[1.0]", 1),
        ("p.tags[0.5]", "undefined"), ("p.tags['0']", "undefined"), ("p[0]", "undefined"), ("p.tags[1 + 1]", None),
    ],
)  # fmt: skip
def test_what_it_says(expression: str, expected: Any) -> None:
    assert evaluate(expression) == expected


@pytest.mark.parametrize(
    "text",
    [
        "SELECT VALUE 1 2", "SELECT 1 AS", "SELECT (1", "SELECT 1)", "SELECT [1", "SELECT [1,]", "SELECT {a}",
        "SELECT {a:}",
        "SELECT {a: 1,}", "SELECT {1: 1}", "SELECT c.1 FROM c", "SELECT c. FROM c", "SELECT c[] FROM c",
        "SELECT 1x", "SELECT 0x",
        "SELECT 'a", "SELECT 'a\nb'", "SELECT '\\x'", "SELECT '\\u00'", "SELECT #", "SELECT 1 ? 2",
        "SELECT 1 ? : 2", "SELECT 1 ?? ",
        "SELECT 1 IN ()", "SELECT 1 IN 1", "SELECT 1 BETWEEN 2", "SELECT 1 NOT 2", "SELECT 'a' LIKE 'b' ESCAPE 'cd'",
        "SELECT 'a' LIKE 'b' ESCAPE @c", "SELECT TOP -1 * FROM c", "SELECT TOP (1) * FROM c",
        "SELECT DISTINCT * , 1 FROM c",
        "SELECT * FROM", "SELECT * FROM c JOIN", "SELECT * FROM c d e", "SELECT * FROM c IN", "SELECT * FROM @c",
        "SELECT * FROM 'c'",
        "SELECT * FROM c[d]", "SELECT * FROM c WHERE", "SELECT * FROM c GROUP c.a", "SELECT * FROM c ORDER c.a",
        "SELECT * FROM c ORDER BY c.a ASC DESC", "SELECT * FROM c OFFSET 1", "SELECT * FROM c OFFSET 1 LIMIT c.a",
        "SELECT * FROM c LIMIT 1 OFFSET 1", "SELECT * FROM c ORDER BY c.a WHERE true", "SELECT EXISTS(1)",
        "SELECT ARRAY[1]",
        "SELECT LOWER('a' 'b')", "SELECT LOWER('a',)", "SELECT LOWER(,'a')", "SELECT c.a() FROM c",
        "SELECT 1 /* open", "SELECT a.b.c()",
    ],
)  # fmt: skip
def test_what_is_no_query(text: str) -> None:
    with pytest.raises(SqlError) as refused:
        compile_select(text, {"@c": "c"})
    assert refused.value.code == "SC1001"


def test_both_ways_to_say_a_path_are_the_same_tree() -> None:
    assert parse("SELECT c.a.b FROM c").items[0].value == parse('SELECT c["a"]["b"] FROM c').items[0].value
    assert parse("SELECT 1").items[0].value != parse("SELECT true").items[0].value


def test_comments_and_blanks_say_nothing() -> None:
    assert parse("SELECT/* a */c.a -- b\n\tFROM\r\nc") == parse("SELECT c.a FROM c")


WORDS = [
    *("SELECT", "VALUE", "DISTINCT", "TOP", "FROM", "JOIN", "IN", "WHERE", "GROUP", "BY", "ORDER", "ASC", "DESC"),
    *("OFFSET", "LIMIT", "AND", "OR", "NOT", "BETWEEN", "LIKE", "ESCAPE", "EXISTS", "ARRAY", "AS", "undefined"),
    *("null", "true", "*", "(", ")", "[", "]", "{", "}", ",", ".", ":", "?", "??", "||", "|", "&", "^", "~", "<", "<="),
    *(
        "=",
        "!=",
        "+",
        "-",
        "/",
        "%",
        "<<",
        ">>>",
        "@p",
        "@none",
        "'a'",
        '"b"',
        "1",
        "0.5",
        "0x1F",
        "c",
        "t",
        "tags",
        "n",
    ),
    *("COUNT", "SUM", "MAX", "LOWER", "ARRAY_CONTAINS", "REGEXMATCH", "ST_DISTANCE", "DATETIMEADD", "udf", "NaN"),
]
QUERIES = [
    "SELECT TOP 5 c.id, t AS x FROM c JOIN t IN c.tags WHERE c.n > 1 AND t IN ('x', 1) ORDER BY c.n DESC, c.s",
    "SELECT DISTINCT VALUE {a: c.n ?? 1, b: [c.t ? 1 : 2]} FROM c WHERE c.s LIKE '2^%' ESCAPE '^' OFFSET 0 LIMIT 5",
    "SELECT c.t, COUNT(1) AS n, MAX(c.n + 1) FROM c WHERE NOT c.t = false GROUP BY c.t, LOWER(c.s) OFFSET 0 LIMIT 9",
    "SELECT VALUE (SELECT VALUE SUM(n) FROM n IN c.tags WHERE n BETWEEN 0 AND 9) FROM c WHERE EXISTS(SELECT VALUE 1)",
    "SELECT * FROM (SELECT DISTINCT VALUE ARRAY(SELECT VALUE t.name FROM t IN c.tags) FROM c) AS d WHERE d [ 0 ] = 'a'",
]  # fmt: skip


def attempt(text: str) -> None:
    """Compile and, if it is a query, run it: the only errors allowed are the compiler's."""
    try:
        select = compile_select(text, {"@p": 3})
    except SqlError:
        return
    documents = [DOCUMENT, {"id": "2"}, {"id": "3", "tags": ["x", 2, {"name": []}], "n": None, "t": [], "s": {}}]
    result = list(select.evaluate(documents))
    if select.streams and not select.ordering and select.most is None and select.has_source:
        rows = [row for document in documents for row in select.rows(document)]
        assert len(result) <= len(rows)


@settings(max_examples=300)
@given(st.text())
@example("SELECT \ud800")
@example("SELECT '\x00'")
def test_any_text_is_a_query_or_an_error(text: str) -> None:
    attempt(text)
    attempt(f"SELECT {text}")
    attempt(f"SELECT * FROM c WHERE {text}")


@settings(max_examples=400)
@given(st.lists(st.sampled_from([*WORDS, *sorted(FUNCTIONS)]), max_size=25))
def test_any_words_are_a_query_or_an_error(words: list[str]) -> None:
    attempt(f"SELECT {' '.join(words)} FROM c")
    attempt(f"SELECT VALUE c FROM c WHERE {' '.join(words)}")


@settings(max_examples=400)
@given(st.sampled_from(QUERIES), st.integers(0, 2**32))
def test_any_damaged_query_is_a_query_or_an_error(query: str, seed: int) -> None:
    chance = random.Random(seed)
    words = re.findall(r"'[^']*'|\w+|[^\w\s]+", query)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(words))
        match chance.randrange(4):
            case 0:
                del words[place]
            case 1:
                words.insert(place, chance.choice(WORDS))
            case 2:
                words[place] = chance.choice(WORDS)
            case 3:
                other = chance.randrange(len(words))
                words[place], words[other] = words[other], words[place]
    attempt(" ".join(words))


@pytest.mark.parametrize("query", QUERIES)
def test_what_was_damaged_was_a_query(query: str) -> None:
    compile_select(query, {"@p": 3})


@pytest.mark.parametrize(
    "text",
    [
        "SELECT VALUE " + "[" * 5000 + "]" * 5000, "SELECT VALUE " + "- " * 5000 + "1",
        "SELECT VALUE 1" + " + 1" * 5000,
        "SELECT VALUE c" + ".a" * 5000 + " FROM c", "SELECT VALUE " + "(SELECT VALUE " * 500 + "1" + ")" * 500,
        "SELECT VALUE " + "LOWER(" * 5000 + "'a'" + ")" * 5000,
        "SELECT VALUE " + "true ? " * 5000 + "1" + " : 1" * 5000,
    ],
    ids=["arrays", "signs", "sum", "path", "subqueries", "calls", "conditions"],
)  # fmt: skip
def test_depth_is_refused_and_kills_nothing(text: str) -> None:
    with pytest.raises(SqlError, match=r"[Nn]ested too deeply|operators in a row"):
        compile_select(text, {})


def test_what_sdks_nest_is_not_too_deep() -> None:
    chain = "c.n = 0"
    for number in range(1, 60):
        chain = f"({chain} OR c.n = {number})"
    assert list(compile_select(f"SELECT VALUE 1 FROM c WHERE {chain}", {}).evaluate([{"n": 59}])) == [1]
    assert evaluate(" || ".join(["'ab'"] * 80)) == "ab" * 80


def test_a_pattern_of_many_wildcards_takes_no_age() -> None:
    """Backtracking would try some 2^40 ways."""
    found = compile_select(f"SELECT VALUE '{'a' * 2000}' LIKE '{'%a' * 40}%b'", {}).evaluate(())
    assert list(found) == [False]


@pytest.mark.parametrize(
    "text", ["SELECT VALUE NaN", "SELECT [Infinity]", "SELECT CHOOSE(1, NaN)", "SELECT {a: -Infinity}"]
)
def test_no_number_leaves_that_json_cannot_say(text: str) -> None:
    with pytest.raises(UnsupportedConstruct, match=r"NaN|Infinity"):
        compile_select(text, {})
