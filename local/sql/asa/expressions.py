"""Expressions: a tree becomes one Python closure from a row to a value.

A condition gives True, False or None for unknown. What a name or a call of time (an aggregate, LAG, System.Timestamp())
means is its `Scope`'s business. Nothing is checked here that `check` has checked before.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final, Protocol

from local.sql.asa import mathematics, tree
from local.sql.asa.comparisons import COMPARE
from local.sql.asa.conversions import CASTS, Mismatch, number, text
from local.sql.asa.dates import PARTS
from local.sql.asa.errors import EvaluationError, Position
from local.sql.asa.functions import FUNCTIONS, Function
from local.sql.asa.mathematics import Undefined
from local.sql.asa.values import field
from local.sql.compiler import Compiler, Evaluate

_ADVICE: Final = "CAST() or TRY_CAST() makes it one"


class Scope(Protocol):
    """What an expression's names and its calls of time stand for."""

    def special(self, node: tree.Expression) -> Evaluate | None:
        """The closure of a node that means something of its own here; None for what means what it always does."""

    def path(self, path: tree.Path) -> Evaluate:
        """The closure that reads a column, or a member of one."""


def compile_expression(node: tree.Expression, scope: Scope) -> Evaluate:
    """Compile `node`.

    Returns:
        A closure from a row to a value. It raises `EvaluationError` for what stops a job.

    Raises:
        QueryError: a name means nothing in `scope`.
    """
    return _Compiler(scope).compile(node)


class _Compiler(Compiler):
    unknown: ClassVar[Any] = None
    compare: ClassVar[Mapping[str, Callable[[Any, Any], Any]]] = COMPARE

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def compile(self, node: tree.Expression) -> Evaluate:
        special = self._scope.special(node)
        if special is not None:
            return special
        match node:
            case tree.Path():
                return self._scope.path(node)
            case tree.Member():
                return self._member(node)
            case tree.Call():
                return self._call(node)
            case tree.IsNull(operand=operand):
                value = self.compile(operand)
                return lambda row: value(row) is None
            case tree.Cast():
                return self._cast(node)
        return self.compiled(node)

    def unary(self, node: tree.Unary) -> Evaluate:
        operand, apply = self.compile(node.operand), _SIGNS[node.sign]
        return _guarded(node.at, node.sign, lambda row: None if (found := operand(row)) is None else apply(found))

    def arithmetic(self, node: tree.Binary) -> Evaluate:
        left, right, apply = self.compile(node.left), self.compile(node.right), _ARITHMETIC[node.sign]

        def evaluate(row: Any) -> Any:
            first, second = left(row), right(row)
            return None if first is None or second is None else apply(first, second)

        return _guarded(node.at, node.sign, evaluate)

    def text(self, node: tree.Like, value: Any) -> str | None:
        try:
            return None if value is None else text(value)
        except Mismatch as mismatch:
            raise EvaluationError(node.at, f"LIKE: {mismatch}; {_ADVICE}") from None

    def _member(self, node: tree.Member) -> Evaluate:
        base, step = self.compile(node.base), node.step
        if isinstance(step, str):
            return lambda row: field(base(row), step)

        def element(row: Any) -> Any:
            found = base(row)
            return found[step] if type(found) is list and step < len(found) else None

        return element

    def _cast(self, node: tree.Cast) -> Evaluate:
        operand, convert, at, attempt = self.compile(node.operand), CASTS[node.type], node.at, node.attempt

        def evaluate(row: Any) -> Any:
            value = operand(row)
            if value is None:
                return None
            try:
                return convert(value)
            except Mismatch as mismatch:
                if attempt:
                    return None
                raise EvaluationError(at, f"CAST: {mismatch}; TRY_CAST() would be NULL") from None

        return evaluate

    def _call(self, node: tree.Call) -> Evaluate:
        function, arguments = FUNCTIONS[node.name.upper()], node.arguments
        first = 1 if function.part else 0
        if function.part:
            named = arguments[0]
            assert isinstance(named, tree.Path)
            part, apply = PARTS[named.names[0].lower()], function.apply
            function = replace(function, apply=lambda *values: apply(part, *values))
        compiled = [self.compile(argument) for argument in arguments[first:]]
        return _guarded(node.at, f"{node.name}()", _applied(function, compiled, first))


def _negative(value: int | float) -> int | float:
    return mathematics.checked(-value)


def _complement(value: Any) -> int | bool:
    if type(value) is bool:
        return not value
    if type(value) is not int:
        raise Mismatch(value, "bigint or bit")
    return ~value


_SIGNS: Final[dict[str, Callable[[Any], Any]]] = {
    "-": lambda value: _negative(number(value)),
    "+": number,
    "~": _complement,
}


def _add(left: Any, right: Any) -> Any:
    if type(left) is str and type(right) is str:
        return left + right
    return mathematics.add(number(left), number(right))


def _bits(apply: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def compute(left: Any, right: Any) -> Any:
        for value in (left, right):
            if type(value) is not int and type(value) is not bool:
                raise Mismatch(value, "bigint or bit")
        return apply(left, right)

    return compute


def _numbers(apply: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda left, right: apply(number(left), number(right))


_ARITHMETIC: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": _add,
    "-": _numbers(mathematics.subtract),
    "*": _numbers(mathematics.multiply),
    "/": _numbers(mathematics.divide),
    "%": _numbers(mathematics.remainder),
    "&": _bits(operator.and_),
    "|": _bits(operator.or_),
    "^": _bits(operator.xor),
}


def _guarded(at: Position, what: str, evaluate: Evaluate) -> Evaluate:
    """`evaluate`, whose failures say where they are."""

    def guarded(row: Any) -> Any:
        try:
            return evaluate(row)
        except Mismatch as mismatch:
            raise EvaluationError(at, f"{what}: {mismatch}; {_ADVICE}") from None
        except (Undefined, OverflowError) as undefined:
            raise EvaluationError(at, f"{what}: {undefined}") from None

    return guarded


def _applied(function: Function, arguments: list[Evaluate], first: int) -> Evaluate:
    """`function` of `arguments`, of which the first is its argument number `first`."""
    apply, sees_null = function.apply, function.sees_null
    conversions = [function.convert(index + first) for index in range(len(arguments))]
    if len(arguments) == 1 and not sees_null:
        argument, convert = arguments[0], conversions[0]
        return lambda row: None if (found := argument(row)) is None else apply(convert(found))
    converted = list(zip(arguments, conversions, strict=True))

    def evaluate(row: Any) -> Any:
        values = []
        for argument, convert in converted:
            value = argument(row)
            if value is None and not sees_null:
                return None
            values.append(None if value is None else convert(value))
        return apply(*values)

    return evaluate
