"""`dead-letters` against a real Data Lake and a real namespace: listed as written, replayed byte for byte."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import orjson
import pytest
from azure.storage.filedatalake import DataLakeServiceClient, FileSystemClient

from local.children import Child
from shared.failures import PART_BYTES, Failure, dead_letters, plain_error
from shared.records import Origin
from tests.integration.datalake_service import DataLake, azurite, data_lake
from tests.integration.tools_commands import Tools, hubs, tools

__all__ = ["azurite", "data_lake", "hubs", "tools"]

ENQUEUED = 1795338000123


@pytest.fixture
def lake(data_lake: DataLake, tools: Tools) -> Iterator[FileSystemClient]:
    """The file system `dead-letters`, empty, and `tools` set to reach it."""
    tools.settings["DataLake"] = data_lake.connection_string
    with DataLakeServiceClient.from_connection_string(data_lake.connection_string) as service:
        found = service.get_file_system_client("dead-letters")
        if not found.exists():
            found.create_file_system()
        for path in found.get_paths(recursive=False):
            found.delete_directory(path.name)
        yield found


def write(
    lake: FileSystemClient, sequence: int, body: bytes, *, stage: str = "split", hub: str = "dev",
    key: str | None = None, reason: str = "decode", failed_at: str = "2026-11-22T09:00:00.123Z", copies: int = 1,
) -> None:  # fmt: skip
    """What the app stores for one failure, `copies` times."""
    failure = Failure(
        stage=stage, reason=reason, errors=plain_error(reason, "for a test"), hub=hub, partition="2", sequence=sequence,
        element=0, enqueued=ENQUEUED, origin=Origin("dev", "2", sequence, "0", ENQUEUED), body=body, key=key,
    )  # fmt: skip
    lines = b"".join(
        orjson.dumps(orjson.loads(record)["data"]) + b"\n" for _, record in dead_letters(failure, failed_at)
    )
    for copy in range(copies):
        path = f"stage={stage}/date={failed_at[:10]}/hour={failed_at[11:13]}/{hub}-2-{sequence}-{copy}.jsonl"
        lake.get_file_client(path).upload_data(lines, overwrite=True)


def test_a_store_without_any_has_none(tools: Tools, lake: FileSystemClient) -> None:
    ended = tools.run("dead-letters", "list", "--stage", "split")
    assert (ended.status, ended.out) == (0, "")
    assert "0 dead letters" in ended.err


def test_letters_are_listed_once_oldest_first_and_chosen(tools: Tools, lake: FileSystemClient) -> None:
    write(lake, 7, b"late", failed_at="2026-11-22T10:30:00.000Z", copies=2)
    write(lake, 5, b"early", failed_at="2026-11-22T09:00:00.000Z")
    write(lake, 6, b"{}", stage="enrich_places", reason="validation", failed_at="2026-11-22T10:00:00.000Z")
    lake.get_file_client("_ledger/dev/2.json").upload_data(b"not a letter", overwrite=True)

    everything, split, invalid, recent, table = tools.run_together(
        ("dead-letters", "list", "--json"),
        ("dead-letters", "list", "--json", "--stage", "split"),
        ("dead-letters", "list", "--json", "--reason", "validation"),
        ("dead-letters", "list", "--json", "--since", "2026-11-22T10:00"),
        ("dead-letters", "list"),
    )
    assert [letter["sequence"] for letter in everything.lines()] == [5, 6, 7]
    assert [letter["sequence"] for letter in split.lines()] == [5, 7]
    assert [letter["sequence"] for letter in invalid.lines()] == [6]
    assert [letter["sequence"] for letter in recent.lines()] == [6, 7]
    for sequence in (5, 6, 7):
        assert f"-dev-2-{sequence}-0-{ENQUEUED} " in table.out
    assert "3 dead letters: 2 decode, 1 validation" in table.err


def test_one_letter_is_shown_whole_by_the_beginning_of_its_id(tools: Tools, lake: FileSystemClient) -> None:
    body = b"caf\xe9" * PART_BYTES
    write(lake, 41, body)
    write(lake, 52, b"other")
    shown, ambiguous = tools.run_together(
        ("dead-letters", "show", "split-dev-2-41"), ("dead-letters", "show", "split-dev-2")
    )
    assert shown.status == 0, shown.err
    assert base64.b64decode(orjson.loads(shown.out)["body_base64"]) == body
    assert ambiguous.status == 2
    assert "2 dead letters begin with 'split-dev-2'" in ambiguous.err


def test_a_replay_sends_the_original_bytes_to_where_they_came_from(
    tools: Tools, lake: FileSystemClient, hubs: Child
) -> None:
    large = b"\xff" * (PART_BYTES + 1)
    write(lake, 1, b'{"postal_cd": ', key="28036")
    write(lake, 2, large, key="28036", copies=2)
    write(lake, 3, b"", key=None)
    write(lake, 4, b'{"a": 1}', stage="enrich_places", hub="places", key="27006")

    dry = tools.run("dead-letters", "replay", "--all", "--dry-run")
    assert dry.status == 0, dry.err
    assert "would replay 3 to dev" in dry.err
    assert len(dry.out.splitlines()) == 4

    replayed = tools.run("dead-letters", "replay", "--all")
    assert replayed.status == 0, replayed.err
    assert "4 of 4 dead letters replayed: 3 to dev, 1 to places" in replayed.err

    everything = ("receive", "--from-start", "--json", "--seconds", "30")
    dev, places = tools.run_together((*everything, "--count", "3"), (*everything, "--count", "1", "--hub", "places"))
    found = {event["properties"]["headrace-origin"]: event for event in dev.lines()}
    first, second, third = (found[f"dev/2/{sequence}/0/{ENQUEUED}"] for sequence in (1, 2, 3))
    assert (first["body"], first["key"]) == ('{"postal_cd": ', "28036")
    assert base64.b64decode(second["body_base64"]) == large
    assert (first["partition"], first["sequence"] + 1) == (second["partition"], second["sequence"])
    assert (third["body"], third["key"]) == ("", None)
    (place,) = places.lines()
    assert (place["body"], place["key"]) == ({"a": 1}, "27006")


def test_a_replay_takes_what_failed_since(tools: Tools, lake: FileSystemClient) -> None:
    write(lake, 5, b"early", failed_at="2026-11-22T09:00:00.000Z")
    write(lake, 7, b"late", failed_at="2026-11-22T10:30:00.000Z")
    ended = tools.run("dead-letters", "replay", "--stage", "split", "--since", "2026-11-22T10:00", "--dry-run")
    assert ended.status == 0, ended.err
    assert [line.split()[1] for line in ended.out.splitlines()] == [f"dev/2/7/0/{ENQUEUED}"]


def test_a_replay_of_what_is_not_there_says_so(tools: Tools, lake: FileSystemClient) -> None:
    write(lake, 1, b"x")
    unknown, none = tools.run_together(
        ("dead-letters", "replay", "--id", "nothing"), ("dead-letters", "replay", "--stage", "store_files")
    )
    assert unknown.status == none.status == 2
    assert "there is no dead letter 'nothing'" in unknown.err
    assert "there are no such dead letters" in none.err


def test_a_replay_that_fails_counts_what_was_acknowledged(tools: Tools, lake: FileSystemClient, hubs: Child) -> None:
    write(lake, 1, b"x")
    hubs.stop()
    ended = tools.run("dead-letters", "replay", "--all")
    assert ended.status == 1
    assert "python -m local up" in ended.err
    assert "Traceback" not in ended.err


def test_a_file_that_holds_something_else_is_named(tools: Tools, lake: FileSystemClient) -> None:
    lake.get_file_client("stage=split/date=2026-11-22/hour=09/odd.jsonl").upload_data(b"{}\n", overwrite=True)
    ended = tools.run("dead-letters", "list")
    assert ended.status == 1
    assert "stage=split/date=2026-11-22/hour=09/odd.jsonl, line 1: not a dead letter" in ended.err
