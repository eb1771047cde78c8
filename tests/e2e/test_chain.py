"""The chain on real wires: what producers send at one end is what the stores hold at the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import duckdb
import orjson
import pytest

from local.accounts import Stores
from local.stack import ROOT, Stack
from tests.e2e.chain import PLACE, SEISMIC, WEATHER, Run, run_through, running


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("chain")) as stack:
        yield stack


@pytest.fixture
def run(stack: Stack) -> Iterator[Run]:
    with run_through(stack) as run:
        yield run


def test_every_form_of_body_arrives_and_garbage_is_dead_lettered_beside_it(run: Run) -> None:
    place, weather, seismic = (run.mine(event) for event in (PLACE, WEATHER, SEISMIC))
    cloud_event = {"specversion": "1.0", "id": "a/1", "source": "/shop", "type": "t", "data": seismic | {"n": 5}}
    good = [
        place | {"n": 0},
        [weather | {"n": 1}, seismic | {"n": 2}],
        orjson.dumps(place | {"n": 3}) + b"\n" + orjson.dumps(place | {"n": 4}),
        cloud_event,
        place | {"n": 6, "note": "x" * 1_000_000},
    ]
    bad = [b"", b"\xff\xfe", b'{"a":', b"[" * 5000, b"\x00" * 1_000_000, place | {"latitude": 123}, b'"text"']
    half = [[place | {"n": 7}, place | {"latitude": "35"}, place | {"n": 8}]]
    for bodies in zip(good, bad, strict=False):
        run.send(list(bodies))
    run.send(bad[len(good) :] + half)

    run.wait_stored(9)
    letters = run.wait_letters(8 + 3)  # a million bytes take four parts
    run.assert_each_stored_once(range(9))
    by_number = {document["n"]: document for document in run.documents()}
    assert by_number[0]["county"] == "Mecklenburg County"
    assert by_number[1]["heat_index_f"] > 91
    assert by_number[2]["nearest_place"] == "Davidson"
    assert by_number[5]["id"] == "%2Fshop:a%2F1"
    assert {letter["stage"] for letter in letters} == {"split"}
    zeros = sorted((letter for letter in letters if letter["size"] == 1_000_000), key=lambda letter: letter["part"])
    assert [letter["part"] for letter in zeros] == [0, 1, 2, 3]


def test_a_key_keeps_its_order_to_the_stores(run: Run) -> None:
    sent = run.numbered(1500, keys=30)
    for key in range(30):
        run.send([event for event in sent if event["pk"] == f"k{key:03}"], key=f"k{key:03}")
    run.wait_stored(1500)
    run.assert_each_stored_once(range(1500))
    seen: dict[str, list[int]] = defaultdict(list)
    for line in run.lines():
        seen[line["pk"]].append(line["nth"])
    assert seen == {f"k{key:03}": list(range(50)) for key in range(30)}
    partitions = defaultdict(set)
    for document in run.documents():
        partitions[document["pk"]].add(document["origin"]["partition"])
    assert {len(found) for found in partitions.values()} == {1}


def test_events_over_http(stack: Stack, run: Run) -> None:
    url = f"http://127.0.0.1:{stack.ports.functions}/api/"
    wrapped = {"specversion": "1.0", "id": "order-1", "source": "/shop", "type": "t", "data": run.mine(WEATHER, n=1)}
    body = orjson.dumps([run.mine(PLACE, n=0), wrapped])
    with urllib.request.urlopen(urllib.request.Request(url + "events", data=body, method="POST")) as response:
        assert response.status == 202
        ids = json.loads(response.read())["ids"]
    run.wait_stored(2)
    assert {document["id"] for document in run.documents()} == {ids[0], "%2Fshop:order-1"}
    with urllib.request.urlopen(url + "health") as response:
        assert json.loads(response.read()) == {
            "status": "ok",
            "dependencies": {"event_hubs": "ok", "cosmos": "ok", "data_lake": "ok"},
        }


def test_the_files_are_read_as_they_are(stack: Stack, run: Run, tmp_path: Path) -> None:
    run.send([run.mine(PLACE, n=0, epoch=1795338000), run.mine(WEATHER, n=1, epoch=1795338000)])
    run.wait_stored(2)
    stores = Stores(stack.settings)
    for path in stores.paths("events"):
        target = tmp_path / "lake" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(stores._system("events").get_file_client(path).download_file().readall())
    rows = duckdb.sql(
        f"select kind, date::varchar, hour::varchar, n from read_json('{tmp_path}/lake/**/*.jsonl',"
        f" hive_partitioning = true, union_by_name = true) where run = '{run.name}' order by n"
    ).fetchall()
    assert rows == [("place", "2026-11-22", "09", 0), ("weather", "2026-11-22", "09", 1)]


def test_a_dead_letter_sent_again_is_stored_once_it_can_be(stack: Stack, run: Run) -> None:
    # GIVEN a record that a stage could not take: written to the hub of another kind, as a wrong route would
    run.send([b'[{"not":"a record"}]'], hub="places")
    (letter,) = run.wait_letters(1)
    assert (letter["stage"], letter["hub"], letter["body"]) == ("enrich_places", "places", '{"not":"a record"}')

    # WHEN it is sent again, it is still refused, under its own place in the hub: nothing is lost by replaying too early
    command = [sys.executable, "-m", "tools", "dead-letters", "replay", "--id", letter["id"]]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **stack.settings}, check=True, capture_output=True)
    assert {found["body"] for found in run.wait_letters(2)} == {'{"not":"a record"}'}
