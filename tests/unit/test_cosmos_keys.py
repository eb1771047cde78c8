"""Partition keys without a service: paths, canonical values, and the hash, compared with the SDK's own."""

from __future__ import annotations

from typing import Any

import pytest
from azure.cosmos import PartitionKey
from hypothesis import given
from hypothesis import strategies as st

from local.cosmos.effective_key import effective_key
from local.cosmos.errors import BadRequest
from local.cosmos.partition_key import canonical, parse_definition, split_path

# -0.0 is the same key as 0 here; the SDK hashes it apart.
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False).filter(bool)
COMPONENTS = st.none() | st.booleans() | NUMBERS | st.text(max_size=70)


@given(COMPONENTS)
def test_the_effective_key_is_the_sdks(component: Any) -> None:
    theirs = PartitionKey("/pk")._get_effective_partition_key_string([component])
    assert effective_key(parse_definition(dict(PartitionKey("/pk"))), canonical([component])) == theirs


@given(st.lists(COMPONENTS, min_size=1, max_size=3))
def test_the_effective_key_of_a_hierarchy_and_of_its_prefixes_is_the_sdks(components: list[Any]) -> None:
    definition = PartitionKey(["/a", "/b", "/c"])
    theirs = definition._get_effective_partition_key_string(components)
    assert effective_key(parse_definition(dict(definition)), canonical(components)) == theirs


def test_equal_numbers_are_one_key_and_equal_looking_values_are_not() -> None:
    assert canonical([1]) == canonical([1.0])
    assert canonical([2**60]) == canonical([float(2**60)])
    distinct = [[1], ["1"], [True], [None], [{}], [1.5], ["a", "b"], ["a"]]
    assert len({canonical(components) for components in distinct}) == len(distinct)


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("/pk", ("pk",)), ("/a/b/c", ("a", "b", "c")), ('/"a/b"/c', ("a/b", "c")), ("/'odd name'", ("odd name",)),
        ("/ü", ("ü",)),
    ],
)  # fmt: skip
def test_paths(path: str, steps: tuple[str, ...]) -> None:
    assert split_path(path) == steps


@pytest.mark.parametrize("path", ["", "pk", "/", "//", "/a/", "/a//b", '/"open', '/"a"b', "/a/''"])
def test_paths_that_are_none(path: str) -> None:
    with pytest.raises(BadRequest):
        split_path(path)


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ({"a": {"b": "x"}}, '["x"]'),
        ({"a": {"b": None}}, "[null]"),
        ({"a": {}}, "[{}]"),
        ({"a": [1]}, "[{}]"),
        ({}, "[{}]"),
    ],
)
def test_a_documents_key(document: dict[str, Any], key: str) -> None:
    definition = parse_definition({"paths": ["/a/b"], "kind": "Hash", "version": 2})
    assert definition.of_document(document) == key


@pytest.mark.parametrize("value", [{}, {"x": 1}, [], ["x"], "x" * 3000])
def test_values_that_cannot_be_a_key(value: Any) -> None:
    definition = parse_definition({"paths": ["/a"], "kind": "Hash", "version": 2})
    with pytest.raises(BadRequest):
        definition.of_document({"a": value})
