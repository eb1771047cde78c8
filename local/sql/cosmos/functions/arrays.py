"""Functions of arrays and objects, and IIF.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/<function>, one page each. No array holds
undefined.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, Final

from local.sql.cosmos.functions.table import MANY, Function, integer
from local.sql.cosmos.values import ARRAY_RANK, NUMBERS, RANK, UNDEFINED, identity, number, same, sort_key


def _concat(*arrays: Any) -> Any:
    return list(chain(*arrays)) if all(type(array) is list for array in arrays) else UNDEFINED


def _contains(array: Any, wanted: Any, partial: Any = False) -> Any:
    if type(array) is not list or wanted is UNDEFINED or type(partial) is not bool:
        return UNDEFINED
    if partial and type(wanted) is dict:
        return any(
            type(item) is dict and all(name in item and same(item[name], value) for name, value in wanted.items())
            for item in array
        )
    return any(same(item, wanted) for item in array)


def _contains_many(decisive: bool) -> Callable[..., Any]:
    """ARRAY_CONTAINS_ANY, which one found value decides, or ALL, which one missing does; else undefined ones do."""

    def call(array: Any, *wanted: Any) -> Any:
        if type(array) is not list:
            return UNDEFINED
        known = {identity(item) for item in array}
        found = [UNDEFINED if value is UNDEFINED else identity(value) in known for value in wanted]
        if decisive in found:
            return decisive
        return UNDEFINED if UNDEFINED in found else not decisive

    return call


def _slice(array: Any, start: Any, length: Any = None) -> Any:
    first, count = integer(start), None if length is None else integer(length)
    if type(array) is not list or first is None or (length is not None and count is None):
        return UNDEFINED
    rest = array[max(first + len(array), 0) if first < 0 else first :]
    return rest if count is None else rest[: max(count, 0)]


def _of_array(apply: Callable[[list[Any]], Any]) -> Callable[[Any], Any]:
    return lambda array: apply(array) if type(array) is list else UNDEFINED


def _of_numbers(apply: Callable[[list[Any]], Any]) -> Callable[[Any], Any]:
    def call(array: list[Any]) -> Any:
        return number(apply(array)) if all(type(item) in NUMBERS for item in array) else UNDEFINED

    return _of_array(call)


def _of_comparable(choose: Callable[..., Any]) -> Callable[[Any], Any]:
    def call(array: list[Any]) -> Any:
        if not array or any(RANK[type(item)] >= ARRAY_RANK for item in array):
            return UNDEFINED
        return choose(array, key=sort_key)

    return _of_array(call)


def _of_sets(apply: Callable[[list[Any], list[Any]], Any]) -> Callable[[Any, Any], Any]:
    return lambda left, right: apply(left, right) if type(left) is list and type(right) is list else UNDEFINED


def _union(left: list[Any], right: list[Any]) -> list[Any]:
    return _first_of_each(chain(left, right))


def _intersection(left: list[Any], right: list[Any]) -> list[Any]:
    """In the order of the second, as the documented results are."""
    known = {identity(item) for item in left}
    return _first_of_each(item for item in right if identity(item) in known)


def _difference(left: list[Any], right: list[Any]) -> list[Any]:
    known = {identity(item) for item in right}
    return _first_of_each(item for item in left if identity(item) not in known)


def _equal(left: list[Any], right: list[Any]) -> bool:
    return {identity(item) for item in left} == {identity(item) for item in right}


def _first_of_each(items: Iterable[Any]) -> list[Any]:
    found: dict[Any, Any] = {}
    for item in items:
        found.setdefault(identity(item), item)
    return list(found.values())


def _object_to_array(value: Any, key: Any = "k", member: Any = "v") -> Any:
    if type(value) is not dict or type(key) is not str or type(member) is not str:
        return UNDEFINED
    return [{key: name, member: item} for name, item in value.items()]


def _choose(index: Any, *values: Any) -> Any:
    place = integer(index)
    return values[place - 1] if place is not None and 1 <= place <= len(values) else UNDEFINED


def _iif(test: Any, yes: Any, no: Any) -> Any:
    return yes if test is True else no


ARRAYS: Final = (
    Function("ARRAY_AVG", 1, 1, _of_numbers(lambda array: sum(array) / len(array) if array else float("nan"))),
    Function("ARRAY_CONCAT", 2, MANY, _concat),
    Function("ARRAY_CONTAINS", 2, 3, _contains),
    Function("ARRAY_CONTAINS_ALL", 2, MANY, _contains_many(decisive=False)),
    Function("ARRAY_CONTAINS_ANY", 2, MANY, _contains_many(decisive=True)),
    Function("ARRAY_LENGTH", 1, 1, _of_array(len)),
    Function("ARRAY_MAX", 1, 1, _of_comparable(max)),
    Function("ARRAY_MEDIAN", 1, 1, _of_numbers(lambda array: statistics.median(array) if array else float("nan"))),
    Function("ARRAY_MIN", 1, 1, _of_comparable(min)),
    Function("ARRAY_SLICE", 2, 3, _slice),
    Function("ARRAY_SUM", 1, 1, _of_numbers(sum)),
    Function("CHOOSE", 2, MANY, _choose),
    Function("IIF", 3, 3, _iif),
    Function("OBJECTTOARRAY", 1, 3, _object_to_array, "OBJECT_TO_ARRAY"),
    Function("SETDIFFERENCE", 2, 2, _of_sets(_difference), "SET_DIFFERENCE"),
    Function("SETEQUAL", 2, 2, _of_sets(_equal), "SET_EQUAL"),
    Function("SETINTERSECT", 2, 2, _of_sets(_intersection), "SET_INTERSECT"),
    Function("SETUNION", 2, 2, _of_sets(_union), "SET_UNION"),
)
