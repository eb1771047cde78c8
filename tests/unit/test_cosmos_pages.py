"""Pages of queries without a service: any documents, any page sizes, any writes and restarts in between."""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.cosmos import continuations, schema
from local.cosmos.catalog import Container, Database
from local.cosmos.continuations import Position
from local.cosmos.index_terms import IndexTerms
from local.cosmos.kept_results import KeptResults
from local.cosmos.pages import Page
from local.cosmos.partition_key import parse_definition
from local.cosmos.queries import run_page
from local.cosmos.slices import Slice
from local.sql.cosmos.select import Select, compile_select

VALUES: st.SearchStrategy[Any] = st.sampled_from([0, 1, 1.5, -1, "a", "b", "", None, True, False, [1], {"x": 1}])
DOCUMENTS = st.fixed_dictionaries({}, optional={"n": VALUES, "m": VALUES, "tags": st.lists(VALUES, max_size=3)})
STREAMING = (
    "SELECT VALUE c.id FROM c",
    "SELECT VALUE c.id FROM c WHERE c.n >= 0",
    "SELECT VALUE c.id FROM c ORDER BY c.n",
    "SELECT VALUE c.id FROM c ORDER BY c.n DESC",
    "SELECT VALUE c.id FROM c WHERE IS_DEFINED(c.m) ORDER BY c.n DESC, c.m ASC",
    "SELECT VALUE [c.id, t] FROM c JOIN t IN c.tags",
    "SELECT VALUE [c.id, t] FROM c JOIN t IN c.tags ORDER BY c.m DESC",
)
OTHERS = (
    "SELECT c.m FROM c WHERE c.n != 1",
    "SELECT TOP 4 VALUE c.id FROM c",
    "SELECT TOP 4 VALUE c.id FROM c ORDER BY c.n",
    "SELECT VALUE c.id FROM c OFFSET 2 LIMIT 3",
    "SELECT VALUE c.id FROM c ORDER BY c.n DESC OFFSET 2 LIMIT 5",
    "SELECT VALUE t FROM c JOIN t IN c.tags OFFSET 1 LIMIT 4",
    "SELECT VALUE t FROM c JOIN t IN c.tags ORDER BY c.n OFFSET 1 LIMIT 4",
    "SELECT DISTINCT VALUE c.n FROM c",
    "SELECT DISTINCT c.n, c.m FROM c ORDER BY c.n",
    "SELECT c.n, COUNT(1) AS many FROM c GROUP BY c.n",
    "SELECT VALUE COUNT(1) FROM c",
    "SELECT VALUE MAX(c.n) FROM c",
    "SELECT TOP 0 * FROM c",
)


class World:
    """A container in memory, and a reader whose every token goes through its text."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        schema.create(self.connection)
        self.connection.execute("INSERT INTO databases (number, id, body) VALUES (1, 'd', '')")
        self.connection.execute("INSERT INTO containers VALUES (1, 1, 'c', '', 0, 0)")
        schema.create_documents(self.connection, 1)
        definition = parse_definition({"paths": ["/pk"], "kind": "Hash", "version": 2})
        self.slice = Slice(
            Container(1, Database(1, {"id": "d"}), {"id": "c"}, definition, (), None, IndexTerms({}), 0, 0), now=0
        )
        self.results = KeptResults()
        self.lsn = 0

    def put(self, number: int, document: dict[str, Any]) -> None:
        self._change()
        body = orjson.dumps({"id": str(number), **document})
        self.connection.execute(
            "INSERT INTO documents_1 (number, key, id, lsn, etag, ts, body) VALUES (?1, '[1]', ?2, ?3, '', 0, ?4) "
            "ON CONFLICT (number) DO UPDATE SET body = ?4, lsn = ?3",
            (number, str(number), self.lsn, body),
        )

    def delete(self, number: int) -> None:
        self._change()
        self.connection.execute("DELETE FROM documents_1 WHERE number = ?", (number,))

    def restart(self) -> None:
        self.results = KeptResults()

    def page(self, query: Select, size: int, token: str | None) -> tuple[list[Any], str | None]:
        start: Position | None = continuations.decode(token, b"q")
        page: Page = run_page(self.connection, self.slice, query, self.results, size, start)
        following = continuations.encode(page.following, b"q") if page.following else None
        return [orjson.loads(row) for row in page.rows], following

    def whole(self, query: Select) -> list[Any]:
        return self.page(query, 10_000, None)[0]

    def _change(self) -> None:
        self.lsn += 1
        self.connection.execute("UPDATE containers SET lsn = ?", (self.lsn,))


@pytest.mark.parametrize("text", STREAMING + OTHERS)
@given(
    documents=st.lists(DOCUMENTS, max_size=12), sizes=st.lists(st.integers(1, 5), min_size=1), restarts=st.booleans()
)
@settings(max_examples=30)
def test_pages_add_up(text: str, documents: list[dict[str, Any]], sizes: list[int], restarts: bool) -> None:
    world, query = World(), compile_select(text, {})
    for number, document in enumerate(documents, 1):
        world.put(number, document)
    expected = world.whole(query)
    found: list[Any] = []
    token: str | None = None
    for turn in range(100):
        rows, token = world.page(query, sizes[turn % len(sizes)], token)
        assert rows or token is None  # no page is empty but the only one
        found += rows
        if token is None:
            break
        if restarts:
            world.restart()
    assert found == expected


WRITES = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(1, 30), DOCUMENTS),
        st.tuples(st.just("delete"), st.integers(1, 30), st.none()),
        st.tuples(st.just("restart"), st.just(0), st.none()),
    ),
    max_size=4,
)


@pytest.mark.parametrize("text", STREAMING)
@given(
    documents=st.lists(DOCUMENTS, min_size=3, max_size=14), size=st.integers(1, 4),
    writes=st.lists(WRITES, min_size=1, max_size=20),
)  # fmt: skip
@settings(max_examples=40)
def test_what_is_not_written_to_is_read_once_and_in_order(
    text: str, documents: list[dict[str, Any]], size: int, writes: list[list[tuple[str, int, Any]]]
) -> None:
    world, query = World(), compile_select(text, {})
    for number, document in enumerate(documents, 1):
        world.put(number, document)
    before = world.whole(query)
    touched: set[str] = set()
    found: list[Any] = []
    token: str | None = None
    for turn in range(200):
        rows, token = world.page(query, size, token)
        found += rows
        if token is None:
            break
        for what, number, document in writes[turn] if turn < len(writes) else ():
            if what == "restart":
                world.restart()
                continue
            touched.add(str(number))
            if what == "put":
                world.put(number, document)
            else:
                world.delete(number)

    def owner(row: Any) -> str:
        return str(row[0]) if isinstance(row, list) else str(row)

    def untouched(rows: list[Any]) -> list[Any]:
        return [row for row in rows if owner(row) not in touched]

    assert untouched(found) == untouched(before)
    if "ORDER BY" not in text:  # a place in a scan is for life: not even what changed comes twice
        seen = Counter(owner(row) for row in found)
        assert all(count <= 3 for count in seen.values()) if "JOIN" in text else len(found) == len(set(found))
