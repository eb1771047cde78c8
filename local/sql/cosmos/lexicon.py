"""The lexical rules of Cosmos DB queries: JSON's strings in either quotes, hexadecimal numbers, @parameters.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/constants, and the grammar that the .NET SDK publishes
(sql.g4 of Azure/azure-cosmos-dotnet-v3).
"""

from __future__ import annotations

import re
from typing import ClassVar, Final

from sqlglot import TokenType, tokens
from sqlglot.dialects.dialect import Dialect

from local.sql.cosmos.errors import QuerySyntaxError
from local.sql.tokens import Lexicon, strict
from local.sql.tree import Position

_NUMBER: Final = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_HEX: Final = re.compile(r"0[xX][0-9a-fA-F]+")
_STRING: Final = re.compile(r"(?:[^\\\x00-\x1f]|\\.)*", re.DOTALL)
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


class CosmosDB(Dialect):
    """sqlglot's settings. It insists on quotes for names, which the language has not: `_name` refuses them."""

    class Tokenizer(tokens.Tokenizer):
        IDENTIFIERS: ClassVar[list[str | tuple[str, str]]] = ["`"]
        QUOTES: ClassVar[list[tuple[str, str] | str]] = ["'", '"']
        STRING_ESCAPES: ClassVar[list[str]] = ["\\"]
        HEX_STRINGS: ClassVar[list[str | tuple[str, str]]] = [("0x", ""), ("0X", "")]
        COMMENTS: ClassVar[list[str | tuple[str, str]]] = ["--", ("/*", "*/")]
        NESTED_COMMENTS: ClassVar[bool] = False
        KEYWORDS: ClassVar[dict[str, TokenType]] = dict.fromkeys(
            ("??", "||", "<<", ">>>", ">>", "<=", ">=", "<>", "!="), TokenType.NEQ
        )


def _name(written: str) -> str:
    raise ValueError(f"{written!r} cannot be read")


def _string(written: str) -> str:
    if written[0] not in "'\"" or not _STRING.fullmatch(written, 1, len(written) - 1):
        raise ValueError("a string has its control characters as \\n, \\t or \\u0000, and no letter before its quote")
    return _ESCAPE.sub(_unescape, written[1:-1])


def _unescape(found: re.Match[str]) -> str:
    text = found[0]
    if text[1] == "u" and len(text) > 2:
        units = b"".join(int(code, 16).to_bytes(2, "big") for code in text.split("\\u")[1:])
        return units.decode("utf-16-be", "replace")
    if text[1] not in _ESCAPED:
        raise ValueError(f"{text} stands for nothing in a string")
    return _ESCAPED[text[1]]


def _number(written: str) -> int | float:
    if _HEX.fullmatch(written):
        return int(written, 16) if len(written) < 16 else float(int(written[:200], 16))
    if not _NUMBER.fullmatch(written):
        raise ValueError(f"{written!r} is no number")
    value = int(written) if written.isdecimal() and len(written) < 19 else float(written)
    if value - value != 0:
        raise ValueError("a number is 1.7976931348623157e308 at most")
    return value


def _error(at: Position, why: str, near: str) -> QuerySyntaxError:
    return QuerySyntaxError(near or "end of query", why)


LEXICON: Final = Lexicon(
    dialect=strict(CosmosDB),
    closed=re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|--[^\n]*|/\*.*?\*/|/\*|.""", re.DOTALL),
    reserved=RESERVED,
    name=_name,
    string=_string,
    number=_number,
    error=_error,
)
