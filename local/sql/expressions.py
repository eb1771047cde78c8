"""Scalar expressions: a sqlglot tree becomes one Python closure from a row to a value.

The table at the end is the allow-list: a node that is not in it, or that carries a part its compiler does not read,
is refused by name. What a name means (a source, an aggregate's result) is the `Scope`'s business, so that other
clauses and other dialects reuse everything here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sqlglot import exp

from local.sql.errors import QuerySyntaxError, UnknownFunction, UnresolvedIdentifier, UnsupportedConstruct
from local.sql.functions import FUNCTIONS, check_arguments
from local.sql.values import NUMBERS, UNDEFINED, equal, number, ordered, same, unequal

Evaluate = Callable[[Any], Any]


class Scope(Protocol):
    """What the names of an expression stand for."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Values by name, with the `@`."""

    def source(self, name: str) -> Evaluate:
        """The closure that reads source `name` from a row; raises `UnresolvedIdentifier`."""

    def call(self, name: str, arguments: list[exp.Expression]) -> Evaluate | None:
        """A call that only this scope understands (an aggregate); None for an ordinary function."""


def only(node: exp.Expression, *known: str) -> None:
    """Refuse `node` if it carries any part other than `known`."""
    for name, part in node.args.items():
        if part and name not in known:
            raise UnsupportedConstruct(f"{node.key.upper()} ... {name.strip('_').upper()}")


def compile_expression(node: exp.Expression, scope: Scope) -> Evaluate:
    """Compile `node` to a closure from a row to a JSON value or `UNDEFINED`.

    Raises:
        SqlError: a name, a function or a construct in it is not known.
    """
    compiler = _COMPILERS.get(type(node))
    if isinstance(node, exp.Star):
        raise QuerySyntaxError("*")
    if compiler is None:
        raise UnsupportedConstruct(construct_name(node))
    return compiler(node, scope)


def construct_name(node: exp.Expression) -> str:
    """What a user would call this node: EXISTS, LIKE, SUBQUERY, ..."""
    names = {exp.Select: "SUBQUERY", exp.Struct: "OBJECT LITERAL", exp.Array: "ARRAY LITERAL", exp.If: "? :"}
    return names.get(type(node), node.key.upper())


def path_of(node: exp.Expression, scope: Scope) -> tuple[str, tuple[str | int, ...]] | None:
    """(source, steps) when `node` is a plain path such as c.a.b[0]["x"], else None."""
    if isinstance(node, exp.Column):
        if any(isinstance(part, exp.Star) for part in node.parts):
            raise QuerySyntaxError("*")
        parts = [part.name for part in node.parts]
        return parts[0], tuple(parts[1:])
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
        base = path_of(node.this, scope)
        return base and (base[0], (*base[1], node.expression.name))
    if isinstance(node, exp.Bracket) and len(node.expressions) == 1:
        base, step = path_of(node.this, scope), constant(node.expressions[0], scope)
        if base and type(step) in (str, int):
            return base[0], (*base[1], step)
    if isinstance(node, exp.Identifier):
        return node.name, ()
    return None


def constant(node: exp.Expression, scope: Scope) -> Any:
    """The value of a literal or a parameter; `UNDEFINED` when `node` is neither."""
    if isinstance(node, exp.Literal):
        return _literal(node)
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    if isinstance(node, exp.Null):
        return None
    if isinstance(node, exp.Neg):
        value = constant(node.this, scope)
        return -value if type(value) in NUMBERS else UNDEFINED
    if isinstance(node, exp.Paren):
        return constant(node.this, scope)
    if isinstance(node, exp.Parameter):
        name = f"@{node.this.name}"
        if name not in scope.parameters:
            raise UnresolvedIdentifier(name)
        return scope.parameters[name]
    return UNDEFINED


def _literal(node: exp.Literal) -> Any:
    if node.is_string:
        return node.this
    text = str(node.this)
    try:
        return int(text) if text.isdecimal() and len(text) < 19 else float(text)
    except ValueError:
        raise QuerySyntaxError(text) from None


def _constant(node: exp.Expression, scope: Scope) -> Evaluate:
    value = constant(node, scope)
    return lambda row: value


def _path(node: exp.Expression, scope: Scope) -> Evaluate:
    path = path_of(node, scope)
    if path is None:
        return _index(node, scope)
    name, steps = path
    if name.lower() == "undefined" and not steps:
        return lambda row: UNDEFINED
    read = scope.source(name)
    for step in steps:
        read = _step(read, step)
    return read


