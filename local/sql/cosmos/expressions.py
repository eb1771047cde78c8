"""Scalar expressions: a tree becomes one Python closure from a row to a value.

What a name means is the business of `Names`, what a subquery yields that of `block`, so that everything here is the
same in every clause.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any, ClassVar, Final

from local.sql.compiler import Compiler, Evaluate
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
from local.sql.cosmos.operators import BINARY, UNARY
from local.sql.cosmos.scope import Names
from local.sql.cosmos.values import NUMBERS, UNDEFINED, equal, ordered, unequal

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


def compile_expression(node: tree.Expression, names: Names) -> Evaluate:
    """Compile `node` to a closure from a row to a JSON value or `UNDEFINED`.

    Raises:
        SqlError: a name or a function in it is not known, or does not go there.
    """
    return _Compiler(names).compile(node)


def constant(node: tree.Expression, names: Names) -> Any:
    """The value of a literal, a parameter, or an array or object of them; `UNDEFINED` for anything else."""
    if isinstance(node, tree.Literal):
        return node.value
    if isinstance(node, tree.Parameter):
        if node.name not in names.parameters:
            raise UnresolvedIdentifier(node.name)
        return names.parameters[node.name]
    if isinstance(node, tree.Unary) and node.sign == "-" and isinstance(node.operand, tree.Parameter):
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


def composed(read: Evaluate, apply: Evaluate) -> Evaluate:
    """The closure that applies `apply` to what `read` reads."""
    return lambda row: apply(read(row))


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


class _Compiler(Compiler):
    unknown: ClassVar[Any] = UNDEFINED
    compare: ClassVar[Mapping[str, Callable[[Any, Any], Any]]] = {sign: both[0] for sign, both in _COMPARISONS.items()}

    def __init__(self, names: Names) -> None:
        self._names = names

    def compile(self, node: tree.Expression) -> Evaluate:
        special = self._names.special(node)
        if special is not None:
            return special
        value = self.constant(node)
        if type(value) is float and not isfinite(value):
            raise UnsupportedConstruct(f"{to_text(value)} other than as a function's argument")
        if value is not UNDEFINED:
            return lambda row: value
        match node:
            case tree.Parameter():
                return lambda row: UNDEFINED
            case tree.Name(name=name):
                return self._names.source(name)
            case tree.Member():
                return self._member(node)
            case tree.ObjectOf():
                return self._object(node)
            case tree.ArrayOf():
                return self._array(node)
            case tree.Call():
                return self._call(node)
            case tree.Subquery():
                return self._subquery(node)
        return self.compiled(node)

    def constant(self, node: tree.Expression) -> Any:
        return constant(node, self._names)

    def unary(self, node: tree.Unary) -> Evaluate:
        apply, operand = UNARY[node.sign], self.compile(node.operand)
        return lambda row: apply(operand(row))

    def arithmetic(self, node: tree.Binary) -> Evaluate:
        left, right = self.compile(node.left), self.compile(node.right)
        if node.sign == "??":
            return lambda row: value if (value := left(row)) is not UNDEFINED else right(row)
        apply = BINARY[node.sign]
        return lambda row: apply(left(row), right(row))

    def text(self, node: tree.Like, value: Any) -> Any:
        return value if type(value) is str else UNDEFINED

    def comparison(self, node: tree.Binary) -> Evaluate:
        """With a text or a number, the usual cases, without a call per row."""
        value = self.constant(node.right)
        kinds = (str,) if type(value) is str else _NUMBER_TYPES if type(value) in NUMBERS else ()
        if not kinds:
            return super().comparison(node)
        left, holds = self.compile(node.left), _COMPARISONS[node.sign][1]
        across = _ACROSS_TYPES.get(node.sign, UNDEFINED)

        def evaluate(row: Any) -> Any:
            found = left(row)
            if type(found) in kinds:
                return holds(found, value)
            return UNDEFINED if found is UNDEFINED else across

        return evaluate

    def membership(self, node: tree.In) -> Evaluate:
        """A choice that is not there is no choice, as in the offline engine of the .NET SDK's tests."""
        value, among = self.compile(node.operand), super().membership(node)

        def evaluate(row: Any) -> Any:
            found = among(row)
            return False if found is UNDEFINED and value(row) is not UNDEFINED else found

        return evaluate

    def _member(self, node: tree.Member) -> Evaluate:
        base, step = self.compile(node.base), self.constant(node.step)
        if isinstance(node.base, tree.Name) and type(step) is str:
            computed = self._names.computed(node.base.name).get(step)
            if computed is not None:
                return composed(base, computed)
        if type(step) in (str, int):
            return _step(base, step)
        index = self.compile(node.step)

        def read(row: Any) -> Any:
            value, step = base(row), index(row)
            if type(value) is dict and type(step) is str:
                return value.get(step, UNDEFINED)
            if type(value) is list and type(step) in NUMBERS and 0 <= step < len(value) and step == int(step):
                return value[int(step)]
            return UNDEFINED

        return read

    def _object(self, node: tree.ObjectOf) -> Evaluate:
        members = [(name, self.compile(member)) for name, member in node.members]
        return lambda row: {name: value for name, member in members if (value := member(row)) is not UNDEFINED}

    def _array(self, node: tree.ArrayOf) -> Evaluate:
        items = [self.compile(item) for item in node.items]
        return lambda row: [value for item in items if (value := item(row)) is not UNDEFINED]

    def _call(self, node: tree.Call) -> Evaluate:
        if node.name in STATIC:
            if node.arguments:
                raise WrongArguments(node.name, 0, 0)
            value = STATIC[node.name](self._names.now)
            return lambda row: value
        function = FUNCTIONS.get(node.name)
        if function is None:
            if node.name in NOT_EVALUATED:
                raise UnsupportedConstruct(f"{node.name}()")
            raise UnknownFunction(node.written)
        check_arguments(function, len(node.arguments))
        if function is DOCUMENT_ID and not self._is_document(node.arguments[0]):
            raise InvalidQuery("The argument of DOCUMENTID must be the alias of the container.")
        arguments = [self._argument(argument, function) for argument in node.arguments]
        apply = function.apply
        match arguments:
            case [only]:
                return lambda row: apply(only(row))
            case [first, second]:
                return lambda row: apply(first(row), second(row))
        return lambda row: apply(*[argument(row) for argument in arguments])

    def _argument(self, node: tree.Expression, function: Function) -> Evaluate:
        """NaN and Infinity may go where they do not come out again: no JSON can say them."""
        if (
            isinstance(node, tree.Literal)
            and node.kind is float
            and not isfinite(node.value)
            and function not in ARRAYS
        ):
            value = node.value
            return lambda row: value
        return self.compile(node)

    def _is_document(self, node: tree.Expression) -> bool:
        if not isinstance(node, tree.Name):
            return False
        self._names.source(node.name)
        return self._names.rows_scope().paths.get(node.name) == ()

    def _subquery(self, node: tree.Subquery) -> Evaluate:
        from local.sql.cosmos.block import compile_block  # a block is made of expressions, and an expression of blocks

        scope = self._names.rows_scope()
        block = compile_block(node.query, scope)
        values, opened = block.values, scope.opener()
        if node.use == "EXISTS":
            return lambda row: any(True for _ in values((opened(row),)))
        if node.use == "ARRAY":
            return lambda row: list(values((opened(row),)))
        if not block.is_single:
            raise InvalidQuery("The cardinality of a scalar subquery result set cannot be greater than one.")
        return lambda row: next(iter(values((opened(row),))), UNDEFINED)
