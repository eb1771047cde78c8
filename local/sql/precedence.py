"""The part of a grammar that both dialects have: operators and their precedence, IN, BETWEEN and LIKE.

What binds how tightly, and all that is more than an operator, is the dialect's business.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Final

from local.sql import tree
from local.sql.tokens import Cursor

_MOST_OPERATORS: Final = 100  # in a row: each is one level deeper


class Precedence(ABC):
    """Reads expressions: tokens in, trees out.

    Attributes:
        levels: operators between two operands; the higher, the tighter. They begin with the operand at their left.
        prefixes: operators before one operand, of which they take what binds as tightly as they, or tighter.
        ranges: the level of IN, BETWEEN and LIKE.
        alone: levels of which nothing is compared again, as in a = b = c.
    """

    levels: ClassVar[Mapping[str, int]]
    prefixes: ClassVar[Mapping[str, int]]
    ranges: ClassVar[int]
    alone: ClassVar[frozenset[int]] = frozenset()

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor

    def expression(self, loosest: int = 0) -> tree.Expression:
        """An expression whose operators bind no looser than `loosest`."""
        with self.cursor.nesting():
            return self._climb(loosest)

    @abstractmethod
    def postfix(self) -> tree.Expression:
        """What operators stand between: a literal, a name, a call, ... and what is taken of it."""

    def joined(self, at: tree.Position, sign: str, left: tree.Expression, right: tree.Expression) -> tree.Expression:
        """Two operands with an operator of `levels` between."""
        if sign not in ("AND", "OR"):
            return tree.Binary(at, sign, left, right)
        sides = (
            side.operands if isinstance(side, tree.Connective) and side.word == sign else (side,)
            for side in (left, right)
        )
        return tree.Connective(at, sign, tuple(operand for side in sides for operand in side))

    def prefixed(self, at: tree.Position, sign: str, operand: tree.Expression) -> tree.Expression:
        """An operand with an operator of `prefixes` before it."""
        return tree.Not(at, operand) if sign == "NOT" else tree.Unary(at, sign, operand)

    def choices(self) -> tuple[tree.Expression, ...]:
        """What is between the parentheses of IN."""
        return self.cursor.commas(self.expression)

    def escape(self) -> str | None:
        """What may follow the pattern of LIKE."""
        return None

    def predicate(self, at: tree.Position, operand: tree.Expression) -> tree.Expression | None:
        """IN, BETWEEN or LIKE after `operand`, if one of them is next."""
        cursor = self.cursor
        negated = cursor.next_is("NOT")
        word = cursor.ahead(1 if negated else 0).upper
        if word not in ("IN", "BETWEEN", "LIKE"):
            return None
        cursor.expect(*(("NOT", word) if negated else (word,)))
        found: tree.Expression
        if word == "IN":
            cursor.expect("(")
            found = tree.In(at, operand, self.choices())
            cursor.expect(")")
        elif word == "BETWEEN":
            low = self._climb(self.ranges + 1)
            cursor.expect("AND")
            found = tree.Between(at, operand, low, self._climb(self.ranges + 1))
        else:
            pattern = self._climb(self.ranges + 1)
            found = tree.Like(at, operand, pattern, self.escape())
        return tree.Not(at, found) if negated else found

    def _climb(self, loosest: int) -> tree.Expression:
        at, sign = self.cursor.at, self.cursor.token.upper
        tightest = self.prefixes.get(sign, 0)
        if tightest and tightest >= loosest:
            self.cursor.take()
            left = self.prefixed(at, sign, self.expression(tightest))
        else:
            left, tightest = self.postfix(), max(self.levels.values())
        operators = 0
        while operators <= _MOST_OPERATORS:
            sign = self.cursor.token.upper
            level = self.levels.get(sign, 0)
            if level and loosest <= level <= tightest:
                self.cursor.take()
                left = self.joined(at, sign, left, self._climb(level + 1))
                operators += not isinstance(left, tree.Connective)
            elif loosest <= self.ranges <= tightest and (found := self.predicate(at, left)) is not None:
                left, level = found, self.ranges
            else:
                return left
            tightest = level - 1 if level in self.alone else level
        raise self.cursor.error(f"more than {_MOST_OPERATORS} operators in a row")
