"""Scalar expressions: the operators of Cosmos DB, and what they stand between.

The operators and their order are those of the grammar that the .NET SDK publishes (sql.g4), which leaves two places
open: what binds IN, BETWEEN and LIKE (here: as tightly as <), and || (here: as tightly as +). NOT binds tighter than
any comparison there: NOT c.a = 1 is (NOT c.a) = 1.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Final

from local.sql.cosmos import tree
from local.sql.cosmos.errors import UnsupportedConstruct
from local.sql.cosmos.lexicon import RESERVED
from local.sql.cosmos.values import UNDEFINED
from local.sql.precedence import Precedence
from local.sql.tokens import Kind
from local.sql.tree import Position

_RANGE: Final = 8
_PREFIX: Final = 12
_CONSTANTS: Final = {"TRUE": True, "FALSE": False, "NULL": None, "UNDEFINED": UNDEFINED}
_NOT_FINITE: Final = {"NaN": math.nan, "Infinity": math.inf}  # as in the documented example of TOSTRING
_SUBQUERY_USES: Final = ("EXISTS", "ARRAY")
_UNSUPPORTED_USES: Final = ("ALL", "FIRST", "LAST")  # (SELECT ...), of later versions of the grammar


class Expressions(Precedence):
    """The part of the grammar below the clauses."""

    levels: ClassVar[Mapping[str, int]] = {
        "??": 1, "OR": 2, "AND": 3, "|": 4, "^": 5, "&": 6, "=": 7, "!=": 7, "<>": 7, "<": _RANGE, "<=": _RANGE,
        ">": _RANGE, ">=": _RANGE, "<<": 9, ">>": 9, ">>>": 9, "+": 10, "-": 10, "||": 10, "*": 11, "/": 11, "%": 11,
    }  # fmt: skip
    prefixes: ClassVar[Mapping[str, int]] = dict.fromkeys(("NOT", "-", "+", "~"), _PREFIX)
    ranges: ClassVar[int] = _RANGE

    @abstractmethod
    def query(self) -> tree.Query:
        """SELECT ..., which the clauses' part of the grammar reads."""

    def expression(self, loosest: int = 0) -> tree.Expression:
        at = self.cursor.at
        found = super().expression(loosest)
        if loosest or not self.cursor.accept("?"):  # after NOT and signs, which bind tighter, it is not theirs
            return found
        yes = self.expression()
        self.cursor.expect(":")
        return tree.Case(at, None, ((found, yes),), self.expression())

    def expressions(self, closing: str) -> tuple[tree.Expression, ...]:
        """Expressions up to `closing`, which is taken; there may be none."""
        if self.cursor.accept(closing):
            return ()
        found = self.cursor.commas(self.expression)
        self.cursor.expect(closing)
        return found

    def prefixed(self, at: Position, sign: str, operand: tree.Expression) -> tree.Expression:
        """-1 is a constant."""
        if sign in ("-", "+") and isinstance(operand, tree.Literal) and operand.kind in (int, float):
            return tree.Literal(at, -operand.value if sign == "-" else operand.value)
        return super().prefixed(at, sign, operand)

    def escape(self) -> str | None:
        if not self.cursor.accept("ESCAPE"):
            return None
        token = self.cursor.token
        if token.kind is not Kind.STRING or len(token.value) != 1:
            raise self.cursor.fail("one character in quotes")
        return self.cursor.string()

    def postfix(self) -> tree.Expression:
        cursor = self.cursor
        at = cursor.at
        found = self._primary()
        while True:
            if cursor.accept("."):
                step_at = cursor.at
                step = cursor.name("a name that is no keyword")
                if isinstance(found, tree.Name) and found.name.lower() == "udf" and cursor.next_is("("):
                    raise UnsupportedConstruct(f"{found.name}.{step}()")
                found = tree.Member(at, found, tree.Literal(step_at, step))
            elif cursor.accept("["):
                found = tree.Member(at, found, self.expression())
                cursor.expect("]")
            else:
                return found

    def _primary(self) -> tree.Expression:
        cursor = self.cursor
        at = cursor.at
        match cursor.token.kind:
            case Kind.NUMBER | Kind.STRING:
                return tree.Literal(at, cursor.take().value)
            case Kind.PARAMETER:
                return tree.Parameter(at, cursor.take().text)
            case Kind.WORD:
                return self._word()
        if cursor.accept("("):
            found = tree.Subquery(at, "", self.query()) if cursor.next_is("SELECT") else self.expression()
            cursor.expect(")")
            return found
        if cursor.accept("["):
            return tree.ArrayOf(at, self.expressions("]"))
        if cursor.accept("{"):
            members = () if cursor.next_is("}") else cursor.commas(self._member)
            cursor.expect("}")
            return tree.ObjectOf(at, members)
        raise cursor.fail("an expression")

    def _word(self) -> tree.Expression:
        cursor = self.cursor
        at = cursor.at
        word = cursor.token.upper
        if word in _CONSTANTS:
            cursor.take()
            return tree.Literal(at, _CONSTANTS[word])
        if word in _SUBQUERY_USES and cursor.accept(word, "("):
            with cursor.nesting():
                query = self.query()
            cursor.expect(")")
            return tree.Subquery(at, word, query)
        if word in RESERVED:
            raise cursor.fail("an expression")
        written = cursor.take().text
        if not cursor.accept("("):
            return tree.Literal(at, _NOT_FINITE[written]) if written in _NOT_FINITE else tree.Name(at, written)
        if word in _UNSUPPORTED_USES and cursor.next_is("SELECT"):
            raise UnsupportedConstruct(f"{word}(SUBQUERY)")
        return tree.Call(at, word, self.expressions(")"), written)

    def _member(self) -> tuple[str, tree.Expression]:
        """{"unit": "ng"}, or {unit: "ng"}: the documentation writes names without quotes too."""
        token = self.cursor.token
        if token.kind not in (Kind.STRING, Kind.WORD):
            raise self.cursor.fail("the name of a member")
        self.cursor.take()
        self.cursor.expect(":")
        return token.text if token.kind is Kind.WORD else str(token.value), self.expression()
