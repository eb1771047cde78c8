"""A flat list of blobs as a tree of paths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.datalake.errors import Refused
from local.datalake.listing import Entry, Token, parse_blobs, with_directories


def tree(*names: str, root: str = "", before: str = "", marked: set[str] | None = None) -> list[str]:
    entries = [Entry(name.removesuffix("*"), name.endswith(("*", "/"))) for name in names]
    found = with_directories(entries, root, before, set() if marked is None else marked)
    return [path.name for group in found for path in group]


def test_a_directory_comes_once_and_before_what_is_in_it() -> None:
    assert tree("a/1", "a/b/2", "a/b/3", "c") == ["a", "a/1", "a/b", "a/b/2", "a/b/3", "c"]


def test_a_directory_that_is_a_blob_itself_is_not_given_again() -> None:
    assert tree("a*", "a-b", "a/1") == ["a", "a-b", "a/1"]


def test_what_came_before_the_page_is_not_given_again() -> None:
    assert tree("a/b/2", before="a/1") == ["a/b", "a/b/2"]
    assert tree("a/1", before="a-b", marked={"a"}) == ["a/1"]


def test_the_listed_directory_itself_is_not_given() -> None:
    assert tree("x/y/1", "x/y/z/2", root="x/y/") == ["x/y/1", "x/y/z", "x/y/z/2"]


def test_a_prefix_stands_for_a_directory() -> None:
    assert tree("a/", "b") == ["a", "b"]


def test_a_directory_that_only_its_content_shows_has_no_time_rather_than_an_empty_one() -> None:
    shown = Entry("a", True).as_json()
    assert (shown["name"], shown["isDirectory"]) == ("a", "true")
    assert not {"etag", "lastModified", "creationTime"} & shown.keys()


names = st.text("ab/-", min_size=1, max_size=6).filter(lambda name: "//" not in name and name.strip("/") == name)


@given(st.lists(names, max_size=8))
def test_every_path_has_its_parents_before_it_and_none_comes_twice(found: list[str]) -> None:
    blobs = sorted(set(found))
    paths = tree(*(name for name in blobs if not any(other.startswith(f"{name}/") for other in blobs)))
    assert len(paths) == len(set(paths))
    for at, path in enumerate(paths):
        parent = path.rpartition("/")[0]
        assert not parent or parent in paths[:at]


def test_azurite_s_answer_is_read() -> None:
    xml = b"""\xef\xbb\xbf<?xml version="1.0"?><EnumerationResults><Blobs>
      <Blob><Name>a &amp; b</Name><Properties><Content-Length>3</Content-Length><Etag>0x1</Etag></Properties></Blob>
      <Blob><Name>d</Name><Properties/><Metadata><hdi_isfolder>true</hdi_isfolder></Metadata></Blob>
      <BlobPrefix><Name>c/</Name></BlobPrefix></Blobs><NextMarker>d</NextMarker></EnumerationResults>"""
    entries, marker = parse_blobs(xml)
    assert [(entry.name, entry.is_directory, entry.length) for entry in entries] == [
        ("a & b", False, 3),
        ("c/", True, 0),
        ("d", True, 0),
    ]
    assert marker == "d"


def test_a_continuation_token_survives_the_journey_and_a_foreign_one_is_refused() -> None:
    token = Token("kind=place/日本", 2)
    assert Token.decode(token.encode()) == token
    for foreign in ("x", "", "e30=", "AAAA", "é"):
        with pytest.raises(Refused, match="continuation"):
            Token.decode(foreign)
