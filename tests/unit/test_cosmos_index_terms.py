"""Which values of a document count as index terms, by the policies of the documentation."""

from __future__ import annotations

from typing import Any

import pytest

from local.cosmos.errors import BadRequest
from local.cosmos.index_terms import IndexTerms

DEFAULT = {
    "indexingMode": "consistent", "includedPaths": [{"path": "/*"}], "excludedPaths": [{"path": '/"_etag"/?'}],
}  # fmt: skip
# The item of https://learn.microsoft.com/azure/cosmos-db/index-policy#including-and-excluding-property-paths.
ITEM: dict[str, Any] = {
    "locations": [
        {"country": "Germany", "city": "Berlin"},
        {"country": "France", "city": "Paris"},
    ],
    "headquarters": {"country": "Belgium", "employees": 250},
    "exports": [{"city": "Moscow"}, {"city": "Athens"}],
}


def policy(included: list[str], excluded: list[str]) -> IndexTerms:
    return IndexTerms(
        {"includedPaths": [{"path": path} for path in included], "excludedPaths": [{"path": path} for path in excluded]}
    )


def test_every_value_is_a_term_and_system_properties_are_not() -> None:
    system = {"_rid": "r", "_self": "s", "_etag": "e", "_attachments": "a", "_ts": 5}
    assert IndexTerms(DEFAULT).count(ITEM) == 8
    assert IndexTerms(DEFAULT).count({"id": "1", **system}) == 2
    assert IndexTerms({}).count({"id": "1", "a": None, "b": {}, "c": [], "d": [1, [2, 3]]}) == 5


@pytest.mark.parametrize(
    ("included", "excluded", "terms"),
    [
        (["/headquarters/employees/?"], ["/*"], 1),
        (["/headquarters/*"], ["/*"], 2),
        (["/locations/[]/country/?"], ["/*"], 2),
        (["/*"], ["/headquarters/*"], 6),
        (["/*", "/headquarters/country/?"], ["/headquarters/*"], 7),
        (["/headquarters/?"], ["/*"], 0),
    ],
)
def test_the_longest_path_decides(included: list[str], excluded: list[str], terms: int) -> None:
    assert policy(included, excluded).count(ITEM) == terms


def test_id_and_ts_are_indexed_whatever_is_excluded_unless_indexing_is_off() -> None:
    document = {"id": "1", "a": 1, "_ts": 5}
    assert policy([], ["/*"]).count(document) == 2
    assert IndexTerms({"indexingMode": "none"}).count(document) == 0


def test_a_change_counts_what_goes_and_what_comes() -> None:
    terms = IndexTerms(DEFAULT)
    old = {"id": "1", "_ts": 1, "same": 5, "other": 1, "gone": [1, 2], "_etag": "a"}
    new = {"id": "1", "_ts": 2, "same": 5, "other": 2, "new": {"a": 1, "b": 2}, "_etag": "b"}
    assert terms.changed(old, new) == 2 + 2 + 2 + 2
    assert terms.changed(old, old) == 0


@pytest.mark.parametrize(
    "malformed", [{"includedPaths": 5}, {"excludedPaths": [5]}, {"includedPaths": [{"path": "x"}]}]
)
def test_malformed_policies_are_refused(malformed: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        IndexTerms(malformed)
