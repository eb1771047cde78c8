"""Requests about documents: one by one, in batches, as feeds and by query."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import orjson

from local.cosmos import (
    batch,
    bulk,
    change_feed,
    continuations,
    identifiers,
    order_indexes,
    patch,
    queries,
    statements,
)
from local.cosmos.answers import Answer, container_headers, document_answer
from local.cosmos.catalog import Catalog, Container
from local.cosmos.charges import LEAST, feed_charge, query_charge
from local.cosmos.documents import MAXIMUM_BYTES, Partition
from local.cosmos.errors import BadRequest, NotFound, TooLarge
from local.cosmos.journal import Journal
from local.cosmos.kept_results import KeptResults
from local.cosmos.pages import PAGE_BYTES, Page
from local.cosmos.slices import Slice, narrow, prefix_text
from local.sql.cosmos.select import Select

if TYPE_CHECKING:
    from local.cosmos.requests import Request

T = TypeVar("T")

_LARGE_QUERY = 4096  # bytes; compiling takes about 0.3 ms for every 100, too long to hold the loop
# A query plan that changes nothing: run the query as it is, on every range. For SDKs that always ask for one; Java's
# unwraps values only of a query that, by its plan, has SELECT VALUE.
_PLAN: Final[dict[str, Any]] = {
    "partitionedQueryExecutionInfoVersion": 2,
    "queryInfo": {
        "distinctType": "None", "top": None, "offset": None, "limit": None, "orderBy": [], "orderByExpressions": [],
        "groupByExpressions": [], "groupByAliases": [], "aggregates": [], "groupByAliasToAggregateType": {},
        "rewrittenQuery": "", "hasSelectValue": False, "hasNonStreamingOrderBy": False, "dCountInfo": None,
    },
    "queryRanges": [{"min": "", "max": "FF", "isMinInclusive": True, "isMaxInclusive": False}],
}  # fmt: skip
_NOT_MEASURED: Final = dict.fromkeys(
    (
        "queryCompileTimeInMs", "queryLogicalPlanBuildTimeInMs", "queryPhysicalPlanBuildTimeInMs",
        "queryOptimizationTimeInMs", "VMExecutionTimeInMs", "indexLookupTimeInMs", "documentLoadTimeInMs",
        "systemFunctionExecuteTimeInMs", "userFunctionExecuteTimeInMs", "writeOutputTimeInMs", "indexUtilizationRatio",
    ),
    "0.00",
)  # fmt: skip


class Items:
    """Answers about documents, for one account."""

    def __init__(self, catalog: Catalog, journal: Journal, threads: ThreadPoolExecutor) -> None:
        self._catalog = catalog
        self._journal = journal
        self._threads = threads
        self._results = KeptResults()

    async def post(self, request: Request) -> Answer:
        """POST on a container's documents is five requests in one; headers tell which."""
        if request.flag("x-ms-cosmos-is-batch-request"):
            return await self._batch(request)
        if request.flag("x-ms-cosmos-is-query-plan-request"):
            query = await self._compiled(request, self._container(request))
            info = _PLAN["queryInfo"] | {"hasSelectValue": query.projects_value}
            return Answer(orjson.dumps(_PLAN | {"queryInfo": info}))
        if request.is_query:
            return await self._query(request)
        if request.flag("x-ms-documentdb-is-upsert"):
            return await self._upsert(request)
        return await self._create(request)

    async def read(self, request: Request) -> Answer:
        partition = self._partition(request)
        document = partition.read(self._journal.reader, request.names[2])
        if request.if_none_match is not None and request.if_none_match in ("*", document.etag):
            return document_answer(partition.container, document, status=304, charge=LEAST, with_body=False)
        return document_answer(partition.container, document, status=200, charge=document.charge)

    async def replace(self, request: Request) -> Answer:
        partition, body = self._partition(request), _document_body(request)
        document = await self._journal.write(partition.replace, request.names[2], body, request.if_match)
        return self._written(request, partition, document, 200)

    async def patch(self, request: Request) -> Answer:
        partition = self._partition(request)
        changes = patch.parse(request.json(), partition.container.computed_properties)
        document = await self._journal.write(patch.apply, partition, request.names[2], changes, request.if_match)
        return self._written(request, partition, document, 200)

    async def delete(self, request: Request) -> Answer:
        partition = self._partition(request)
        charge = await self._journal.write(partition.delete, request.names[2], request.if_match)
        return Answer(status=204, charge=charge, headers=container_headers(partition.container))

    async def purge(self, request: Request) -> Answer:
        """Delete all documents of a partition key: in the service a background operation, charged as such."""
        partition = self._partition(request)
        await self._journal.write(partition.delete_all)
        return Answer(headers=container_headers(partition.container))

    async def list(self, request: Request) -> Answer:
        """A feed of whole documents: all there are, or (with A-IM) the change feed."""
        container = self._container(request)
        slice_ = self._slice(request, container)
        if "a-im" in request.headers:
            return await self._changes(request, container, slice_)
        start = continuations.decode(request.continuation, _scope(request, container))
        page = await self._on_thread(queries.read_page, slice_, request.page_size, start)
        return _feed(request, container, page, feed_charge(map(len, page.rows)))

    async def _changes(self, request: Request, container: Container, slice_: Slice) -> Answer:
        start = change_feed.start_of(request.headers)
        page = await self._on_thread(change_feed.read, slice_, start, request.page_size, PAGE_BYTES)
        headers = container_headers(container) | {"etag": page.etag, "x-ms-item-count": str(len(page.rows))}
        if not page.rows:
            return Answer(status=304, headers=headers)
        body = _feed_body(container, page.rows)
        return Answer(body, charge=feed_charge(map(len, page.rows)), headers=headers)

    async def _create(self, request: Request) -> Answer:
        partition, body = self._partition(request), _document_body(request)
        document = await self._journal.write(partition.create, body)
        return self._written(request, partition, document, 201)

    async def _upsert(self, request: Request) -> Answer:
        partition, body = self._partition(request), _document_body(request)
        document, created = await self._journal.write(partition.upsert, body, request.if_match)
        return self._written(request, partition, document, 201 if created else 200)

    async def _batch(self, request: Request) -> Answer:
        if len(request.body) > MAXIMUM_BYTES:
            raise TooLarge("The batch request is too large: at most 2 MB.")
        container = self._container(request)
        results = await (self._atomic if request.flag("x-ms-cosmos-batch-atomic") else self._bulk)(request)
        body = b"[" + b",".join(result.to_json(request.wants_body) for result in results) + b"]"
        charge = sum(result.charge for result in results)
        status = 207 if any(result.status >= 400 for result in results) else 200
        return Answer(body, status, charge, container_headers(container))

    async def _atomic(self, request: Request) -> Sequence[batch.Result]:
        if request.flag("x-ms-cosmos-batch-continue-on-error"):
            raise BadRequest("An atomic batch cannot continue on error.")
        partition, operations = self._partition(request), batch.check(request.json())
        try:
            return await self._journal.write(batch.run, partition, operations)
        except batch.BatchFailed as failed:
            return failed.results

    async def _bulk(self, request: Request) -> Sequence[batch.Result]:
        request.check_triggers()
        request.check_range()
        container, operations = self._container(request), batch.check(request.json(), own_keys=True)
        now = identifiers.now()

        def partition_of(key: str) -> Partition:
            return Partition(self._catalog, container, container.partition_key.of_header(key), now)

        continue_on_error = request.flag("x-ms-cosmos-batch-continue-on-error")
        return await self._journal.write(bulk.run, partition_of, operations, continue_on_error)

    async def _query(self, request: Request) -> Answer:
        container = self._container(request)
        query = await self._compiled(request, container)
        slice_ = narrow(self._slice(request, container), query)
        if (slice_.keys is None or len(slice_.keys) > 1) and not request.crosses_partitions:
            raise BadRequest(
                "Cross partition query is required but disabled. Please set x-ms-documentdb-query-enablecrosspartition "
                "to true, specify x-ms-documentdb-partitionkey, or revise your query to avoid this exception."
            )
        order_indexes.check(container, query.ordering)
        start = continuations.decode(request.continuation, _scope(request, container))
        began = time.perf_counter()
        page = await self._on_thread(queries.run_page, slice_, query, self._results, request.page_size, start)
        answer = _feed(request, container, page, query_charge(page.loaded, sum(map(len, page.rows))))
        if request.flag("x-ms-documentdb-populatequerymetrics"):
            answer.headers["x-ms-documentdb-query-metrics"] = _metrics(page, time.perf_counter() - began)
        return answer

    async def _compiled(self, request: Request, container: Container) -> Select:
        body, computed = request.json(), container.computed_properties
        if len(request.body) < _LARGE_QUERY:
            return statements.query(body, computed)
        return await asyncio.get_running_loop().run_in_executor(self._threads, statements.query, body, computed)

    def _container(self, request: Request) -> Container:
        container = self._catalog.owner(request.names)
        request.check_container(container.rid)
        request.check_consistency()
        return container

    def _partition(self, request: Request) -> Partition:
        request.check_triggers()
        container = self._container(request)
        key = container.partition_key.of_header(request.partition_key)
        return Partition(self._catalog, container, key, identifiers.now())

    def _slice(self, request: Request, container: Container) -> Slice:
        """The documents that the headers select: a key, a prefix of a hierarchical key, a feed range, or all."""
        slice_ = Slice(container, identifiers.now())
        request.check_range()
        if (header := request.partition_key) is not None:
            prefix = container.partition_key.prefix_of_header(header)
            if prefix is None:
                return replace(slice_, keys=(container.partition_key.of_header(header),))
            return replace(slice_, key_prefixes=(prefix_text(prefix),))
        start, end = request.headers.get("x-ms-start-epk", ""), request.headers.get("x-ms-end-epk", "FF")
        return replace(slice_, effective_range=(start, end) if (start, end) != ("", "FF") else None)

    async def _on_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        def call() -> T:
            connection = self._journal.thread_reader()
            connection.execute("BEGIN")  # one page, one state
            try:
                return work(connection, *arguments)
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):
                    raise NotFound() from None  # the container was dropped meanwhile
                raise
            except RecursionError:
                raise BadRequest("The query builds values that are nested too deeply.") from None
            finally:
                if connection.in_transaction:  # SQLite ends it itself when reading fails
                    connection.execute("COMMIT")

        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def _written(self, request: Request, partition: Partition, document: Any, status: int) -> Answer:
        return document_answer(
            partition.container, document, status=status, charge=document.charge,
            with_body=request.wants_body,
        )  # fmt: skip


