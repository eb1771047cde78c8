"""Streams for the tests of operators: events by the second, and what comes out of a chain of operators."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

from local.sql.asa.values import TICKS_PER_SECOND, DateTime, field, format_datetime, parse_datetime
from local.stream_analytics.operator import Node, Operator
from local.stream_analytics.rows import END, Row

SECOND = TICKS_PER_SECOND
MINUTE = 60 * SECOND
DAY = "2021-10-26T"


def at(text: str) -> DateTime:
    """A time of day, `10:15:01`, or a whole datetime."""
    found = parse_datetime(text if "T" in text else DAY + text)
    assert found is not None, text
    return found


def clock(time: DateTime) -> str:
    """The time of day of `time`, to the second."""
    return format_datetime(time)[11:19]


def name(column: str) -> Callable[[Row], Any]:
    """The column of a row that has one source."""
    return lambda row: field(row.sources[0], column)


def number(row: Row) -> Any:
    """The column `value`."""
    return field(row.sources[0], "value")


def event(time: str | DateTime, /, **record: Any) -> Row:
    """A row of one source."""
    return Row(at(time) if isinstance(time, str) else time, (record,))


def run(operators: Operator | Sequence[Operator], rows: Iterable[Row]) -> list[Row]:
    """What a chain of operators makes of all of `rows` at once."""
    chain = [Node(operator) for operator in ([operators] if isinstance(operators, Operator) else operators)]
    for node, following in pairwise(chain):
        node.to(following)
    out = chain[-1].collect()
    for row in rows:
        chain[0].push(row)
    chain[0].advance(END)
    return out


def run_in_steps(
    operator: Operator, rows: Iterable[Row], before: Callable[[Operator], None] = lambda _: None
) -> list[Row]:
    """What it makes of `rows` (in order) one at a time, a watermark with each; `before` is called before each."""
    out: list[Row] = []
    for row in rows:
        before(operator)
        out += operator.advance(row.time)
        out += operator.push(row)
    before(operator)
    return [*out, *operator.advance(END)]
