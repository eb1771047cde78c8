"""One stream, two paths: what the functions stored of it, and what the Stream Analytics job did, record by record."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import orjson
from azure.cosmos import CosmosClient

from local.accounts import Stores
from local.ports import Ports
from local.stack import CONTAINERS, JOB_DIR, REFERENCE, ROOT, Stack
from tests.e2e.chain import documents, encoded, lines
from tests.sending import Sender
from tests.waiting import wait_until
from tools.send.events import generate
from tools.send.faults import FAULTS, spoil

# What the job's documents and lines have beyond the event: the columns of a hub, and those of the query.
HUB_COLUMNS = {"EventProcessedUtcTime", "PartitionId", "EventEnqueuedUtcTime"}
QUERY_COLUMNS = {"stream_id", "stream_key", "id"}

# Of a bad event, the functions keep its bytes as a dead letter. The job stores what is JSON, right or wrong, and drops
# what is none.
STORED_BY_THE_JOB = {
    "truncated JSON": False,
    "not UTF-8": False,
    "empty body": False,
    "latitude 123": True,
    "a number as a string": True,
    "a required field missing": True,
    "unknown kind": True,
    "plain text": False,
}

INDEXED = {
    container["id"]: {included["path"] for included in container["indexingPolicy"]["includedPaths"]}
    for container in json.loads(CONTAINERS.read_text())["containers"]
}

Event = dict[str, Any]


def job_documents(stack: Stack, container: str = "stream") -> list[Event]:
    database = CosmosClient.from_connection_string(stack.settings["Cosmos"]).get_database_client("dev")
    found = database.get_container_client(container).query_items("SELECT * FROM c", enable_cross_partition_query=True)
    return [{name: value for name, value in item.items() if name[0] != "_"} for item in found]


def windows(stack: Stack, until: int) -> list[Event]:
    """The windows that end before a time."""
    return [each for each in job_documents(stack, "aggregates") if int(each["id"].rpartition("-")[2]) < until]


def by_number(records: list[Event]) -> dict[int, Event]:
    """Records by the number that their event has, a CloudEvent's in its data; each number once."""
    numbered = {(record if "n" in record else record["data"])["n"]: record for record in records}
    assert len(numbered) == len(records)
    return numbered