def _step(read: Evaluate, step: str | int) -> Evaluate:
    if isinstance(step, str):

        def member(row: Any) -> Any:
            value = read(row)
            return value.get(step, UNDEFINED) if type(value) is dict else UNDEFINED

        return member

    def element(row: Any) -> Any:
        value = read(row)
        return value[step] if type(value) is list and 0 <= step < len(value) else UNDEFINED

    return element


def _index(node: exp.Expression, scope: Scope) -> Evaluate:
    """`base[expression]`, the step known only per row."""
    if isinstance(node, exp.Dot):
        raise UnsupportedConstruct(f"{node.this.name}.{node.expression.name}()")
    if not isinstance(node, exp.Bracket) or len(node.expressions) != 1:
        raise UnsupportedConstruct(construct_name(node))
    base, index = compile_expression(node.this, scope), compile_expression(node.expressions[0], scope)

    def read(row: Any) -> Any:
        value, step = base(row), index(row)
        if type(value) is dict and type(step) is str:
            return value.get(step, UNDEFINED)
        if type(value) is list and type(step) is int and 0 <= step < len(value):
            return value[step]
        return UNDEFINED

    return read


def _paren(node: exp.Expression, scope: Scope) -> Evaluate:
    only(node, "this")
    return compile_expression(node.this, scope)


def _comparison(
    compare: Callable[[Any, Any], Any], holds: Callable[[Any, Any], bool]
) -> Callable[[exp.Expression, Scope], Evaluate]:
    def build(node: exp.Expression, scope: Scope) -> Evaluate:
        only(node, "this", "expression")
        left = compile_expression(node.this, scope)
        value = constant(node.expression, scope)
        if type(value) is str:  # the two usual cases, without a call per row
            return lambda row: holds(found, value) if type(found := left(row)) is str else UNDEFINED
        if type(value) in NUMBERS:
            return lambda row: holds(found, value) if type(found := left(row)) in NUMBERS else UNDEFINED
        right = compile_expression(node.expression, scope)
        return lambda row: compare(left(row), right(row))

    return build


def _connective(decisive: bool) -> Callable[[exp.Expression, Scope], Evaluate]:
    """AND, which one false operand decides, or OR, which one true operand does; else undefined if any operand is."""
    neutral = not decisive

    def build(node: exp.Expression, scope: Scope) -> Evaluate:
        operands = [compile_expression(operand, scope) for operand in operands_of(node)]

        def evaluate(row: Any) -> Any:
            result: Any = neutral
            for operand in operands:
                value = operand(row)
                if value is decisive:
                    return decisive
                if value is not neutral:
                    result = UNDEFINED
            return result

        return evaluate

    return build


def operands_of(node: exp.Expression) -> list[exp.Expression]:
    """The operands of a chain of ANDs or ORs, in order: SDKs write a thousand of them, too deep to recurse into."""
    operands: list[exp.Expression] = []
    kind = type(node)
    while type(node) is kind:
        only(node, "this", "expression")
        operands.append(node.expression)
        node = node.this
    operands.append(node)
    return operands[::-1]


def _not(node: exp.Expression, scope: Scope) -> Evaluate:
    only(node, "this")
    inner = compile_expression(node.this, scope)
    return lambda row: not value if type(value := inner(row)) is bool else UNDEFINED


def _in(node: exp.Expression, scope: Scope) -> Evaluate:
    only(node, "this", "expressions")
    if not node.expressions:
        raise QuerySyntaxError("IN")
    left = compile_expression(node.this, scope)
    candidates = [compile_expression(candidate, scope) for candidate in node.expressions]

    def evaluate(row: Any) -> Any:
        value = left(row)
        if value is UNDEFINED:
            return UNDEFINED
        return any(same(value, candidate(row)) for candidate in candidates)

    return evaluate


def _between(node: exp.Expression, scope: Scope) -> Evaluate:
    only(node, "this", "low", "high")
    at_least, at_most = ordered(operator.ge), ordered(operator.le)
    value, low, high = (compile_expression(node.args[part], scope) for part in ("this", "low", "high"))

    def evaluate(row: Any) -> Any:
        found = value(row)
        above, below = at_least(found, low(row)), at_most(found, high(row))
        if above is False or below is False:
            return False
        return True if above is True and below is True else UNDEFINED

    return evaluate


