"""From a checked script to the graphs of operators that run it.

A `Plan` is what a script says, without any state: which readers of inputs there are, and which operators stand where.
Queries that share no step and no reader are apart, as `Component`s; a component is made into a graph once, or once per
partition or substream where its readers keep those apart. Where partitions are read together, a component ends, and
another begins.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from local.sql.asa.check import DEFAULT_OUTPUT, selects_of
from local.sql.asa.errors import EvaluationError, InvalidQuery, NotRunLocally, Position
from local.sql.asa.expressions import compile_expression
from local.sql.asa.tree import Query, Script, Source, Union
from local.stream_analytics import flow
from local.stream_analytics.operator import Node, Operator
from local.stream_analytics.plan_partition import Stream, is_partition, of_input_partitions
from local.stream_analytics.plan_scope import RowScope, Slot
from local.stream_analytics.plan_select import build_select
from local.stream_analytics.reference import ReferenceData
from local.stream_analytics.rows import Evaluate, Row

_MOST_IN_A_ROW: Final = 200
"""How many operators a row may go through: each hands it to the next, which takes two of Python's thousand frames."""


class Entry(Operator):
    """Where the rows of a reader come in."""

    def push(self, row: Row, port: int = 0) -> Sequence[Row]:
        return (row,)


@dataclass(frozen=True)
class Reader:
    """An input as one FROM reads it: its time, and which of its rows are kept apart."""

    input: str
    at: Position
    timestamp: Evaluate | None
    over: tuple[Evaluate, ...]
    partitioned: bool

    @property
    def lanes(self) -> tuple[bool, int]:
        """What must be the same for readers whose rows meet."""
        return self.partitioned, len(self.over)


@dataclass
class Component:
    """Queries that are connected, as the operators that they take.

    Attributes:
        makers: The operators, by their places.
        edges: Whose rows go to which port of which.
        readers: Where the rows of each reader come in.
        outputs: Which of them give the rows of an output: of which query, and what it is called.
        onward: Whose rows go on from all partitions together: to which component, and where they come in there, each
            partition at the port of its number.
    """

    makers: list[Callable[[], Operator]] = field(default_factory=list)
    edges: list[tuple[int, int, int]] = field(default_factory=list)
    readers: dict[int, int] = field(default_factory=dict)
    outputs: list[tuple[int, int, str]] = field(default_factory=list)
    onward: list[tuple[int, int, int]] = field(default_factory=list)

    def graph(self) -> Graph:
        """A graph of fresh operators."""
        nodes = [Node(make()) for make in self.makers]
        for source, target, port in self.edges:
            nodes[source].to(nodes[target], port)
        return Graph(
            nodes,
            {reader: nodes[place] for reader, place in self.readers.items()},
            [(order, nodes[place].collect(), name) for place, order, name in self.outputs],
        )


@dataclass
class Graph:
    """The operators of a component at work: where rows come in, the lists that they end in, and who takes others."""

    nodes: list[Node]
    entries: dict[int, Node]
    outputs: list[tuple[int, list[Row], str]]
    onward: list[Graph] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """A script, ready to be run."""

    readers: tuple[Reader, ...]
    components: tuple[Component, ...]
    outputs: tuple[str, ...]


