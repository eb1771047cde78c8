"""The words of a script: sqlglot's tokenizer, set to the lexical rules of Stream Analytics, and a cursor over them.

Only the tokenizer is sqlglot's. Its parser reads thirty dialects and forgives in all of them (a comma too many, BETWEEN
without AND, ALL, two strings side by side vanish without a trace) and keeps no position for most of what it reads; a
query that runs on a laptop and is refused in Azure helps nobody, so `grammar` reads the tokens itself.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable
from typing import ClassVar, Final, TypeVar

from sqlglot import Token, TokenType, tokens
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import TokenError

from local.sql.asa.errors import Position, QuerySyntaxError
from local.sql.asa.values import GREATEST_BIGINT

_Item = TypeVar("_Item")

_WORD = re.compile(r"[^\W\d]\w*")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
_CLOSED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\[(?:[^\]]|\]\])*\]|--[^\n]*|/\*.*?\*/|/\*|.""", re.DOTALL)
_MOST_NESTED: Final = 40  # levels of brackets; reading one takes some ten frames of Python's thousand

RESERVED: Final = frozenset(
    (
        *("AND", "APPLY", "AS", "BETWEEN", "BY", "CASE", "CAST", "CREATE", "CROSS", "DISTINCT", "ELSE", "END"),
        *("EXISTS", "FROM", "FULL", "GROUP", "HAVING", "IN", "INNER", "INTO", "IS", "JOIN", "LEFT", "LIKE", "NOT"),
        *("NULL", "ON", "OR", "ORDER", "OUTER", "OVER", "RIGHT", "SELECT", "THEN", "TRY_CAST", "UNION", "WHEN"),
        *("WHERE", "WITH"),
    )
)
"""Words that are no names unless in brackets. (LEFT and RIGHT are functions too.)"""


class StreamAnalytics(Dialect):
    """The lexical part of the language: T-SQL's quotes, brackets and comments; every word is a word."""

    class Tokenizer(tokens.Tokenizer):
        IDENTIFIERS: ClassVar[list[str | tuple[str, str]]] = [("[", "]"), '"']
        QUOTES: ClassVar[list[tuple[str, str] | str]] = ["'"]
        STRING_ESCAPES: ClassVar[list[str]] = ["'"]
        COMMENTS: ClassVar[list[str | tuple[str, str]]] = ["--", ("/*", "*/")]
        KEYWORDS: ClassVar[dict[str, TokenType]] = {
            "<=": TokenType.LTE, ">=": TokenType.GTE, "<>": TokenType.NEQ, "!=": TokenType.NEQ,
        }  # fmt: skip


# sqlglot takes {# ... #} for a comment in every dialect (Jinja); here it would be text that vanishes.
StreamAnalytics.Tokenizer._COMMENTS.pop("{#", None)

_STRINGS = frozenset((TokenType.STRING, TokenType.NATIONAL_STRING))


