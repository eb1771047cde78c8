"""One SELECT as a chain of operators: what looks back, the joins, WHERE, GROUP BY, HAVING, and the SELECT list.

Analytic functions come first, as is documented of them: WHERE and JOIN take no event from their sight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from local.sql.asa import catalog
from local.sql.asa.conversions import Mismatch, array, record
from local.sql.asa.errors import EvaluationError, InvalidQuery, NotRunLocally, Position
from local.sql.asa.expressions import compile_expression
from local.sql.asa.tree import Apply, Call, Join, Node, Projection, Select, Source, walk
from local.sql.asa.values import DateTime
from local.stream_analytics import flow
from local.stream_analytics.accumulators import Aggregate, ArgumentError
from local.stream_analytics.analytic import Analytics
from local.stream_analytics.joins import Bounds, StreamJoin
from local.stream_analytics.operator import Operator
from local.stream_analytics.plan_calls import aggregate_of, analytic_of, is_window, window_of, windows_of
from local.stream_analytics.plan_join import On, analyse
from local.stream_analytics.plan_partition import Partitioning, Stream, Substreams, stay_apart
from local.stream_analytics.plan_scope import GroupScope, RowScope, Slot, looked_back_key
from local.stream_analytics.projection import project
from local.stream_analytics.reference import ReferenceData, ReferenceJoin
from local.stream_analytics.rows import Evaluate, Row
from local.stream_analytics.session_aggregate import SessionAggregate
from local.stream_analytics.sliding_aggregate import SlidingAggregate
from local.stream_analytics.window_aggregate import HoppingAggregate
from local.stream_analytics.windows import Hopping, Session, Sliding


class Builder(Protocol):
    """What a SELECT needs of the plan that it is part of."""

    def add(self, make: Callable[[], Operator], *sources: int) -> int:
        """One operator more, that takes the rows of `sources`, in the order of its ports."""

    def stream(self, source: Source) -> Stream:
        """The rows of an input or a step."""

    def together(self, stream: Stream, source: Source) -> Stream:
        """The rows of all partitions of a stream, in order of time."""

    def table(self, source: Source) -> ReferenceData | None:
        """Reference data, if it is some."""


class Stamp(Operator):
    """Keeps a row's own time beside it: after two joins, a third may count from it."""

    def push(self, row: Row, port: int = 0) -> Iterable[Row]:
        return (row.with_source(row.time),)


class Located(Operator):
    """An operator whose aggregates may refuse a value: the error says where in the query."""

    def __init__(self, inner: Operator, at: Position) -> None:
        self._inner = inner
        self._at = at
        self.state = inner.state

    def restore(self, state: dict[str, Any]) -> None:
        self._inner.restore(state)
        self.state = self._inner.state

    def push(self, row: Row, port: int = 0) -> Iterable[Row]:
        try:
            return self._inner.push(row, port)
        except ArgumentError as error:
            raise EvaluationError(self._at, str(error)) from None

    def advance(self, watermark: DateTime) -> Iterator[Row]:
        try:
            yield from self._inner.advance(watermark)
        except ArgumentError as error:
            raise EvaluationError(self._at, str(error)) from None


def build_select(select: Select, builder: Builder) -> Stream:
    """Add the operators of a SELECT.

    Raises:
        QueryError: something in it means nothing, breaks a rule, or is not run.
    """
    source = _Rows(select, builder)
    rows, place = source.build()
    if select.where is not None:
        where = compile_expression(select.where, rows)
        place = builder.add(lambda: flow.Filter(where), place)
    if select.having is not None and not select.group:
        having = compile_expression(select.having, rows)
        place = builder.add(lambda: flow.Filter(having), place)
    if select.group or any(_calls(select.projections, catalog.is_aggregate)):
        _check_apart(select, rows, source)
        place, columns = _grouped(select, rows, place, builder)
    else:
        projection, columns = project(select.projections, rows, rows)
        place = builder.add(lambda: flow.Project(projection), place)
    return Stream(place, columns, partitions=source.partitions, over=source.over)


