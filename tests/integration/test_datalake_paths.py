"""Directories, listing, rename, delete and access control through the official SDK."""

from __future__ import annotations

import base64
import http.client
import uuid
from email.utils import formatdate

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from azure.storage.filedatalake import DataLakeServiceClient, FileSystemClient

from local.datalake import shared_key
from local.storage_account import ACCOUNT, KEY
from tests.integration.datalake_service import DataLake, azurite, data_lake, file_system  # noqa: F401
from tests.waiting import PATIENCE

# ruff: noqa: F811 (fixtures are imported by name)


def put(file_system: FileSystemClient, *names: str) -> None:
    for name in names:
        file_system.get_file_client(name).upload_data(name.encode(), overwrite=True)


def names(file_system: FileSystemClient, **options: object) -> list[str]:
    return [path.name + ("/" if path.is_directory else "") for path in file_system.get_paths(**options)]


def test_file_systems_come_and_go(data_lake: DataLake, file_system: FileSystemClient) -> None:
    with DataLakeServiceClient.from_connection_string(data_lake.connection_string) as service:
        assert {"events", file_system.file_system_name} <= {each.name for each in service.list_file_systems()}
        with pytest.raises(ResourceExistsError):
            service.create_file_system(file_system.file_system_name)
        assert file_system.exists()
        file_system.delete_file_system()
        assert not file_system.exists()
        with pytest.raises(ResourceNotFoundError, match="FilesystemNotFound"):
            list(file_system.get_paths())
        with pytest.raises(ResourceNotFoundError, match="FilesystemNotFound"):
            file_system.create_file("a")


def test_a_directory_is_one_with_and_without_content(file_system: FileSystemClient) -> None:
    directory = file_system.create_directory("made", metadata={"owner": "me"})
    put(file_system, "shown/by/file")
    assert directory.exists()
    assert directory.get_directory_properties().metadata == {"owner": "me", "hdi_isfolder": "true"}
    shown = file_system.get_directory_client("shown/by")
    assert shown.exists()
    assert shown.get_directory_properties().metadata["hdi_isfolder"] == "true"
    assert not file_system.get_directory_client("missing").exists()
    assert not file_system.get_file_client("shown/by/fil").exists()


def test_a_directory_and_a_file_do_not_share_a_name(file_system: FileSystemClient) -> None:
    put(file_system, "file")
    with pytest.raises(ResourceExistsError):
        file_system.create_directory("file")
    file_system.create_directory("directory")
    with pytest.raises(ResourceExistsError):
        file_system.create_directory("directory", match_condition=MatchConditions.IfMissing)
    with pytest.raises(HttpResponseError) as refused:
        file_system.get_file_client("directory").append_data(b"x", 0)
    assert refused.value.status_code == 409


def test_listing_is_recursive_or_one_level_of_one_directory(file_system: FileSystemClient) -> None:
    put(file_system, "a/1", "a/b/2", "a-b/3", "top")
    file_system.create_directory("a/empty")
    assert names(file_system) == ["a-b/", "a-b/3", "a/", "a/1", "a/b/", "a/b/2", "a/empty/", "top"]
    assert names(file_system, recursive=False) == ["a-b/", "a/", "top"]
    assert names(file_system, path="a") == ["a/1", "a/b/", "a/b/2", "a/empty/"]
    assert names(file_system, path="/a/", recursive=False) == ["a/1", "a/b/", "a/empty/"]
    assert names(file_system, path="a/empty") == []
    with pytest.raises(ResourceNotFoundError, match="PathNotFound"):
        names(file_system, path="missing")


@pytest.mark.parametrize("recursive", [True, False])
@pytest.mark.parametrize("page", [1, 2, 3, 5])
def test_pages_add_up_to_the_whole_listing(file_system: FileSystemClient, page: int, recursive: bool) -> None:
    # `a` is a blob that sorts before `a-b`, its content behind: the page between must not give `a` again.
    for directory in ("a", "a-b", "a/b"):
        file_system.create_directory(directory)
    put(file_system, "a-b/1", "a.txt", "a/1", "a/b/2", "c/d/e/3", "c/d/e/4", "z")
    whole = names(file_system, recursive=recursive)
    assert len(whole) == len(set(whole))

    pages = [list(each) for each in file_system.get_paths(max_results=page, recursive=recursive).by_page()]
    assert all(len(each) <= page for each in pages)
    assert [path.name + ("/" if path.is_directory else "") for each in pages for path in each] == whole


