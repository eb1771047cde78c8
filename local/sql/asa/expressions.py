"""Expressions: a tree becomes one Python closure from a row to a value.

A condition gives True, False or None for unknown. What a name or a call of time (an aggregate, LAG, System.Timestamp())
means is its `Scope`'s business. Nothing is checked here that `check` has checked before.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final, Protocol, assert_never

from local.sql.asa import mathematics, texts, tree
from local.sql.asa.comparisons import COMPARE, equal
from local.sql.asa.conversions import CASTS, Mismatch, number, text
from local.sql.asa.dates import PARTS
from local.sql.asa.errors import EvaluationError, Position
from local.sql.asa.functions import FUNCTIONS, Function
from local.sql.asa.mathematics import Undefined
from local.sql.asa.values import field

Evaluate = Callable[[Any], Any]

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
    special = scope.special(node)
    if special is not None:
        return special
    match node:
        case tree.Literal(value=value):
            return lambda row: value
        case tree.Path():
            return scope.path(node)
        case tree.Member():
            return _member(node, scope)
        case tree.Call():
            return _call(node, scope)
        case tree.Unary():
            return _unary(node, scope)
        case tree.Binary():
            return _comparison(node, scope) if node.sign in COMPARE else _arithmetic(node, scope)
        case tree.Connective():
            return _connective(node, scope)
        case tree.Not():
            return _negated(compile_expression(node.operand, scope), True)
        case tree.IsNull():
            operand, negated = compile_expression(node.operand, scope), node.negated
            return lambda row: (operand(row) is None) is not negated
        case tree.Like():
            return _like(node, scope)
        case tree.In():
            return _in(node, scope)
        case tree.Between():
            return _between(node, scope)
        case tree.Case():
            return _case(node, scope)
        case tree.Cast():
            return _cast(node, scope)
        case _:
            assert_never(node)


def _member(node: tree.Member, scope: Scope) -> Evaluate:
    base, step = compile_expression(node.base, scope), node.step
    if isinstance(step, str):
        return lambda row: field(base(row), step)

    def element(row: Any) -> Any:
        found = base(row)
        return found[step] if type(found) is list and step < len(found) else None

    return element


def _negated(condition: Evaluate, negated: bool) -> Evaluate:
    if not negated:
        return condition

    def evaluate(row: Any) -> bool | None:
        found = condition(row)
        return None if found is None else found is False

    return evaluate


def _comparison(node: tree.Binary, scope: Scope) -> Evaluate:
    compare = COMPARE[node.sign]
    left = compile_expression(node.left, scope)
    if isinstance(node.right, tree.Literal):  # the usual case, without a call per row
        value = node.right.value
        return lambda row: compare(left(row), value)
    right = compile_expression(node.right, scope)
    return lambda row: compare(left(row), right(row))


def _connective(node: tree.Connective, scope: Scope) -> Evaluate:
    """AND, which one false operand decides, or OR, which one true operand does; else unknown if any operand is."""
    decisive = node.word == "OR"
    operands = [compile_expression(operand, scope) for operand in node.operands]

    def evaluate(row: Any) -> bool | None:
        result: bool | None = not decisive
        for operand in operands:
            value: bool | None = operand(row)
            if value is decisive:
                return value
            if value is None:
                result = None
        return result

    return evaluate


def _in(node: tree.In, scope: Scope) -> Evaluate:
    left = compile_expression(node.operand, scope)
    choices = [compile_expression(choice, scope) for choice in node.choices]

    def evaluate(row: Any) -> bool | None:
        value = left(row)
        result: bool | None = False
        for choice in choices:
            found = equal(value, choice(row))
            if found:
                return True
            if found is None:
                result = None
        return result

    return _negated(evaluate, node.negated)


def _between(node: tree.Between, scope: Scope) -> Evaluate:
    at_least, at_most = COMPARE[">="], COMPARE["<="]
    value, low, high = (compile_expression(part, scope) for part in (node.operand, node.low, node.high))

    def evaluate(row: Any) -> bool | None:
        found = value(row)
        above, below = at_least(found, low(row)), at_most(found, high(row))
        if above is False or below is False:
            return False
        return None if above is None or below is None else True

    return _negated(evaluate, node.negated)


def _like(node: tree.Like, scope: Scope) -> Evaluate:
    value, pattern = compile_expression(node.operand, scope), compile_expression(node.pattern, scope)
    at = node.at

    def evaluate(row: Any) -> bool | None:
        found, wanted = value(row), pattern(row)
        if found is None or wanted is None:
            return None
        try:
            return texts.like(text(found), text(wanted))
        except Mismatch as mismatch:
            raise EvaluationError(at, f"LIKE: {mismatch}; {_ADVICE}") from None

    return _negated(evaluate, node.negated)


def _case(node: tree.Case, scope: Scope) -> Evaluate:
    branches = [(compile_expression(when, scope), compile_expression(then, scope)) for when, then in node.branches]
    default = compile_expression(node.default, scope) if node.default is not None else (lambda row: None)
    if node.operand is None:

        def searched(row: Any) -> Any:
            for when, then in branches:
                if when(row):
                    return then(row)
            return default(row)

        return searched
    operand = compile_expression(node.operand, scope)

    def simple(row: Any) -> Any:
        value = operand(row)
        for when, then in branches:
            if equal(value, when(row)):
                return then(row)
        return default(row)

    return simple


def _cast(node: tree.Cast, scope: Scope) -> Evaluate:
    operand, convert, at, attempt = compile_expression(node.operand, scope), CASTS[node.type], node.at, node.attempt

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


def _unary(node: tree.Unary, scope: Scope) -> Evaluate:
    operand = compile_expression(node.operand, scope)
    apply = _SIGNS[node.sign]
    return _guarded(node.at, node.sign, lambda row: None if (found := operand(row)) is None else apply(number(found)))


def _negative(value: int | float) -> int | float:
    return mathematics.checked(-value)


def _complement(value: int | float) -> int:
    if type(value) is not int:
        raise Mismatch(value, "bigint")
    return ~value


_SIGNS: Final[dict[str, Callable[[Any], Any]]] = {"-": _negative, "+": lambda value: value, "~": _complement}


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


def _arithmetic(node: tree.Binary, scope: Scope) -> Evaluate:
    left, right = compile_expression(node.left, scope), compile_expression(node.right, scope)
    apply = _ARITHMETIC[node.sign]

    def evaluate(row: Any) -> Any:
        first, second = left(row), right(row)
        return None if first is None or second is None else apply(first, second)

    return _guarded(node.at, node.sign, evaluate)


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


def _call(node: tree.Call, scope: Scope) -> Evaluate:
    function = FUNCTIONS[node.name.upper()]
    if function.part:
        return _dated(node, function, scope)
    arguments = [compile_expression(argument, scope) for argument in node.arguments]
    return _guarded(node.at, f"{node.name}()", _applied(function, arguments, 0))


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


def _dated(node: tree.Call, function: Function, scope: Scope) -> Evaluate:
    """A call whose first argument is the name of a part of a date."""
    named, *rest = node.arguments
    assert isinstance(named, tree.Path)
    part, apply = PARTS[named.names[0].lower()], function.apply
    arguments = [compile_expression(argument, scope) for argument in rest]
    of_part = Function(function.name, function.takes, lambda *values: apply(part, *values))
    return _guarded(node.at, f"{node.name}()", _applied(of_part, arguments, 1))
