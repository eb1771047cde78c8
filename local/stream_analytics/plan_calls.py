"""The calls of time in a query, as the operators want them: windows, aggregates, and what looks back.

Source of the windows' two forms, `(unit, number)` and `(Duration(unit, number))`:
https://learn.microsoft.com/stream-analytics-query/windowing-azure-stream-analytics
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from local.sql.asa import catalog
from local.sql.asa.conversions import CASTS, Mismatch
from local.sql.asa.durations import UNITS, duration_of, signed_span_of
from local.sql.asa.errors import EvaluationError, InvalidQuery, Position, WrongArguments
from local.sql.asa.expressions import compile_expression
from local.sql.asa.tree import Call, Expression, Literal, Member, Path
from local.sql.asa.values import TICKS_PER_DAY, TYPE_NAMES, parse_datetime
from local.stream_analytics import accumulators, windows
from local.stream_analytics.accumulators import Aggregate
from local.stream_analytics.analytic import Analytic, IsFirst, Lag, Moving
from local.stream_analytics.plan_scope import RowScope, member
from local.stream_analytics.projection import whole
from local.stream_analytics.rows import Evaluate, Row
from local.stream_analytics.windows import Hopping, Session, Sliding, Window

LONGEST_WINDOW: Final = 7 * TICKS_PER_DAY
_NAMED: Final = {
    "tumbling": (("DURATION",), ("OFFSET",)),
    "hopping": (("DURATION", "HOP"), ("OFFSET",)),
    "sliding": (("DURATION",), ()),
    "session": (("TIMEOUT", "MAXDURATION"), ()),
}
"""By the kind of window, the functions that its arguments may be written as: those it needs, those it may have."""


def is_window(node: Expression) -> bool:
    """Whether an expression of GROUP BY is its window."""
    if not isinstance(node, Call):
        return False
    return node.name.upper() in catalog.WINDOWS or node.name.upper() in (catalog.SEVERAL, catalog.TIMESTAMP)


def windows_of(call: Call) -> list[tuple[str | None, Call]]:
    """The windows that a call of GROUP BY says, and what Windows() calls them.

    Raises:
        QueryError: Windows() holds something else, or two that are called the same.

    Source: https://learn.microsoft.com/stream-analytics-query/windows-azure-stream-analytics
    """
    if call.name.upper() != catalog.SEVERAL:
        return [(None, call)]
    if call.over or call.star or call.distinct or not call.arguments:
        raise WrongArguments(call.at, f"{call.name}() takes windows, or a Window('id', window) for each")
    found: dict[str | None, Call] = {}
    windows = []
    for argument in call.arguments:
        identity, window = _identified(argument)
        if not isinstance(window, Call) or window.name.upper() not in (*catalog.WINDOWS, catalog.TIMESTAMP):
            raise WrongArguments(argument.at, f"{call.name}() takes windows, or a Window('id', window) for each")
        folded = None if identity is None else identity.lower()
        if found and (None in found) is not (folded is None):
            raise InvalidQuery(argument.at, f"either all windows of {call.name}() have an id, or none has")
        if folded is not None and folded in found:
            raise InvalidQuery(argument.at, f"two windows are called {identity}")
        found[folded] = window
        windows.append((identity, window))
    return windows


def _identified(argument: Expression) -> tuple[str | None, Expression]:
    if not isinstance(argument, Call) or argument.name.upper() != catalog.IDENTIFIED:
        return None, argument
    identity = argument.arguments[0] if len(argument.arguments) == 2 else None
    plain = not (argument.over or argument.star or argument.distinct)
    if not plain or not isinstance(identity, Literal) or identity.kind is not str:
        raise WrongArguments(argument.at, f"{argument.name}() takes an id, as 'minutes', and a window")
    return identity.value, argument.arguments[1]


def window_of(call: Call) -> Window:
    """The window of GROUP BY.

    Raises:
        QueryError: its arguments are none of the documented ones.
    """
    if call.name.upper() == catalog.TIMESTAMP:
        return windows.SNAPSHOT
    kind = catalog.WINDOWS[call.name.upper()]
    if call.over is not None and (kind != "session" or call.over.order or call.over.limit or call.over.when):
        what = "OVER (PARTITION BY ...) alone" if kind == "session" else "no OVER"
        raise WrongArguments(call.over.at, f"{call.name}() takes {what}")
    if call.star or call.distinct:
        raise WrongArguments(call.at, f"{call.name}() takes a unit of time and numbers")
    spans = _named_spans(call, kind) if _is_named(call) else _counted_spans(call, kind)
    for argument, span in zip(call.arguments[-len(spans) :], spans, strict=False):
        if abs(span) > LONGEST_WINDOW:
            raise InvalidQuery(argument.at, f"{call.name}() of more than 7 days")
    match kind:
        case "tumbling":
            return Hopping(spans[0], spans[0], *spans[1:])
        case "hopping":
            return Hopping(*spans)
        case "sliding":
            return Sliding(spans[0])
    return Session(spans[0], spans[1])


def _is_named(call: Call) -> bool:
    return bool(call.arguments) and isinstance(call.arguments[0], Call)


def _named_spans(call: Call, kind: str) -> list[int]:
    needed, optional = _NAMED[kind]
    shown = ", ".join([*(f"{name}()" for name in needed), *(f"[{name}()]" for name in optional)])
    names = [*needed, *optional]
    spans = []
    for place, argument in enumerate(call.arguments):
        fits = isinstance(argument, Call) and place < len(names) and argument.name.upper() == names[place]
        if not isinstance(argument, Call) or not fits or argument.over or argument.star or argument.distinct:
            raise WrongArguments(argument.at, f"{call.name}() takes {shown}")
        signed = argument.name.upper() == "OFFSET"
        spans.append((signed_span_of if signed else duration_of)(argument, argument.arguments))
    if len(spans) < len(needed):
        raise WrongArguments(call.at, f"{call.name}() takes {shown}")
    return spans


def _counted_spans(call: Call, kind: str) -> list[int]:
    needed, optional = _NAMED[kind]
    least, most = 1 + len(needed), 1 + len(needed) + len(optional)
    if not least <= len(call.arguments) <= most:
        counts = f"{least - 1}" if least == most else f"{least - 1} or {most - 1}"
        raise WrongArguments(call.at, f"{call.name}() takes a unit of time and {counts} numbers")
    unit, *numbers = call.arguments
    spans = [duration_of(call, (unit, number)) for number in numbers[: len(needed)]]
    return spans + [signed_span_of(call, (unit, number)) for number in numbers[len(needed) :]]


def aggregate_of(call: Call, scope: RowScope) -> Aggregate:
    """The accumulator of an aggregate that `check` has passed."""
    upper = call.name.upper()
    if call.star or (upper == "COUNT" and not call.arguments):
        return accumulators.CountRows()
    order = [(_sortable(compile_expression(key, scope)), down) for key, down in call.over.order] if call.over else []
    if upper in ("PERCENTILE_CONT", "PERCENTILE_DISC"):
        if len(order) != 1:
            raise WrongArguments(call.at, f"{call.name}() takes one expression in ORDER BY")
        value, descending = order[0]
        return accumulators.Percentile(
            float(_literal(call.arguments[0])),
            _numeric(call.at, call.name, value),
            descending=descending,
            discrete=upper == "PERCENTILE_DISC",
        )
    values = call.arguments[1:] if upper == "COLLECTTOP" else call.arguments
    events = _events_of(values[0], scope) if upper == "COUNT" else None
    value = events or (compile_expression(values[0], scope) if values else whole(scope))
    match upper:
        case "COLLECTTOP":
            return accumulators.CollectTop(int(_literal(call.arguments[0])), value, order)
        case "TOPONE":
            return accumulators.TopOne(value, order)
        case "COLLECT":
            return accumulators.Collect(value)
        case "COUNT":
            return accumulators.CountDistinct(value) if call.distinct else accumulators.Count(value)
        case "MIN" | "MAX":
            value = _unlike_text(call, value) if _is_as_it_came(values[0], scope) else value
            return accumulators.Extreme(value, greatest=upper == "MAX")
    number = _numeric(call.at, call.name, value)
    match upper:
        case "SUM":
            return accumulators.Sum(number)
        case "AVG":
            return accumulators.Avg(number)
    return accumulators.Spread(number, root=upper.startswith("STDEV"), sample=not upper.endswith("P"))


def _events_of(named: Expression, scope: RowScope) -> Evaluate | None:
    """The events of an input, if that is what is named: COUNT(input) counts all of them.

    Source: https://learn.microsoft.com/stream-analytics-query/count-azure-stream-analytics ("Remarks")
    """
    slot = scope.slot(named.names[0]) if isinstance(named, Path) and len(named.names) == 1 else None
    return None if slot is None or slot.columns is not None else member(slot.index, ())


def _is_as_it_came(node: Expression, scope: RowScope) -> bool:
    """Whether a value is of an event, or of what APPLY took of one: no step and no function has given it a type."""
    if isinstance(node, Path):
        slot = scope.source(node)
        return slot.columns is None or slot.applied
    return isinstance(node, Member) or (isinstance(node, Call) and node.name.upper() in catalog.TAKEN)


def _unlike_text(call: Call, value: Evaluate) -> Evaluate:
    """`value`, a text read as the number or the datetime that it is: only what is CAST to a text is ordered as one.

    Source: https://learn.microsoft.com/stream-analytics-query/max-azure-stream-analytics ("Arguments"), and for
    datetimes the MAX(Time) of the "Common query patterns".
    """

    def read(row: Row) -> Any:
        found = value(row)
        if type(found) is not str:
            return found
        try:
            return CASTS["float"](found)
        except Mismatch as mismatch:
            time = parse_datetime(found)
            if time is None:
                raise EvaluationError(
                    call.at, f"{call.name}(): {mismatch}; it orders texts where they are CAST to nvarchar(max)"
                ) from None
            return time

    return read


def _literal(node: Expression) -> Any:
    assert isinstance(node, Literal)
    return node.value


def _sortable(value: Evaluate) -> Evaluate:
    """`value`, a text read as the datetime that it is: events are sorted by numbers and datetimes alone."""

    def sortable(row: Row) -> Any:
        found = value(row)
        return (parse_datetime(found) or found) if type(found) is str else found

    return sortable


def _numeric(at: Position, name: str, value: Evaluate) -> Evaluate:
    """`value`, which must be a number: anything else stops the job, where the query says so."""

    def number(row: Row) -> Any:
        found = value(row)
        if found is None or type(found) is int or type(found) is float:
            return found
        kind = TYPE_NAMES.get(type(found), "value")
        raise EvaluationError(at, f"{name}() takes bigint and float, not {kind}; CAST() or TRY_CAST() makes it one")

    return number


def analytic_of(call: Call, scope: RowScope) -> Analytic:
    """The function that looks back, of a call that `check` has passed."""
    over = call.over
    partition: Sequence[Evaluate] = [compile_expression(key, scope) for key in over.partition] if over else ()
    when = compile_expression(over.when, scope) if over is not None and over.when is not None else None
    if call.name.upper() == "ISFIRST":
        return IsFirst(duration_of(call, call.arguments), partition, when)
    assert over is not None
    assert over.limit is not None
    span = duration_of(over.limit, over.limit.arguments, UNITS)
    if call.name.upper() in catalog.MOVING:
        return Moving(call.at, aggregate_of(replace(call, over=None), scope), span, partition, when)
    rest = list(call.arguments)
    value = whole(scope) if call.star else compile_expression(rest.pop(0), scope)
    offset = 0 if call.name.upper() == "LAST" else int(_literal(rest.pop(0))) if rest else 1
    return Lag(
        value,
        span,
        offset=offset,
        default=compile_expression(rest[0], scope) if rest else None,
        partition=partition,
        when=when,
    )
