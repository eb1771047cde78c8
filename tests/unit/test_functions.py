"""Every function, called as the worker calls it, with its SDK clients mocked: no host, no socket. A pattern to copy."""

from __future__ import annotations

import asyncio
import json
import logging
from unittest.mock import Mock

import azure.functions as func
import orjson
import pytest
from azure.core.exceptions import ServiceRequestError
from azure.cosmos.exceptions import CosmosHttpResponseError
from azure.eventhub.exceptions import ConnectError

from functions import (
    enrich_places,
    enrich_seismic,
    enrich_weather,
    ingest,
    split,
    store_dead_letters,
    store_documents,
    store_files,
)
from shared.failures import ALONE
from shared.records import REPLAY_PROPERTY, REPLAY_STAGE_PROPERTY
from shared.stages.enrich import ENRICH_WEATHER
from tests.unit.mocked_azure import Azure, azure  # noqa: F401
from tests.unit.test_split import PLACE, SEISMIC, WEATHER
from tests.unit.trigger import events, user_function

# ruff: noqa: F811 (fixtures are imported by name)


async def through_split(azure: Azure, *bodies: object) -> dict[str, list[dict]]:
    await user_function(split)(events("dev", bodies))
    sent, azure.sent = azure.sent, {}
    return sent


async def enriched(azure: Azure, *bodies: object) -> list[dict]:
    sent = await through_split(azure, *bodies)
    for hub, module in (("places", enrich_places), ("weather", enrich_weather), ("seismic", enrich_seismic)):
        if sent.get(hub):
            await user_function(module)(events(hub, [sent[hub]]))
    out, azure.sent = azure.sent, {}
    return out["enriched"]


async def test_split_routes_each_kind_and_dead_letters_the_bad(azure: Azure) -> None:
    sent = await through_split(azure, PLACE, b"{", [WEATHER, SEISMIC, WEATHER | {"humidity": 101}])
    assert {hub: len(records) for hub, records in sent.items()} == {
        "places": 1,
        "weather": 1,
        "seismic": 1,
        "dead-letters": 2,
    }
    assert sorted(letter["data"]["reason"] for letter in sent["dead-letters"]) == ["decode", "validation"]


async def test_the_enrichers_send_on_to_enriched(azure: Azure) -> None:
    records = await enriched(azure, PLACE, WEATHER, SEISMIC)
    added = {record["data"]["kind"]: record["data"] for record in records}
    assert added["place"]["county"] == "Mecklenburg County"
    assert added["weather"]["heat_index_f"] > 91
    assert added["seismic"]["nearest_place"] == "Davidson"


async def test_store_documents_upserts_by_key(azure: Azure) -> None:
    records = await enriched(azure, [PLACE, PLACE | {"seq": 2}, WEATHER])
    await user_function(store_documents)(events("enriched", [records]))
    assert azure.container.execute_item_batch.call_args.kwargs == {"partition_key": "28036"}
    assert sorted((document["pk"], document["kind"]) for document in azure.documents()) == [
        ("28036", "place"),
        ("28036", "place"),
        ("KCLT", "weather"),
    ]


async def test_store_documents_dead_letters_what_cosmos_refuses(azure: Azure) -> None:
    azure.container.upsert_item.side_effect = CosmosHttpResponseError(status_code=413, message="too large")
    await user_function(store_documents)(events("enriched", [await enriched(azure, WEATHER)]))
    (letter,) = azure.sent["dead-letters"]
    assert (letter["data"]["stage"], letter["data"]["reason"]) == ("store_documents", "refused")
    assert letter["data"]["errors"] == [{"loc": [], "msg": "too large", "type": "http_413"}]
    assert json.loads(letter["data"]["body"])["data"]["station"] == "KCLT"


