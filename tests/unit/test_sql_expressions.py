"""Scalar expressions of the Cosmos DB dialect: query -> value, with undefined and null kept apart.

Source of each block: the page of the query language reference named beside it
(https://learn.microsoft.com/azure/cosmos-db/nosql/query/<page>).
"""

from __future__ import annotations

import operator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.sql.cosmos.select import compile_select
from local.sql.cosmos.values import UNDEFINED, equal, ordered, same, sort_key, unequal

U = UNDEFINED
DOCUMENT: dict[str, Any] = {
    "id": "1", "n": 5, "f": 2.5, "s": "Hello", "e": "", "t": True, "z": None, "list": [1, "two", None, {"x": 3}],
    "sub": {"deep": {"er": "found"}, "odd name": 7}, "order": 1,
}  # fmt: skip


def evaluate(expression: str, **parameters: Any) -> Any:
    named = {f"@{name}": value for name, value in parameters.items()}
    return compile_select(f"SELECT VALUE {expression} FROM c", named).project(DOCUMENT)


def check(expression: str, expected: Any) -> None:
    found = evaluate(expression)
    assert type(found) is type(expected), f"{expression}: {found!r}"
    assert found is U if expected is U else same(found, expected), f"{expression}: {found!r}"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # constants
        ("1", 1), ("1.5", 1.5), ("-2", -2), ("1e3", 1000.0), ("'text'", "text"), ('"text"', "text"), ("true", True),
        ("TRUE", True), ("null", None), ("undefined", U), ("'it\\'s'", "it's"), ("'a\\\\b'", "a\\b"), ("'\\n'", "\n"),
        ("'\\u00e9\\u0041'", "éA"), ("'\\ud83d\\ude00'", "😀"), ("'\\\\u0041'", "\\u0041"), ("''", ""),
        ("'\\u0027 OR 1'", "' OR 1"),
        # from: paths, quoted steps, array elements
        ("c.n", 5), ("c['n']", 5), ('c["n"]', 5), ("c.sub.deep.er", "found"), ("c['sub'].deep['er']", "found"),
        ("c.sub['odd name']", 7), ("c.list[0]", 1), ("c.list[3].x", 3), ("c.list[4]", U), ("c.list[-1]", U),
        ("c.none", U), ("c.none.deeper", U), ("c.n.x", U), ("c.s[0]", U), ("c.list.x", U), ("c.z", None), ("c.z.x", U),
        ("c['order']", 1), ("c[c.id]", U), ("c.list[c['order']]", "two"), ("c[LOWER('N')]", 5), ("c.N", U),
    ],
)  # fmt: skip
def test_constants_and_paths(expression: str, expected: Any) -> None:
    check(expression, expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # equality-comparison-operators: order is undefined across types, equality is not (see `equal`)
        ("1 = 1", True), ("1 = 1.0", True), ("1 = 2", False), ("'a' = 'a'", True), ("'a' = 'A'", False),
        ("true = true", True), ("null = null", True), ("c.z = null", True), ("c.none = null", U), ("c.none = 1", U),
        ("undefined = undefined", U), ("1 = '1'", False), ("1 = true", False), ("0 = false", False),
        ("null = false", False),
        ("1 != 2", True), ("1 <> 1", False), ("1 != '1'", True), ("c.none != 1", U), ("c.z != 1", True),
        ("null != null", False),
        ("c.list = c.list", True), ("c.sub = c.sub", True), ("c.sub = c.list", False), ("c.s != null", True),
        ("c.none != null", U), ("c.s = c.n", False), ("c.s != c.n", True), ("NOT (c.s = 1)", True),
        ("null != c.s", True), ("c.list != c.list", False),
        ("1 < 2", True), ("2 <= 2", True), ("'a' < 'b'", True), ("'B' < 'a'", True), ("'é' > 'z'", True),
        ("false < true", True), ("true < 2", U), ("null < 1", U), ("null <= null", True), ("null < null", False),
        ("c.none < 1", U), ("1 > c.none", U), ("c.list < c.list", U), ("c.sub >= c.sub", U), ("c.n >= 5", True),
        ("5 = c.n", True), ("c.n = c['order']", False),
        # logical-operators: the three-valued tables
        ("true AND true", True), ("true AND false", False), ("true AND undefined", U), ("undefined AND true", U),
        ("false AND undefined", False), ("undefined AND false", False), ("undefined AND undefined", U),
        ("true OR undefined", True), ("undefined OR true", True), ("false OR undefined", U), ("undefined OR false", U),
        ("false OR false", False), ("NOT true", False), ("NOT undefined", U), ("NOT null", U), ("NOT 1", U),
        ("1 AND true", U), ("'x' OR true", True), ("null AND false", False), ("not c.t", False),
        ("NOT (c.n = 5 AND c.none = 1)", U), ("c.n = 5 or c.n = 6 and c.n = 7", True), ("NOT (c.n = 6)", True),
        ("NOT c.n = 6", U), ("NOT c.t = false", True),
        # keywords: IN and BETWEEN
        ("c.n IN (1, 5)", True), ("c.n IN (1, '5')", False), ("c.none IN (1)", U), ("c.z IN (null)", True),
        ("c.s in ('Hello')", True), ("c.n NOT IN (1)", True), ("c.n NOT IN (5)", False),
        ("c.n IN (c.f, c.n)", True), ("c.n IN (1, c.none)", False), ("c.n NOT IN (1, c.none)", True),
        ("c.n IN (c.none, c.n)", True), ("c.none IN (1, c.none)", U),
        ("c.n BETWEEN 5 AND 6", True), ("c.n BETWEEN 6 AND 9", False), ("c.s BETWEEN 'A' AND 'Z'", True),
        ("c.none BETWEEN 1 AND 2", U), ("c.s BETWEEN 1 AND 2", U), ("c.n NOT BETWEEN 6 AND 9", True),
    ],
)  # fmt: skip
def test_comparison_and_logic(expression: str, expected: Any) -> None:
    check(expression, expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # arithmetic-operators
        ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("5 - 7", -2), ("7 / 2", 3.5), ("6 / 2", 3), ("7 % 3", 1), ("-7 % 3", -1),
        ("1 / 0", U), ("1 % 0", U), ("'a' + 'b'", U), ("1 + null", U), ("1 + undefined", U), ("true + 1", U),
        ("-c.s", U), ("-c.n", -5), ("c.n + c.f", 7.5), ("1e308 * 10", U),
        ("4503599627370496 * 4503599627370496", 2.0**104),
        ("FLOOR(1e300)", 1e300),
        # ternary-coalesce-operators, and concatenation
        ("c.none ?? 'else'", "else"), ("c.z ?? 'else'", None), ("c.n ?? 1", 5), ("c.none ?? c.no ?? 3", 3),
        ("'a' || 'b'", "ab"), ("'a' || 1", U), ("'a' || undefined", U),
    ],
)  # fmt: skip
def test_operators(expression: str, expected: Any) -> None:
    check(expression, expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # is-defined, is-null, is-number, ...: the only functions that see undefined
        ("IS_DEFINED(c.z)", True), ("IS_DEFINED(c.none)", False), ("is_defined(c.n)", True), ("IS_NULL(c.z)", True),
        ("IS_NULL(c.none)", False), ("IS_NULL(c.n)", False), ("IS_BOOL(c.t)", True), ("IS_BOOL(1)", False),
        ("IS_NUMBER(c.f)", True), ("IS_NUMBER(true)", False), ("IS_NUMBER('1')", False), ("IS_STRING('')", True),
        ("IS_STRING(c.none)", False), ("IS_ARRAY(c.list)", True), ("IS_OBJECT(c.sub)", True),
        ("IS_OBJECT(c.list)", False), ("IS_PRIMITIVE(null)", True), ("IS_PRIMITIVE(c.sub)", False),
        ("IS_PRIMITIVE(c.none)", False),
        ("IS_INTEGER(2.0)", True), ("IS_INTEGER(2.5)", False), ("IS_INTEGER(true)", False),
        # lower, upper, length, trim, ...
        ("LOWER('ÀB')", "àb"), ("UPPER(c.s)", "HELLO"), ("LOWER(1)", U), ("LOWER(c.none)", U), ("LENGTH(c.s)", 5),
        ("LENGTH('')", 0), ("LENGTH(c.list)", U), ("TRIM('  a ')", "a"), ("LTRIM(' a ')", "a "), ("RTRIM(' a ')", " a"),
        ("REVERSE('abc')", "cba"), ("CONCAT('a', 'b', 'c')", "abc"), ("CONCAT('a', 1)", U),
        ("SUBSTRING('abcdef', 1, 3)", "bcd"), ("SUBSTRING('abc', 2, 10)", "c"), ("SUBSTRING('abc', 9, 1)", ""),
        ("SUBSTRING('abc', 1, 0)", ""), ("SUBSTRING('abc', 0.5, 1)", U), ("LEFT('Microsoft', 5)", "Micro"),
        ("LEFT('abc', 9)", "abc"), ("LEFT('abc', -1)", ""), ("RIGHT('Microsoft', 4)", "soft"), ("RIGHT('abc', 0)", ""),
        ("REPLACE('a-b-c', '-', '+')", "a+b+c"), ("INDEX_OF('abcabc', 'c')", 2), ("INDEX_OF('abcabc', 'c', 3)", 5),
        ("INDEX_OF('abc', 'z')", -1),
        # contains, startswith, endswith, stringequals: the third argument ignores case
        ("CONTAINS(c.s, 'ell')", True), ("CONTAINS(c.s, 'ELL')", False), ("CONTAINS(c.s, 'ELL', true)", True),
        ("CONTAINS(c.none, 'a')", U), ("CONTAINS(c.s, 1)", U), ("STARTSWITH(c.s, 'He')", True),
        ("STARTSWITH(c.s, 'he')", False), ("StartsWith(c.s, 'he', true)", True), ("ENDSWITH(c.s, 'lo')", True),
        ("STRINGEQUALS(c.s, 'HELLO', true)", True), ("STRINGEQUALS(c.s, 'HELLO')", False),
        # abs, ceiling, floor, round (half away from zero), sign, sqrt, power, trunc
        ("ABS(-3)", 3), ("ABS('x')", U), ("CEILING(1.2)", 2), ("FLOOR(-1.2)", -2), ("ROUND(2.4)", 2),
        ("ROUND(2.5)", 3), ("ROUND(-2.5)", -3), ("ROUND(-2.4)", -2), ("ROUND(7)", 7), ("TRUNC(-2.7)", -2),
        ("SIGN(-2)", -1), ("SIGN(0)", 0),
        ("SQRT(9)", 3), ("SQRT(-1)", U), ("POWER(2, 10)", 1024), ("POWER(10, 9999)", U), ("FLOOR(null)", U),
        # array-length, array-contains
        ("ARRAY_LENGTH(c.list)", 4), ("ARRAY_LENGTH(c.s)", U), ("ARRAY_CONTAINS(c.list, 'two')", True),
        ("ARRAY_CONTAINS(c.list, null)", True), ("ARRAY_CONTAINS(c.list, 9)", False), ("ARRAY_CONTAINS(c.s, 'H')", U),
        ("ARRAY_CONTAINS(c.list, true)", False),
    ],
)  # fmt: skip
def test_functions(expression: str, expected: Any) -> None:
    check(expression, expected)


