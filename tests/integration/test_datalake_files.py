"""Files through the official SDK: create, append, flush, upload, download, properties."""

from __future__ import annotations

import io
import random
import threading
import uuid

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from azure.storage.filedatalake import ContentSettings, DataLakeServiceClient, FileSystemClient

from tests.integration.datalake_service import DataLake, azurite, data_lake, file_system  # noqa: F401

# ruff: noqa: F811 (fixtures are imported by name)


def test_an_upload_is_read_back_and_listed(file_system: FileSystemClient) -> None:
    client = file_system.get_file_client("kind=place/date=2026-11-22/a.jsonl")
    client.upload_data(b'{"n": 1}\n', overwrite=True, metadata={"sender": "test"})

    assert client.download_file().readall() == b'{"n": 1}\n'
    assert client.get_file_properties().metadata == {"sender": "test"}
    assert [(path.name, path.is_directory, path.content_length) for path in file_system.get_paths()] == [
        ("kind=place", True, 0),
        ("kind=place/date=2026-11-22", True, 0),
        ("kind=place/date=2026-11-22/a.jsonl", False, 9),
    ]


def test_an_upload_replaces_what_was_there(file_system: FileSystemClient) -> None:
    client = file_system.get_file_client("a")
    client.upload_data(b"a longer first version", overwrite=True, metadata={"version": "1"})
    client.upload_data(b"second", overwrite=True)
    assert client.download_file().readall() == b"second"
    assert client.get_file_properties().metadata == {}


def test_an_upload_without_overwrite_needs_a_file_and_then_refuses_it_as_adls_does(
    file_system: FileSystemClient,
) -> None:
    client = file_system.get_file_client("a")
    with pytest.raises(ResourceNotFoundError, match="PathNotFound"):
        client.upload_data(b"1")
    client.create_file()
    with pytest.raises(ResourceModifiedError, match="ConditionNotMet"):
        client.upload_data(b"1")
    assert client.get_file_properties().size == 0


def test_appends_are_committed_by_flushes(file_system: FileSystemClient) -> None:
    client = file_system.create_file("log")
    client.append_data(b"one,", 0)
    assert client.download_file().readall() == b"", "not flushed yet"
    client.flush_data(4)
    client.append_data(b"two,", 4)
    client.append_data(b"three,", 8)
    client.flush_data(14)
    client.append_data(b"four", 14, flush=True)
    assert client.download_file().readall() == b"one,two,three,four"


def test_a_retried_append_counts_once(file_system: FileSystemClient) -> None:
    client = file_system.create_file("a")
    client.append_data(b"once", 0)
    client.append_data(b"once", 0)
    client.flush_data(4)
    assert client.download_file().readall() == b"once"


def test_a_retried_flush_is_harmless(file_system: FileSystemClient) -> None:
    client = file_system.create_file("a")
    client.append_data(b"once", 0)
    client.flush_data(4)
    client.flush_data(4)
    assert client.download_file().readall() == b"once"


@pytest.mark.parametrize(
    ("appends", "position"),
    [
        pytest.param([(0, b"abc")], 2, id="short of the end of an append"),
        pytest.param([(0, b"abc")], 4, id="past the end"),
        pytest.param([(1, b"abc")], 4, id="a gap at the start"),
        pytest.param([(0, b"abc"), (5, b"d")], 6, id="a gap within"),
        pytest.param([(0, b"abc"), (2, b"d")], 3 + 1, id="an overlap"),
    ],
)
def test_a_flush_commits_contiguous_data_or_nothing(
    file_system: FileSystemClient, appends: list[tuple[int, bytes]], position: int
) -> None:
    client = file_system.create_file("a")
    for at, data in appends:
        client.append_data(data, at)
    with pytest.raises(HttpResponseError, match="InvalidFlushPosition") as refused:
        client.flush_data(position)
    assert refused.value.status_code == 400
    assert client.get_file_properties().size == 0


