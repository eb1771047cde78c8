"""The words of a query: text in, tokens out, and a cursor over them for the grammar.

Lexical rules: https://learn.microsoft.com/azure/cosmos-db/nosql/query/constants, and the grammar that the .NET SDK
publishes (sql.g4 of Azure/azure-cosmos-dotnet-v3).
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Any, Final, NamedTuple

from local.sql.cosmos.errors import QuerySyntaxError

_TOKEN: Final = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
    |(?P<number>0[xX][0-9a-fA-F]+|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?!\w)
    |(?P<word>[^\W\d]\w*)
    |(?P<parameter>@[^\W\d]\w*)
    |(?P<string>"(?:[^"\\\x00-\x1f]|\\.)*"|'(?:[^'\\\x00-\x1f]|\\.)*')
    |(?P<sign>\?\?|\|\||<<|>>>|>>|<=|>=|<>|!=|[?:|&^~<>=+\-*/%()\[\]{},.])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(r"(?:\\u[0-9a-fA-F]{4})+|\\.", re.DOTALL)
_ESCAPED: Final = {
    "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "\\": "\\", "/": "/", "'": "'", '"': '"',
}  # fmt: skip

# Keywords are no names, not even after a dot: c["order"] is how to say it
# (https://learn.microsoft.com/azure/cosmos-db/nosql/query/working-with-json#reserved-keywords-and-special-characters).
RESERVED: Final = frozenset(
    (
        *("AND", "ARRAY", "AS", "ASC", "BETWEEN", "BY", "DESC", "DISTINCT", "EXISTS", "FALSE", "FROM", "GROUP", "IN"),
        *("JOIN", "LIKE", "NOT", "NULL", "OR", "ORDER", "SELECT", "TOP", "TRUE", "UNDEFINED", "VALUE", "WHERE"),
    )
)
# Names everywhere else, but not of what they follow without AS: other databases' clauses are not to pass for aliases.
NO_ALIAS: Final = RESERVED | frozenset(
    (
        *("ALL", "CROSS", "ESCAPE", "EXCEPT", "FETCH", "FOR", "FULL", "HAVING", "INNER", "INTERSECT", "INTO", "IS"),
        *("LEFT", "LIMIT", "NATURAL", "OFFSET", "ON", "OUTER", "OVER", "QUALIFY", "RIGHT", "UNION", "USING", "WINDOW"),
        "WITH",
    )
)


class Kind(Enum):
    """What a token is."""

    NUMBER = "number"
    WORD = "word"
    PARAMETER = "parameter"
    STRING = "string"
    SIGN = "sign"
    END = "end"


class Token(NamedTuple):
    """One token: its text, in capitals too for words, and the value of a literal."""

    kind: Kind
    text: str
    upper: str = ""
    value: Any = None


def _unescape(found: re.Match[str]) -> str:
    text = found[0]
    if text[1] == "u" and len(text) > 2:
        units = b"".join(int(code, 16).to_bytes(2, "big") for code in text.split("\\u")[1:])
        return units.decode("utf-16-be", "replace")
    if text[1] not in _ESCAPED:
        raise QuerySyntaxError(text)
    return _ESCAPED[text[1]]


def _number(text: str) -> float:
    if text[:2] in ("0x", "0X"):
        return int(text, 16) if len(text) < 16 else float(int(text[:200], 16))
    return int(text) if text.isdecimal() and len(text) < 19 else float(text)


def tokenize(text: str) -> list[Token]:
    """The tokens of `text`, the last of them of kind END; raises `QuerySyntaxError` at what is none."""
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise QuerySyntaxError(text[position : position + 20])
        position = found.end()
        match found.lastgroup:
            case "number":
                tokens.append(Token(Kind.NUMBER, found[0], value=_number(found[0])))
            case "string":
                tokens.append(Token(Kind.STRING, found[0], value=_ESCAPE.sub(_unescape, found[0][1:-1])))
            case "word":
                tokens.append(Token(Kind.WORD, found[0], found[0].upper()))
            case "parameter":
                tokens.append(Token(Kind.PARAMETER, found[0]))
            case "sign":
                tokens.append(Token(Kind.SIGN, found[0], found[0]))
    tokens.append(Token(Kind.END, "end of query"))
    return tokens


class Cursor:
    """A place in the tokens of a query."""

    def __init__(self, text: str) -> None:
        self._tokens = tokenize(text)
        self._at = 0

    @property
    def token(self) -> Token:
        return self._tokens[self._at]

    def ahead(self, by: int = 1) -> Token:
        """The token `by` places on, or the last."""
        return self._tokens[min(self._at + by, len(self._tokens) - 1)]

    def next(self) -> Token:
        """Take the current token."""
        token = self._tokens[self._at]
        if token.kind is not Kind.END:
            self._at += 1
        return token

    def at(self, *words: str) -> bool:
        """Whether the current tokens are these words or signs, in this order."""
        if self._tokens[self._at].upper != words[0]:
            return False
        return all(self.ahead(place).upper == word for place, word in enumerate(words[1:], 1))

    def take(self, *words: str) -> bool:
        """Take these words or signs, if the current tokens are they."""
        if not self.at(*words):
            return False
        self._at += len(words)
        return True

    def expect(self, *words: str) -> None:
        """Take these words or signs; raises `QuerySyntaxError` if the current tokens are others."""
        for word in words:
            if not self.take(word):
                raise self.wrong()

    def name(self) -> str:
        """Take a name."""
        if self.token.kind is not Kind.WORD or self.token.upper in RESERVED:
            raise self.wrong()
        return self.next().text

    def alias(self) -> str | None:
        """Take `[AS] name` if it is there."""
        if self.take("AS"):
            return self.name()
        if self.token.kind is Kind.WORD and self.token.upper not in NO_ALIAS:
            return self.next().text
        return None

    def wrong(self) -> QuerySyntaxError:
        """The error of the current token, which may not stand here."""
        return QuerySyntaxError(self.token.text)
