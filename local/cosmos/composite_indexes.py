"""ORDER BY over several properties, which the service runs only with a composite index in the container's policy.

Source: https://learn.microsoft.com/azure/cosmos-db/index-policy#order-by-queries-on-multiple-properties
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from local.cosmos.errors import BadRequest
from local.cosmos.partition_key import split_path
from local.sql.cosmos.select import Ordering


def validate(policy: Any) -> None:
    """Raise `BadRequest` unless `policy`, an indexing policy or None, has well-formed composite indexes."""
    indexes = policy.get("compositeIndexes") or [] if isinstance(policy, dict) else policy
    if indexes is None:
        return
    try:
        paths = [item["path"] for index in indexes for item in index]
    except (TypeError, KeyError):
        paths = [None]
    if not isinstance(indexes, list) or not all(isinstance(path, str) for path in paths):
        raise BadRequest("The indexing policy is malformed: compositeIndexes must be [[{path, order}, ...], ...].")
    for path in paths:
        split_path(path)


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