async def test_store_files_writes_lines_that_equal_the_documents(azure: Azure) -> None:
    batch = events("enriched", [await enriched(azure, PLACE, WEATHER, SEISMIC)])
    await user_function(store_files)(batch)
    await user_function(store_documents)(batch)
    lines = [orjson.loads(line) for line in azure.lakes["events"].lines()]
    assert sorted(lines, key=lambda line: line["id"]) == sorted(azure.documents(), key=lambda line: line["id"])
    assert {path.split("/")[0] for path in azure.lakes["events"].files} == {
        "kind=place",
        "kind=weather",
        "kind=seismic",
    }


async def test_store_dead_letters_writes_them_by_stage(azure: Azure) -> None:
    sent = await through_split(azure, b"not json", b"")
    await user_function(store_dead_letters)(events("dead-letters", [sent["dead-letters"]]))
    (path,) = azure.lakes["dead-letters"].files
    assert path.startswith("stage=split/date=")
    assert [orjson.loads(line)["body"] for line in azure.lakes["dead-letters"].lines()] == ["not json", ""]


async def test_dead_letters_are_in_the_order_of_what_failed_however_it_failed(azure: Azure) -> None:
    bad = [{"latitude": 123}, b"{", PLACE | {"latitude": 123}, b"", [PLACE | {"kind": "x"}, 7], b"\xff"]
    sent = await through_split(azure, *bad, *bad)
    letters = [(letter["data"]["sequence"], letter["data"]["index"]) for letter in sent["dead-letters"]]
    assert letters == sorted(letters)
    await user_function(store_dead_letters)(events("dead-letters", [sent["dead-letters"]]))
    assert len(azure.lakes["dead-letters"].lines()) == 14


async def test_a_dead_letter_of_one_store_is_sent_again_to_that_store_alone(azure: Azure) -> None:
    records = await enriched(azure, WEATHER)
    await user_function(store_files)(events("enriched", [records]))
    for stage in ("store_documents", "store_files"):
        properties = {REPLAY_PROPERTY: records[0]["origin"], REPLAY_STAGE_PROPERTY: stage}
        again = events("enriched", [records], first=900, properties=properties)
        await user_function(store_documents)(again)
        await user_function(store_files)(again)
    (document,) = azure.documents()
    first, second = (orjson.loads(line) for line in azure.lakes["events"].lines())
    assert document["origin"]["sequence"] == first["origin"]["sequence"] == 418
    # Here its file had the line all along; one that lacked it gets it: the replay counts as entered where it is sent.
    assert (second["id"], second["origin"]["hub"]) == (first["id"], "enriched")


async def test_a_backlogs_batch_is_worked_on_in_slices(azure: Azure, caplog: pytest.LogCaptureFixture) -> None:
    big = [PLACE | {"seq": n, "note": "x" * 300_000} for n in range(10)]
    with caplog.at_level(logging.INFO, logger="headrace"):
        sent = await through_split(azure, *big)
    assert [record["data"]["seq"] for record in sent["places"]] == list(range(10))
    slices = [json.loads(message) for message in caplog.messages]
    assert [(counts["first"], counts["last"]) for counts in slices] == [(418, 420), (421, 423), (424, 426), (427, 427)]


async def test_a_large_batch_goes_on_after_an_outage_where_it_was(azure: Azure) -> None:
    records = await enriched(azure, *[WEATHER | {"n": n, "pk": f"k{n}", "note": "x" * 300_000} for n in range(9)])
    batch = events("enriched", [[record] for record in records])
    order = [record["data"]["n"] for record in records]
    stored: list[int] = []

    async def upsert_item(document: dict) -> None:
        if document["n"] == order[7] and not refused:
            refused.append(document["n"])
            raise CosmosHttpResponseError(status_code=429, message="busy")
        stored.append(document["n"])

    refused: list[int] = []
    azure.container.upsert_item.side_effect = upsert_item
    with pytest.raises(CosmosHttpResponseError):
        await user_function(store_documents)(batch)
    assert sorted(stored) == sorted(set(order) - {order[7]})
    stored.clear()
    await user_function(store_documents)(batch)
    assert sorted(stored) == sorted(order[6:])  # the slice that failed, and none before it

    await user_function(store_documents)(batch)  # delivered once more, after a success: all of it
    assert sorted(stored) == sorted(order + order[6:])


