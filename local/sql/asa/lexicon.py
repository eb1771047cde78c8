"""The lexical rules of Stream Analytics: T-SQL's quotes, brackets and comments; every word is a word."""

from __future__ import annotations

import math
import re
from typing import ClassVar, Final

from sqlglot import TokenType, tokens
from sqlglot.dialects.dialect import Dialect

from local.sql.asa.errors import QuerySyntaxError
from local.sql.asa.values import GREATEST_BIGINT
from local.sql.tokens import Lexicon, strict
from local.sql.tree import Position

_NUMBER: Final = re.compile(r"([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_RESERVED: Final = frozenset(
    (
        *("AND", "APPLY", "AS", "BETWEEN", "BY", "CASE", "CAST", "CREATE", "CROSS", "DISTINCT", "ELSE", "END"),
        *("EXISTS", "FROM", "FULL", "GROUP", "HAVING", "IN", "INNER", "INTO", "IS", "JOIN", "LEFT", "LIKE", "NOT"),
        *("NULL", "ON", "OR", "ORDER", "OUTER", "OVER", "RIGHT", "SELECT", "THEN", "TRY_CAST", "UNION", "WHEN"),
        *("WHERE", "WITH"),
    )
)  # LEFT and RIGHT are functions too


class StreamAnalytics(Dialect):
    """sqlglot's settings."""

    class Tokenizer(tokens.Tokenizer):
        IDENTIFIERS: ClassVar[list[str | tuple[str, str]]] = [("[", "]"), '"']
        QUOTES: ClassVar[list[tuple[str, str] | str]] = ["'"]
        STRING_ESCAPES: ClassVar[list[str]] = ["'"]
        COMMENTS: ClassVar[list[str | tuple[str, str]]] = ["--", ("/*", "*/")]
        KEYWORDS: ClassVar[dict[str, TokenType]] = dict.fromkeys(("<=", ">=", "<>", "!=", "!<", "!>"), TokenType.NEQ)


def _name(written: str) -> str:
    closing = written[-1]
    name = written[1:-1].replace(2 * closing, closing)
    if not name:
        raise ValueError("an empty name")
    return name


def _string(written: str) -> str:
    return written[written.index("'") + 1 : -1].replace("''", "'")


def _number(written: str) -> int | float:
    """A whole number is a bigint."""
    if not _NUMBER.fullmatch(written):
        raise ValueError(f"{written!r} is no number")
    value = float(written)
    if not written.isdecimal():
        if math.isinf(value):
            raise ValueError(f"{written} does not fit in a float")
        return value
    if value > 2 * GREATEST_BIGINT or int(written) > GREATEST_BIGINT:
        raise ValueError(f"{written} does not fit in a bigint")
    return int(written)


def _error(at: Position, why: str, near: str) -> QuerySyntaxError:
    return QuerySyntaxError(at, why)


LEXICON: Final = Lexicon(
    dialect=strict(StreamAnalytics),
    closed=re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\[(?:[^\]]|\]\])*\]|--[^\n]*|/\*.*?\*/|/\*|.""", re.DOTALL),
    reserved=_RESERVED,
    name=_name,
    string=_string,
    number=_number,
    error=_error,
)
