"""The expressions of a query, from OR down to a literal, as in T-SQL.

Precedence, loosest first: OR, AND, NOT, comparisons with LIKE, IN, BETWEEN and IS, then + - & | ^, then * / %, then
signs. A comparison does not compare again: `a = b = c` is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from local.sql.asa import tree
from local.sql.asa.errors import NotRunLocally, NotStreamAnalytics, QuerySyntaxError
from local.sql.precedence import Precedence
from local.sql.tokens import Kind
from local.sql.tree import Position

TYPES: Final = ("bigint", "float", "nvarchar(max)", "datetime", "bit", "record", "array")
_OR, _AND, _NOT, _COMPARISON, _TERM, _FACTOR, _SIGN = range(1, 8)
_SPELLED: Final = {"!=": "<>", "!<": ">=", "!>": "<="}
_MOST_MEMBERS: Final = 100  # in a row: each is one level deeper


class Expressions(Precedence):
    """The part of the grammar below the clauses."""

    levels: ClassVar[Mapping[str, int]] = {
        "OR": _OR, "AND": _AND,
        **dict.fromkeys(("=", "<>", "!=", "<", "<=", ">", ">=", "!<", "!>"), _COMPARISON),
        **dict.fromkeys(("+", "-", "&", "|", "^"), _TERM),
        **dict.fromkeys(("*", "/", "%"), _FACTOR),
    }  # fmt: skip
    prefixes: ClassVar[Mapping[str, int]] = {"NOT": _NOT, "-": _SIGN, "+": _SIGN, "~": _SIGN}
    ranges: ClassVar[int] = _COMPARISON
    alone: ClassVar[frozenset[int]] = frozenset((_COMPARISON,))

    def value(self) -> tree.Expression:
        """A value, without comparisons and connectives around it; whether it is one is `check`'s business."""
        return self.expression(_TERM)

    def star(self) -> tree.Star | None:
        """`*` or `a.b.*`, if it is next."""
        cursor = self.cursor
        at = cursor.at
        if cursor.accept("*"):
            return tree.Star(at, ())
        ahead = 0
        while cursor.ahead(ahead).kind in (Kind.WORD, Kind.NAME) and cursor.next_is(".", ahead=ahead + 1):
            ahead += 2
        if not ahead or not cursor.next_is("*", ahead=ahead):
            return None
        names: list[str] = []
        while not cursor.accept("*"):
            names.append(self._member_name() if names else cursor.name("a source or a column"))
            cursor.take()
        return tree.Star(at, tuple(names))

    def joined(self, at: Position, sign: str, left: tree.Expression, right: tree.Expression) -> tree.Expression:
        return super().joined(at, _SPELLED.get(sign, sign), left, right)

    def predicate(self, at: Position, operand: tree.Expression) -> tree.Expression | None:
        if not self.cursor.accept("IS"):
            return super().predicate(at, operand)
        negated = self.cursor.accept("NOT")
        self.cursor.expect("NULL")
        found = tree.IsNull(at, operand)
        return tree.Not(at, found) if negated else found

    def choices(self) -> tuple[tree.Expression, ...]:
        self._refuse_subquery("JOIN finds the rows of another source")
        return self.cursor.commas(self.value)

    def escape(self) -> str | None:
        if self.cursor.next_is("ESCAPE"):
            raise NotStreamAnalytics(self.cursor.at, "LIKE ... ESCAPE", "[%] and [_] are the characters themselves")
        return None

    def postfix(self) -> tree.Expression:
        cursor = self.cursor
        at = cursor.at
        found = self._primary()
        for _ in range(_MOST_MEMBERS):
            if isinstance(found, tree.Literal):
                return found
            index = self._index()
            if index is not None:
                found = tree.Member(at, found, index)
            elif cursor.accept("."):
                name = self._member_name()
                found = (
                    tree.Path(at, (*found.names, name))
                    if isinstance(found, tree.Path)
                    else tree.Member(at, found, name)
                )
            elif isinstance(found, tree.Path) and cursor.next_is("("):
                found = self._call(found)
            else:
                return _timestamp(found)
        raise QuerySyntaxError(at, f"more than {_MOST_MEMBERS} members deep")

    def _index(self) -> int | None:
        """`[0]` directly after an array, if it is next: to the tokenizer it is a name in brackets."""
        token = self.cursor.token
        if token.kind is not Kind.NAME or not self.cursor.touches or token.text[0] != "[":
            return None
        digits = str(token.value)
        if not digits.isdecimal() or not digits.isascii():
            return None
        self.cursor.take()
        return int(digits)

    def _member_name(self) -> str:
        """After a dot even a reserved word is a name."""
        if self.cursor.token.kind is Kind.WORD:
            return self.cursor.take().text
        return self.cursor.name("the name of a member")

    def _primary(self) -> tree.Expression:
        cursor = self.cursor
        at = cursor.at
        if cursor.token.kind in (Kind.NUMBER, Kind.STRING):
            return tree.Literal(at, cursor.take().value)
        if cursor.accept("NULL"):
            return tree.Literal(at, None)
        if cursor.next_is("CASE"):
            return self._case()
        if cursor.next_is("CAST") or cursor.next_is("TRY_CAST"):
            return self._cast()
        if cursor.next_is("EXISTS", "("):
            raise NotStreamAnalytics(at, "EXISTS", "JOIN finds the rows of another source")
        if cursor.accept("("):
            self._refuse_subquery()
            inner = self.expression()
            cursor.expect(")")
            return inner
        if cursor.next_is("LEFT", "(") or cursor.next_is("RIGHT", "("):
            return self._call(tree.Path(at, (cursor.take().text,)))
        return tree.Path(at, (cursor.name("an expression"),))

    def _refuse_subquery(self, instead: str = "name it as a step, with WITH, and JOIN it") -> None:
        if self.cursor.next_is("SELECT"):
            raise NotStreamAnalytics(self.cursor.at, "a subquery", instead)

    def _case(self) -> tree.Case:
        cursor = self.cursor
        at = cursor.at
        cursor.take()
        operand = None if cursor.next_is("WHEN") else self.value()
        branches = []
        while cursor.accept("WHEN"):
            condition = self.expression()
            cursor.expect("THEN")
            branches.append((condition, self.value()))
        if not branches:
            raise cursor.fail("WHEN")
        cursor.expect("ELSE")  # which T-SQL does not ask for, and the page of CASE does
        default = self.value()
        cursor.expect("END")
        return tree.Case(at, operand, tuple(branches), default)

    def _cast(self) -> tree.Cast:
        cursor = self.cursor
        at = cursor.at
        attempt = cursor.take().upper == "TRY_CAST"
        cursor.expect("(")
        operand = self.value()
        cursor.expect("AS")
        type_at = cursor.at
        written = cursor.name("a type").lower()
        if written == "nvarchar":
            if not cursor.accept("(", "MAX", ")"):
                raise cursor.fail("(max)")
            written = "nvarchar(max)"
        if written not in TYPES:
            raise NotStreamAnalytics(type_at, f"the type {written}", f"the types are {', '.join(TYPES)}")
        cursor.expect(")")
        return tree.Cast(at, operand, written, attempt)

    def _call(self, name: tree.Path) -> tree.Expression:
        cursor = self.cursor
        written = ".".join(name.names)
        cursor.expect("(")
        self._refuse_subquery()
        distinct = cursor.accept("DISTINCT")
        if not distinct and written.upper() == "COUNT" and cursor.next_is("ALL") and cursor.ahead().kind is Kind.WORD:
            cursor.take()  # ALL values, which is the default
        starred = not distinct and cursor.accept("*")
        arguments: tuple[tree.Expression, ...] = ()
        if cursor.accept(",") if starred else (distinct or not cursor.next_is(")")):
            arguments = cursor.commas(self.value)
        cursor.expect(")")
        if cursor.next_is("WITHIN", "GROUP"):
            if written.upper() in ("PERCENTILE_CONT", "PERCENTILE_DISC"):
                raise NotRunLocally(name.at, f"{written}()")
            raise NotStreamAnalytics(cursor.at, f"WITHIN GROUP of {written}()")
        over = self._over() if cursor.next_is("OVER", "(") else None
        return tree.Call(name.at, written, arguments, distinct, starred, over)

    def _over(self) -> tree.Over:
        cursor = self.cursor
        at = cursor.at
        cursor.expect("OVER", "(")
        partition = cursor.commas(self.value) if cursor.accept("PARTITION", "BY") else ()
        order = cursor.commas(self._ordering) if cursor.accept("ORDER", "BY") else ()
        limit = None
        if cursor.accept("LIMIT"):
            found = self.value()
            if not isinstance(found, tree.Call) or found.name.upper() != "DURATION":
                raise QuerySyntaxError(found.at, "expected DURATION(unit, number) after LIMIT")
            limit = found
        when = self.expression() if cursor.accept("WHEN") else None
        cursor.expect(")")
        return tree.Over(at, partition, order, limit, when)

    def _ordering(self) -> tuple[tree.Expression, bool]:
        key = self.value()
        if self.cursor.accept("DESC"):
            return key, True
        self.cursor.accept("ASC")
        return key, False


def _timestamp(found: tree.Expression) -> tree.Expression:
    """System.Timestamp was a name before it was a function, and still may be written as one."""
    if isinstance(found, tree.Path) and [name.lower() for name in found.names] == ["system", "timestamp"]:
        return tree.Call(found.at, ".".join(found.names))
    return found