def test_a_listed_path_has_its_properties(file_system: FileSystemClient) -> None:
    put(file_system, "file")
    known = file_system.get_file_client("file").get_file_properties()
    (path,) = file_system.get_paths()
    assert (path.content_length, path.is_directory) == (4, False)
    assert path.last_modified == known.last_modified.replace(tzinfo=None)
    assert path.etag.strip('"') == known.etag.strip('"')
    assert (path.owner, path.permissions) == ("$superuser", "rw-r-----")


def test_a_renamed_file_keeps_content_and_metadata_and_can_be_appended_to(file_system: FileSystemClient) -> None:
    client = file_system.get_file_client("tmp/a")
    client.upload_data(b"abc", overwrite=True, metadata={"n": "1"})
    renamed = client.rename_file(f"{file_system.file_system_name}/final/a")
    assert renamed.get_file_properties().metadata == {"n": "1"}
    renamed.append_data(b"d", 3, flush=True)
    assert renamed.download_file().readall() == b"abcd"
    assert not client.exists()


def test_a_rename_can_be_made_not_to_overwrite(file_system: FileSystemClient) -> None:
    put(file_system, "new", "old")
    client = file_system.get_file_client("new")
    with pytest.raises(ResourceExistsError, match="PathAlreadyExists"):
        client.rename_file(f"{file_system.file_system_name}/old", match_condition=MatchConditions.IfMissing)
    assert client.rename_file(f"{file_system.file_system_name}/old").download_file().readall() == b"new"


def test_a_rename_may_have_the_account_in_its_source_alone(data_lake: DataLake, file_system: FileSystemClient) -> None:
    """As @azure/storage-file-datalake sends `move`."""
    put(file_system, "from/a b")
    system = file_system.file_system_name
    target = f"/{system}/to/b%20a"
    headers = {
        "x-ms-date": formatdate(usegmt=True), "x-ms-version": "2025-01-05", "content-length": "0",
        "x-ms-rename-source": f"/{ACCOUNT}/{system}/from/a%20b",
    }  # fmt: skip
    text = shared_key.string_to_sign("PUT", ACCOUNT, target, [("mode", "legacy")], headers)
    headers["authorization"] = f"SharedKey {ACCOUNT}:{shared_key.sign(base64.b64decode(KEY), text)}"
    connection = http.client.HTTPConnection("127.0.0.1", data_lake.port, timeout=PATIENCE)
    connection.request("PUT", f"{target}?mode=legacy", headers=headers)
    assert connection.getresponse().status == 201
    connection.close()
    assert names(file_system) == ["to/", "to/b a"]
    assert file_system.get_file_client("to/b a").download_file().readall() == b"from/a b"


def test_a_repeated_rename_says_that_the_source_is_gone(file_system: FileSystemClient) -> None:
    put(file_system, "a")
    client = file_system.get_file_client("a")
    client.rename_file(f"{file_system.file_system_name}/b")
    with pytest.raises(ResourceNotFoundError, match="SourcePathNotFound"):
        client.rename_file(f"{file_system.file_system_name}/b")


def test_a_rename_respects_the_source_s_etag(file_system: FileSystemClient) -> None:
    put(file_system, "a")
    client = file_system.get_file_client("a")
    stale = client.get_file_properties().etag
    put(file_system, "a")
    with pytest.raises(ResourceModifiedError):
        client.rename_file(
            f"{file_system.file_system_name}/b", source_etag=stale, source_match_condition=MatchConditions.IfNotModified
        )
    assert names(file_system) == ["a"]


def test_a_renamed_directory_takes_everything_along(file_system: FileSystemClient) -> None:
    file_system.create_directory("from/empty")
    put(file_system, "from/1", "from/sub/2", "from-not/3")
    directory = file_system.get_directory_client("from")
    renamed = directory.rename_directory(f"{file_system.file_system_name}/to/here")
    assert renamed.exists()
    assert names(file_system) == [
        "from-not/", "from-not/3", "to/", "to/here/", "to/here/1", "to/here/empty/", "to/here/sub/", "to/here/sub/2",
    ]  # fmt: skip
    with pytest.raises(HttpResponseError, match="InvalidRenameSourcePath"):
        renamed.rename_directory(f"{file_system.file_system_name}/to/here/below")
    with pytest.raises(ResourceExistsError):
        renamed.rename_directory(f"{file_system.file_system_name}/from-not")


def test_deleting_a_directory_takes_all_under_it_and_nothing_else(file_system: FileSystemClient) -> None:
    put(file_system, "a/1", "a/b/2", "ab", "a-b/3")
    with pytest.raises(HttpResponseError, match="DirectoryNotEmpty"):
        file_system.get_file_client("a").delete_file()
    file_system.delete_directory("a")
    assert names(file_system) == ["a-b/", "a-b/3", "ab"]
    file_system.delete_file("ab")
    assert names(file_system) == ["a-b/", "a-b/3"]
    with pytest.raises(ResourceNotFoundError):
        file_system.delete_file("ab")
    with pytest.raises(ResourceNotFoundError):
        file_system.delete_directory("a")


