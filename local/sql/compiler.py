"""Expressions as closures: what both dialects compute alike, over the values, comparisons and functions of each.

A condition gives true, false or the dialect's `unknown`: null where a missing value and null are the same (Stream
Analytics), undefined where they are not (Cosmos DB). Unknown is not true; it is what a missing value compares to.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from local.sql import tree
from local.sql.like import like_pattern

Evaluate = Callable[[Any], Any]
"""From a row to a value."""


class Compiler(ABC):
    """Makes one Python closure of a tree.

    Attributes:
        unknown: what a value is that is not there, and a condition that says nothing.
        compare: what each sign of comparison computes: true, false or `unknown`.
    """

    unknown: ClassVar[Any]
    compare: ClassVar[Mapping[str, Callable[[Any, Any], Any]]]

    @abstractmethod
    def compile(self, node: tree.Expression) -> Evaluate:
        """The closure of `node`; raises the dialect's error if it means nothing."""

    @abstractmethod
    def unary(self, node: tree.Unary) -> Evaluate:
        """The closure of a sign before a value."""

    @abstractmethod
    def arithmetic(self, node: tree.Binary) -> Evaluate:
        """The closure of an operator between two values that is no comparison."""

    @abstractmethod
    def text(self, node: tree.Like, value: Any) -> Any:
        """`value` as LIKE sees it: a text, or `unknown`."""

    def constant(self, node: tree.Expression) -> Any:
        """The value of `node` if it is the same for every row, else `unknown`."""
        return node.value if isinstance(node, tree.Literal) else self.unknown

    def compiled(self, node: tree.Expression) -> Evaluate:
        """The closure of a node that both dialects have."""
        match node:
            case tree.Literal(value=value):
                return lambda row: value
            case tree.Unary():
                return self.unary(node)
            case tree.Binary():
                return self.comparison(node) if node.sign in self.compare else self.arithmetic(node)
            case tree.Connective():
                return self._connective(node)
            case tree.Not(operand=operand):
                return self._not(operand)
            case tree.Like():
                return self._like(node)
            case tree.In():
                return self.membership(node)
            case tree.Between():
                return self._between(node)
            case tree.Case():
                return self._case(node)
        raise AssertionError(f"{type(node).__name__} is no node of this dialect")

    def comparison(self, node: tree.Binary) -> Evaluate:
        """The closure of a comparison."""
        compare, left, value = self.compare[node.sign], self.compile(node.left), self.constant(node.right)
        if value is not self.unknown:  # the usual case, without a call per row
            return lambda row: compare(left(row), value)
        right = self.compile(node.right)
        return lambda row: compare(left(row), right(row))

    def _connective(self, node: tree.Connective) -> Evaluate:
        """AND, which one false operand decides, or OR, which one true operand does; else unknown if any operand is."""
        decisive, unknown = node.word == "OR", self.unknown
        neutral = not decisive
        operands = [self.compile(operand) for operand in node.operands]

        def evaluate(row: Any) -> Any:
            result: Any = neutral
            for operand in operands:
                value = operand(row)
                if value is decisive:
                    return decisive
                if value is not neutral:
                    result = unknown
            return result

        return evaluate

    def _not(self, operand: tree.Expression) -> Evaluate:
        condition, unknown = self.compile(operand), self.unknown
        return lambda row: not value if type(value := condition(row)) is bool else unknown

    def _like(self, node: tree.Like) -> Evaluate:
        value, wanted, escape, unknown = (
            self.compile(node.operand),
            self.constant(node.pattern),
            node.escape,
            self.unknown,
        )
        if type(wanted) is str:  # the usual case
            matches = like_pattern(wanted, escape).fullmatch

            def match(row: Any) -> Any:
                found = self.text(node, value(row))
                return unknown if found is unknown else matches(found) is not None

            return match
        pattern = self.compile(node.pattern)

        def evaluate(row: Any) -> Any:
            found, wanted = self.text(node, value(row)), self.text(node, pattern(row))
            if found is unknown or wanted is unknown:
                return unknown
            return like_pattern(wanted, escape).fullmatch(found) is not None

        return evaluate

    def membership(self, node: tree.In) -> Evaluate:
        """The closure of IN: as the comparisons with `=`, with OR between."""
        equal, unknown, value = self.compare["="], self.unknown, self.compile(node.operand)
        choices = [self.compile(choice) for choice in node.choices]
        constants = [self.constant(choice) for choice in node.choices]
        texts = frozenset(constants) if all(type(choice) is str for choice in constants) else None

        def evaluate(row: Any) -> Any:
            found = value(row)
            if texts is not None and type(found) is str:
                return found in texts
            result: Any = False
            for choice in choices:
                same = equal(found, choice(row))
                if same is True:
                    return True
                if same is unknown:
                    result = unknown
            return result

        return evaluate

    def _between(self, node: tree.Between) -> Evaluate:
        at_least, at_most, unknown = self.compare[">="], self.compare["<="], self.unknown
        value, low, high = (self.compile(part) for part in (node.operand, node.low, node.high))

        def evaluate(row: Any) -> Any:
            found = value(row)
            above, below = at_least(found, low(row)), at_most(found, high(row))
            if above is False or below is False:
                return False
            return unknown if above is unknown or below is unknown else True

        return evaluate

    def _case(self, node: tree.Case) -> Evaluate:
        """The first branch whose condition is true, or that equals the operand."""
        branches = [(self.compile(when), self.compile(then)) for when, then in node.branches]
        default = self.compile(node.default or tree.Literal(node.at, self.unknown))
        if node.operand is None:

            def searched(row: Any) -> Any:
                for when, then in branches:
                    if when(row) is True:
                        return then(row)
                return default(row)

            return searched
        equal, operand = self.compare["="], self.compile(node.operand)

        def simple(row: Any) -> Any:
            value = operand(row)
            for when, then in branches:
                if equal(value, when(row)) is True:
                    return then(row)
            return default(row)

        return simple
