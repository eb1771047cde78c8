"""What a job's outputs make of records, and what its store keeps when it is cut off."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError

from local.cosmos import connection_string
from local.stream_analytics.definition import CosmosOutput
from local.stream_analytics.documents import BATCH_BYTES, Document, batches, documents
from local.stream_analytics.errors import OutputError, StoreError
from local.stream_analytics.outputs import CosmosSink
from local.stream_analytics.store import Delivery, Memory, Position, Store

RUN = "1f0cb0b8-6f9c-4d3e-9f55-7c3f0a1d2b3c"


def delivery(*records: dict[str, Any], number: int = 4) -> Delivery:
    return Delivery(number, "cosmos", 1.5, [json.dumps(record).encode() for record in records])


def output(document_id: str | None = "docId") -> CosmosOutput:
    return CosmosOutput("cosmos", "Cosmos", "dev", "stream", "pk", document_id)


def test_a_column_gives_the_id_and_the_partition_key_becomes_text() -> None:
    made, refused = documents(
        output(),
        RUN,
        delivery({"DOCID": "a", "pk": 5}, {"docId": 7, "pk": True, "id": "own"}, {"docId": "c", "pk": "k", "x": [1]}),
    )
    assert refused == []
    assert [document.content for document in made] == [
        {"DOCID": "a", "id": "a", "pk": "5"},
        {"docId": 7, "id": "7", "pk": "true"},
        {"docId": "c", "id": "c", "pk": "k", "x": [1]},
    ]


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ({"pk": "k"}, "no docId"),
        ({"docId": None, "pk": "k"}, "no docId"),
        ({"docId": "x" * 256, "pk": "k"}, "256 characters"),
        ({"docId": "a/b", "pk": "k"}, "character"),
        ({"docId": "a ", "pk": "k"}, "character"),
        ({"docId": "a"}, "no pk"),
        ({"docId": "a", "pk": None}, "no pk"),
    ],
)
def test_a_record_that_can_be_no_document_is_refused_alone(record: dict[str, Any], why: str) -> None:
    made, (refused,) = documents(output(), RUN, delivery({"docId": "1", "pk": "k"}, record, {"docId": "2", "pk": "k"}))
    assert [document.id for document in made] == ["1", "2"]
    assert why in refused.why


def test_without_a_column_for_it_an_id_is_made_that_is_the_same_when_it_is_delivered_again() -> None:
    twice = [documents(output(None), RUN, delivery({"pk": "k"}, {"pk": "k"}, {"pk": "k", "id": "own"})) for _ in "12"]
    assert twice[0] == twice[1]
    first, second, own = (document.id for document in twice[0][0])
    assert (own, first != second) == ("own", True)
    assert documents(output(None), RUN, delivery({"pk": "k"}, number=5))[0][0].id not in (first, second)


def test_batches_keep_order_and_limits_and_the_last_of_an_id() -> None:
    def document(name: str, size: int = 10) -> Document:
        return Document(name, "k", {"id": name}, size)

    many = [document(str(n % 150)) for n in range(250)]
    cut = list(batches(many))
    assert [len(batch) for batch in cut] == [100, 50]
    assert [each for batch in cut for each in batch] == many[100:]
    large = [document("a", BATCH_BYTES), document("b", 1), document("c", BATCH_BYTES + 1)]
    assert [[each.id for each in batch] for batch in batches(large)] == [["a"], ["b"], ["c"]]


async def test_a_logical_partition_that_fills_up_in_a_batch_refuses_what_no_longer_fits() -> None:
    """A batch's answer has no sub-status in its headers: what kind of 403 it is shows one by one."""

    class Full:
        def __init__(self, sub_status: int) -> None:
            self.stored: list[str] = []
            self._sub_status = sub_status

        async def execute_item_batch(self, operations: Any, partition_key: str) -> None:
            raise CosmosBatchOperationError(error_index=2, headers={}, status_code=403, message="full")

        async def upsert_item(self, body: dict[str, Any]) -> None:
            if body["n"] == 2:
                error = CosmosHttpResponseError(status_code=403, message="full")
                error.sub_status = self._sub_status
                raise error
            self.stored.append(body["id"])

    sink = CosmosSink(output(), connection_string(1), RUN)
    records = delivery(*({"docId": str(n), "pk": "k", "n": n} for n in range(4)))
    try:
        sink._container = full = Full(1014)  # type: ignore[assignment]
        assert [refused.what for refused in await sink.deliver(records)] == ["document 2"]
        assert full.stored == ["0", "1", "3"]
        sink._container = Full(0)  # type: ignore[assignment]
        with pytest.raises(OutputError):
            await sink.deliver(records)
    finally:
        await sink.close()