def test_both_paths_store_the_same_events_and_differ_over_bad_ones_as_documented(tmp_path: Path) -> None:
    # GIVEN events of every kind as producers send them, alone and packed in every form, each with a number
    made = [{**event, "n": n} for n, (_, event) in enumerate(generate("mixed", 400, seed=8))]
    alone, arrays, delimited, wrapped = made[:340], made[340:360], made[360:380], made[380:400]
    bodies: list[object] = [*alone, arrays[:12], arrays[12:]]
    bodies.append(b"\n".join(orjson.dumps(event) for event in delimited))
    envelope = {"specversion": "1.0", "source": "/shop", "type": "t"}
    bodies += [{**envelope, "id": f"order-{event['n']}", "data": event} for event in wrapped[:10]]
    bodies.append([{**envelope, "id": f"order-{event['n']}", "data": event} for event in wrapped[10:]])
    valid = {event["n"]: event for event in made}

    # AND every fault that producers make, by an event of each kind, alone and among good ones
    assert FAULTS.keys() == STORED_BY_THE_JOB.keys()
    spoiled: dict[int, tuple[str, bytes]] = {}
    for kind in ("place", "weather", "seismic"):
        for fault in FAULTS:
            ((_, event),) = generate(kind, 1, seed=len(spoiled))
            number = 1000 + len(spoiled)
            spoiled[number] = fault, spoil({**event, "n": number}, fault)
    bodies += [body for _, body in spoiled.values()]
    good = {n: {**made[0], "n": n} for n in (2000, 2001, 2002, 2003)}
    off = {**made[0], "n": 2004, "latitude": 123.0}
    bodies.append([good[2000], off, good[2001]])  # one element is wrong
    bodies.append([good[2002], 5])  # one element is no event
    broken = orjson.dumps({**made[0], "n": 2005})[:-5]
    bodies.append(orjson.dumps(good[2003]) + b"\n" + broken)  # one line is no JSON
    half = orjson.dumps({**made[0], "n": 2006, "note": "@"}).replace(b"@", b"\\ud800")  # half of a surrogate pair
    bodies.append(half)

    # AND at the end, in every partition, one of minutes ahead: it ends the windows of all the others
    ahead = int(time.time()) + 180
    last = [{**made[0], "n": 3000 + partition, "epoch": ahead} for partition in range(4)]

    # WHEN they go through both
    with Stack(data_dir=tmp_path, ports=Ports.free(), app=ROOT, job=JOB_DIR) as stack:
        with Sender(stack.settings["EventHubs"]) as sender:
            for start in range(0, len(bodies), 25):
                sender.send("dev", encoded(bodies[start : start + 25]))
            for partition, event in enumerate(last):
                sender.send("dev", encoded([event]), partition=str(partition))
        dead = len(spoiled) + 4
        in_both = valid | {n: event for n, event in good.items() if n != 2003} | {event["n"]: event for event in last}
        raw = {number for number, (fault, _) in spoiled.items() if STORED_BY_THE_JOB[fault]} | {2004, 2006}
        stores = Stores(stack.settings)
        wait_until(lambda: len(documents(stack)) >= len(in_both) + 1, "the functions' documents", 60, every=0.3)
        wait_until(lambda: stores.dead_letters() >= dead, "dead letters", 60, every=0.3)
        wait_until(lambda: len(job_documents(stack)) >= len(in_both) + len(raw), "the job's documents", 60, every=0.3)
        wait_until(lambda: len(lines(stack, "stream")) >= len(in_both) + len(raw), "the job's lines", 60, every=0.3)
        counted = len(in_both) + len(raw) - len(last)
        wait_until(lambda: sum(each["events"] for each in windows(stack, ahead)) >= counted, "windows", 60, every=0.3)
        aggregates = windows(stack, ahead)
        stored, streamed = by_number(documents(stack)), by_number(job_documents(stack))
        written, letters = by_number(lines(stack, "stream")), lines(stack, "dead-letters")

    # THEN both have every valid event, each field as its producer sent it, and say the same of where it entered;
    assert stored.keys() == in_both.keys() | {2003}
    assert streamed.keys() == written.keys() == in_both.keys() | raw
    for number, event in in_both.items():
        document, other, line = stored[number], streamed[number], written[number]
        assert {name: document[name] for name in event} == event
        sent = {name: value for name, value in line.items() if name not in HUB_COLUMNS}
        assert (sent["data"] if "specversion" in sent else sent) == event
        assert {name: value for name, value in other.items() if name not in QUERY_COLUMNS} == {
            name: value for name, value in line.items() if name != "id"
        }
        assert other["id"] == other["stream_id"]
        assert document["origin"]["partition"] == str(line["PartitionId"])
        assert document["origin"]["enqueued"].rstrip("Z") == line["EventEnqueuedUtcTime"][:23]

    # AND each event is in one window, which says what was measured of its kind, and in what;
    assert sum(window["events"] for window in aggregates) == counted
    rows = json.loads((REFERENCE / "readings.json").read_text())
    said = {row["kind"]: (row["reading"], row["unit"]) for row in rows}
    assert said.keys() < {window["kind"] for window in aggregates}
    for window in aggregates:
        assert (window["reading"], window["unit"]) == said.get(window["kind"], (None, None))

    # AND what a container indexes is what its documents have;
    for container, kept in (("events", stored.values()), ("stream", streamed.values()), ("aggregates", aggregates)):
        fields = {field for document in kept for field in document}
        assert {f"/{field}/?" for field in fields} >= INDEXED[container]

    # AND of a bad event the functions have the bytes as a dead letter, the job the event if it is JSON, else nothing.
    def body(letter: Event) -> bytes:
        return letter["body"].encode() if "body" in letter else base64.b64decode(letter["body_base64"])

    expected = [spoiled_body for _, spoiled_body in spoiled.values()]
    expected += [orjson.dumps(off), b"5", broken, half]
    assert sorted(map(body, letters)) == sorted(expected)
    assert {letter["stage"] for letter in letters} == {"split"}
    for number in raw - {2004, 2006}:
        sent = {name: value for name, value in written[number].items() if name not in HUB_COLUMNS}
        assert sent == json.loads(spoiled[number][1])
    assert written[2004]["latitude"] == 123.0
    assert written[2006]["note"] == "\ufffd"
    assert 2003 not in streamed  # a line that is no JSON takes the body's other lines along