def test_parameters_are_values_of_any_type() -> None:
    assert evaluate("c.n = @n", n=5) is True
    assert evaluate("@s", s="' OR 1 = 1") == "' OR 1 = 1"
    assert evaluate("c.sub = @o", o={"deep": {"er": "found"}, "odd name": 7}) is True
    assert evaluate("ARRAY_CONTAINS(@list, c.n)", list=[1, 5]) is True
    assert evaluate("ARRAY_CONTAINS(c.list, @part, true)", part={"x": 3}) is True
    assert evaluate("c[@name]", name="odd") is U
    assert evaluate("@z", z=None) is None


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False, width=16)
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)


@given(JSON | st.just(U), JSON | st.just(U), JSON | st.just(U))
def test_the_order_over_all_values_is_total(first: Any, second: Any, third: Any) -> None:
    keys = [sort_key(value) for value in (first, second, third)]
    low, middle, high = sorted(keys)
    assert low <= middle <= high
    assert (keys[0] == keys[1]) == same(first, second)


@given(JSON, JSON)
def test_comparisons_agree_with_each_other(left: Any, right: Any) -> None:
    less, more = ordered(operator.lt)(left, right), ordered(operator.gt)(left, right)
    assert (less is U) == (more is U)
    assert equal(left, right) is not unequal(left, right)
    if less is not U:
        assert [less, more, equal(left, right)].count(True) == 1


@given(JSON | st.just(U), JSON | st.just(U), st.sampled_from(["=", "!=", "<", ">=", "IN"]))
def test_a_constant_compares_as_any_value_does(left: Any, right: Any, sign: str) -> None:
    """The shortcut for constants is no other comparison."""
    document = {name: value for name, value in (("l", left), ("r", right)) if value is not U}
    constant, parameters = ("@r", {"@r": right}) if right is not U else ("undefined", {})
    values = [
        compile_select(f"SELECT VALUE c.l {sign} {side} FROM c", parameters).project(document)
        for side in ((f"({constant})", "(c.r)") if sign == "IN" else (constant, "c.r"))
    ]
    assert values[0] is values[1]
