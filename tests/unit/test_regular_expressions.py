"""Regular expressions of queries: what they know, how large they may be, and that each search ends."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.sql import regular_expressions
from local.sql.asa.errors import EvaluationError as JobStops
from local.sql.cosmos.errors import EvaluationError
from local.sql.cosmos.select import compile_select
from local.sql.regular_expressions import LARGEST, VERBOSE, GivenUp, pattern, search
from tests.unit.asa_queries import value

CATASTROPHE = ("(a|a)*$", "a" * 60 + "b")
PIECES = (
    *("a", "b", "(", "(?:", "(?=", "(?<=", "(?P<n>", "(?i)", "(?#", ")", "[", "[^", "]", "[:alpha:]", "\\", "\\d"),
    *("\\1", "*", "+", "?", "{", "}", "{2}", "{2,}", "{,3}", "{9999}", "|", "^", "$", ".", "#", "\n", "\\p{L}", "(?R)"),
)


def found(text: str, searched: str, flags: int = 0) -> str | None:
    compiled = pattern(text, flags)
    assert compiled is not None
    match = search(compiled, searched)
    return match[0] if match else None


@pytest.mark.parametrize(
    ("text", "searched", "match"),
    [
        ("(?i)B+", "abBc", "bB"), (r"\p{Lu}\d", "aÉ7", "É7"), ("(?<year>[0-9]{4})-(?&year)", "1999-2026", "1999-2026"),
        ("[[:alpha:]]+", "12ab3", "ab"), (r"a\Kb", "ab", "b"), ("(?>a+)b", "aab", "aab"),
        (r"\((?:[^()]|(?R))*\)", "(a(b)", "(b)"),
    ],
)  # fmt: skip
def test_syntax_of_pcre_and_ecmascript(text: str, searched: str, match: str) -> None:
    assert found(text, searched) == match


@pytest.mark.parametrize(
    ("text", "searched"),
    [
        ("{e}", "{e}"),
        ("a{i<=2}", "a{i<=2}"),
        ("[{]a{,3}", "{a{,3}"),
        ("{{2}", "{{"),
        (r"\{x}", "{x}"),
        ("x{1,2", "x{1,2"),
    ],
)
def test_a_brace_that_begins_no_quantifier_stands_for_itself(text: str, searched: str) -> None:
    assert found(text, f"..{searched}..") == searched
    assert found(text, "nothing of the kind") is None


@pytest.mark.parametrize("text", ["(", "*a", "[a", "a{2}{3}", r"\Qa\E", "(?<n", "(" * 5000 + ")" * 5000, "(?R"])
def test_what_is_no_pattern_is_none(text: str) -> None:
    assert pattern(text, 0) is None


@pytest.mark.parametrize(
    "text",
    [
        "a" * (LARGEST + 1), f"a{{{LARGEST}}}", "(a{1000}){1000}", "(?:" * 15 + "a" + "{2})" * 15,
        "(" * 25 + "ab" + "c)+" * 25, "((?=a){300}){300}", "(# )\n(a{100}){100}){100}", "a{" + "9" * 5000 + "}",
        f"[{''.join(map(chr, range(0x4E00, 0x5E00)))}]{{1000}}",
    ],
)  # fmt: skip
def test_a_pattern_that_would_become_too_large_is_none(text: str) -> None:
    """Some of these take `regex` minutes, and no other thread runs meanwhile."""
    assert pattern(text, VERBOSE if "#" in text else 0) is None


@pytest.mark.parametrize(
    "text",
    [
        f"a{{{LARGEST - 1}}}", "(?:[0-9a-f]{4}-){3}[0-9a-f]{12}" * 200, "(?:" * 40 + "ab" + "c)*" * 40,
        r"^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$", "((((((a+)+b)+c)+d)+e)+f)+", "[" + "]" * 5000 + "]",
        "[0-9A-Za-z+/=]{60000}",
    ],
)  # fmt: skip
def test_what_people_write_is_not_too_large(text: str) -> None:
    assert pattern(text, 0) is not None


@given(text=st.lists(st.sampled_from(PIECES), max_size=25).map("".join), searched=st.text("ab(1{\n", max_size=12))
def test_whatever_is_written_is_a_pattern_or_none_and_each_search_ends(text: str, searched: str) -> None:
    compiled = pattern(text, 0)
    with pytest.MonkeyPatch.context() as patch, suppress(GivenUp):
        patch.setattr(regular_expressions, "SECONDS", 0.02)
        if compiled is not None:
            search(compiled, searched)


def test_a_search_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regular_expressions, "SECONDS", 0.05)
    with pytest.raises(GivenUp, match=r"on a text of 61 characters: given up after 0\.05 s"):
        found(*CATASTROPHE)
    with pytest.raises(JobStops, match=r"^q\.asaql:1:8: REGEXMATCH\(\): the regular expression takes too much"):
        value("REGEXMATCH(s, p)", p=CATASTROPHE[0], s=CATASTROPHE[1])
    query = compile_select("SELECT VALUE REGEXMATCH(c.s, @p) FROM c", {"@p": CATASTROPHE[0]})
    with pytest.raises(EvaluationError, match=r"^REGEXMATCH: the regular expression takes too much"):
        list(query.evaluate([{"s": CATASTROPHE[1]}]))


def test_other_threads_run_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regular_expressions, "SECONDS", 0.3)
    over = threading.Event()
    turns = 0

    def given_up() -> None:
        with pytest.raises(GivenUp):
            found(*CATASTROPHE)
        over.set()

    thread = threading.Thread(target=given_up)
    thread.start()
    while not over.wait(0.001):
        turns += 1
    thread.join()
    assert turns > 10