def test_a_cycle_is_committed_whole_and_pending_until_it_is_delivered(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert (store.positions("hub"), store.memory(), store.pending()) == ({}, None, [])
    store.commit(
        {"hub": {0: Position("log", 3, 0)}},
        Memory("q", [b"m1", b"a", b"b", b"a"]),
        {"adl": [b"1", b"2"], "none": []},
        1.5,
    )
    later = {"hub": {0: Position("log", 9, 5), 2: Position("log", 1, 1)}}
    store.commit(later, Memory("q", [b"m2", b"c", b"b"]), {"adl": [b"3"], "b": [b"4"]}, 2.5)
    run = store.run
    store.close()

    store = Store(tmp_path)
    assert store.run == run
    assert store.positions("hub") == later["hub"]
    assert store.memory() == Memory("q", [b"m2", b"c", b"b"])
    first, *rest = store.pending()
    assert first == Delivery(1, "adl", 1.5, [b"1", b"2"])
    assert [(each.number, each.output, each.lines) for each in rest] == [(2, "adl", [b"3"]), (2, "b", [b"4"])]
    store.delivered(first)
    assert store.pending() == rest


def test_a_commit_that_fails_changes_nothing(tmp_path: Path) -> None:
    never: Any = None
    store = Store(tmp_path)
    store.commit({"hub": {0: Position("log", 3, 0)}}, Memory("q", [b"m1", b"a", b"b", b"a"]), {}, 1.0)
    with pytest.raises(StoreError):
        store.commit({"hub": {0: Position("log", 4, 0)}}, Memory("q", [b"m2", b"c", b"b"]), {"adl": [b"1"]}, never)
    assert (store.positions("hub"), store.memory(), store.pending()) == (
        {0: Position("log", 3, 0)},
        Memory("q", [b"m1", b"a", b"b", b"a"]),
        [],
    )
    store.commit({}, Memory("q", [b"m3", b"c", b"a"]), {}, 2.0)
    assert store.memory() == Memory("q", [b"m3", b"c", b"a"])


def test_a_full_disk_is_named_and_what_to_do_and_what_was_committed_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.commit({"hub": {0: Position("log", 3, 0)}}, Memory("q", [b"m1"]), {"adl": [b"1"]}, 1.0)
    store._database.execute("PRAGMA max_page_count = 1")  # of those that it has
    with pytest.raises(StoreError, match=r"job\.db cannot be written \(.*full\): once it can, start the job again"):
        store.commit({"hub": {0: Position("log", 4, 0)}}, Memory("q", [b"m2"]), {"adl": [b"2" * 100_000]}, 2.0)
    store.close()
    again = Store(tmp_path)
    assert again.positions("hub") == {0: Position("log", 3, 0)}
    assert [delivery.lines for delivery in again.pending()] == [[b"1"]]


def test_what_a_query_remembers_is_written_once(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def rows_written(*saved: bytes) -> int:
        before = store._database.total_changes
        store.commit({}, Memory("q", saved), {}, 1.0)
        return store._database.total_changes - before

    lines = [b"%d" % number for number in range(1000)]
    assert rows_written(b"head", *lines) > 1000
    always = rows_written(b"another head", *lines)
    assert always < 10
    assert rows_written(b"head", b"new", *lines[10:]) == always + 11
    store.close()

    store = Store(tmp_path)
    assert rows_written(b"head", *reversed(lines[10:]), b"new") == always
    assert store.memory() == Memory("q", [b"head", *reversed(lines[10:]), b"new"])
    assert rows_written(b"head") == always + 991


def test_two_jobs_do_not_share_a_directory(tmp_path: Path) -> None:
    first = Store(tmp_path)
    with pytest.raises(StoreError, match="another --data-dir"):
        Store(tmp_path)
    first.close()
    Store(tmp_path).close()


def test_a_file_that_was_damaged_is_read_or_said_to_be_unreadable(tmp_path: Path) -> None:
    chance, refused = random.Random(20261123), 0
    store = Store(tmp_path / "whole")
    lines = [b'{"n":%d}' % number for number in range(800)]
    store.commit({"hub": {0: Position("log", 3, 0)}}, Memory("q", [b"head", *lines]), {"adl": lines}, 1.5)
    store.close()
    whole = (tmp_path / "whole" / "job.db").read_bytes()
    for place in range(0, len(whole), 4096):
        for garbage in (bytes(4096), chance.randbytes(4096), chance.randbytes(40)):
            directory = tmp_path / f"{place}-{len(garbage)}-{garbage[0]}"
            directory.mkdir()
            (directory / "job.db").write_bytes(whole[:place] + garbage + whole[place + len(garbage) :])
            try:
                store = Store(directory)
                store.positions("hub"), store.memory(), store.pending(), store.reference("r")
                store.close()
            except StoreError as error:
                refused += f"{directory / 'job.db'} cannot be read (" in str(error)
    assert refused > 5


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "job.db").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match="not a database"):
        Store(tmp_path)