def _arithmetic(apply: Callable[[Any, Any], Any]) -> Callable[[exp.Expression, Scope], Evaluate]:
    def build(node: exp.Expression, scope: Scope) -> Evaluate:
        left, right = compile_expression(node.this, scope), compile_expression(node.expression, scope)

        def evaluate(row: Any) -> Any:
            first, second = left(row), right(row)
            if type(first) not in NUMBERS or type(second) not in NUMBERS:
                return UNDEFINED
            try:
                return number(apply(first, second))
            except (ZeroDivisionError, OverflowError, ValueError):
                return UNDEFINED

        return evaluate

    return build


def _divide(left: float, right: float) -> float:
    quotient = left / right
    return int(quotient) if quotient.is_integer() else quotient


def _remainder(left: float, right: float) -> float:
    """The sign is the dividend's, as in JavaScript."""
    size = abs(left) % abs(right)
    return -size if left < 0 else size


def _negate(node: exp.Expression, scope: Scope) -> Evaluate:
    only(node, "this")
    inner = compile_expression(node.this, scope)
    return lambda row: -value if type(value := inner(row)) in NUMBERS else UNDEFINED


def _coalesce(node: exp.Expression, scope: Scope) -> Evaluate:
    """`a ?? b`: the first that is defined (null is)."""
    only(node, "this", "expressions")
    if not node.expressions or not all(node.expressions):
        raise QuerySyntaxError("??")
    choices = [compile_expression(choice, scope) for choice in (node.this, *node.expressions)]
    return lambda row: next((value for choice in choices if (value := choice(row)) is not UNDEFINED), UNDEFINED)


def _concatenate(node: exp.Expression, scope: Scope) -> Evaluate:
    only(node, "this", "expression", "safe")
    left, right = compile_expression(node.this, scope), compile_expression(node.expression, scope)

    def evaluate(row: Any) -> Any:
        first, second = left(row), right(row)
        return first + second if type(first) is str and type(second) is str else UNDEFINED

    return evaluate


def _call(node: exp.Expression, scope: Scope) -> Evaluate:
    only(node, "this", "expressions")
    name = str(node.this).upper()
    special = scope.call(name, node.expressions)
    if special is not None:
        return special
    if name in ("ARRAY", "EXISTS", "ALL", "FIRST", "LAST") and isinstance(
        next(iter(node.expressions), None), (exp.Select, exp.Subquery)
    ):
        raise UnsupportedConstruct(f"{name}(SUBQUERY)")
    function = FUNCTIONS.get(name)
    if function is None:
        raise UnknownFunction(str(node.this))
    check_arguments(function, len(node.expressions))
    arguments = [compile_expression(argument, scope) for argument in node.expressions]
    apply = function.apply
    if len(arguments) == 1:
        argument = arguments[0]
        return lambda row: apply(argument(row))
    return lambda row: apply(*[argument(row) for argument in arguments])


_COMPILERS: dict[type[exp.Expression], Callable[[Any, Scope], Evaluate]] = {
    exp.Literal: _constant,
    exp.Boolean: _constant,
    exp.Null: _constant,
    exp.Parameter: _constant,
    exp.Column: _path,
    exp.Identifier: _path,
    exp.Dot: _path,
    exp.Bracket: _path,
    exp.Paren: _paren,
    exp.EQ: _comparison(equal, operator.eq),
    exp.NEQ: _comparison(unequal, operator.ne),
    exp.LT: _comparison(ordered(operator.lt), operator.lt),
    exp.LTE: _comparison(ordered(operator.le), operator.le),
    exp.GT: _comparison(ordered(operator.gt), operator.gt),
    exp.GTE: _comparison(ordered(operator.ge), operator.ge),
    exp.And: _connective(decisive=False),
    exp.Or: _connective(decisive=True),
    exp.Not: _not,
    exp.In: _in,
    exp.Between: _between,
    exp.Add: _arithmetic(operator.add),
    exp.Sub: _arithmetic(operator.sub),
    exp.Mul: _arithmetic(operator.mul),
    exp.Div: _arithmetic(_divide),
    exp.Mod: _arithmetic(_remainder),
    exp.Neg: _negate,
    exp.Coalesce: _coalesce,
    exp.DPipe: _concatenate,
    exp.Anonymous: _call,
}
