"""The engine under both dialects: no word of a query vanishes, each has its place, operators bind as they should."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.sql import tree
from local.sql.asa.errors import QuerySyntaxError as AsaSyntaxError
from local.sql.asa.grammar import parse as parse_script
from local.sql.asa.lexicon import LEXICON as ASA
from local.sql.cosmos.errors import QuerySyntaxError as CosmosSyntaxError
from local.sql.cosmos.grammar import parse as parse_query
from local.sql.cosmos.lexicon import LEXICON as COSMOS
from local.sql.tokens import Cursor, Kind, Lexicon

BOTH = pytest.mark.parametrize("lexicon", [ASA, COSMOS], ids=["asa", "cosmos"])
BLANK = re.compile(r"(\s|--[^\n]*|/\*.*?\*/)*", re.DOTALL)
PIECES = (
    *("SELECT", "a", "_b1", "é", "@p", "'x''y'", '"n"', "[c]", "`d`", "1", "1.5e3", ".5", "0x1F", "12ab", "''", "'"),
    *(" ", "\n", "\t", "-- c\n", "/* c */", "/*", "{#", "#}", "{", "}", "{{", "{%", "$", "#", "\\", "N'x'", "\u00a0"),
    *("(", ")", "[", "]", ".", ",", ";", ":", "?", "??", "!", "!=", "<>", "<=", ">>>", "||", "|", "~", "^", "&", "%"),
)


def tokens(text: str, lexicon: Lexicon) -> list[tuple[Kind, str, int, tree.Position]]:
    cursor = Cursor(text, "q", lexicon)
    found = []
    while cursor.token.kind is not Kind.END:
        at = cursor.at
        token = cursor.take()
        found.append((token.kind, token.text, token.start, at))
    return found


@BOTH
@given(text=st.lists(st.sampled_from(PIECES)).map("".join))
def test_what_is_between_tokens_is_blank_or_a_comment(text: str, lexicon: Lexicon) -> None:
    try:
        found = tokens(text, lexicon)
    except (AsaSyntaxError, CosmosSyntaxError):
        return
    end = 0
    for _, written, start, at in found:
        assert BLANK.fullmatch(text, end, start), (text, text[end:start])
        end = start + len(written)
        assert text[start:end] == written
        lines = text[:start].split("\n")
        assert at == ("q", len(lines), len(lines[-1]) + 1)
    assert BLANK.fullmatch(text, end), (text, text[end:])


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("SELECT 'a' FROM 'b", "1:17"), ("SELECT a /* b", "1:10"), ("SELECT 12ab", "1:8"),
        ("SELECT\n  a,\n  $b", "3:3"), ("SELECT 1.2.3", "1:8"), ("SELECT 1e999", "1:8"),
    ],
)  # fmt: skip
def test_what_is_no_token_is_refused_where_it_is(text: str, place: str) -> None:
    with pytest.raises(AsaSyntaxError) as refused:
        parse_script(text, "q")
    assert str(refused.value).startswith(f"q:{place}: ")
    with pytest.raises(CosmosSyntaxError) as near:
        parse_query(text)
    line, column = map(int, place.split(":"))
    assert text.split("\n")[line - 1][column - 1 :].startswith(near.value.near[:4])


def test_a_comment_of_jinja_is_none() -> None:
    with pytest.raises(AsaSyntaxError, match="1:8: "):
        parse_script("SELECT {# a #} b", "q")
    with pytest.raises(CosmosSyntaxError, match="near '#'"):
        parse_query("SELECT {# a #} b")


def test_both_dialects_read_the_same_condition_into_the_same_tree() -> None:
    condition = "1 + 2 * 3 > 4 AND 'a' NOT LIKE 'b' AND (5 IN (6, 7) OR 8 NOT BETWEEN 9 AND 10)"
    script = parse_script(f"SELECT a FROM b WHERE {condition}", "query").queries[0]
    assert parse_query(f"SELECT a FROM b WHERE {condition}").where == script.where  # type: ignore[union-attr]
    assert isinstance(script.where, tree.Connective)  # type: ignore[union-attr]


def test_each_dialect_binds_not_in_its_own_way() -> None:
    script = parse_script("SELECT a FROM b WHERE NOT 1 = 2", "q").queries[0]
    assert isinstance(script.where, tree.Not)  # type: ignore[union-attr]
    assert isinstance(parse_query("SELECT a FROM b WHERE NOT 1 = 2").where, tree.Binary)


def test_a_comparison_of_comparisons_is_cosmos_db_alone() -> None:
    assert isinstance(parse_query("SELECT a FROM b WHERE 1 = 2 = 3").where, tree.Binary)
    for condition in (
        "1 = 2 ^= 3",
        "c = 1 OR d = 2 AND NOT 1 = 2 ^= 3",
        "c = 1 AND d = 2 ^BETWEEN 3 AND 4",
        "NOT c IS NULL ^IN (1)",
    ):
        place = len("SELECT a FROM b WHERE ") + condition.index("^") + 1
        with pytest.raises(AsaSyntaxError, match=f"q:1:{place}: "):
            parse_script(f"SELECT a FROM b WHERE {condition.replace('^', '')}", "q")
