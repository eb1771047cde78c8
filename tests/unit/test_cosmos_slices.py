"""What a WHERE pins down is looked up by index: which keys and ids a query leaves to read, and what that reads."""

from __future__ import annotations

import sqlite3
from typing import Any

import orjson
import pytest

from local.cosmos import schema
from local.cosmos.catalog import Container, Database
from local.cosmos.index_terms import IndexTerms
from local.cosmos.partition_key import parse_definition
from local.cosmos.slices import Slice, documents, narrow
from local.sql.cosmos.select import compile_select


def container(*paths: str) -> Container:
    definition = {"paths": list(paths), "kind": "MultiHash" if len(paths) > 1 else "Hash", "version": 2}
    return Container(
        number=1, database=Database(1, {"id": "d"}), body={"id": "c"}, partition_key=parse_definition(definition),
        unique_keys=(), default_ttl=None, index_terms=IndexTerms({}), last_number=0, lsn=0,
    )  # fmt: skip


def narrowed(where: str, *paths: str) -> Slice:
    return narrow(Slice(container(*paths), now=0), compile_select(f"SELECT * FROM c WHERE {where}", {}))


@pytest.mark.parametrize(
    ("where", "keys", "ids"),
    [
        ("c.pk = 'a'", ('["a"]',), None),
        ("c.pk IN ('a', 1, null) AND c.n > 1", ('["a"]', "[1]", "[null]"), None),
        ("c.id = 'x' AND c.pk = 'a'", ('["a"]',), ("x",)),
        ("(c.pk = 'a' AND c.id = 'x') OR (c.pk = 'b' AND c.id = 'y')", ('["a"]', '["b"]'), ("x", "y")),
        ("c.pk = 'a' OR c.n = 1", None, None),
        ("c.pk > 'a'", None, None),
        ("c.pk = [1]", None, None),
        ("NOT c.pk = 'a'", None, None),
        ("c.pk = c.other", None, None),
    ],
)  # fmt: skip
def test_keys_and_ids(where: str, keys: Any, ids: Any) -> None:
    slice_ = narrowed(where, "/pk")
    assert (slice_.keys, slice_.ids) == (keys, ids)


def test_levels_of_a_hierarchy() -> None:
    paths = ("/a", "/b")
    assert narrowed("c.a IN (1, 2) AND c.b = 'x'", *paths).keys == ('[1,"x"]', '[2,"x"]')
    assert narrowed("c.a IN (1, 2)", *paths).key_prefixes == ("[1,", "[2,")
    assert narrowed("c.b = 'x'", *paths).key_prefixes is None
    many = ", ".join(map(str, range(200)))
    assert narrowed(f"c.a IN ({many})", *paths).key_prefixes is None


def test_a_prefix_reads_what_begins_with_it_and_nothing_else() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    schema.create_documents(connection, 1)
    tenants: list[Any] = [1, 10, 1.5, "1", "a", "a,", "a-", None, True, -1]
    for number, tenant in enumerate(tenants, 1):
        key = orjson.dumps([tenant, "u"]).decode()
        connection.execute(
            "INSERT INTO documents_1 (number, key, id, lsn, etag, ts, body) VALUES (?, ?, ?, ?, '', 0, ?)",
            (number, key, str(number), number, orjson.dumps(tenant)),
        )
    for tenant in tenants:
        slice_ = narrowed(f"c.a = {orjson.dumps(tenant).decode()}", "/a", "/b")
        assert slice_.key_prefixes is not None
        assert [orjson.loads(body) for _, body in documents(connection, slice_)] == [tenant]
    plan = connection.execute(
        "EXPLAIN QUERY PLAN SELECT number FROM documents_1 WHERE key >= '[1,' AND key < '[1-'"
    ).fetchall()
    assert "documents_1_id" in plan[0][-1]


def test_a_prefix_in_the_header_holds_whatever_the_query_asks_for() -> None:
    within = Slice(container("/a", "/b"), now=0, key_prefixes=("[1,",))
    other = narrow(within, compile_select("SELECT * FROM c WHERE c.a = 2", {}))
    assert other.key_prefixes == ("[1,",)
    whole = narrow(within, compile_select("SELECT * FROM c WHERE c.a = 2 AND c.b = 3", {}))
    assert (whole.keys, whole.key_prefixes) == (("[2,3]",), ("[1,",))
