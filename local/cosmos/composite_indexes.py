"""ORDER BY over several properties, which the service runs only with a composite index in the container's policy.

Source: https://learn.microsoft.com/azure/cosmos-db/index-policy#order-by-queries-on-multiple-properties, and of the
limits https://learn.microsoft.com/azure/cosmos-db/concepts-limits#sql-query-limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from local.cosmos.errors import BadRequest
from local.cosmos.partition_key import split_path
from local.sql.cosmos.select import Ordering

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


def check(policy: dict[str, Any], ordering: Sequence[Ordering]) -> None:
    """Raise `BadRequest` unless an index of `policy` has the paths of `ordering`, in its directions or in all opposite.

    The service would refuse the query, and a query that only works on a laptop helps nobody.
    """
    wanted = [(item.path, item.descending) for item in ordering]
    opposite = [(path, not descending) for path, descending in wanted]
    for index in policy.get("compositeIndexes") or []:
        had = [(split_path(item["path"]), item.get("order") == "descending") for item in index]
        if had in (wanted, opposite):
            return
    raise BadRequest(
        "The order by query does not have a corresponding composite index that it can be served from: "
        + ", ".join("/" + "/".join(map(str, path)) + (" DESC" if down else " ASC") for path, down in wanted)
    )
