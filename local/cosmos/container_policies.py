"""What a container may ask for: indexing, unique keys, computed properties, within the service's limits.

Source: https://learn.microsoft.com/azure/cosmos-db/index-policy, .../unique-keys and .../concepts-limits.
"""

from __future__ import annotations

from typing import Any, Final

from local.cosmos import order_indexes
from local.cosmos.errors import BadRequest
from local.cosmos.index_terms import IndexTerms
from local.cosmos.partition_key import split_path
from local.sql.cosmos.computed import compile_computed
from local.sql.cosmos.errors import SqlError
from local.sql.cosmos.scope import Definitions

UniqueKeys = tuple[tuple[tuple[str, ...], ...], ...]
"""The paths of each unique key."""

_MODES: Final = ("consistent", "none", "lazy")
_MOST_INDEXED_PATHS: Final = 1500
_MOST_UNIQUE_KEYS: Final = 10
_MOST_UNIQUE_PATHS: Final = 16


def check(wanted: dict[str, Any]) -> None:
    """Raise `BadRequest` unless a container's body asks for what the service would take, and this one has."""
    policy = wanted.get("indexingPolicy") or {}
    if not isinstance(policy, dict):
        raise BadRequest("The indexing policy is malformed: it must be a JSON object.")
    _check_mode(policy.get("indexingMode", "consistent"))
    _check_paths(policy)
    order_indexes.validate(policy)
    unique_keys(wanted)
    try:
        compile_computed(computed_properties(wanted))
    except SqlError as error:
        raise BadRequest(str(error)) from None
    config = wanted.get("geospatialConfig") or {}
    kind = config.get("type", "Geography") if isinstance(config, dict) else config
    if kind == "Geometry":
        raise BadRequest("Unsupported: geospatialConfig of type Geometry. The local service computes on the globe.")
    if kind != "Geography":
        raise BadRequest(f"The geospatialConfig is invalid: its type must be Geography or Geometry, not {kind!r}.")


def unique_keys(body: dict[str, Any]) -> UniqueKeys:
    """The unique keys of a container's body; raises `BadRequest` when they are malformed or too many."""
    policy = body.get("uniqueKeyPolicy") or {}
    try:
        keys = tuple(tuple(map(split_path, key["paths"])) for key in policy.get("uniqueKeys") or [])
    except (AttributeError, KeyError, TypeError):
        raise BadRequest("The unique key policy is malformed: it must be {uniqueKeys: [{paths: [...]}]}.") from None
    if len(keys) > _MOST_UNIQUE_KEYS or any(len(paths) > _MOST_UNIQUE_PATHS for paths in keys):
        raise BadRequest(
            f"The unique key policy is too large: at most {_MOST_UNIQUE_KEYS} keys of {_MOST_UNIQUE_PATHS} paths."
        )
    return keys


def computed_properties(body: dict[str, Any]) -> Definitions:
    """The computed properties of a container's body, their queries as they are; raises `BadRequest`."""
    match body.get("computedProperties") or []:
        case [*listed] if all(_is_definition(item) for item in listed):
            return tuple((item["name"], item["query"]) for item in listed)
    raise BadRequest("The computed properties are malformed: they must be [{name, query}, ...].")


def _is_definition(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("name"), str) and isinstance(item.get("query"), str)


def _check_mode(mode: Any) -> None:
    if not isinstance(mode, str) or mode.lower() not in _MODES:
        raise BadRequest(f"The indexing mode {mode!r} is invalid: it must be {' or '.join(_MODES)}.")


def _check_paths(policy: dict[str, Any]) -> None:
    """The service adds a list that is missing, but of two that are there one must say what becomes of all the rest."""
    IndexTerms(policy)
    included, excluded = policy.get("includedPaths", []), policy.get("excludedPaths", [])
    if max(len(included), len(excluded)) > _MOST_INDEXED_PATHS:
        raise BadRequest(f"The indexing policy is too large: at most {_MOST_INDEXED_PATHS} paths of each kind.")
    if included and excluded and not any(item["path"] == "/*" for item in (*included, *excluded)):
        raise BadRequest(
            "The special mandatory indexing path '/*' is not provided in any of the path type sets. Please provide "
            "this path in one of the sets."
        )
