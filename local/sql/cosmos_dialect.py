"""The grammar of Azure Cosmos DB for NoSQL, on sqlglot: text in, one SELECT tree out.

Both quotes make strings, identifiers are case-sensitive and never quoted, every call is a plain call (no function is
special to the parser), `SELECT VALUE` and `TOP` exist. Constructs whose grammar sqlglot lacks are refused here by name.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from sqlglot import TokenType, exp, parser, tokens
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ErrorLevel, ParseError, TokenError

from local.sql import cosmos_tokens
from local.sql.errors import QuerySyntaxError, UnsupportedConstruct

_UNICODE_ESCAPES = re.compile(r"(?<!\\)((?:\\\\)*)((?:\\u[0-9a-fA-F]{4})+)")
_NAME = re.compile(r"[^\W\d]\w*")
_NOT_AN_EXPRESSION = frozenset((TokenType.COMMA, TokenType.FROM, TokenType.ALIAS, TokenType.DOT, TokenType.L_BRACKET))


# Keywords are no names, not even after a dot: c["order"] is how to say it
# (https://learn.microsoft.com/azure/cosmos-db/nosql/query/working-with-json#reserved-keywords-and-special-characters).
_RESERVED = frozenset(
    (
        *("AND", "ARRAY", "AS", "ASC", "BETWEEN", "BY", "DESC", "DISTINCT", "EXISTS", "FALSE", "FROM", "GROUP", "IN"),
        *("JOIN", "LIKE", "NOT", "NULL", "OR", "ORDER", "SELECT", "TOP", "TRUE", "UNDEFINED", "VALUE", "WHERE"),
    )
)
_OTHER_OPERATORS = ("==", "<=>", "::", "?::")  # other databases'


class SelectValue(exp.Expression):
    """`SELECT VALUE expression`: each row is the value itself."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True}


class CosmosDialect(Dialect):
    """Cosmos DB for NoSQL queries, as far as sqlglot can be bent to them."""

    class Tokenizer(tokens.Tokenizer):
        QUOTES: ClassVar[list[Any]] = ["'", '"']
        IDENTIFIERS: ClassVar[list[Any]] = ["`"]  # sqlglot wants one; `parse` refuses it
        STRING_ESCAPES: ClassVar[list[str]] = ["\\"]
        KEYWORDS: ClassVar[dict[str, TokenType]] = {
            **{word: kind for word, kind in tokens.Tokenizer.KEYWORDS.items() if word not in _OTHER_OPERATORS},
            "TOP": TokenType.TOP,
        }
        SINGLE_TOKENS: ClassVar[dict[str, TokenType]] = {
            sign: kind for sign, kind in tokens.Tokenizer.SINGLE_TOKENS.items() if kind is not TokenType.NOT
        }

    class Parser(parser.Parser):
        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {}
        NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}
        NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {}
        ARRAY_CONSTRUCTORS: ClassVar[dict[str, Any]] = {}
        RESERVED_TOKENS: ClassVar[set[TokenType]] = parser.Parser.RESERVED_TOKENS | {TokenType.IN}
        ID_VAR_TOKENS: ClassVar[set[TokenType]] = parser.Parser.ID_VAR_TOKENS - {TokenType.IN}
        TABLE_ALIAS_TOKENS: ClassVar[set[TokenType]] = parser.Parser.TABLE_ALIAS_TOKENS - {
            TokenType.IN, TokenType.LIMIT, TokenType.OFFSET,
        }  # fmt: skip

        def _parse_projections(self, *arguments: Any, **options: Any) -> Any:
            if self._match_text_seq("VALUE", advance=False) and (
                self._next and self._next.token_type not in _NOT_AN_EXPRESSION
            ):
                self._advance()
                return [self.expression(SelectValue(this=self._parse_assignment()))], None
            return super()._parse_projections(*arguments, **options)

        def _parse_join(self, *arguments: Any, **options: Any) -> Any:
            if self._match(TokenType.JOIN, advance=False):
                raise UnsupportedConstruct("JOIN")
            return super()._parse_join(*arguments, **options)

        def _parse_limit(self, this: Any = None, top: bool = False, skip_limit_token: bool = False) -> Any:
            if top:
                return (
                    self.expression(exp.Limit(expression=self._parse_number())) if self._match(TokenType.TOP) else None
                )
            if self._match_set((TokenType.LIMIT, TokenType.FETCH), advance=False):
                raise UnsupportedConstruct("OFFSET LIMIT")
            return this

        def _parse_from(self, *arguments: Any, **options: Any) -> Any:
            """FROM name [[AS] alias]: no other source is evaluated, and none is to be guessed at."""
            if not self._match(TokenType.FROM):
                return None
            if self._match(TokenType.L_PAREN, advance=False):
                raise UnsupportedConstruct("FROM (SUBQUERY)")
            name = self._parse_id_var(any_token=False)
            if not isinstance(name, exp.Identifier):
                raise QuerySyntaxError(self._curr.text if self._curr else "FROM")
            if self._match_set((TokenType.DOT, TokenType.L_BRACKET), advance=False):
                raise UnsupportedConstruct("FROM a path")
            explicit = self._match(TokenType.ALIAS)
            alias = self._parse_id_var(any_token=False, tokens=self.TABLE_ALIAS_TOKENS)
            if (explicit and alias is None) or not isinstance(alias, exp.Identifier | None):
                raise QuerySyntaxError("AS" if explicit else "@")
            if self._match(TokenType.IN, advance=False):
                raise UnsupportedConstruct("FROM ... IN")
            return self.expression(exp.From(this=exp.Table(this=name, alias=alias)))


def _unescape(text: str) -> str:
    """Write \\uXXXX escapes out: sqlglot knows the one-letter escapes alone."""

    def characters(found: re.Match[str]) -> str:
        units = b"".join(int(code, 16).to_bytes(2, "big") for code in found[2].split("\\u")[1:])
        written = units.decode("utf-16-be", "replace")
        return found[1] + re.sub(r"([\\'\"])", r"\\\1", written)

    return _UNICODE_ESCAPES.sub(characters, text) if "\\u" in text else text


def parse(text: str) -> exp.Select:
    """Parse one query.

    Raises:
        QuerySyntaxError: it is not a query.
        UnsupportedConstruct: its grammar is known, its evaluation is not.
    """
    text = _unescape(text)
    dialect = CosmosDialect()
    try:
        tokens_ = dialect.tokenize(text)
        cosmos_tokens.check(tokens_)
        statement = dialect.parser(error_level=ErrorLevel.IMMEDIATE).parse(tokens_, text)[0]
    except ParseError as error:
        near = str(error.errors[0].get("highlight") or "") if error.errors else ""
        raise QuerySyntaxError(near or "end of query") from None
    except TokenError:
        raise QuerySyntaxError(text[-20:]) from None
    except RecursionError:
        raise QuerySyntaxError("too deeply nested") from None
    if isinstance(statement, exp.SetOperation):
        raise UnsupportedConstruct(type(statement).__name__.upper())
    if not isinstance(statement, exp.Select):
        raise QuerySyntaxError("SELECT")
    for identifier in statement.find_all(exp.Identifier):
        _check_name(identifier)
    return statement


def _check_name(identifier: exp.Identifier) -> None:
    name, owner = identifier.name, identifier.parent
    if identifier.args.get("quoted"):
        raise QuerySyntaxError(f"`{name}`")
    literal = name.lower() == "undefined" and isinstance(owner, exp.Column) and len(owner.parts) == 1
    if not _NAME.fullmatch(name) or (name.upper() in _RESERVED and not literal):
        raise QuerySyntaxError(name)
