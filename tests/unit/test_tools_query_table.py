"""Query results as a table: columns of what came back, cut to what fits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tools.query.table import tabulate


def test_columns_come_in_the_order_in_which_documents_name_them() -> None:
    table = tabulate([{"id": "1", "pk": "a"}, {"id": "2", "epoch": 5}], width=80)
    assert table.columns == ("id", "pk", "epoch")
    assert table.rows == (("1", "a", ""), ("2", "", "5"))
    assert table.left_out == ()


def test_system_properties_are_not_shown() -> None:
    assert tabulate([{"id": "1", "_ts": 1, "_etag": "x", "_rid": "y"}], 80).columns == ("id",)


def test_nested_values_null_and_booleans_are_json() -> None:
    row = tabulate([{"a": {"b": [1]}, "c": None, "d": True, "e": "text"}], 80).rows[0]
    assert row == ('{"b": [1]}', "null", "true", "text")


def test_wide_values_are_cut_and_kept_on_one_line() -> None:
    ((cell,),) = tabulate([{"a": "x" * 100}], 80).rows
    assert cell == "x" * 39 + "…"
    assert tabulate([{"a": "one\ntwo"}], 80).rows == (("one⏎two",),)


def test_what_a_terminal_would_obey_is_spelled_out() -> None:
    assert tabulate([{"a\x1b": "b\x1b[2J"}], 80).rows == (("b\\x1b[2J",),)
    assert tabulate([{"a\x1b": "b"}], 80).columns == ("a\\x1b",)


def test_columns_without_room_are_named() -> None:
    table = tabulate([{"id": "1" * 20, "first": "x" * 30, "second": "y" * 30}], width=60)
    assert table.columns == ("id", "first")
    assert table.left_out == ("second",)


def test_scalars_have_a_column_of_their_own() -> None:
    table = tabulate([42, None], 80)
    assert (table.columns, table.rows) == (("value",), (("42",), ("null",)))


@given(
    st.lists(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.text(max_size=60)), min_size=1),
    st.integers(50, 200),
)
def test_a_table_never_outgrows_its_width(documents: list[dict[str, str]], width: int) -> None:
    table = tabulate(documents, width)
    if not table.columns:
        return
    widths = [max(map(len, column)) for column in zip(table.columns, *table.rows, strict=True)]
    assert sum(widths) + 3 * len(widths) + 1 <= width
    assert len(table.rows) == len(documents)