class _Rows:
    """The rows that WHERE sees: those of FROM, with what looks back, and what is joined and applied."""

    def __init__(self, select: Select, builder: Builder) -> None:
        self._select = select
        self._builder = builder
        self._slots: list[Slot] = []
        self._width = 0
        self._looked_back: dict[Any, tuple[int, int]] = {}
        self._times: dict[str, int] = {}
        self._outer: set[str] = set()
        self._lag = 0
        joined = [part.source for part in select.joins if isinstance(part, Join) and builder.table(part.source) is None]
        self._stamped = len(joined) > 1
        read = [(source, builder.stream(source)) for source in (select.source, *joined)]
        looks_back = any(_calls((select.projections, select.where, select.having), catalog.looks_back))
        apart = stay_apart(read, meet=bool(select.group or joined or looks_back))
        if not apart:
            read = [(source, builder.together(stream, source)) for source, stream in read]
        self._streams = {source.known_as.lower(): stream for source, stream in read}
        self.partitions, self.over = read[0][1].partitions, read[0][1].over
        self.partitioning = Partitioning(apart=apart)

    def build(self) -> tuple[RowScope, int]:
        source = self._select.source
        stream = self._streams[source.known_as.lower()]
        place = stream.place
        self._slots.append(Slot(source.known_as, 0, stream.columns, stream.metadata))
        self._width = 1
        self.partitioning.start(source, self._slots[0])
        self.substreams = Substreams(source, self._slots[0], stream.over)
        place = self._look_back(place)
        if self._stamped:
            place = self._builder.add(Stamp, place)
            self._times[source.known_as.lower()] = self._width
            self._width += 1
        for part in self._select.joins:
            place = self._apply(part, place) if isinstance(part, Apply) else self._join(part, place)
        return self._scope(), place

    def _scope(self) -> RowScope:
        return RowScope(self._slots, self._looked_back)

    def _look_back(self, place: int) -> int:
        select = self._select
        parts = (*select.projections, select.where, select.group, None if select.group else select.having)
        calls = list(_calls(parts, catalog.looks_back))
        if not calls:
            return place
        others = [part.alias if isinstance(part, Apply) else part.source.known_as for part in self._select.joins]
        scope = RowScope(self._slots, absent=others)
        found = {looked_back_key(call): analytic_of(call, scope) for call in calls}
        for call in calls:
            keys = [scope.key(key) for key in call.over.partition] if call.over else []
            self.partitioning.check(call.at, f"{call.name}()", keys)
        self._looked_back = {key: (self._width, index) for index, key in enumerate(found)}
        self._width += 1
        functions = tuple(found.values())
        return self._builder.add(lambda: Analytics(functions), place)

    def _apply(self, apply: Apply, place: int) -> int:
        of = compile_expression(apply.call.arguments[0], self._scope())
        name = apply.call.name.upper()
        values = _rows_of(apply.call, of)
        self._slots.append(Slot(apply.alias, self._width, catalog.ROWS[name], applied=True))
        self._width += 1
        outer = apply.outer
        return self._builder.add(lambda: flow.Apply(values, outer=outer), place)

    def _join(self, join: Join, place: int) -> int:
        table = self._builder.table(join.source)
        name = join.source.known_as
        left = self._scope()
        if table is not None:
            right = RowScope([Slot(name, 0)])
            self._slots.append(Slot(name, self._width))
            self._width += 1
            on = analyse(join, self._scope(), left, right, stream=False)
            return self._builder.add(_reference_join(table, on, join.left), place)
        stream = self._streams[name.lower()]
        right = RowScope([Slot(name, 0, stream.columns, stream.metadata)])
        self._slots.append(Slot(name, self._width, stream.columns, stream.metadata))
        on = analyse(join, self._scope(), left, right, stream=True)
        self.partitioning.join(join, self._slots[-1], self._scope())
        self.substreams.join(join, self._slots[-1], stream.over, self._scope())
        return self._join_stream(join, on, place, stream.place)

    def _join_stream(self, join: Join, on: On, left_place: int, right_place: int) -> int:
        assert on.bounds is not None
        assert on.left is not None
        for source in (on.left, *on.others):
            if source not in self._streams:
                raise InvalidQuery(join.at, f"{source} is no stream: DATEDIFF of it means nothing")
        if on.left in self._outer:
            raise NotRunLocally(join.at, f"a JOIN that counts from {on.left}, which may have no row,")
        width, right_width = self._width, 1
        first, lag = self._times.get(on.left), self._lag
        name = join.source.known_as.lower()
        if self._stamped:
            right_place = self._builder.add(Stamp, right_place)
            self._times[name] = self._width + 1
            right_width = 2
        if join.left:
            self._outer.add(name)
        self._width += right_width
        self._lag += max(abs(on.bounds.least), abs(on.bounds.most))
        left_time: Evaluate | None = None
        if lag and first is not None:
            left_time = _time_in(first)
        bounds, outer = on.bounds, join.left
        apart = [(_time_in(self._times[source]), limits) for source, limits in on.others.items()]
        condition = _near(on.condition, _time_in(width + 1), apart) if apart else on.condition

        def make() -> Operator:
            return StreamJoin(
                bounds,
                condition,
                left_keys=on.left_keys,
                right_keys=on.right_keys,
                outer=outer,
                left_width=width,
                right_width=right_width,
                left_time=left_time,
                left_lag=lag,
            )

        return self._builder.add(make, left_place, right_place)


def _near(condition: Evaluate | None, right: Evaluate, others: Sequence[tuple[Evaluate, Bounds]]) -> Evaluate:
    """`condition`, and that `right` is as far from each of `others` as is said. What has no row has no time."""

    def near(row: Row) -> bool:
        return all(
            (time := other(row)) is not None and bounds.least <= right(row) - time <= bounds.most
            for other, bounds in others
        ) and (condition is None or condition(row) is True)

    return near


def _time_in(slot: int) -> Evaluate:
    return lambda row: row.sources[slot]


