"""The examples of the documentation, one page per function: query -> result, as printed there.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/<page>; the page is named beside each block. What an
example's result leaves out is undefined.
"""

from __future__ import annotations

from typing import Any

import pytest

from local.sql.cosmos.errors import UnknownFunction, UnsupportedConstruct, WrongArguments
from local.sql.cosmos.functions import FUNCTIONS, GROUPS, NOT_EVALUATED
from local.sql.cosmos.select import compile_select

GRADES = "[70, 86, 92, 99, 85, 90, 82]"
STRINGS = {  # the page of each is its name, in small letters
    "REGEXMATCH('abcd', 'ABC')": False,
    "REGEXMATCH('abcd', 'ABC', 'i')": True,
    "REGEXMATCH('abcd', 'ab.', '')": True,
    "REGEXMATCH('abcd', 'ab c', 'x')": True,
    "REGEXMATCH('abcd', 'aB c', 'ix')": True,
    "REGEXMATCH('03a', '[0-9]')": True,
    "REGEXMATCH('salt3824908', 'salt{1}')": True,
    "REGEXMATCH('shame', 's....', 'i')": True,
    "REGEXMATCH('a\\nb', '^b')": False,
    "REGEXMATCH('a\\nb', '^b', 'm')": True,
    "REGEXMATCH('a\\nb', 'a.b')": False,
    "REGEXMATCH('a\\nb', 'a.b', 's')": True,
    "REGEXMATCH('abcd', '(')": None,
    "REGEXMATCH('abcd', 'a', 'g')": None,
    "REGEXMATCH(1, 'a')": None,
    "LTRIM('  AdventureWorks')": "AdventureWorks",
    "LTRIM('  AdventureWorks  ')": "AdventureWorks  ",
    "LTRIM('AdventureWorks', 'Works')": "AdventureWorks",
    "LTRIM('AdventureWorks', 'Adventure')": "Works",
    "LTRIM('AdventureWorks', 'AdventureWorks')": "",
    "LTRIM('AdventureWorks', '')": "AdventureWorks",
    "TRIM('   AdventureWorks   ')": "AdventureWorks",
    "TRIM('---AdventureWorks---')": "---AdventureWorks---",
    "TRIM('___AdventureWorks___', '_')": "AdventureWorks",
    "TRIM('-- AdventureWorks --', '-')": " AdventureWorks ",
    "TRIM('-_-AdventureWorks-_-', '-_')": "AdventureWorks",
    "RTRIM('AdventureWorks  ')": "AdventureWorks",
    "INDEX_OF('AdventureWorks', 'A')": 0,
    "INDEX_OF('AdventureWorks', 's')": 13,
    "INDEX_OF('AdventureWorks', 'Works')": 9,
    "INDEX_OF('AdventureWorks', 'tureW')": 5,
    "INDEX_OF('AdventureWorks', 'Cosmos')": -1,
    "INDEX_OF('AdventureWorks', 'Works', 5)": 9,
    "INDEX_OF('AdventureWorks', 'Adventure', 5)": -1,
    "INDEX_OF('AdventureWorks', 'aD')": -1,
    "LASTINDEXOF('abcabc', 'b')": 4,
    "LASTINDEXOF('abcabc', 'b', 4)": 4,
    "LASTINDEXOF('abcabc', 'b', 3)": 1,
    "LASTINDEXOF('abcabc', 'z')": -1,
    "LEFT('AdventureWorks', 0)": "",
    "LEFT('AdventureWorks', 5)": "Adven",
    "LEFT('AdventureWorks', 100)": "AdventureWorks",
    "RIGHT('AdventureWorks', 5)": "Works",
    "SUBSTRING('AdventureWorks', 0, 9)": "Adventure",
    "SUBSTRING('AdventureWorks', 9, 5)": "Works",
    "SUBSTRING('AdventureWorks', 0, LENGTH('AdventureWorks'))": "AdventureWorks",
    "SUBSTRING('AdventureWorks', 0, -1)": "",
    "REPLICATE('Cosmic', 3)": "CosmicCosmicCosmic",
    "REPLICATE('Cosmic', -1)": None,
    "REPLICATE('0123456789', 1000)": "0123456789" * 1000,
    "REPLICATE('0123456789', 1001)": None,
    "REPLICATE('a', Infinity)": None,
    "STRINGJOIN(['Iropa', 'Mountain', 'Bike'], ' ')": "Iropa Mountain Bike",
    "STRINGJOIN(['Iropa', 'Mountain', 'Bike'], '')": "IropaMountainBike",
    "STRINGJOIN(['Iropa', 'Mountain', 'Bike'], undefined)": None,
    "STRINGJOIN(['6', '7', '4', '3'], 'A')": "6A7A4A3",
    "STRING_JOIN(['Adventure', 'LT'], 'Works')": "AdventureWorksLT",
    "STRINGJOIN(['a', 1], '-')": None,
    "STRINGSPLIT('Handlebar', 'e')": ["Handl", "bar"],
    "STRINGSPLIT('CARBON_STEEL_BIKE_WHEEL', '_')": ["CARBON", "STEEL", "BIKE", "WHEEL"],
    "STRINGSPLIT('xenmoun mountain bike', 'moun')": ["xen", " ", "tain bike"],
    "STRINGSPLIT('AluminumBikeFrame', undefined)": None,
    "STRING_SPLIT('Helmet', '')": ["Helmet"],
    "STRINGSPLIT('', '')": [""],
    "CONTAINS_ANY_CI('Full Moon', 'MOON', 'sun')": True,
    "CONTAINS_ANY_CS('Full Moon', 'MOON', 'sun')": False,
    "CONTAINS_ALL_CI('Full Moon', 'MOON', 'full')": True,
    "CONTAINS_ALL_CS('Full Moon', 'Moon', 'full')": False,
    "CONTAINS_ANY_CI('Full Moon', undefined, 'sun')": None,
    "CONTAINS_ANY_CI('Full Moon', undefined, 'moon')": True,
    "CONCAT('a', 'b', 'c')": "abc",
    "UPPER('abc')": "ABC",
    "REPLACE('AdventureWorks', 'Works', 'Time')": "AdventureTime",
}
CONVERSIONS = {
    "StringToArray('[]')": [],
    "StringToArray('[ \"coats\", \"gloves\", \"hats\" ]')": ["coats", "gloves", "hats"],
    'StringToArray(\'[ { "types": [ "coats" ] }, [ "hats" ], 76, false, null ]\')': [
        {"types": ["coats"]}, ["hats"], 76, False, None,
    ],
    "StringToArray(\"[ 'coats', 'gloves', 'hats' ]\")": None,
    "StringToArray(undefined)": None,
    "StringToArray(null)": None,
    "StringToArray('{}')": None,
    "StringToBoolean('true')": True,
    "StringToBoolean('true  ')": True,
    "StringToBoolean('  false  ')": False,
    "StringToBoolean(true)": None,
    "StringToBoolean('100')": None,
    "StringToBoolean('TRUE')": None,
    "StringToBoolean(NaN)": None,
    "StringToBoolean([1, 2, 3])": None,
    "StringToBoolean(Infinity)": None,
    "StringToNumber('100')": 100,
    "StringToNumber('3.14')": 3.14,
    "StringToNumber('   60   ')": 60,
    "StringToNumber('-1.79769e+308')": -1.79769e308,
    "StringToNumber('Hello')": None,
    "StringToNumber('NaN')": None,
    "StringToNumber('1e999')": None,
    "StringToObject('{}')": {},
    "StringToObject('{\"isAvailable\": true}')": {"isAvailable": True},
    "StringToObject(\"{'price': 27.55}\")": None,
    "IS_NULL(StringToNull(' null '))": True,
    "IS_DEFINED(StringToNull('nil'))": False,
    "ToString(125)": "125",
    "ToString(0.1234)": "0.1234",
    "ToString(false)": "false",
    "ToString(null)": "null",
    "ToString([1, 2, 3])": "[1,2,3]",
    'ToString({ "department": "Bicycles" })': '{"department":"Bicycles"}',
    "ToString('Hello World')": "Hello World",
    "ToString(undefined)": None,
    "ToString(NaN)": "NaN",
    "ToString(Infinity)": "Infinity",
    "ToString(3.0)": "3",
    "ToString(1e21)": "1e+21",
    "ToString(0.00001)": "0.00001",
    "ToString(0.0000001)": "1e-7",
}  # fmt: skip
MATHEMATICS = {
    "LOG(5)": 1.6094379124341003,
    "LOG(2, 10)": 0.3010299956639812,
    "LOG10(100)": 2,
    "LOG(0)": None,
    "LOG(8, 1)": None,
    "NumberBin(37.752, -100)": 100,
    "NumberBin(37.752, 10)": 30,
    "NumberBin(37.752, 1)": 37,
    "NumberBin(37.752)": 37,
    "NumberBin(37.752, 0)": None,
    "NumberBin(37.752, 0.1)": 37.7,
    "NumberBin(37.752, 0.01)": 37.75,
    "ROUND(2.4)": 2,
    "ROUND(2.6)": 3,
    "ROUND(2.5)": 3,
    "ROUND(-2.4)": -2,
    "ROUND(-2.6)": -3,
    "ROUND(3.14159, 2)": 3.14,
    "ROUND(1234, -2)": 1200,
    "TRUNC(2.37)": 2,
    "TRUNC(-2.78)": -2,
    "TRUNC(0.0000714)": 0,
    "TRUNC(PI())": 3,
    "SQUARE(3)": 9,
    "EXP(0)": 1,
    "DEGREES(PI())": 180,
    "RADIANS(180)": 3.141592653589793,
    "COT(0)": None,
    "ACOS(2)": None,
    "ATN2(1, 1)": 0.7853981633974483,
    "SIN(0)": 0,
    "RAND() >= 0 AND RAND() < 1": True,
    "IntAdd(20, 10)": 30,
    "IntAdd(20, 0.10)": None,
    "IntAdd(9223372036854775807, 1)": None,  # a literal of 19 digits is a double, and this one is 2^63
    "IntMul(4611686018427387904, 2)": -9223372036854775808,
    "IntSub(20, 10)": 10,
    "IntDiv(10, 2)": 5,
    "IntDiv(10, -2)": -5,
    "IntDiv(-10, -2)": 5,
    "IntDiv(-7, 2)": -3,
    "IntDiv(10, 0)": None,
    "IntDiv(10, 0.1)": None,
    "IntMod(12, 5)": 2,
    "IntMod(12, -5)": 2,
    "IntMod(-12, -5)": -2,
    "IntMod(12, 0)": None,
    "IntBitLeftShift(16, 4)": 256,
    "IntBitLeftShift(16, 0.4)": None,
    "IntBitLeftShift(1, 64)": None,
    "IntBitRightShift(-16, 4)": -1,
    "IntBitAnd(15, 25)": 9,
    "IntBitOr(56, 100)": 124,
    "IntBitXor(56, 100)": 92,
    "IntBitNot(65)": -66,
}
ARRAYS = {
    f"ARRAY_SLICE({GRADES}, 0)": [70, 86, 92, 99, 85, 90, 82],
    f"ARRAY_SLICE({GRADES}, 1)": [86, 92, 99, 85, 90, 82],
    f"ARRAY_SLICE({GRADES}, -1)": [82],
    f"ARRAY_SLICE({GRADES}, -2)": [90, 82],
    f"ARRAY_SLICE({GRADES}, -20, 2)": [70, 86],
    f"ARRAY_SLICE({GRADES}, 0, 3)": [70, 86, 92],
    f"ARRAY_SLICE({GRADES}, 0, 12)": [70, 86, 92, 99, 85, 90, 82],
    f"ARRAY_SLICE({GRADES}, 3, 5)": [99, 85, 90, 82],
    f"ARRAY_SLICE({GRADES}, -2, 1)": [90],
    "ARRAY_CONTAINS(['coats', 'jackets', 'sweatshirts'], 'coats')": True,
    "ARRAY_CONTAINS(['coats', 'jackets', 'sweatshirts'], 'hoodies')": False,
    "ARRAY_CONTAINS([{ category: 'shirts', color: 'blue' }], { category: 'shirts', color: 'blue' })": True,
    "ARRAY_CONTAINS([{ category: 'shirts', color: 'blue' }], { category: 'shirts' })": False,
    "ARRAY_CONTAINS([{ category: 'shirts', color: 'blue' }], { category: 'shirts' }, true)": True,
    "ARRAY_CONTAINS([{ category: 'shirts', color: 'blue' }], { category: 'shorts', color: 'blue' }, true)": False,
    "ARRAY_CONTAINS_ANY([1, true, '3', [1,2,3]], 1, true, '3', [1,2,3])": True,
    "ARRAY_CONTAINS_ANY([1, 2, 3, 4], 2, 3, 4, 5)": True,
    "ARRAY_CONTAINS_ANY([1, 2, 3, 4], 1, undefined)": True,
    "ARRAY_CONTAINS_ANY([1, 2, 3, 4], 5, 6, 7, 8)": False,
    "ARRAY_CONTAINS_ANY([], 1, 2, 3)": False,
    "ARRAY_CONTAINS_ANY([1, 2, 3, 4], 5, undefined)": None,
    "ARRAY_CONTAINS_ALL([1, true, '3', [1,2,3]], 1, true, '3', [1,2,3])": True,
    "ARRAY_CONTAINS_ALL([1, 2, 3, 4], 2, 3, 4, 5)": False,
    "ARRAY_CONTAINS_ALL([1, 2, 3, 4], 1, undefined)": None,
    "ARRAY_CONTAINS_ALL([], 1, 2, 3)": False,
    "ARRAY_CONTAINS_ALL([1, 2, 3, 4], 5, undefined)": False,
    "ARRAY_CONCAT(['coats'], ['jackets', 'hats'], [])": ["coats", "jackets", "hats"],
    "ARRAY_CONCAT(['coats'], 'hats')": None,
    "ARRAY_LENGTH([70, 86, undefined])": 2,
    "ARRAY_MEDIAN([1, 2, 3, 4])": 2.5,
    "ARRAY_MEDIAN([1.0, 2.0, 3.3, 4.7, 7.8])": 3.3,
    "ARRAY_MEDIAN([1, -2.7, 3, -4, undefined])": -0.8500000000000001,
    "ARRAY_MEDIAN(['abc', 'ABC', 'aBc', 'AbC'])": None,
    "ARRAY_MEDIAN([12, 'abc', true, false, null, undefined])": None,
    "ARRAY_AVG([1, 2, 3, 4])": 2.5,
    "ARRAY_AVG([])": None,
    "ARRAY_SUM([1, 2, 3, 4])": 10,
    "ARRAY_SUM([1, 'a'])": None,
    "ARRAY_MAX([12, 'abc', true, false, null, undefined])": "abc",
    "IS_NULL(ARRAY_MIN([12, 'abc', true, false, null, undefined]))": True,
    "ARRAY_MAX([1, [2]])": None,
    "CHOOSE(0, 'abc', 1, true, [1])": None,
    "CHOOSE(1, 'abc', 1, true, [1])": "abc",
    "CHOOSE(3, 'abc', 1, true, [1])": True,
    "CHOOSE(4, 'abc', 1, true, [1])": [1],
    "CHOOSE(5, 'abc', 1, true, [1])": None,
    "ObjectToArray({ 'a': '12345', 'b': '67890' })": [{"k": "a", "v": "12345"}, {"k": "b", "v": "67890"}],
    "ObjectToArray({ 'a': '12345' }, 'name')": [{"name": "a", "v": "12345"}],
    "ObjectToArray({ 'a': '12345' }, 'key', 'value')": [{"key": "a", "value": "12345"}],
    "SetIntersect([1, 2, 3, 4], [3, 4, 5, 6])": [3, 4],
    "SetIntersect([1, 2, 3, 4], [])": [],
    "SetIntersect([1, 2, 3, 4], [1, 1, 1, 1])": [1],
    "SetIntersect([1, 2, 3, 4], ['A', 'B'])": [],
    "SetIntersect([1, 2, 'A', 'B'], ['A', 1])": ["A", 1],
    "SetUnion([1, 2, 3, 4], [3, 4, 5, 6])": [1, 2, 3, 4, 5, 6],
    "SetUnion([1, 2, 3, 4], [1, 1, 1, 1])": [1, 2, 3, 4],
    "SetUnion([1, 2, 'A', 'B'], ['A', 1])": [1, 2, "A", "B"],
    "SetDifference([1, 2, 2, true], [1])": [2, True],
    "SetEqual([1, 2, 2], [2, 1])": True,
    "SetEqual([1], [true])": False,
    "IIF(true, 123, 456)": 123,
    "IIF(false, 123, 456)": 456,
    "IIF(123, 123, 456)": 456,
    "IIF('ABC', 123, 456)": 456,
    "IIF([1,2,3], 123, 456)": 456,
    "IIF(undefined, 123, 456)": 456,
}
TYPES = {
    "IS_INTEGER(3454.123)": False,
    "IS_INTEGER(5523432)": True,
    "IS_INTEGER(-9223372036854775808)": True,
    "IS_INTEGER(9223372036854775807)": True,
    "IS_INTEGER(18446744073709551615)": False,
    "IS_FINITE_NUMBER(1234.567)": True,
    "IS_FINITE_NUMBER(8.9 / 0.0)": False,
    "IS_FINITE_NUMBER(SQRT(-1.0))": False,
    "IS_FINITE_NUMBER(Infinity)": False,
    "IS_NUMBER(NaN)": True,
    "IS_DATETIME('2023-03-06')": True,
    "IS_DATETIME('2023-03-06Z')": True,
    "IS_DATETIME('2023-03-06 15:29:00Z')": True,
    "IS_DATETIME('2023-03-06T15:29:59')": True,
    "IS_DATETIME('2023-03-06T15:29:59.9Z')": True,
    "IS_DATETIME('2023-03-06T15:29:59.1234567')": True,
    "IS_DATETIME('2023-03-06T15:29:59.12345678')": False,
    "IS_DATETIME('2023-03-06X15:29:59')": False,
    "IS_DATETIME('2023-03-06T15:29')": False,
    "IS_DATETIME('2023-02-30')": False,
    "IS_DATETIME('23-03-06')": False,
    "IS_DATETIME(20230306)": False,
    "IS_BOOL(undefined)": False,
}
EXAMPLES = STRINGS | CONVERSIONS | MATHEMATICS | ARRAYS | TYPES


