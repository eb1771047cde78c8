"""Bulk requests: up to a hundred operations, each on a partition key of its own, each refused or kept by itself.

It is how the SDKs of JavaScript, Java and .NET send bulk operations: a batch that is not atomic, one for each partition
key range. Source: `ClientContext.bulk` of @azure/cosmos, `ServerOperationBatchRequest` of azure-cosmos for Java.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from local.cosmos import batch
from local.cosmos.batch import Result
from local.cosmos.documents import Partition
from local.cosmos.errors import CosmosError


def run(
    connection: sqlite3.Connection,
    partition_of: Callable[[str], Partition],
    operations: list[dict[str, Any]],
    continue_on_error: bool,
) -> list[Result]:
    """Run `operations` in order.

    Args:
        partition_of: the partition of a key as a header has it; raises a `CosmosError` when it is none.
        continue_on_error: without it, those behind one that was refused are not run: 424.
    """
    results: list[Result] = []
    stopped = False
    for operation in operations:
        result = batch.SIBLING if stopped else _run_one(connection, partition_of, operation)
        stopped = stopped or (result.status >= 400 and not continue_on_error)
        results.append(result)
    return results


def _run_one(
    connection: sqlite3.Connection, partition_of: Callable[[str], Partition], operation: dict[str, Any]
) -> Result:
    connection.execute("SAVEPOINT operation")
    try:
        result = batch.run_one(connection, partition_of(operation["partitionKey"]), operation)
    except CosmosError as error:
        connection.execute("ROLLBACK TO operation")
        result = batch.refused(error)
    connection.execute("RELEASE operation")
    return result