def _reference_join(data: ReferenceData, on: On, outer: bool) -> Callable[[], Operator]:
    return lambda: ReferenceJoin(data, on.condition, stream_keys=on.left_keys, table_keys=on.right_keys, outer=outer)


def _rows_of(call: Call, of: Evaluate) -> Evaluate:
    """What APPLY takes of a value: nothing of null, and an error of what is neither that nor what the function takes.

    Source: https://learn.microsoft.com/azure/stream-analytics/input-validation ("Device 4 will give us")
    """
    rows = _ROWS[call.name.upper()]

    def values(row: Row) -> Any:
        found = of(row)
        try:
            return () if found is None else rows(found)
        except Mismatch as mismatch:
            raise EvaluationError(call.at, f"{call.name}(): {mismatch}; TRY_CAST() would be NULL") from None

    return values


_ROWS: Mapping[str, Callable[[Any], Sequence[Mapping[str, Any]]]] = {
    "GETARRAYELEMENTS": lambda found: [
        {"ArrayIndex": index, "ArrayValue": value} for index, value in enumerate(array(found))
    ],
    "GETRECORDPROPERTIES": lambda found: [
        {"PropertyName": name, "PropertyValue": value} for name, value in record(found).items()
    ],
}


def _check_apart(select: Select, rows: RowScope, source: _Rows) -> None:
    """Refuse groups, and sessions, of rows that Azure keeps apart."""
    calls = [call for key in select.group if isinstance(key, Call) and is_window(key) for _, call in windows_of(key)]
    for call in calls:
        if catalog.WINDOWS.get(call.name.upper()) == "session":
            parts = call.over.partition if call.over is not None else ()
            source.partitioning.check(call.at, f"{call.name}()", [rows.key(part) for part in parts])
    keys = [rows.key(key) for key in select.group if not is_window(key)]
    if select.group:
        source.substreams.check(select.group[0].at, keys)
        source.partitioning.check(select.group[0].at, "GROUP BY", keys)


def _grouped(select: Select, rows: RowScope, place: int, builder: Builder) -> tuple[int, tuple[str, ...] | None]:
    found = [key for key in select.group if isinstance(key, Call) and is_window(key)]
    # Beside a window, System.Timestamp() is a key: the windows batch what is grouped by its moment (snapshot windows).
    windows = [call for call in found if call.name.upper() != catalog.TIMESTAMP] or found[:1]
    if not windows:
        at = select.group[0].at if select.group else next(iter(_calls(select.projections, catalog.is_aggregate))).at
        raise InvalidQuery(
            at, "a stream has no end: GROUP BY takes a window, as in TumblingWindow(minute, 1), or System.Timestamp()"
        )
    if len(windows) > 1:
        raise InvalidQuery(windows[1].at, "GROUP BY takes one window; Windows() holds several")
    keys = [key for key in select.group if key is not windows[0]]
    calls = {rows.key(call): call for call in _calls((*select.projections, select.having), catalog.is_aggregate)}
    aggregates = [aggregate_of(call, rows) for call in calls.values()]
    read = [compile_expression(key, rows) for key in keys]
    ends = [
        _windowed(identity, window, _window_operator(window, read, aggregates, rows), place, builder)
        for identity, window in windows_of(windows[0])
    ]
    place = ends[0] if len(ends) == 1 else builder.add(lambda: flow.Union(len(ends)), *ends)
    places = {rows.key(key): index for index, key in enumerate(keys)}
    numbers = {key: index for index, key in enumerate(calls)}
    scope = GroupScope(rows, places, numbers)
    if select.having is not None:
        aliases = {
            item.alias.lower(): item.value
            for item in select.projections
            if isinstance(item, Projection) and item.alias is not None
        }
        having = compile_expression(select.having, GroupScope(rows, places, numbers, aliases))
        place = builder.add(lambda: flow.Filter(having), place)
    projection, columns = project(select.projections, rows, scope)
    return builder.add(lambda: flow.Project(projection), place), columns


def _windowed(identity: str | None, window: Call, make: Callable[[], Operator], place: int, builder: Builder) -> int:
    place = builder.add(lambda: Located(make(), window.at), place)
    return place if identity is None else builder.add(lambda: flow.Identify(identity), place)


def _window_operator(
    call: Call, keys: Sequence[Evaluate], aggregates: Sequence[Aggregate], rows: RowScope
) -> Callable[[], Operator]:
    window = window_of(call)
    if isinstance(window, Hopping):
        return lambda: HoppingAggregate(window, keys, aggregates)
    if isinstance(window, Sliding):
        return lambda: SlidingAggregate(window, keys, aggregates)
    assert isinstance(window, Session)
    partition = [compile_expression(key, rows) for key in call.over.partition] if call.over else []
    return lambda: SessionAggregate(window, keys, aggregates, partition)


def _calls(parts: Any, of: Callable[[Call], bool]) -> Iterator[Call]:
    """The calls of a kind, in parts of a SELECT."""
    if isinstance(parts, Node):
        for node in walk(parts):
            if isinstance(node, Call) and of(node):
                yield node
    elif isinstance(parts, tuple):
        for part in parts:
            yield from _calls(part, of)