@pytest.mark.parametrize(("expression", "expected"), EXAMPLES.items(), ids=EXAMPLES)
def test_documented_examples(expression: str, expected: Any) -> None:
    found = list(compile_select(f"SELECT {expression} AS x", {}).evaluate(()))
    assert found == [{} if expected is None else {"x": expected}]


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_arguments_of_no_type_it_knows_break_no_function(name: str) -> None:
    """Any function, over values of every type in every place: an answer or undefined, never an exception."""
    function = FUNCTIONS[name]
    values = [None, True, -1, 0.5, 1e300, "", "x" * 20, [], [1, "a", None], {}, {"type": "Point"}, float("nan")]
    for count in range(function.least, min(function.most, 4) + 1):
        for start in range(len(values)):
            arguments = [values[(start + 5 * place) % len(values)] for place in range(count)]
            function.apply(*arguments)


@pytest.mark.parametrize("name", sorted(NOT_EVALUATED))
def test_what_only_the_service_has_is_told_from_what_nobody_has(name: str) -> None:
    with pytest.raises(UnsupportedConstruct, match=name):
        compile_select(f"SELECT {name}(c.a, 'b') FROM c", {})
    with pytest.raises(UnknownFunction, match=f"{name}X"):
        compile_select(f"SELECT {name}X(c.a, 'b') FROM c", {})


def test_every_function_counts_its_arguments() -> None:
    for function in (function for group in GROUPS.values() for function in group):
        for count in (function.least - 1, function.most + 1):
            if count >= 0:
                arguments = ", ".join(["c.a"] * count)
                with pytest.raises(WrongArguments, match=function.name):
                    compile_select(f"SELECT {function.name}({arguments}) FROM c", {})
