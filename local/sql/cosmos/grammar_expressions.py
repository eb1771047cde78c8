"""Scalar expressions: tokens in, trees out, by operator precedence.

The operators and their order are those of the grammar that the .NET SDK publishes (sql.g4), which leaves two places
open: what binds IN, BETWEEN and LIKE (here: as tightly as <), and || (here: as tightly as +). NOT binds tighter than
any comparison there: NOT c.a = 1 is (NOT c.a) = 1.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Final

from local.sql.cosmos import tree
from local.sql.cosmos.errors import QuerySyntaxError, UnsupportedConstruct
from local.sql.cosmos.tokens import RESERVED, Cursor, Kind
from local.sql.cosmos.values import UNDEFINED

_CONDITIONAL, _COALESCE, _OR, _AND = 1, 2, 3, 4
_RANGE: Final = 9
_UNARY: Final = 13
_BINARY: Final = {
    "??": _COALESCE, "OR": _OR, "AND": _AND, "|": 5, "^": 6, "&": 7, "=": 8, "!=": 8, "<>": 8, "<": _RANGE,
    "<=": _RANGE, ">": _RANGE, ">=": _RANGE, "<<": 10, ">>": 10, ">>>": 10, "+": 11, "-": 11, "||": 11, "*": 12,
    "/": 12, "%": 12,
}  # fmt: skip
_CONSTANTS: Final = {"TRUE": True, "FALSE": False, "NULL": None}
_NOT_FINITE: Final = {"NaN": math.nan, "Infinity": math.inf}  # as in the documented example of TOSTRING
_SUBQUERY_USES: Final = ("EXISTS", "ARRAY")
_UNSUPPORTED_USES: Final = ("ALL", "FIRST", "LAST")  # (SELECT ...), of later versions of the grammar


class Expressions(ABC):
    """The part of the grammar below the clauses."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor

    @abstractmethod
    def query(self) -> tree.Query:
        """SELECT ..., which the clauses' part of the grammar reads."""

    def expression(self, loosest: int = _CONDITIONAL) -> tree.Expression:
        """An expression whose operators bind no looser than `loosest`."""
        left = self._prefix()
        while True:
            word = self.cursor.token.upper
            binds = _BINARY.get(word)
            if binds is not None and binds >= loosest:
                self.cursor.next()
                right = self.expression(binds + 1)
                left = _chain(word, left, right) if binds in (_OR, _AND) else tree.Binary(word, left, right)
            elif word == "?" and loosest <= _CONDITIONAL:
                self.cursor.next()
                yes = self.expression()
                self.cursor.expect(":")
                return tree.Conditional(left, yes, self.expression())
            elif loosest <= _RANGE and (ranged := self._range(left)) is not None:
                left = ranged
            else:
                return left

    def expressions(self, closing: str) -> tuple[tree.Expression, ...]:
        """Expressions up to `closing`, which is taken; there may be none."""
        if self.cursor.take(closing):
            return ()
        found = self.listed()
        self.cursor.expect(closing)
        return found

    def listed(self) -> tuple[tree.Expression, ...]:
        """One expression or several, with commas in between."""
        found = [self.expression()]
        while self.cursor.take(","):
            found.append(self.expression())
        return tuple(found)

    def _range(self, value: tree.Expression) -> tree.Expression | None:
        cursor = self.cursor
        negated = cursor.at("NOT")
        word = cursor.ahead(1 if negated else 0).upper
        if word not in ("IN", "BETWEEN", "LIKE"):
            return None
        cursor.expect(*(("NOT", word) if negated else (word,)))
        found: tree.Expression
        if word == "IN":
            cursor.expect("(")
            found = tree.In(value, self.listed())
            cursor.expect(")")
        elif word == "BETWEEN":
            low = self.expression(_RANGE + 1)
            cursor.expect("AND")
            found = tree.Between(value, low, self.expression(_RANGE + 1))
        else:
            pattern = self.expression(_RANGE + 1)
            found = tree.Like(value, pattern, self._escape())
        return tree.Unary("NOT", found) if negated else found

    def _escape(self) -> str | None:
        if not self.cursor.take("ESCAPE"):
            return None
        token = self.cursor.token
        if token.kind is not Kind.STRING or len(token.value) != 1:
            raise self.cursor.wrong()
        return str(self.cursor.next().value)

    def _prefix(self) -> tree.Expression:
        word = self.cursor.token.upper
        if word not in ("NOT", "-", "+", "~"):
            return self._postfix()
        self.cursor.next()
        operand = self.expression(_UNARY)
        if word in ("-", "+") and isinstance(operand, tree.Literal) and operand.kind in (int, float):
            return tree.Literal(-operand.value, operand.kind) if word == "-" else operand
        return tree.Unary(word, operand)

    def _postfix(self) -> tree.Expression:
        found = self._primary()
        while True:
            if self.cursor.take("."):
                step = self.cursor.name()
                if isinstance(found, tree.Name) and found.name.lower() == "udf" and self.cursor.at("("):
                    raise UnsupportedConstruct(f"{found.name}.{step}()")
                found = tree.Member(found, _literal(step))
            elif self.cursor.take("["):
                found = tree.Member(found, self.expression())
                self.cursor.expect("]")
            else:
                return found

    def _primary(self) -> tree.Expression:
        token = self.cursor.token
        match token.kind:
            case Kind.NUMBER | Kind.STRING:
                return _literal(self.cursor.next().value)
            case Kind.PARAMETER:
                return tree.Parameter(self.cursor.next().text)
            case Kind.WORD:
                return self._word()
            case Kind.SIGN if self.cursor.take("("):
                return self._parenthesis()
            case Kind.SIGN if self.cursor.take("["):
                return tree.ArrayOf(self.expressions("]"))
            case Kind.SIGN if self.cursor.take("{"):
                return self._object()
        raise self.cursor.wrong()

    def _word(self) -> tree.Expression:
        cursor = self.cursor
        word = cursor.token.upper
        if word in _CONSTANTS:
            cursor.next()
            return _literal(_CONSTANTS[word])
        if word == "UNDEFINED":
            cursor.next()
            return tree.Literal(UNDEFINED, type(UNDEFINED))
        if word in _SUBQUERY_USES and cursor.ahead().upper == "(":
            cursor.expect(word, "(")
            query = self.query()
            cursor.expect(")")
            return tree.Subquery(word, query)
        if word in RESERVED:
            raise cursor.wrong()
        written = cursor.next().text
        if not cursor.take("("):
            if written in _NOT_FINITE:
                return tree.Literal(_NOT_FINITE[written], float)
            return tree.Name(written)
        if word in _UNSUPPORTED_USES and cursor.at("SELECT"):
            raise UnsupportedConstruct(f"{word}(SUBQUERY)")
        return tree.Call(word, self.expressions(")"), written)

    def _parenthesis(self) -> tree.Expression:
        found: tree.Expression = tree.Subquery("", self.query()) if self.cursor.at("SELECT") else self.expression()
        self.cursor.expect(")")
        return found

    def _object(self) -> tree.Expression:
        members: list[tuple[str, tree.Expression]] = []
        while not self.cursor.take("}"):
            if members:
                self.cursor.expect(",")
            token = self.cursor.token
            name = str(self.cursor.next().value) if token.kind is Kind.STRING else self._bare_name()
            self.cursor.expect(":")
            members.append((name, self.expression()))
            if not self.cursor.at(",") and not self.cursor.at("}"):
                raise self.cursor.wrong()
        return tree.ObjectOf(tuple(members))

    def _bare_name(self) -> str:
        """{unit: "ng"}: the documentation writes names without quotes too."""
        if self.cursor.token.kind is not Kind.WORD:
            raise self.cursor.wrong()
        return self.cursor.next().text


def _literal(value: object) -> tree.Literal:
    if isinstance(value, float) and value - value != 0:
        raise QuerySyntaxError("a number beyond 1.7976931348623157e308")
    return tree.Literal(value, type(value))


def _chain(word: str, left: tree.Expression, right: tree.Expression) -> tree.Expression:
    sides = [
        side.operands if isinstance(side, tree.Logical) and side.operator == word else (side,) for side in (left, right)
    ]
    return tree.Logical(word, (*sides[0], *sides[1]))
