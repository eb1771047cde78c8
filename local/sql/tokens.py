"""The words of a query: sqlglot's tokenizer, set to the lexical rules of a dialect, and a cursor over them.

Only the tokenizer is sqlglot's. Its parsers read thirty dialects and forgive in all of them (a comma too many, BETWEEN
without AND, ALL, two strings side by side vanish without a trace) and keep no position for most of what they read; a
query that runs on a laptop and is refused in Azure helps nobody, so grammars of our own read the tokens.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple, TypeVar

import sqlglot
from sqlglot import TokenType
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import TokenError

from local.sql.tree import Position

_Item = TypeVar("_Item")

_WORD: Final = re.compile(r"[^\W\d]\w*")
_MOST_NESTED: Final = 80  # levels; reading one takes some six frames of Python's thousand


class Kind(Enum):
    """What a token is."""

    WORD = "word"
    NAME = "name in quotes or brackets"
    PARAMETER = "parameter"
    STRING = "string"
    NUMBER = "number"
    SIGN = "sign"
    END = "end"


class Token(NamedTuple):
    """One token: its text, what a word or a sign is in capitals, and what a name, a string or a number says."""

    kind: Kind
    text: str
    upper: str
    value: Any
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


_KINDS: Final = {
    TokenType.VAR: Kind.WORD,
    TokenType.IDENTIFIER: Kind.NAME,
    TokenType.STRING: Kind.STRING,
    TokenType.NATIONAL_STRING: Kind.STRING,
    TokenType.NUMBER: Kind.NUMBER,
    TokenType.HEX_STRING: Kind.NUMBER,
}
_END_OF_NUMBER: Final = (Kind.WORD, Kind.NAME, Kind.STRING, Kind.NUMBER)


@dataclass(frozen=True)
class Lexicon:
    """The lexical rules of a dialect.

    Attributes:
        dialect: sqlglot's part of them.
        closed: what is closed (quotes, comments), or else any one character: to find what is not.
        reserved: words, in capitals, that are no names unless in quotes or brackets.
        name: what a name in its quotes or brackets says; raises `ValueError` with the reason if it is none.
        string: the same of a string ...
        number: ... and of a number.
        error: the dialect's error of a place, what is wrong there, and the text that stands there.
    """

    dialect: Dialect
    closed: re.Pattern[str]
    reserved: frozenset[str]
    name: Callable[[str], str]
    string: Callable[[str], str]
    number: Callable[[str], int | float]
    error: Callable[[Position, str, str], Exception]


def strict(dialect: type[Dialect]) -> Dialect:
    """`dialect` without {# ... #}: a comment to sqlglot, in every dialect; here it would be text that vanishes."""
    dialect.tokenizer_class._COMMENTS.pop("{#", None)
    return dialect()


def _touch(tokens: Sequence[Token], start: int) -> bool:
    """Whether nothing is between the last token and `start`."""
    return bool(tokens) and tokens[-1].end == start


class Cursor:
    """Goes over the tokens of a text, and knows where each one is."""

    def __init__(self, text: str, file: str, lexicon: Lexicon) -> None:
        """Raises the dialect's error for text that is not made of tokens (an open quote, 12ab, ...)."""
        self.text = text
        self._file = file
        self._lexicon = lexicon
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]
        self._reads: Mapping[Kind, Callable[[str], Any]] = {
            Kind.NAME: lexicon.name, Kind.STRING: lexicon.string, Kind.NUMBER: lexicon.number,
        }  # fmt: skip
        self._index = 0
        self._depth = 0
        self._tokens = self._read()

    def _read(self) -> list[Token]:
        text, tokens = self.text, list[Token]()
        try:
            found = self._lexicon.dialect.tokenize(text)
        except TokenError:
            closed = self._lexicon.closed.finditer(text)
            start = next((each.start() for each in closed if each[0] in ("'", '"', "[", "/*")), len(text.rstrip()))
            raise self._wrong(start, text[start : start + 20], "a quote or a comment is not closed") from None
        for token in found:
            self._add(tokens, token)
        tokens.append(Token(Kind.END, "", "", None, len(text.rstrip())))
        return tokens

    def _add(self, tokens: list[Token], token: sqlglot.Token) -> None:
        start, text = token.start, self.text[token.start : token.end + 1]
        kind = _KINDS.get(token.token_type, Kind.SIGN)
        sign = tokens[-1].text if _touch(tokens, start) else ""
        if (sign == "@" and kind is Kind.WORD) or (sign == "." and kind is Kind.NUMBER):
            kind = Kind.PARAMETER if sign == "@" else kind
            start, text = start - 1, sign + text
            tokens.pop()
        if _touch(tokens, start) and tokens[-1].kind is Kind.NUMBER and kind in _END_OF_NUMBER:
            both = tokens[-1].text + text
            raise self._wrong(tokens[-1].start, both, f"{both!r} is neither a number nor a name")
        if token.token_type is TokenType.UNKNOWN or (kind is Kind.WORD and not _WORD.fullmatch(text)):
            raise self._wrong(start, text, f"{text!r} cannot be read")
        upper = text.upper() if kind in (Kind.WORD, Kind.SIGN) else ""
        tokens.append(Token(kind, text, upper, self._value(kind, text, start), start))

    def _value(self, kind: Kind, text: str, start: int) -> Any:
        read = self._reads.get(kind)
        if read is None:
            return None
        try:
            return read(text)
        except ValueError as error:
            raise self._wrong(start, text, str(error)) from None

    def _wrong(self, offset: int, near: str, why: str) -> Exception:
        return self._lexicon.error(self._position(offset), why, near)

    def _position(self, offset: int) -> Position:
        line = bisect_right(self._lines, offset)
        return Position(self._file, line, offset - self._lines[line - 1] + 1)

    @property
    def token(self) -> Token:
        """The token that is read next."""
        return self._tokens[self._index]

    @property
    def at(self) -> Position:
        """Where the next token is."""
        return self._position(self.token.start)

    @property
    def touches(self) -> bool:
        """Whether nothing is between the next token and the one before."""
        return self._index > 0 and self._tokens[self._index - 1].end == self.token.start

    def ahead(self, by: int = 1) -> Token:
        """The token `by` places on, or the end."""
        return self._tokens[min(self._index + by, len(self._tokens) - 1)]

    def fail(self, expected: str) -> Exception:
        """The dialect's error for a next token that is not what the grammar wants."""
        token = self.token
        found = "the end of the query" if token.kind is Kind.END else repr(token.text)
        return self._wrong(token.start, token.text, f"expected {expected}, found {found}")

    def error(self, why: str) -> Exception:
        """The dialect's error for something else that is wrong here."""
        return self._wrong(self.token.start, self.token.text, why)

    def next_is(self, *words: str, ahead: int = 0) -> bool:
        """Whether the next tokens (after `ahead` of them) are these words or signs."""
        return all(self.ahead(ahead + place).upper == word for place, word in enumerate(words))

    def take(self) -> Token:
        """The next token, which is behind us then."""
        token = self.token
        if token.kind is Kind.END:
            raise self.fail("more")
        self._index += 1
        return token

    def accept(self, *words: str) -> bool:
        """Go past these words or signs, if they are next."""
        if not self.next_is(*words):
            return False
        self._index += len(words)
        return True

    def expect(self, *words: str) -> None:
        """Go past these words or signs, which must be next."""
        if not self.accept(*words):
            raise self.fail(" ".join(words))

    def is_name(self) -> bool:
        """Whether a name that is no reserved word is next."""
        token = self.token
        return token.kind is Kind.NAME or (token.kind is Kind.WORD and token.upper not in self._lexicon.reserved)

    def name(self, what: str) -> str:
        """A name, in quotes or brackets or not; `what` it is to name."""
        if not self.is_name():
            raise self.fail(what)
        token = self.take()
        return token.text if token.kind is Kind.WORD else str(token.value)

    def string(self) -> str | None:
        """A 'text', if one is next."""
        return str(self.take().value) if self.token.kind is Kind.STRING else None

    def commas(self, read: Callable[[], _Item]) -> tuple[_Item, ...]:
        """One item or more, with commas between."""
        items = [read()]
        while self.accept(","):
            items.append(read())
        return tuple(items)

    @contextmanager
    def nesting(self) -> Iterator[None]:
        """For reading something that may hold itself, to a depth that the stack can bear."""
        if self._depth >= _MOST_NESTED:
            raise self.error("nested too deeply")
        self._depth += 1
        yield
        self._depth -= 1
