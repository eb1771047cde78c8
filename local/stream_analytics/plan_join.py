"""ON of a join, taken apart: how far the rows may be apart in time, what must be equal, and what else must hold.

Equalities only narrow down the rows that are tried: ON as a whole is evaluated on each pair, as a text that is compared
with a datetime is equal to it without being the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from local.sql.asa.durations import UNITS, constant_number, signed_span_of
from local.sql.asa.errors import InvalidQuery, NotRunLocally
from local.sql.asa.expressions import compile_expression
from local.sql.asa.tree import Between, Binary, Call, Connective, Expression, Join, Path, walk
from local.sql.asa.values import TICKS_PER_DAY, parse_datetime
from local.stream_analytics.joins import Bounds
from local.stream_analytics.plan_scope import RowScope
from local.stream_analytics.rows import Evaluate, Row

_FURTHEST: Final = 7 * TICKS_PER_DAY
"""The maximum DATEDIFF of https://learn.microsoft.com/stream-analytics-query/join-azure-stream-analytics."""
_UNBOUNDED: Final = 2**63  # ticks: more than any two times are apart
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}


@dataclass(frozen=True)
class On:
    """What ON says.

    Attributes:
        condition: All of it but the bounds, on the joined row; None for nothing.
        left_keys: What must be equal, of the left row ...
        right_keys: ... and of the right one.
        bounds: How far apart in time, for two streams.
        left: The source on the left that the bounds are counted from.
        others: How far apart the right side and other sources on the left are.
    """

    condition: Evaluate | None
    left_keys: tuple[Evaluate, ...]
    right_keys: tuple[Evaluate, ...]
    bounds: Bounds | None
    left: str | None
    others: Mapping[str, Bounds]


def analyse(join: Join, joined: RowScope, left: RowScope, right: RowScope, *, stream: bool) -> On:
    """Take ON apart.

    Args:
        join: The join.
        joined: The scope of rows that have both sides.
        left: The scope of the rows on the left.
        right: The scope of the rows on the right, alone.
        stream: Whether the right side is a stream, so that the join has bounds.

    Raises:
        QueryError: a stream's join has no bounds, or something in ON means nothing.
    """
    rest: list[Expression] = []
    limits: list[tuple[str, str, Call, tuple[int | None, int | None]]] = []
    for part in conjuncts(join.on) if join.on is not None else ():
        limit = _limit(part, joined)
        if limit is None:
            rest.append(part)
        else:
            limits.append(limit)
    pairs = [pair for part in rest if (pair := _equality(part, left, right)) is not None]
    conditions = [compile_expression(part, joined) for part in rest]
    keys = tuple(_key(first) for first, _ in pairs), tuple(_key(second) for _, second in pairs)
    if not stream and limits:
        raise InvalidQuery(limits[0][2].at, "reference data has no time: DATEDIFF of it means nothing")
    if not stream:
        return On(_all(conditions), *keys, None, None, {})
    source, bounds, others = _bounds(join, limits, left, right)
    return On(_all(conditions), *keys, bounds, source, others)


def conjuncts(node: Expression) -> Iterator[Expression]:
    """What AND has on its sides: all of it must hold."""
    if isinstance(node, Connective) and node.word == "AND":
        for operand in node.operands:
            yield from conjuncts(operand)
    else:
        yield node


def _all(conditions: Sequence[Evaluate]) -> Evaluate | None:
    if not conditions:
        return None
    if len(conditions) == 1:
        return conditions[0]
    return lambda row: all(condition(row) is True for condition in conditions)


def _limit(node: Expression, joined: RowScope) -> tuple[str, str, Call, tuple[int | None, int | None]] | None:
    """(first source, second source, the call, (least, most)) when `node` bounds DATEDIFF of two sources."""
    if isinstance(node, Between) and (sources := _difference(node.operand, joined)):
        call, low, high = node.operand, _ticks(node.operand, node.low), _ticks(node.operand, node.high)
        return (*sources, _called(call), (low, high))
    if not isinstance(node, Binary) or node.sign not in _MIRRORED:
        return None
    for call, number, sign in ((node.left, node.right, node.sign), (node.right, node.left, _MIRRORED[node.sign])):
        sources = _difference(call, joined)
        if sources and constant_number(number) is not None:
            ticks = _ticks(call, number)
            least = {"=": ticks, ">=": ticks, ">": ticks + 1}.get(sign)
            most = {"=": ticks, "<=": ticks, "<": ticks - 1}.get(sign)
            return (*sources, _called(call), (least, most))
    return None