async def test_garbage_on_any_hub_is_a_dead_letter_not_a_stuck_partition(azure: Azure) -> None:
    hubs = [
        (split, "dev"), (enrich_places, "places"), (enrich_weather, "weather"), (enrich_seismic, "seismic"),
        (store_documents, "enriched"), (store_files, "enriched"), (store_dead_letters, "dead-letters"),
    ]  # fmt: skip
    for module, hub in hubs:
        await user_function(module)(events(hub, [b"\xff\x00"]))
    stages = [letter["data"]["stage"] for letter in azure.sent["dead-letters"]]
    assert stages == [module.__name__.removeprefix("functions.") for module, _ in hubs]


@pytest.mark.parametrize("hub", ["places", "dead-letters"])
async def test_a_hub_that_is_away_makes_the_host_try_again(azure: Azure, hub: str) -> None:
    batch = events("dev", [PLACE, b"{"])
    azure.hubs_down = {hub}
    with pytest.raises(ConnectError):
        await user_function(split)(batch)
    azure.hubs_down = set()
    azure.sent.clear()
    await user_function(split)(batch)
    assert {name: len(records) for name, records in azure.sent.items()} == {"places": 1, "dead-letters": 1}


@pytest.mark.parametrize("status", [429, 503])
async def test_cosmos_away_makes_the_host_try_again(azure: Azure, status: int) -> None:
    azure.container.upsert_item.side_effect = CosmosHttpResponseError(status_code=status, message="busy")
    with pytest.raises(CosmosHttpResponseError):
        await user_function(store_documents)(events("enriched", [await enriched(azure, WEATHER)]))
    assert azure.sent == {}


async def test_the_data_lake_away_makes_the_host_try_again_and_then_each_line_stands_once(azure: Azure) -> None:
    batch = events("enriched", [await enriched(azure, PLACE, WEATHER)])
    lake = azure.lakes["events"]
    for call in range(1, 12):
        lake.fail_at(call)
        try:
            await user_function(store_files)(batch)
        except ServiceRequestError:
            pass
        else:
            break
    assert len(lake.lines()) == 2


async def test_an_invocation_logs_its_counts(azure: Azure, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="headrace"):
        await user_function(split)(events("dev", [PLACE, b"{", [WEATHER, SEISMIC]], first=10))
    logged = json.loads(caplog.messages[-1])
    assert logged.pop("milliseconds") >= 0
    assert logged == {
        "event": "invocation", "stage": "split", "hub": "dev", "partition": "2", "first": 10, "last": 12, "events": 3,
        "records": 4, "out": {"places": 1, "weather": 1, "seismic": 1}, "dead": 1,
        "reasons": {"decode": 1}, "sent_events": 4,
    }  # fmt: skip


async def test_concurrent_invocations_share_the_clients(azure: Azure) -> None:
    batches = [events("dev", [PLACE | {"seq": n}], partition=str(n), first=n) for n in range(4)]
    await asyncio.gather(*(user_function(split)(batch) for batch in batches))
    assert sorted(record["data"]["seq"] for record in azure.sent["places"]) == [0, 1, 2, 3]