class Planner:
    """Builds the plan of a script: one node after the other, as the queries need them."""

    def __init__(
        self,
        inputs: Mapping[str, int],
        references: Mapping[str, ReferenceData],
        outputs: Collection[str] = (),
    ) -> None:
        self._inputs = {name.lower(): name for name in inputs}
        self._partitions = dict(inputs)
        self._named = {name.lower(): name for name in outputs}
        self.references = {name.lower(): data for name, data in references.items()}
        self._readers: dict[Any, tuple[int, Reader, int]] = {}
        self._steps: dict[str, Stream] = {}
        self._makers: list[Callable[[], Operator]] = []
        self._depths: list[int] = []
        self._edges: list[tuple[int, int, int]] = []
        self._outputs: list[tuple[int, int, str]] = []
        self._gathered: dict[int, int] = {}

    def add(self, make: Callable[[], Operator], *sources: int) -> int:
        """One operator more, that takes the rows of `sources`, in the order of its ports."""
        self._makers.append(make)
        self._depths.append(1 + max((self._depths[source] for source in sources), default=0))
        place = len(self._makers) - 1
        self._edges += [(source, place, port) for port, source in enumerate(sources)]
        return place

    def plan(self, script: Script) -> Plan:
        """Plan a script that `check` has passed.

        Raises:
            QueryError: something in it means nothing, or is not run.
        """
        for step in script.steps:
            self._steps[step.name.lower()] = self._build(step.query)
        names: dict[str, str] = {}  # as the job spells them, or the query
        for order, query in enumerate(script.queries):
            into = selects_of(query)[0].into
            name = into.name if into else DEFAULT_OUTPUT
            name = names.setdefault(name.lower(), self._named.get(name.lower(), name))
            place = self._build(query).place
            if self._depths[place] > _MOST_IN_A_ROW:
                what = f"a query of more than {_MOST_IN_A_ROW} operators, one after the other in its steps,"
                raise NotRunLocally(selects_of(query)[0].at, what)
            self._outputs.append((place, order, name))
        return Plan(tuple(reader for _, reader, _ in self._readers.values()), self._components(), tuple(names.values()))

    def _build(self, query: Query) -> Stream:
        streams = [build_select(select, self) for select in selects_of(query)]
        if not isinstance(query, Union):
            return streams[0]
        first, *others = streams
        for select, stream in zip(query.queries[1:], others, strict=True):
            _check_union(select.at, first, stream)
        if len({(stream.partitions, bool(stream.over)) for stream in streams}) > 1:
            pairs = zip(query.queries, streams, strict=True)
            streams = [self.together(stream, select.source) for select, stream in pairs]
        place = self.add(lambda: flow.Union(len(streams)), *(stream.place for stream in streams))
        known = all(stream.columns is not None for stream in streams)
        return replace(streams[0], place=place, columns=first.columns if known else None)

    def stream(self, source: Source) -> Stream:
        """The rows of an input or a step, as a FROM or a JOIN names it."""
        step = self._steps.get(source.name.lower())
        if step is None:
            return self._read(source)
        if source.timestamp is not None:
            raise InvalidQuery(
                source.timestamp.at, f"{source.name} is a step: TIMESTAMP BY is of the input that it reads"
            )
        return step

    def together(self, stream: Stream, source: Source) -> Stream:
        """The rows of all partitions of a stream, in order of time.

        Raises:
            NotRunLocally: it has substreams, of which nobody knows how many there will be.
        """
        if not stream.partitions:
            return stream
        if stream.over:
            raise NotRunLocally(
                source.at, f"reading the partitions of {source.name} together, with TIMESTAMP BY ... OVER,"
            )
        if stream.place not in self._gathered:
            count = stream.partitions
            place = self._gathered[stream.place] = self.add(lambda: flow.Union(count))
            self._depths[place] = self._depths[stream.place] + 1
        return replace(stream, place=self._gathered[stream.place], partitions=0)

    def table(self, source: Source) -> ReferenceData | None:
        """Reference data, if it is some."""
        if source.name.lower() in self._steps:
            return None
        return self.references.get(source.name.lower())

    def _read(self, source: Source) -> Stream:
        name = self._inputs[source.name.lower()]
        partitioned = of_input_partitions(source.partition)
        if partitioned and source.over and self._partitions[name] > 1 and not any(map(is_partition, source.over)):
            raise InvalidQuery(
                source.over[0].at, f"{name} has several partitions: TIMESTAMP BY is to be OVER PartitionId, too"
            )
        scope = RowScope([Slot(source.known_as, 0, metadata=True)])
        key = (
            name,
            scope.key(source.timestamp) if source.timestamp is not None else None,
            tuple(scope.key(part) for part in source.over),
            partitioned,
        )
        if key not in self._readers:
            timestamp = _lenient(compile_expression(source.timestamp, scope)) if source.timestamp is not None else None
            over = tuple(compile_expression(part, scope) for part in source.over)
            reader = Reader(name, source.at, timestamp, over, partitioned)
            self._readers[key] = (len(self._readers), reader, self.add(Entry))
        partitions = self._partitions[name] if partitioned else 0
        return Stream(self._readers[key][2], None, metadata=True, partitions=partitions, over=source.over)

    def _components(self) -> tuple[Component, ...]:
        """The nodes that an output takes rows of, by what they are connected with."""
        group = list(range(len(self._makers)))

        def root(place: int) -> int:
            while group[place] != place:
                group[place] = group[group[place]]
                place = group[place]
            return place

        for source, target, _ in self._edges:
            group[root(source)] = root(target)
        written = {root(place) for place, _, _ in self._outputs}
        gathered = [(place, entry) for place, entry in self._gathered.items() if root(entry) in written]
        written |= {root(place) for place, _ in gathered}
        components: dict[int, Component] = {found: Component() for found in sorted(written)}
        places: dict[int, int] = {}
        for place, make in enumerate(self._makers):
            if root(place) in components:
                makers = components[root(place)].makers
                places[place] = len(makers)
                makers.append(make)
        for source, target, port in self._edges:
            if source in places:
                components[root(source)].edges.append((places[source], places[target], port))
        for place, order, name in self._outputs:
            components[root(place)].outputs.append((places[place], order, name))
        numbers = {found: number for number, found in enumerate(components)}
        for place, entry in gathered:
            components[root(place)].onward.append((places[place], numbers[root(entry)], places[entry]))
        for number, reader, place in self._readers.values():
            if place in places:
                components[root(place)].readers[number] = places[place]
                self._check_lanes(reader, components[root(place)])
        return tuple(components.values())

    def _check_lanes(self, reader: Reader, component: Component) -> None:
        """Readers whose rows meet keep them apart in the same way, or not at all."""
        first = next(found for number, found, _ in self._readers.values() if number in component.readers)
        if bool(first.over) != bool(reader.over):
            raise InvalidQuery(reader.at, "TIMESTAMP BY ... OVER is of all inputs of a query, or of none")
        if first.lanes != reader.lanes:
            raise NotRunLocally(reader.at, "a query whose inputs differ in TIMESTAMP BY ... OVER")


def _check_union(at: Position, first: Stream, other: Stream) -> None:
    if first.columns is None or other.columns is None:
        return
    if [name.lower() for name in first.columns] != [name.lower() for name in other.columns]:
        raise InvalidQuery(
            at,
            f"UNION of ({', '.join(first.columns)}) with ({', '.join(other.columns)}): the columns are to be the same",
        )


def _lenient(timestamp: Evaluate) -> Evaluate:
    """TIMESTAMP BY: an event for which it cannot be computed is dropped, as one without a time, and the job goes on."""

    def time(row: Row) -> Any:
        try:
            return timestamp(row)
        except EvaluationError:
            return None

    return time