def _document_body(request: Request) -> Any:
    if len(request.body) > MAXIMUM_BYTES:
        raise TooLarge()
    return request.json()


def _feed(request: Request, container: Container, page: Page, charge: float) -> Answer:
    headers = container_headers(container) | {"x-ms-item-count": str(len(page.rows))}
    if page.following is not None:
        headers["x-ms-continuation"] = continuations.encode(page.following, _scope(request, container))
    return Answer(_feed_body(container, page.rows), charge=charge, headers=headers)


def _scope(request: Request, container: Container) -> bytes:
    """What a continuation token is bound to: the container, the part of it that is read, the query."""
    headers = (request.partition_key, request.headers.get("x-ms-start-epk"), request.headers.get("x-ms-end-epk"))
    return orjson.dumps((container.rid, *headers)) + request.body


def _metrics(page: Page, seconds: float) -> str:
    """The metrics of a query in the service's form; those of which there is nothing to measure here are 0.

    Java's SDK fails when one is missing. https://learn.microsoft.com/azure/cosmos-db/query-metrics
    """
    measured = {
        "totalExecutionTimeInMs": f"{seconds * 1000:.2f}",
        "retrievedDocumentCount": page.loaded,
        "retrievedDocumentSize": page.loaded_bytes,
        "outputDocumentCount": len(page.rows),
        "outputDocumentSize": sum(map(len, page.rows)),
    }
    return ";".join(f"{name}={value}" for name, value in (_NOT_MEASURED | measured).items())


def _feed_body(container: Container, rows: list[bytes]) -> bytes:
    return b'{"_rid":"%b","Documents":[%b],"_count":%d}' % (container.rid.encode(), b",".join(rows), len(rows))