async def test_what_only_the_retry_refuses_is_dead_lettered_too(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a record that cannot be sent on, and behind it one that is refused
    sent = await through_split(azure, WEATHER, WEATHER)
    good, bad = sent["weather"]
    batch = events("weather", [[good], [bad | {"data": 7}]])
    azure.hubs_down = {"enriched"}
    with pytest.raises(ConnectError):
        await user_function(enrich_weather)(batch)

    # WHEN the stage refuses both when it runs again: its own code raises, or was deployed anew
    azure.hubs_down = set()
    monkeypatch.setattr(ENRICH_WEATHER, "_transform", Mock(side_effect=OSError("a lookup failed")))
    await user_function(enrich_weather)(batch)

    # THEN both are in the files: neither looks like a repeat of the other
    await user_function(store_dead_letters)(events("dead-letters", [[letter] for letter in azure.sent["dead-letters"]]))
    written = [orjson.loads(line) for line in azure.lakes["dead-letters"].lines()]
    assert sorted(letter["reason"] for letter in written) == ["stage", "validation"]


def request(body: object, headers: dict[str, str] | None = None) -> func.HttpRequest:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return func.HttpRequest(method="POST", url="/api/events", headers=headers or {}, body=raw)


async def post(body: object, headers: dict[str, str] | None = None) -> tuple[int, dict]:
    response = await user_function(ingest)(request(body, headers))
    return response.status_code, orjson.loads(response.get_body())


@pytest.mark.parametrize(
    ("body", "count"),
    [(PLACE, 1), ([PLACE, WEATHER], 2), (orjson.dumps(PLACE) + b"\n" + orjson.dumps(SEISMIC), 2), ([], 0)],
)
async def test_ingest_accepts_and_returns_the_ids(azure: Azure, body: object, count: int) -> None:
    status, answer = await post(body)
    assert (status, answer["accepted"], len(set(answer["ids"]))) == (202, count, count)
    assert sorted(event["id"] for event in azure.sent.get("dev", [])) == sorted(answer["ids"])


async def test_ingest_keeps_a_cloud_events_id_so_that_sending_it_again_makes_one_document(azure: Azure) -> None:
    event = {"specversion": "1.0", "id": "order-1", "source": "/shop", "type": "t", "data": WEATHER}
    assert await post(event) == (202, {"accepted": 1, "ids": ["order-1"]})
    assert azure.sent["dev"][0]["source"] == "/shop"


async def test_what_ingest_sends_split_takes_with_its_ids_and_trace(azure: Azure) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    _, answer = await post([WEATHER, PLACE], {"traceparent": trace})
    sent = await through_split(azure, azure.sent["dev"])
    records = sent["weather"] + sent["places"]
    assert [record["id"] for record in records] == answer["ids"]
    assert {record["traceparent"] for record in records} == {trace}


async def test_an_event_is_filed_under_its_own_time_whichever_way_it_came(azure: Azure) -> None:
    reported = WEATHER | {"epoch": 1795338000}
    await post(reported)
    sent = await through_split(azure, azure.sent["dev"], reported)
    assert {record["time"] for record in sent["weather"]} == {"2026-11-22T09:00:00Z"}


async def test_ingest_names_what_is_wrong_with_each_item_and_takes_none(azure: Azure) -> None:
    status, answer = await post([PLACE, PLACE | {"latitude": 123}, 7, WEATHER | {"station": "x"}])
    assert (status, azure.sent) == (400, {})
    assert [item["index"] for item in answer["items"]] == [1, 2, 3]
    assert answer["items"][0]["errors"][0]["loc"] == ["place", "latitude"]
    assert "3 of the request's events" in answer["error"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff"])
async def test_ingest_refuses_garbage(azure: Azure, body: bytes) -> None:
    assert (await post(body))[0] == 400


@pytest.mark.parametrize("body", [[{}] * 3_000, [7] * 3_000, [{"specversion": "1.0"}] * 3_000])
async def test_ingest_describes_the_first_of_very_many_bad_items(azure: Azure, body: object) -> None:
    status, answer = await post(body)
    assert (status, len(answer["items"]), azure.sent) == (400, ALONE, {})
    assert answer["error"].startswith("3000 ")


async def test_ingest_says_so_when_the_hub_is_away(azure: Azure) -> None:
    azure.hubs_down = {"dev"}
    response = await user_function(ingest)(request(PLACE))
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
