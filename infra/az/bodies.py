"""Bodies of the resources that `az` has no sufficient command for: what ARM takes, as the Bicep modules say it.

`az functionapp create` writes a storage key into the app's settings, `az monitor app-insights component create` cannot
switch keys off, `az eventhubs eventhub create` cannot capture by an identity. Run as `bodies.py WHAT NAME=VALUE ...`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

INFRA = Path(__file__).resolve().parents[1]
JOB = INFRA.parent / "stream_analytics"


def workspace(at: dict[str, str], sizes: dict[str, Any]) -> dict[str, Any]:
    return {
        "sku": {"name": "PerGB2018"},
        "retentionInDays": sizes["logRetentionDays"],
        "workspaceCapping": {"dailyQuotaGb": sizes["logDailyCapGb"]},
        "features": {"disableLocalAuth": True},
    }


def insights(at: dict[str, str], sizes: dict[str, Any]) -> dict[str, Any]:
    return {"Application_Type": "web", "WorkspaceResourceId": at["workspace"], "DisableLocalAuth": True}


def plan(at: dict[str, str], sizes: dict[str, Any]) -> dict[str, Any]:
    return {"reserved": True, "zoneRedundant": sizes["zoneRedundant"]}


def app(at: dict[str, str], sizes: dict[str, Any]) -> dict[str, Any]:
    storage = {
        "type": "blobContainer",
        "value": f"https://{at['storage']}.blob.core.windows.net/app-package",
        "authentication": {"type": "UserAssignedIdentity", "userAssignedIdentityResourceId": at["identity"]},
    }
    return {
        "serverFarmId": at["plan"],
        "httpsOnly": True,
        "siteConfig": {"minTlsVersion": "1.2"},
        "functionAppConfig": {
            "deployment": {"storage": storage},
            "runtime": {"name": "python", "version": sizes["pythonVersion"]},
            "scaleAndConcurrency": {
                "instanceMemoryMB": sizes["instanceMemoryMB"],
                "maximumInstanceCount": sizes["maximumInstanceCount"],
                "alwaysReady": sizes["alwaysReady"],
            },
        },
    }


def job(at: dict[str, str], sizes: dict[str, Any]) -> dict[str, Any]:
    """The job of `stream_analytics/`, with the names that its placeholders stand for."""
    text = (JOB / "job.json").read_text()
    for placeholder, name in (("<EventHubs>", "eventhubs"), ("<DataLake>", "lake"), ("<Cosmos>", "cosmos")):
        text = text.replace(placeholder, at[name])
    declared: dict[str, Any] = json.loads(text)
    query = {"streamingUnits": sizes["streamingUnits"], "query": (JOB / "job.asaql").read_text()}
    return {
        "sku": {"name": "StandardV2"},
        "jobType": "Cloud",
        "contentStoragePolicy": "SystemAccount",
        "dataLocale": "en-US",
        **declared,
        "transformation": {"name": "job", "properties": query},
    }


def hub(at: dict[str, str], sizes: dict[str, Any]) -> dict[str, Any]:
    """A hub that is captured as `capture.json` says, by the identity of its namespace."""
    capture: dict[str, Any] = json.loads((INFRA / "capture.json").read_text())[at["hub"]]
    destination = capture["destination"]
    return {
        "partitionCount": sizes["partitions"],
        "retentionDescription": {"cleanupPolicy": "Delete", "retentionTimeInHours": sizes["retentionHours"]},
        "captureDescription": {
            **capture,
            "destination": {
                **destination,
                "identity": {"type": "SystemAssigned"},
                "properties": {**destination["properties"], "storageAccountResourceId": at["account"]},
            },
        },
    }


PROPERTIES = {f.__name__: f for f in (workspace, insights, hub, plan, app, job)}


def body(what: str, at: dict[str, str], sizes: dict[str, Any]) -> dict[str, Any]:
    """A whole resource: its properties, and what stands beside them."""
    if what == "hub":
        return {"properties": hub(at, sizes)}
    whole: dict[str, Any] = {
        "location": at["location"],
        "tags": {"azd-env-name": at["environment"]},
        "properties": PROPERTIES[what](at, sizes),
    }
    match what:
        case "insights":
            whole["kind"] = "web"
        case "plan":
            whole |= {"kind": "functionapp", "sku": {"name": "FC1", "tier": "FlexConsumption"}}
        case "app":
            whole["kind"] = "functionapp,linux"
            whole["tags"]["azd-service-name"] = "app"
            whole["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {at["identity"]: {}}}
        case "job":
            whole["identity"] = {"type": "SystemAssigned"}
    return whole


def main() -> None:
    what, *words = sys.argv[1:]
    at = dict(word.split("=", 1) for word in words)
    sizes = json.loads((INFRA / f"parameters.{at['profile']}.json").read_text())
    print(json.dumps(body(what, at, sizes)))


if __name__ == "__main__":
    main()
