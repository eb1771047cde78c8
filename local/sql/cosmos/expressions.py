"""Scalar expressions: a tree becomes one Python closure from a row to a value.

What a name means is the business of `Names`, what a subquery yields that of `block`, so that everything here is the
same in every clause.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any, Final

from local.sql.cosmos import tree
from local.sql.cosmos.errors import (
    InvalidQuery,
    UnknownFunction,
    UnresolvedIdentifier,
    UnsupportedConstruct,
    WrongArguments,
)
from local.sql.cosmos.functions import FUNCTIONS, NOT_EVALUATED
from local.sql.cosmos.functions.arrays import ARRAYS
from local.sql.cosmos.functions.conversions import to_text
from local.sql.cosmos.functions.dates import STATIC
from local.sql.cosmos.functions.documents import DOCUMENT_ID
from local.sql.cosmos.functions.table import Function, check_arguments
from local.sql.cosmos.operators import BINARY, UNARY, like
from local.sql.cosmos.scope import Evaluate, Names
from local.sql.cosmos.values import NUMBERS, UNDEFINED, equal, ordered, same, unequal
from local.sql.like import like_pattern

_COMPARISONS: Final[dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], bool]]]] = {
    "=": (equal, operator.eq),
    "!=": (unequal, operator.ne),
    "<>": (unequal, operator.ne),
    "<": (ordered(operator.lt), operator.lt),
    "<=": (ordered(operator.le), operator.le),
    ">": (ordered(operator.gt), operator.gt),
    ">=": (ordered(operator.ge), operator.ge),
}
_ACROSS_TYPES: Final = {"=": False, "!=": True, "<>": True}
_NUMBER_TYPES: Final = tuple(NUMBERS)
_AT_LEAST, _AT_MOST = ordered(operator.ge), ordered(operator.le)


def compile_expression(node: tree.Expression, names: Names) -> Evaluate:
    """Compile `node` to a closure from a row to a JSON value or `UNDEFINED`.

    Raises:
        SqlError: a name or a function in it is not known, or does not go there.
    """
    special = names.special(node)
    if special is not None:
        return special
    value = constant(node, names)
    if type(value) is float and not isfinite(value):
        raise UnsupportedConstruct(f"{to_text(value)} other than as a function's argument")
    if value is not UNDEFINED:
        return lambda row: value
    return _COMPILERS[type(node)](node, names)


def constant(node: tree.Expression, names: Names) -> Any:
    """The value of a literal, a parameter, or an array or object of them; `UNDEFINED` for anything else."""
    if isinstance(node, tree.Literal):
        return node.value
    if isinstance(node, tree.Parameter):
        if node.name not in names.parameters:
            raise UnresolvedIdentifier(node.name)
        return names.parameters[node.name]
    if isinstance(node, tree.Unary) and node.operator == "-" and isinstance(node.operand, tree.Parameter):
        return UNARY["-"](constant(node.operand, names))
    if isinstance(node, tree.ArrayOf):
        items = [constant(item, names) for item in node.items]
        return items if all(map(_is_json, items)) else UNDEFINED
    if isinstance(node, tree.ObjectOf):
        members = {name: constant(member, names) for name, member in node.members}
        return members if all(map(_is_json, members.values())) else UNDEFINED
    return UNDEFINED


def _is_json(value: Any) -> bool:
    return value is not UNDEFINED and not (type(value) is float and not isfinite(value))


def path_of(node: tree.Expression, names: Names) -> tuple[str, tuple[str | int, ...]] | None:
    """(source, steps) when `node` is a plain path such as c.a.b[0]["x"], else None."""
    steps: list[str | int] = []
    while isinstance(node, tree.Member):
        step = constant(node.step, names)
        if type(step) not in (str, int):
            return None
        steps.append(step)
        node = node.base
    return (node.name, tuple(steps[::-1])) if isinstance(node, tree.Name) else None


def read_steps(read: Evaluate, steps: Sequence[str | int]) -> Evaluate:
    """The closure that goes on from what `read` reads by `steps`."""
    for step in steps:
        read = _step(read, step)
    return read


def _undefined(node: tree.Literal | tree.Parameter, names: Names) -> Evaluate:
    return lambda row: UNDEFINED


def _name(node: tree.Name, names: Names) -> Evaluate:
    return names.source(node.name)


def _member(node: tree.Member, names: Names) -> Evaluate:
    base, step = compile_expression(node.base, names), constant(node.step, names)
    if type(step) in (str, int):
        return _step(base, step)
    index = compile_expression(node.step, names)

    def read(row: Any) -> Any:
        value, step = base(row), index(row)
        if type(value) is dict and type(step) is str:
            return value.get(step, UNDEFINED)
        if type(value) is list and type(step) in NUMBERS and 0 <= step < len(value) and step == int(step):
            return value[int(step)]
        return UNDEFINED

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


def _unary(node: tree.Unary, names: Names) -> Evaluate:
    apply, operand = UNARY[node.operator], compile_expression(node.operand, names)
    return lambda row: apply(operand(row))


def _binary(node: tree.Binary, names: Names) -> Evaluate:
    if node.operator in _COMPARISONS:
        return _comparison(node, names)
    left, right = compile_expression(node.left, names), compile_expression(node.right, names)
    if node.operator == "??":
        return lambda row: value if (value := left(row)) is not UNDEFINED else right(row)
    apply = BINARY[node.operator]
    return lambda row: apply(left(row), right(row))


def _comparison(node: tree.Binary, names: Names) -> Evaluate:
    compare, holds = _COMPARISONS[node.operator]
    left, value = compile_expression(node.left, names), constant(node.right, names)
    across = _ACROSS_TYPES.get(node.operator, UNDEFINED)
    kinds = (str,) if type(value) is str else _NUMBER_TYPES if type(value) in NUMBERS else ()
    if kinds:  # the usual cases, without a call per row

        def evaluate(row: Any) -> Any:
            found = left(row)
            if type(found) in kinds:
                return holds(found, value)
            return UNDEFINED if found is UNDEFINED else across

        return evaluate
    right = compile_expression(node.right, names)
    return lambda row: compare(left(row), right(row))


def _logical(node: tree.Logical, names: Names) -> Evaluate:
    """AND, which one false operand decides, or OR, which one true operand does; else undefined if any operand is."""
    decisive = node.operator == "OR"
    neutral = not decisive
    operands = [compile_expression(operand, names) for operand in node.operands]

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


def _conditional(node: tree.Conditional, names: Names) -> Evaluate:
    """Anything but true, undefined too, chooses the last (as documented for IIF)."""
    test, yes, no = (compile_expression(part, names) for part in (node.test, node.yes, node.no))
    return lambda row: yes(row) if test(row) is True else no(row)


def _in(node: tree.In, names: Names) -> Evaluate:
    value = compile_expression(node.value, names)
    constants = [constant(choice, names) for choice in node.choices]
    if all(type(choice) is str for choice in constants):
        texts = frozenset(constants)

        def among(row: Any) -> Any:
            found = value(row)
            return found in texts if type(found) is str else UNDEFINED if found is UNDEFINED else False

        return among
    choices = [compile_expression(choice, names) for choice in node.choices]

    def evaluate(row: Any) -> Any:
        found = value(row)
        return UNDEFINED if found is UNDEFINED else any(same(found, choice(row)) for choice in choices)

    return evaluate


def _between(node: tree.Between, names: Names) -> Evaluate:
    value, low, high = (compile_expression(part, names) for part in (node.value, node.low, node.high))

    def evaluate(row: Any) -> Any:
        found = value(row)
        above, below = _AT_LEAST(found, low(row)), _AT_MOST(found, high(row))
        if above is False or below is False:
            return False
        return True if above is True and below is True else UNDEFINED

    return evaluate


def _like(node: tree.Like, names: Names) -> Evaluate:
    value, text, escape = compile_expression(node.value, names), constant(node.pattern, names), node.escape
    if type(text) is str:
        matches = like_pattern(text, escape).fullmatch
        return lambda row: matches(found) is not None if type(found := value(row)) is str else UNDEFINED
    pattern = compile_expression(node.pattern, names)
    return lambda row: like(value(row), pattern(row), escape)


def _object(node: tree.ObjectOf, names: Names) -> Evaluate:
    members = [(name, compile_expression(member, names)) for name, member in node.members]
    return lambda row: {name: value for name, member in members if (value := member(row)) is not UNDEFINED}


def _array(node: tree.ArrayOf, names: Names) -> Evaluate:
    items = [compile_expression(item, names) for item in node.items]
    return lambda row: [value for item in items if (value := item(row)) is not UNDEFINED]


def _call(node: tree.Call, names: Names) -> Evaluate:
    if node.name in STATIC:
        if node.arguments:
            raise WrongArguments(node.name, 0, 0)
        value = STATIC[node.name](names.now)
        return lambda row: value
    function = FUNCTIONS.get(node.name)
    if function is None:
        if node.name in NOT_EVALUATED:
            raise UnsupportedConstruct(f"{node.name}()")
        raise UnknownFunction(node.written)
    check_arguments(function, len(node.arguments))
    if function is DOCUMENT_ID and not _is_document(node.arguments[0], names):
        raise InvalidQuery("The argument of DOCUMENTID must be the alias of the container.")
    arguments = [_argument(argument, function, names) for argument in node.arguments]
    apply = function.apply
    match arguments:
        case [only]:
            return lambda row: apply(only(row))
        case [first, second]:
            return lambda row: apply(first(row), second(row))
    return lambda row: apply(*[argument(row) for argument in arguments])


def _argument(node: tree.Expression, function: Function, names: Names) -> Evaluate:
    """NaN and Infinity may go where they do not come out again: no JSON can say them."""
    if isinstance(node, tree.Literal) and node.kind is float and not isfinite(node.value) and function not in ARRAYS:
        value = node.value
        return lambda row: value
    return compile_expression(node, names)


def _is_document(node: tree.Expression, names: Names) -> bool:
    if not isinstance(node, tree.Name):
        return False
    names.source(node.name)
    return names.rows_scope().paths.get(node.name) == ()


def _subquery(node: tree.Subquery, names: Names) -> Evaluate:
    from local.sql.cosmos.block import compile_block  # a block is made of expressions, and an expression of blocks

    scope = names.rows_scope()
    block = compile_block(node.query, scope)
    values, opened = block.values, scope.opener()
    if node.use == "EXISTS":
        return lambda row: any(True for _ in values((opened(row),)))
    if node.use == "ARRAY":
        return lambda row: list(values((opened(row),)))
    if not block.is_single:
        raise InvalidQuery("The cardinality of a scalar subquery result set cannot be greater than one.")
    return lambda row: next(iter(values((opened(row),))), UNDEFINED)


_COMPILERS: Final[dict[type, Callable[[Any, Names], Evaluate]]] = {
    tree.Literal: _undefined,
    tree.Parameter: _undefined,
    tree.Name: _name,
    tree.Member: _member,
    tree.Unary: _unary,
    tree.Binary: _binary,
    tree.Logical: _logical,
    tree.Conditional: _conditional,
    tree.In: _in,
    tree.Between: _between,
    tree.Like: _like,
    tree.ObjectOf: _object,
    tree.ArrayOf: _array,
    tree.Call: _call,
    tree.Subquery: _subquery,
}
