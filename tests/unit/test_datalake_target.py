"""Which requests are DFS operations, and what they are about."""

from __future__ import annotations

import pytest

from local.datalake.errors import Refused
from local.datalake.paths import parse_rename_source
from local.datalake.properties import metadata_headers
from local.datalake.target import Operation, Path, operation_of, parse_target, rename_target


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("PUT", "/a/fs/x?resource=file", Operation.CREATE),
        ("PUT", "/a/fs/x?resource=directory", Operation.CREATE),
        ("PUT", "/a/fs?restype=container", Operation.BLOB),
        ("PUT", "/a/fs/x", Operation.BLOB),
        ("PUT", "/a/fs/x?comp=metadata", Operation.BLOB),
        ("PATCH", "/a/fs/x?action=append&position=0", Operation.APPEND),
        ("PATCH", "/a/fs/x?action=flush&position=0", Operation.FLUSH),
        ("PATCH", "/a/fs/x?action=setAccessControl", Operation.SET_ACCESS),
        ("GET", "/a/fs?resource=filesystem&recursive=true", Operation.LIST),
        ("GET", "/a/fs?restype=container&comp=list", Operation.BLOB),
        ("GET", "/a?comp=list", Operation.BLOB),
        ("GET", "/a/fs/x", Operation.BLOB),
        ("HEAD", "/a/fs/x", Operation.READ_PROPERTIES),
        ("HEAD", "/a/fs/x?snapshot=1", Operation.BLOB),
        ("HEAD", "/a/fs/x?action=getAccessControl&upn=false", Operation.GET_ACCESS),
        ("HEAD", "/a/fs?restype=container", Operation.BLOB),
        ("DELETE", "/a/fs/x", Operation.DELETE),
        ("DELETE", "/a/fs/x?recursive=true", Operation.DELETE),
        ("DELETE", "/a/fs/x?snapshot=1", Operation.BLOB),
        ("DELETE", "/a/fs?restype=container", Operation.BLOB),
        ("POST", "/a?comp=batch", Operation.BLOB),
    ],
)
def test_operations_are_told_apart(method: str, target: str, expected: Operation) -> None:
    assert operation_of(parse_target(method, target), {}) is expected


def test_a_rename_is_told_by_its_header() -> None:
    assert operation_of(parse_target("PUT", "/a/fs/x?mode=legacy"), {"x-ms-rename-source": "/fs/y"}) is Operation.RENAME


def test_paths_are_decoded_once() -> None:
    assert parse_target("GET", "/a/fs/kind%3Dplace/100%2525/").path == Path("fs", "kind=place/100%25")


def test_a_rename_source_is_read() -> None:
    assert parse_rename_source("/fs/a%20b/c?sv=1&sig=x", "account") == (Path("fs", "a b/c"), "sv=1&sig=x")
    for wrong in ("fs/a", "/fs", "/", "/fs/", ""):
        with pytest.raises(Refused, match="InvalidRenameSourcePath"):
            parse_rename_source(wrong, "account")


def test_a_rename_source_may_begin_with_the_account() -> None:
    assert parse_rename_source("/account/fs/a%20b/c", "account") == (Path("fs", "a b/c"), "")
    assert parse_rename_source("/account/fs", "account") == (Path("account", "fs"), "")  # a file system of that name


def test_a_rename_without_the_account_in_its_target_has_it_in_its_source() -> None:
    source = {"x-ms-rename-source": "/account/fs/a%20b?sv=1"}
    target = rename_target(parse_target("PUT", "/fs/dir/c%20d?mode=legacy"), source, "account")
    assert (target.account, target.path) == ("account", Path("fs", "dir/c d"))
    assert parse_rename_source(source["x-ms-rename-source"], target.account) == (Path("fs", "a b"), "sv=1")
    whole = parse_target("PUT", "/account/fs/c?mode=legacy")
    other = parse_target("PUT", "/other/fs/c?mode=legacy")
    assert rename_target(whole, source, "account") is whole
    assert rename_target(other, {"x-ms-rename-source": "/fs/a"}, "account") is other
    assert rename_target(parse_target("GET", "/fs/c"), source, "account").account == "fs"


def test_properties_become_metadata() -> None:
    assert metadata_headers("a=MQ==,b=") == {"x-ms-meta-a": "1", "x-ms-meta-b": ""}
    assert metadata_headers("") == {}
    for wrong in ("a", "=MQ==", "a=!", "a=w6k=", "a=DQo="):
        with pytest.raises(Refused, match="InvalidPropertyName"):
            metadata_headers(wrong)
