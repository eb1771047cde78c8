"""store_documents' sink: transactional batches per key; a refusal dead-letters one document, an outage raises."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError

from shared.sinks.documents import BATCH_BYTES, BATCH_OPERATIONS, CONCURRENCY, Sized, batches, upsert


class Account:
    """A container in memory that refuses what it is told to, as Cosmos DB does."""

    def __init__(self, refuse: dict[str, int] | None = None, outage: dict[str, int] | None = None) -> None:
        self.stored: dict[tuple[str, str], dict] = {}
        self.requests: list[tuple[str, int]] = []
        self.refuse, self.outage = refuse or {}, outage or {}
        self.running = self.most = 0

    async def execute_item_batch(self, batch_operations: Any, partition_key: str) -> None:
        documents = [document for _, (document,) in batch_operations]
        assert {document["pk"] for document in documents} == {partition_key}
        await self._request("batch", documents)
        for number, document in enumerate(documents):
            if status := self.refuse.get(document["id"]) or self.outage.get(document["id"]):
                raise CosmosBatchOperationError(
                    error_index=number, headers={}, status_code=status, message="refused", operation_responses=[]
                )
        for document in documents:
            self.stored[document["pk"], document["id"]] = document

    async def upsert_item(self, body: dict) -> None:
        await self._request("one", [body])
        if status := self.refuse.get(body["id"]) or self.outage.get(body["id"]):
            raise CosmosHttpResponseError(status_code=status, message="refused: too large")
        self.stored[body["pk"], body["id"]] = body

    async def _request(self, what: str, documents: list[dict]) -> None:
        self.requests.append((what, len(documents)))
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1


def documents(count: int, keys: int = 1, size: int = 100) -> list[tuple[dict, int]]:
    return [({"id": f"d{n}", "pk": f"k{n % keys}", "n": n}, size) for n in range(count)]


async def test_documents_of_one_key_go_together() -> None:
    account = Account()
    assert await upsert(account, documents(250)) == []
    assert account.requests == [("batch", 100), ("batch", 100), ("batch", 50)]
    assert len(account.stored) == 250


async def test_keys_go_at_the_same_time_but_not_all_at_once() -> None:
    account = Account()
    await upsert(account, documents(400, keys=100))
    assert len(account.stored) == 400
    assert 1 < account.most <= CONCURRENCY


async def test_a_document_alone_is_a_plain_upsert() -> None:
    account = Account()
    await upsert(account, documents(1))
    assert account.requests == [("one", 1)]


def test_batches_keep_to_the_services_limits() -> None:
    held = [Sized(n, {"id": str(n), "pk": "k"}, 100_000) for n in range(130)]
    cut = list(batches(held))
    assert all(len(batch) <= BATCH_OPERATIONS and sum(item.size for item in batch) <= BATCH_BYTES for batch in cut)
    assert [item.number for batch in cut for item in batch] == list(range(130))


def test_of_two_documents_with_one_id_the_later_stays() -> None:
    held = [Sized(0, {"id": "a"}, 1), Sized(1, {"id": "b"}, 1), Sized(2, {"id": "a"}, 1)]
    assert [item.number for batch in batches(held) for item in batch] == [1, 2]


@pytest.mark.parametrize("status", [400, 409, 413])
async def test_a_refused_document_is_named_and_its_neighbours_are_stored(status: int) -> None:
    account = Account(refuse={"d7": status})
    (refused,) = await upsert(account, documents(20))
    assert (refused.number, refused.status) == (7, status)
    assert "too large" in refused.message
    assert len(account.stored) == 19


async def test_a_batch_that_is_too_large_as_a_whole_is_taken_one_by_one() -> None:
    class Small(Account):
        async def execute_item_batch(self, batch_operations: Any, partition_key: str) -> None:
            raise CosmosHttpResponseError(status_code=413, message="Request size is too large")

    account = Small()
    assert await upsert(account, documents(5)) == []
    assert len(account.stored) == 5


@pytest.mark.parametrize("status", [401, 403, 404, 408, 429, 449, 500, 503])
@pytest.mark.parametrize("count", [1, 20])
async def test_an_outage_is_raised_not_dead_lettered(status: int, count: int) -> None:
    account = Account(outage={"d0": status})
    with pytest.raises((CosmosHttpResponseError, CosmosBatchOperationError)) as raised:
        await upsert(account, documents(count))
    assert raised.value.status_code == status


async def test_a_full_logical_partition_refuses_the_document_but_a_firewall_does_not() -> None:
    class Full(Account):
        sub_status = 1014

        async def upsert_item(self, body: dict) -> None:
            error = CosmosHttpResponseError(status_code=403, message="Partition key reached maximum size of 20 GB")
            error.sub_status = self.sub_status
            raise error

    (refused,) = await upsert(Full(), documents(1))
    assert refused.status == 403
    Full.sub_status = 0
    with pytest.raises(CosmosHttpResponseError):
        await upsert(Full(), documents(1))


async def test_a_logical_partition_that_fills_up_in_a_batch_refuses_what_no_longer_fits() -> None:
    class Full(Account):
        async def upsert_item(self, body: dict) -> None:
            if body["n"] >= 3:
                error = CosmosHttpResponseError(status_code=403, message="Partition key reached maximum size of 20 GB")
                error.sub_status = 1014
                raise error
            await super().upsert_item(body)

    # GIVEN: an answer to a batch, in whose headers the sub-status of an operation is not
    account = Full(refuse={"d3": 403})

    # THEN: what fits is stored, and the rest does not stop the partition
    refused = await upsert(account, documents(5))
    assert [(item.number, item.status) for item in refused] == [(3, 403), (4, 403)]
    assert len(account.stored) == 3


async def test_a_container_with_another_key_path_is_an_outage_not_a_stream_of_dead_letters() -> None:
    class Mismatch(Account):
        async def upsert_item(self, body: dict) -> None:
            error = CosmosHttpResponseError(
                status_code=400, message="PartitionKey extracted from document doesn't match"
            )
            error.sub_status = 1001
            raise error

    with pytest.raises(CosmosHttpResponseError):
        await upsert(Mismatch(), documents(1))


async def test_an_outage_of_one_key_lets_the_others_finish_before_it_is_raised() -> None:
    account = Account(outage={"d0": 503})
    with pytest.raises(CosmosHttpResponseError):
        await upsert(account, documents(60, keys=60))
    assert len(account.stored) == 59


async def test_writing_the_same_again_changes_nothing() -> None:
    account = Account()
    await upsert(account, documents(50, keys=5))
    before = dict(account.stored)
    await upsert(account, documents(50, keys=5))
    assert account.stored == before