def test_a_flush_can_retain_what_lies_behind_it(file_system: FileSystemClient) -> None:
    client = file_system.create_file("a")
    client.append_data(b"abc", 0)
    client.append_data(b"def", 3)
    client.flush_data(3, retain_uncommitted_data=True)
    client.flush_data(6)
    assert client.download_file().readall() == b"abcdef"

    client.append_data(b"ghi", 6)
    client.append_data(b"jkl", 9)
    client.flush_data(9)
    with pytest.raises(HttpResponseError, match="InvalidFlushPosition"):
        client.flush_data(12)


def test_a_large_file_goes_up_in_parallel_pieces_and_comes_down_in_ranges(file_system: FileSystemClient) -> None:
    content = random.Random(7).randbytes(11 * 1024 * 1024 + 17)
    client = file_system.get_file_client("large")
    client.upload_data(io.BytesIO(content), len(content), overwrite=True, chunk_size=1024 * 1024, max_concurrency=4)
    client.append_data(b"tail", len(content), flush=True)
    assert client.get_file_properties().size == len(content) + 4
    assert client.download_file(offset=len(content) - 3, length=7).readall() == content[-3:] + b"tail"
    assert client.download_file(max_concurrency=2).readall() == content + b"tail"


def test_an_append_too_large_to_hold_is_staged(file_system: FileSystemClient) -> None:
    content = random.Random(8).randbytes(9 * 1024 * 1024)
    client = file_system.create_file("a", metadata={"kept": "yes"})
    client.append_data(b"head", 0)
    client.append_data(content, 4)
    client.append_data(b"tail", 4 + len(content))
    client.flush_data(8 + len(content), content_settings=ContentSettings(content_type="application/x-ndjson"))
    assert client.download_file().readall() == b"head" + content + b"tail"
    properties = client.get_file_properties()
    assert properties.metadata == {"kept": "yes"}
    assert properties.content_settings.content_type == "application/x-ndjson"


def test_metadata_set_between_create_and_flush_is_kept(file_system: FileSystemClient) -> None:
    client = file_system.create_file("a", metadata={"first": "1"})
    client.append_data(b"abc", 0)
    client.set_metadata({"second": "2"})
    client.flush_data(3)
    assert client.get_file_properties().metadata == {"second": "2"}
    assert client.download_file().readall() == b"abc"


def test_metadata_set_between_two_flushes_is_kept(file_system: FileSystemClient) -> None:
    client = file_system.create_file("a")
    client.append_data(b"abc", 0, flush=True)
    client.set_metadata({"n": "1"})
    client.append_data(b"def", 3, flush=True)
    client.set_metadata({"n": "2"})
    client.append_data(b"ghi", 6, flush=True)
    assert client.get_file_properties().metadata == {"n": "2"}
    assert client.download_file().readall() == b"abcdefghi"


def test_create_if_missing_creates_once(file_system: FileSystemClient) -> None:
    client = file_system.get_file_client("a")
    client.create_file(match_condition=MatchConditions.IfMissing)
    with pytest.raises(ResourceExistsError, match="PathAlreadyExists"):
        client.create_file(match_condition=MatchConditions.IfMissing)


def test_of_two_writers_the_etag_lets_one_flush(file_system: FileSystemClient) -> None:
    client = file_system.get_file_client("a")
    first = client.create_file()["etag"]
    client.append_data(b"first", 0)
    second = client.create_file()["etag"]
    client.append_data(b"second", 0)
    with pytest.raises(ResourceModifiedError):
        client.flush_data(6, etag=first, match_condition=MatchConditions.IfNotModified)
    client.flush_data(6, etag=second, match_condition=MatchConditions.IfNotModified)
    assert client.download_file().readall() == b"second"


