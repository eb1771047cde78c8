"""`python -m tools capture` against Azurite: blobs listed and shown as files are, and every mistake in one line."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from azure.storage.blob import ContainerClient

from local.eventhubs.capture import avro
from tests.integration.azurite_service import Azurite, azurite  # noqa: F401
from tests.integration.tools_commands import Tools, tools  # noqa: F401
from tests.waiting import PATIENCE

# ruff: noqa: F811 (fixtures are imported by name)

BLOB = "ns/dev/0/2026/11/23/03/11/36.avro"


def content(count: int) -> bytes:
    file = avro.File(bytes(16))
    for sequence in range(count):
        file.add(sequence, avro.time(0), {}, {}, b"x" * 1000)
    file.end_block()
    return file.take()


@pytest.fixture
def container(azurite: Azurite, tools: Tools) -> Iterator[ContainerClient]:
    """A container with files of two hubs, and the tools set to its account."""
    tools.settings["AzureWebJobsStorage"] = azurite.connection_string
    name = f"captured-{uuid.uuid4().hex[:8]}"
    with ContainerClient.from_connection_string(azurite.connection_string, name) as client:
        client.create_container()
        client.upload_blob(BLOB, content(12_000), metadata={"events": "12000"})
        client.upload_blob("ns/other/3/2026/11/23/03/12/36.avro", content(2))
        client.upload_blob("ns/other/notes.txt", b"not captured")
        yield client


def test_blobs_are_listed_and_shown(tools: Tools, container: ContainerClient) -> None:
    where = ("--container", container.container_name)
    listed, one, shown, by_url, counted = tools.run_together(
        ("capture", "list", "--json", *where),
        ("capture", "list", "--hub", "other", *where),
        ("capture", "show", BLOB, "--json", *where),
        ("capture", "show", f"{container.url}/{BLOB}", "--max", "1"),
        ("capture", "show", BLOB, "--count", *where),
    )
    assert [(line["hub"], line["partition"], line["window"], line["events"]) for line in listed.lines()] == [
        ("dev", "0", "2026-11-23T03:11:36Z", 12_000),
        ("other", "3", "2026-11-23T03:12:36Z", None),
    ]
    assert "ns/other/3/2026/11/23/03/12/36.avro" in one.out
    assert "dev" not in one.out
    assert "1 captured files" in one.err
    assert [event["sequence"] for event in shown.lines()] == list(range(12_000))
    assert by_url.out.startswith("sequence 0  offset 0  1/1/1970 12:00:00 AM  no key\n")
    assert counted.out == "12000\n"


def test_what_is_not_there_is_said_in_a_line(tools: Tools, container: ContainerClient) -> None:
    results = tools.run_together(
        ("capture", "show", "ns/nope.avro", "--container", container.container_name),
        ("capture", "list", "--container", "never-made"),
        ("capture", "show", "https://other.blob.core.windows.net/capture/a.avro"),
    )
    for result, status, message in zip(
        results,
        (2, 2, 2),
        (
            f"ns/nope.avro: there is no such file here, and no such blob in the container {container.container_name}",
            "the account has no container never-made: nothing was captured yet",
            "is not in the account http://127.0.0.1",
        ),
        strict=True,
    ):
        assert (result.status, len(result.err.splitlines())) == (status, 1), result.err
        assert message in result.err


def test_an_account_that_does_not_answer_is_said_in_a_line(tools: Tools, azurite: Azurite) -> None:
    tools.settings["AzureWebJobsStorage"] = azurite.connection_string.replace(f":{azurite.blob_port}/", ":1/")
    result = tools.run("capture", "list")
    assert (result.status, len(result.err.splitlines())) == (1, 1)
    assert "the service cannot be reached" in result.err


def test_readers_that_have_seen_enough_may_go(tools: Tools, container: ContainerClient) -> None:
    """GIVEN `| head` THEN the command ends without a word."""
    process = tools.start("capture", "show", BLOB, "--container", container.container_name)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith("sequence 0")
    process.stdout.close()
    assert process.wait(PATIENCE) == 0
    assert process.stderr.read() == ""
    process.stderr.close()