def test_a_directory_with_a_leased_file_is_not_deleted_and_says_why(file_system: FileSystemClient) -> None:
    put(file_system, "d/a", "d/leased")
    lease = file_system.get_file_client("d/leased").acquire_lease(15)
    with pytest.raises(HttpResponseError) as refused:
        file_system.get_directory_client("d").delete_directory()
    assert (refused.value.status_code, refused.value.error_code) == (412, "LeaseIdMissing")
    assert names(file_system, recursive=False, path="d") == ["d/a", "d/leased"]
    lease.release()
    file_system.get_directory_client("d").delete_directory()
    assert names(file_system) == []


@pytest.mark.parametrize("leave", ["delete", "rename"])
def test_a_file_whose_directory_went_away_is_not_appended_to(file_system: FileSystemClient, leave: str) -> None:
    file = file_system.create_file("d/e/a")
    file.append_data(b"abc", 0)
    directory = file_system.get_directory_client("d")
    if leave == "rename":
        directory.rename_directory(f"{file_system.file_system_name}/other")
    else:
        directory.delete_directory()
    with pytest.raises(ResourceNotFoundError, match="PathNotFound"):
        file.append_data(b"def", 3)


def test_a_blob_delete_is_a_delete(data_lake: DataLake, file_system: FileSystemClient) -> None:
    put(file_system, "a")
    with BlobServiceClient.from_connection_string(data_lake.connection_string) as service:
        blob = service.get_blob_client(file_system.file_system_name, "a")
        blob.delete_blob()
        with pytest.raises(ResourceNotFoundError, match="BlobNotFound"):
            blob.delete_blob()
    with pytest.raises(ResourceNotFoundError, match="PathNotFound"):
        file_system.get_file_client("a").append_data(b"x", 0)


def test_access_control_is_given_back_as_it_was_set(file_system: FileSystemClient) -> None:
    put(file_system, "file")
    client = file_system.get_file_client("file")
    assert client.get_access_control()["permissions"] == "rw-r-----"
    client.set_access_control(owner="alice", permissions="0751")
    access = client.get_access_control()
    assert {name: access[name] for name in ("owner", "group", "permissions", "acl")} == {
        "owner": "alice",
        "group": "$superuser",
        "permissions": "rwxr-x--x",
        "acl": "user::rwx,group::r-x,other::--x",
    }
    client.append_data(b"!", 4, flush=True)
    renamed = client.rename_file(f"{file_system.file_system_name}/renamed")
    acl = "user::rw-,user:bob:r--,group::r--,mask::r--,other::---"
    assert renamed.get_access_control()["owner"] == "alice"
    renamed.set_access_control(acl=acl)
    assert (renamed.get_access_control()["acl"], renamed.get_access_control()["permissions"]) == (acl, "rw-r-----")
    with pytest.raises(HttpResponseError, match="InvalidHeaderValue"):
        renamed.set_access_control(permissions="everything")
    assert renamed.get_file_properties().metadata == {}


def test_directories_and_the_root_have_access_control(file_system: FileSystemClient) -> None:
    put(file_system, "shown/file")
    directory = file_system.get_directory_client("shown")
    directory.set_access_control(permissions="rwxrwx---")
    assert directory.get_access_control()["permissions"] == "rwxrwx---"
    root = file_system.get_directory_client("/")
    assert root.get_access_control()["permissions"] == "rwxr-x---"
    root.set_access_control(group="team")
    assert root.get_access_control()["group"] == "team"


def test_a_path_is_created_with_the_permissions_that_the_umask_leaves(file_system: FileSystemClient) -> None:
    file = file_system.create_file("file", permissions="0777", umask="0022", owner="alice", metadata={"n": "1"})
    assert file.get_access_control()["permissions"] == "rwxr-xr-x"
    assert file.get_access_control()["owner"] == "alice"
    assert file.get_file_properties().metadata == {"n": "1"}
    directory = file_system.create_directory("directory", umask="0077")
    assert directory.get_access_control()["permissions"] == "rwx------"


def test_what_would_be_ignored_is_refused(file_system: FileSystemClient) -> None:
    file = file_system.create_file("file")
    with pytest.raises(HttpResponseError, match="UnsupportedHeader"):
        file.append_data(b"x", 0, lease_action="acquire", lease=str(uuid.uuid4()), lease_duration=15)
    with pytest.raises(HttpResponseError, match="setAccessControlRecursive"):
        file_system.get_directory_client("/").set_access_control_recursive("user::rwx,group::r-x,other::---")
