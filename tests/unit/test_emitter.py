"""Emission: packed, per partition, in order; a send that fails stops its partition."""

from __future__ import annotations

import gc
import warnings

import orjson
import pytest
from azure.eventhub import EventDataBatch
from azure.eventhub.exceptions import EventHubError

from shared.emitter import Emitter, divide
from shared.records import BATCH_CONTENT_TYPE, PACK_BYTES, pack
from shared.routing import partition_of


class Hub:
    """A hub of four partitions that keeps what it is sent, and can refuse."""

    def __init__(self) -> None:
        self.sent: dict[str, list] = {str(number): [] for number in range(4)}
        self.batches = 0
        self.refuse_from: dict[str, int] = {}

    async def get_partition_ids(self) -> list[str]:
        return ["3", "1", "0", "2"]

    async def send_batch(self, batch: EventDataBatch) -> None:
        partition = batch._partition_id
        if self.refuse_from.get(partition, 1_000) <= len(self.sent[partition]):
            raise EventHubError(f"partition {partition} is away")
        self.batches += 1
        self.sent[partition] += [(event.content_type, next(event.body)) for event in batch._internal_events]

    def records(self, partition: str) -> list:
        return [record for _, body in self.sent[partition] for record in orjson.loads(body)]


def keyed(count: int, size: int = 0) -> list[tuple[str, bytes]]:
    return [(f"k{n % 7}", orjson.dumps({"n": n, "key": f"k{n % 7}", "x": "x" * size})) for n in range(count)]


async def test_a_key_travels_in_one_partition_in_order() -> None:
    hub = Hub()
    await Emitter(lambda _: hub).emit({"places": keyed(700)})
    for partition in hub.sent:
        records = hub.records(partition)
        assert all(partition_of(record["key"], 4) == int(partition) for record in records)
        for key in {record["key"] for record in records}:
            assert [record["n"] for record in records if record["key"] == key] == list(range(int(key[1:]), 700, 7))
    assert sum(len(hub.records(partition)) for partition in hub.sent) == 700


async def test_events_carry_batches_of_at_most_a_billing_unit_with_their_content_type() -> None:
    hub = Hub()
    await Emitter(lambda _: hub).emit({"places": keyed(1000, size=600)})
    bodies = [body for sent in hub.sent.values() for _, body in sent]
    assert len(bodies) < 20
    assert max(map(len, bodies)) <= PACK_BYTES
    assert {content_type for sent in hub.sent.values() for content_type, _ in sent} == {BATCH_CONTENT_TYPE}


async def test_more_than_a_message_holds_goes_in_several_in_order() -> None:
    hub = Hub()
    records = [("one key", orjson.dumps({"n": n, "x": "x" * 50_000})) for n in range(60)]
    events = await Emitter(lambda _: hub).emit({"places": records})
    partition = str(partition_of("one key", 4))
    assert (hub.batches > 2, events) == (True, len(hub.sent[partition]))
    assert [record["n"] for record in hub.records(partition)] == list(range(60))


async def test_a_send_that_fails_stops_its_partition_and_is_raised_when_the_others_are_done() -> None:
    hub = Hub()
    key = {partition_of(f"key{n}", 4): f"key{n}" for n in range(40)}
    hub.refuse_from = {"1": 20}
    records = [(key[n % 4], orjson.dumps({"n": n, "x": "x" * 50_000})) for n in range(240)]
    with pytest.raises(EventHubError, match="partition 1 is away"):
        await Emitter(lambda _: hub).emit({"places": records})
    assert {partition: len(hub.records(partition)) for partition in "023"} == {"0": 60, "2": 60, "3": 60}
    got = [record["n"] for record in hub.records("1")]
    assert got == list(range(1, 240, 4))[: len(got)]
    assert len(got) < 60


async def test_each_hub_is_opened_once() -> None:
    opened: list[str] = []
    hub = Hub()

    def open_hub(name: str) -> Hub:
        opened.append(name)
        return hub

    emitter = Emitter(open_hub)
    for _ in range(3):
        await emitter.emit({"places": keyed(3), "weather": keyed(3)})
    assert opened == ["places", "weather"]


async def test_nothing_to_emit_opens_nothing() -> None:
    def never(name: str) -> Hub:
        raise AssertionError(name)

    assert await Emitter(never).emit({}) == 0


@pytest.mark.filterwarnings("error")
async def test_a_hub_that_cannot_be_asked_holds_everything_back() -> None:
    class Away(Hub):
        async def get_partition_ids(self) -> list[str]:
            raise EventHubError("away")

    with warnings.catch_warnings(action="ignore"):
        gc.collect()  # what other tests have left
    hubs = {"places": Hub(), "weather": Away()}
    with pytest.raises(EventHubError, match="away"):
        await Emitter(hubs.__getitem__).emit({"places": keyed(3), "weather": keyed(3)})
    gc.collect()  # a send that was made and never awaited would warn here
    assert hubs["places"].batches == 0


async def test_a_hub_for_others_takes_one_record_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.emitter.UNPACKED_HUBS", frozenset(["open"]))
    hub = Hub()
    assert await Emitter(lambda _: hub).emit({"open": keyed(10)}) == 10


def test_the_partition_of_a_key_never_changes() -> None:
    # Written down: a release that changed these would break the order of every key in flight.
    assert [partition_of(key, 4) for key in ("28036", "KCLT", "us", "é")] == [0, 1, 2, 2]


def test_a_record_larger_than_a_pack_travels_alone_in_its_place() -> None:
    bodies = list(pack([b"1", b"2" * 100, b"3", b"4"], limit=50))
    assert bodies == [(b"[1]", 1), (b"[" + b"2" * 100 + b"]", 1), (b"[3,4]", 2)]


def test_divide_keeps_the_order_within_each_partition() -> None:
    divided = divide([(str(n % 9), str(n).encode()) for n in range(100)], 4)
    for payloads in divided.values():
        assert payloads == sorted(payloads, key=int)
