"""The JSON of a container as the service returns it: what the client set, and the defaults for what it did not."""

from __future__ import annotations

from typing import Any

_DEFAULTS: dict[str, Any] = {
    "indexingPolicy": {
        "indexingMode": "consistent",
        "automatic": True,
        "includedPaths": [{"path": "/*"}],
        "excludedPaths": [{"path": '/"_etag"/?'}],
    },
    "uniqueKeyPolicy": {"uniqueKeys": []},
    "conflictResolutionPolicy": {
        "mode": "LastWriterWins",
        "conflictResolutionPath": "/_ts",
        "conflictResolutionProcedure": "",
    },
    "geospatialConfig": {"type": "Geography"},
}
_OPTIONAL = ("defaultTtl", "analyticalStorageTtl", "computedProperties", "vectorEmbeddingPolicy", "fullTextPolicy")


def container_body(wanted: dict[str, Any], rid: str, self_link: str, etag: str, second: int) -> dict[str, Any]:
    """The stored body of a container made from the client's `wanted`, changed at `second`."""
    key = wanted["partitionKey"]
    body: dict[str, Any] = {
        "id": wanted["id"],
        "partitionKey": {"kind": "Hash", "version": 1, **key},
        **{name: wanted.get(name) or default for name, default in _DEFAULTS.items()},
        "indexingPolicy": _indexing_policy(wanted.get("indexingPolicy") or {}),
        **{name: wanted[name] for name in _OPTIONAL if wanted.get(name) is not None},
    }
    return body | {
        "_rid": rid,
        "_self": self_link,
        "_etag": etag,
        "_ts": second,
        "_docs": "docs/",
        "_sprocs": "sprocs/",
        "_triggers": "triggers/",
        "_udfs": "udfs/",
        "_conflicts": "conflicts/",
    }


def _indexing_policy(wanted: dict[str, Any]) -> dict[str, Any]:
    """With what it leaves out: everything is included, unless it is excluded. Lazy indexing is consistent.

    Source: the warning that the SDK gives of the lazy mode (azure/cosmos/database.py, `create_container`).
    """
    policy = {**_DEFAULTS["indexingPolicy"], **wanted}
    mode = policy["indexingMode"].lower()
    policy["indexingMode"] = "consistent" if mode == "lazy" else mode
    if "includedPaths" not in wanted and any(item.get("path") == "/*" for item in policy["excludedPaths"]):
        policy["includedPaths"] = []
    return policy
