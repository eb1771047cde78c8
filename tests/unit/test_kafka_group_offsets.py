"""The file of committed offsets: what it keeps, for how long, and what it refuses to be."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.eventhubs.kafka.groups.store import Committed, OffsetsUnavailable, Place, Store

FIRST, SECOND = Place("readings", 0), Place("readings", 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kafka-groups.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = Store(path)
    yield opened
    opened.close()


def test_the_latest_commit_counts_and_survives_a_restart(store: Store, path: Path) -> None:
    store.commit("g", "consumer", [(FIRST, Committed(3, 0, "a")), (SECOND, Committed(5, -1, None))], 1)
    store.commit("g", "", [(FIRST, Committed(4, 0, "b"))], 2)
    store.close()
    again = Store(path)
    assert again.offsets("g") == {FIRST: Committed(4, 0, "b"), SECOND: Committed(5, -1, None)}
    assert again.groups() == {"g": "consumer"}
    assert again.group("g") == "consumer"
    again.close()


def test_another_process_sees_a_commit_as_soon_as_it_returns(store: Store, path: Path) -> None:
    store.commit("g", "", [(FIRST, Committed(3, 0, "a"))], 1)
    with sqlite3.connect(path) as reader:
        assert reader.execute("SELECT offset FROM offsets").fetchall() == [(3,)]


def test_a_group_is_gone_with_the_last_of_its_offsets(store: Store) -> None:
    store.commit("g", "", [(FIRST, Committed(3, 0, "")), (SECOND, Committed(3, 0, ""))], 1)
    store.delete("g", [FIRST])
    assert list(store.offsets("g")) == [SECOND]
    store.delete("g", [SECOND])
    assert store.group("g") is None
    store.delete("g")


def test_what_nobody_has_used_for_long_expires(store: Store) -> None:
    for group in ("old", "touched", "new"):
        store.commit(group, "", [(FIRST, Committed(3, 0, ""))], 1_000 if group != "new" else 9_000)
    store.touch(["touched", "never heard of"], 5_000)
    assert store.expire(2_000) == ["old"]
    assert sorted(store.groups()) == ["new", "touched"]
    assert not store.offsets("old")


def test_a_failed_commit_keeps_nothing(store: Store) -> None:
    broken = [(FIRST, Committed(3, 0, "")), (SECOND, Committed(None, 0, ""))]  # type: ignore[arg-type]
    with pytest.raises(OffsetsUnavailable):
        store.commit("g", "", broken, 1)
    assert store.group("g") is None
    store.commit("g", "", [(FIRST, Committed(3, 0, ""))], 1)


@pytest.mark.parametrize("contents", [b"not a database" * 100, None])
def test_a_file_that_is_something_else_is_refused(path: Path, contents: bytes | None) -> None:
    if contents is None:
        with sqlite3.connect(path) as database:
            database.execute("PRAGMA user_version = 99")
    else:
        path.write_bytes(contents)
    with pytest.raises(OffsetsUnavailable, match=str(path)):
        Store(path)