@pytest.mark.parametrize("known", ["before", "since", "anew"])  # since when the file is known, as to its lease
def test_a_leased_file_is_written_by_its_holder_alone(file_system: FileSystemClient, known: str) -> None:
    client = file_system.create_file("a")
    if known == "since":
        client.flush_data(0, close=True)
    lease = client.acquire_lease()
    if known == "anew":
        client.create_file(lease=lease)
    client.append_data(b"abc", 0, lease=lease)
    for act in (lambda: client.append_data(b"xyz", 0), lambda: client.flush_data(3)):
        with pytest.raises(HttpResponseError) as refused:
            act()
        assert (refused.value.status_code, refused.value.error_code) == (412, "LeaseIdMissing")
    with pytest.raises(HttpResponseError) as refused:
        client.append_data(b"xyz", 0, lease=str(uuid.uuid4()))
    assert refused.value.status_code == 412
    client.flush_data(3, lease=lease)
    lease.release()
    client.append_data(b"def", 3)
    client.flush_data(6)
    assert client.download_file().readall() == b"abcdef"


def test_a_file_that_the_blob_api_wrote_is_not_appended_to(data_lake: DataLake, file_system: FileSystemClient) -> None:
    with BlobServiceClient.from_connection_string(data_lake.connection_string) as service:
        service.get_blob_client(file_system.file_system_name, "a").upload_blob(b"by blob")
    client = file_system.get_file_client("a")
    with pytest.raises(HttpResponseError, match="InvalidFlushOperation") as refused:
        client.append_data(b"!", 7)
    assert refused.value.status_code == 409
    assert client.download_file().readall() == b"by blob"


def test_what_the_blob_api_overwrites_is_not_flushed_over(data_lake: DataLake, file_system: FileSystemClient) -> None:
    client = file_system.create_file("a")
    client.append_data(b"lost", 0)
    with BlobServiceClient.from_connection_string(data_lake.connection_string) as service:
        service.get_blob_client(file_system.file_system_name, "a").upload_blob(b"by blob", overwrite=True)
    with pytest.raises(HttpResponseError, match="InvalidFlushOperation"):
        client.flush_data(4)
    assert client.download_file().readall() == b"by blob"


def test_an_append_whose_md5_is_wrong_is_refused(file_system: FileSystemClient) -> None:
    client = file_system.create_file("a")
    client.append_data(b"abc", 0, validate_content=True)
    client.flush_data(3)
    assert client.download_file(validate_content=True).readall() == b"abc"


@pytest.mark.parametrize("name", ["a b", "100%", "ü/日本", "plus+and&", "q?x#y", "kind=place/it's (1),;@:$!.json"])
def test_names_of_any_kind(file_system: FileSystemClient, name: str) -> None:
    client = file_system.get_file_client(name)
    client.upload_data(b"x", overwrite=True)
    assert client.download_file().readall() == b"x"
    assert [path.name for path in file_system.get_paths() if not path.is_directory] == [name]
    renamed = client.rename_file(f"{file_system.file_system_name}/to {name}")
    assert renamed.download_file().readall() == b"x"
    renamed.delete_file()
    assert not [path.name for path in file_system.get_paths() if not path.is_directory]


def test_the_blob_api_writes_conditionally_on_the_same_port(data_lake: DataLake, file_system: FileSystemClient) -> None:
    with BlobServiceClient.from_connection_string(data_lake.connection_string) as service:
        ledger = service.get_blob_client(file_system.file_system_name, "ledger/0")
        first = ledger.upload_blob(b"1", overwrite=True, match_condition=MatchConditions.IfMissing)
        with pytest.raises(ResourceExistsError):
            ledger.upload_blob(b"again", overwrite=True, match_condition=MatchConditions.IfMissing)

        unmodified = {"overwrite": True, "etag": first["etag"], "match_condition": MatchConditions.IfNotModified}
        ledger.upload_blob(b"2", **unmodified)
        with pytest.raises(ResourceModifiedError):
            ledger.upload_blob(b"3", **unmodified)
        assert ledger.download_blob().readall() == b"2"


def test_concurrent_writers_each_get_their_own_file(data_lake: DataLake, file_system: FileSystemClient) -> None:
    def write(number: int) -> None:
        with DataLakeServiceClient.from_connection_string(data_lake.connection_string) as service:
            client = service.get_file_client(file_system.file_system_name, f"many/{number:02}")
            client.upload_data(str(number).encode() * 1000, overwrite=True)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    for number in range(16):
        content = file_system.get_file_client(f"many/{number:02}").download_file().readall()
        assert content == str(number).encode() * 1000