def _called(node: Expression) -> Call:
    assert isinstance(node, Call)
    return node


def _difference(node: Expression, joined: RowScope) -> tuple[str, str] | None:
    if not isinstance(node, Call) or node.name.upper() != "DATEDIFF":
        return None
    named = [part.names[0] for part in node.arguments[1:] if isinstance(part, Path) and len(part.names) == 1]
    if len(named) != 2 or any(joined.slot(name) is None for name in named):
        return None
    return named[0], named[1]


def _ticks(call: Expression, number: Expression) -> int:
    return signed_span_of(_called(call), (_called(call).arguments[0], number), UNITS)


def _bounds(
    join: Join, limits: Sequence[tuple[str, str, Call, tuple[int | None, int | None]]], left: RowScope, right: RowScope
) -> tuple[str, Bounds, dict[str, Bounds]]:
    """The source on the left that the join is bounded by, its bounds, and those of others."""
    found: dict[str, tuple[int, int]] = {}
    for first, second, call, (low, high) in limits:
        if left.slot(first) is not None and right.slot(second) is not None:
            source = first.lower()
        elif right.slot(first) is not None and left.slot(second) is not None:
            source = second.lower()
            low, high = (None if high is None else -high), (None if low is None else -low)
        else:
            raise InvalidQuery(call.at, f"DATEDIFF is to be of {join.source.known_as} and a source to its left")
        least, most = found.get(source, (-_UNBOUNDED, _UNBOUNDED))
        found[source] = least, most = (
            least if low is None else max(least, low),
            most if high is None else min(most, high),
        )
        if least > most:
            raise InvalidQuery(call.at, "no rows are so far apart: the bounds of DATEDIFF exclude each other")
    below = [source for source, (least, _) in found.items() if least > -_UNBOUNDED]
    above = [source for source, (_, most) in found.items() if most < _UNBOUNDED]
    bounded = next((source for source in below if source in above), None)
    if bounded is None and below and above:
        raise NotRunLocally(join.at, "a JOIN that no source bounds on its own, by DATEDIFF on both sides,")
    if bounded is None:
        raise InvalidQuery(
            join.at,
            f"a JOIN of streams is bounded in time: AND DATEDIFF(unit, {left.slots[0].name}, "
            f"{join.source.known_as}) BETWEEN least AND most",
        )
    least, most = found.pop(bounded)
    if least < -_FURTHEST or most > _FURTHEST:
        raise InvalidQuery(limits[0][2].at, "a JOIN is of rows that are up to 7 days apart")
    return bounded, Bounds(least, most), {source: Bounds(*limit) for source, limit in found.items()}


def _equality(node: Expression, left: RowScope, right: RowScope) -> tuple[Evaluate, Evaluate] | None:
    """The two sides of `left = right`, each compiled for its own rows; None when `node` is no such equality."""
    if not isinstance(node, Binary) or node.sign != "=":
        return None
    for first, second in ((node.left, node.right), (node.right, node.left)):
        if _only_of(first, left) and _only_of(second, right):
            return compile_expression(first, left), compile_expression(second, right)
    return None


def _only_of(node: Expression, scope: RowScope) -> bool:
    """Whether a value is of the rows of `scope` alone: every name says so, and there is one."""
    paths = [part for part in walk(node) if isinstance(part, Path)]
    calls = any(isinstance(part, Call) for part in walk(node))
    return bool(paths) and not calls and all(len(path.names) > 1 and scope.slot(path.names[0]) for path in paths)


def _key(evaluate: Evaluate) -> Callable[[Row], Any]:
    """What is the same for two values that are equal: it may be for others, too."""

    def key(row: Row) -> Any:
        value = evaluate(row)
        if type(value) is bool:
            return int(value)
        if type(value) is str and len(value) >= len("2020-01-01") and value[4] == "-":
            return parse_datetime(value) or value
        return value

    return key