class Cursor:
    """Goes over the tokens of a text, and knows where each one is."""

    def __init__(self, text: str, file: str) -> None:
        """Raises `QuerySyntaxError` for text that is not made of tokens (an open quote, `?`, ...)."""
        self._file = file
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]
        self._end = len(text.rstrip())
        self._text = text
        self._index = 0
        self._depth = 0
        try:
            self._tokens = StreamAnalytics().tokenize(text)
        except TokenError:
            raise QuerySyntaxError(self._position(self._unclosed()), "a quote or a comment is not closed") from None
        for token in self._tokens:
            if (token.token_type is TokenType.VAR and not _WORD.fullmatch(token.text)) or (
                token.token_type is TokenType.UNKNOWN
            ):
                raise QuerySyntaxError(self._position(token.start), f"{token.text!r} cannot be read")

    def _unclosed(self) -> int:
        """Where what is not closed begins."""
        openings = (found.start() for found in _CLOSED.finditer(self._text) if found[0] in ("'", '"', "[", "/*"))
        return next(openings, self._end)

    def _position(self, offset: int) -> Position:
        line = bisect_right(self._lines, offset)
        return Position(self._file, line, offset - self._lines[line - 1] + 1)

    @property
    def current(self) -> Token | None:
        """The token that is read next; None at the end."""
        return self._tokens[self._index] if self._index < len(self._tokens) else None

    @property
    def at(self) -> Position:
        """Where the next token is."""
        token = self.current
        return self._position(token.start if token else self._end)

    def fail(self, expected: str) -> QuerySyntaxError:
        """The error for a next token that is not what the grammar wants."""
        token = self.current
        found = f"{self._text[token.start : token.end + 1]!r}" if token else "the end of the query"
        return QuerySyntaxError(self.at, f"expected {expected}, found {found}")

    def is_word(self, *words: str, ahead: int = 0) -> bool:
        """Whether the next tokens (after `ahead` of them) are these words."""
        place = self._index + ahead
        if place + len(words) > len(self._tokens):
            return False
        return all(
            token.token_type is TokenType.VAR and token.text.upper() == word
            for token, word in zip(self._tokens[place:], words, strict=False)
        )

    def is_kind(self, kind: TokenType, ahead: int = 0) -> bool:
        """Whether the next token (after `ahead` of them) is of a kind."""
        place = self._index + ahead
        return place < len(self._tokens) and self._tokens[place].token_type is kind

    def take(self) -> Token:
        """The next token, which is behind us then."""
        token = self.current
        if token is None:
            raise self.fail("more")
        self._index += 1
        return token

    def accept(self, *words: str) -> bool:
        """Go past these words, if they are next."""
        if not self.is_word(*words):
            return False
        self._index += len(words)
        return True

    def accept_kind(self, kind: TokenType) -> bool:
        """Go past a token of this kind, if it is next."""
        if not self.is_kind(kind):
            return False
        self._index += 1
        return True

    def expect(self, *words: str) -> None:
        """Go past these words, which must be next."""
        if not self.accept(*words):
            raise self.fail(" ".join(words))

    def expect_kind(self, kind: TokenType, shown: str) -> None:
        """Go past a token of this kind, which must be next."""
        if not self.accept_kind(kind):
            raise self.fail(shown)

    def is_name(self) -> bool:
        """Whether a name that is no reserved word is next."""
        token = self.current
        if token is None:
            return False
        if token.token_type is TokenType.IDENTIFIER:
            return True
        return token.token_type is TokenType.VAR and token.text.upper() not in RESERVED

    def name(self, what: str) -> str:
        """A name, in brackets or double quotes or not."""
        if not self.is_name():
            raise self.fail(what)
        token = self.take()
        if not token.text:
            raise QuerySyntaxError(self._position(token.start), f"expected {what}, found an empty name")
        return token.text

    def string(self) -> str | None:
        """A 'text', if one is next."""
        token = self.current
        if token is None or token.token_type not in _STRINGS:
            return None
        return self.take().text

    def number(self) -> int | float | None:
        """A number, if one is next. A whole one is a bigint."""
        token = self.current
        at = self.at
        if self.is_kind(TokenType.DOT) and self._touching(1) and self.is_kind(TokenType.NUMBER, 1):
            self.take()
            shown = "0." + self.take().text
        elif token is not None and token.token_type is TokenType.NUMBER:
            shown = self.take().text
        else:
            return None
        if self.current is not None and self._touching(0) and not self._separates(self.current):
            raise QuerySyntaxError(at, f"{shown + self.current.text!r} is neither a number nor a name")
        if not _NUMBER.fullmatch(shown):
            raise QuerySyntaxError(at, f"{shown!r} is no number")
        value = float(shown)
        if not shown.isdecimal():
            if math.isinf(value):
                raise QuerySyntaxError(at, f"{shown} does not fit in a float")
            return value
        if value > 2 * GREATEST_BIGINT or int(shown) > GREATEST_BIGINT:
            raise QuerySyntaxError(at, f"{shown} does not fit in a bigint")
        return int(shown)

    def _touching(self, ahead: int) -> bool:
        """Whether no blank is before the token `ahead`."""
        place = self._index + ahead
        return 0 < place < len(self._tokens) and self._tokens[place - 1].end + 1 == self._tokens[place].start

    @staticmethod
    def _separates(token: Token) -> bool:
        return token.token_type not in (TokenType.VAR, TokenType.NUMBER, TokenType.DOT, TokenType.IDENTIFIER, *_STRINGS)

    def index(self) -> int | None:
        """`[0]` directly after an array, if it is next: to the tokenizer it is a name in brackets."""
        token = self.current
        if token is None or token.token_type is not TokenType.IDENTIFIER or not self._touching(0):
            return None
        if self._text[token.start] != "[" or not token.text.isdecimal() or not token.text.isascii():
            return None
        return int(self.take().text)

    def commas(self, read: Callable[[], _Item]) -> tuple[_Item, ...]:
        """One item or more, with commas between."""
        items = [read()]
        while self.accept_kind(TokenType.COMMA):
            items.append(read())
        return tuple(items)

    def nested(self, read: Callable[[], _Item]) -> _Item:
        """Read something that may hold itself, to a depth that the stack can bear."""
        if self._depth >= _MOST_NESTED:
            raise QuerySyntaxError(self.at, "nested too deeply")
        self._depth += 1
        try:
            return read()
        finally:
            self._depth -= 1
