"""What ORDER BY takes: a property that the container's policy indexes, or several that a composite index of it has.

The service would refuse other queries, and a query that only works on a laptop helps nobody. Source:
https://learn.microsoft.com/azure/cosmos-db/nosql/query/order-by, .../index-policy and, of limits, .../concepts-limits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from local.cosmos.errors import BadRequest
from local.cosmos.partition_key import split_path
from local.sql.cosmos.pins import Path
from local.sql.cosmos.select import Ordering

if TYPE_CHECKING:
    from local.cosmos.catalog import Container

_MOST: Final = 100
_LEAST_PATHS: Final = 2
_MOST_PATHS: Final = 8


def validate(policy: dict[str, Any]) -> None:
    """Raise `BadRequest` unless the composite indexes of an indexing policy are well-formed."""
    indexes = policy.get("compositeIndexes") or []
    try:
        paths = [item["path"] for index in indexes for item in index]
    except (TypeError, KeyError):
        paths = [None]
    if not isinstance(indexes, list) or not all(isinstance(path, str) for path in paths):
        raise BadRequest("The indexing policy is malformed: compositeIndexes must be [[{path, order}, ...], ...].")
    for path in paths:
        split_path(path)
    if len(indexes) > _MOST or not all(_LEAST_PATHS <= len(index) <= _MOST_PATHS for index in indexes):
        raise BadRequest(
            f"The indexing policy is invalid: it has at most {_MOST} composite indexes, each of {_LEAST_PATHS} to "
            f"{_MOST_PATHS} paths."
        )


def check(container: Container, ordering: Sequence[Ordering]) -> None:
    """Raise `BadRequest` unless an index of `container` has the paths of `ordering`.

    A composite index must have them in their order, and in their directions or in all opposite.
    """
    if len(ordering) == 1:
        path = ordering[0].path
        computed = any(name == path[0] for name, _ in container.computed_properties)
        if not container.index_terms.has_index(path, computed=computed):
            raise BadRequest(
                "The index path corresponding to the specified order-by item is excluded. Include "
                f"{_written(path)}/? in the indexing policy of the container."
            )
    if len(ordering) < 2:
        return
    wanted = [(item.path, item.descending) for item in ordering]
    opposite = [(path, not descending) for path, descending in wanted]
    for index in container.body["indexingPolicy"].get("compositeIndexes") or []:
        had = [(split_path(item["path"]), item.get("order") == "descending") for item in index]
        if had in (wanted, opposite):
            return
    raise BadRequest(
        "The order by query does not have a corresponding composite index that it can be served from: "
        + ", ".join(_written(path) + (" DESC" if down else " ASC") for path, down in wanted)
    )


def _written(path: Path) -> str:
    """As a policy has it: names that are no identifiers in quotes."""
    return "".join(f"/{step}" if re.fullmatch(r"\w+", str(step)) else f"/{json.dumps(step)}" for step in path)
