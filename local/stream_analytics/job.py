"""A job: a query that events are pushed into, and that gives the records of its outputs.

No clock and no socket: time is what the caller says. Equal pushes give equal records, whether they come one at a time
or with restarts between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from local.sql.asa.check import check
from local.sql.asa.errors import InvalidQuery
from local.sql.asa.grammar import parse
from local.sql.asa.tree import Source, walk
from local.sql.asa.values import DateTime, as_datetime, field
from local.stream_analytics import snapshot
from local.stream_analytics.plan import Graph, Plan, Planner, Reader
from local.stream_analytics.reference import ReferenceData
from local.stream_analytics.rows import END, START, Row
from local.stream_analytics.watermark import InputOrder, Policies, Released, Timeline

Output = tuple[str, dict[str, Any]]
"""The name of an output, and a record for it; its datetimes are still `DateTime` (see `values.to_json`)."""

_HUB_COLUMNS = ("EventProcessedUtcTime", "PartitionId", "EventEnqueuedUtcTime")
"""What an Event Hubs input adds to every event, in this order
(https://learn.microsoft.com/azure/stream-analytics/stream-analytics-define-inputs)."""


class StateError(ValueError):
    """A saved state that is not of this job."""


def compile_job(
    text: str,
    *,
    inputs: Collection[str] | Mapping[str, int],
    references: Mapping[str, ReferenceData | Sequence[Mapping[str, Any]]] | None = None,
    outputs: Collection[str] | None = None,
    file: str = "query.asaql",
    policies: Policies | None = None,
) -> Job:
    """Compile a query.

    Args:
        text: The script.
        inputs: The names of the streams, or, by name, how many partitions each has (1 unless said).
        references: Reference data by name, or the rows of such that does not change.
        outputs: The names of the outputs; None for any that the query writes to.
        file: What errors call the text.
        policies: What happens to events that are late or out of order; Azure's defaults unless given.

    Raises:
        QueryError: the query cannot run; nothing of it has.
    """
    tables = {
        name: data if isinstance(data, ReferenceData) else ReferenceData(data)
        for name, data in (references or {}).items()
    }
    partitions = dict(inputs) if isinstance(inputs, Mapping) else dict.fromkeys(inputs, 1)
    script = parse(text, file)
    check(script, inputs=partitions, references=tables, outputs=outputs)
    plan = Planner(partitions, tables, outputs or ()).plan(script)
    parts = (*script.steps, *script.queries)
    read = {node.name.lower() for part in parts for node in walk(part) if isinstance(node, Source)}
    joined = tuple(name for name in tables if name.lower() in read)
    return Job(
        plan, partitions, joined, policies or Policies(), hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    )


class Job:
    """A query at work.

    Attributes:
        inputs: The names of the inputs that the query reads.
        references: The names of the reference data that it reads.
        outputs: The names of the outputs that it writes to.
    """

    def __init__(
        self, plan: Plan, partitions: Mapping[str, int], references: Sequence[str], policies: Policies, query: str
    ) -> None:
        self._plan = plan
        self._query = query
        self._orders = [_order(reader, partitions[reader.input], policies) for reader in plan.readers]
        self._graphs: list[dict[Timeline, Graph]] = [{} for _ in plan.components]
        self._component_of = {
            reader: place for place, component in enumerate(plan.components) for reader in component.readers
        }
        self._readers_of: dict[str, list[int]] = {}
        for number, reader in enumerate(plan.readers):
            if number in self._component_of:
                self._readers_of.setdefault(reader.input, []).append(number)
        self.inputs = tuple(self._readers_of)
        self.references = tuple(references)
        self.outputs = plan.outputs

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """By input, how many events had no time, came early, late, or out of order; of its first reader."""
        return {name: dict(self._orders[numbers[0]].counts) for name, numbers in self._readers_of.items()}

    @property
    def watermark(self) -> DateTime | None:
        """Up to when everything is settled, in every input; None as long as nothing is."""
        watermark = min((self._orders[reader].watermark for reader in self._component_of), default=START)
        return None if watermark == START else watermark

    def waiting(self) -> Iterator[tuple[str, int, Any]]:
        """Of each partition, the first event that waits for others before it, and is by no query seen yet.

        Yields:
            Its input, partition and metadata; an event more than once, if several queries read the input.
        """
        for reader in self._component_of:
            for partition, row in self._orders[reader].oldest():
                yield self._plan.readers[reader].input, partition, row.metas[0]

    def push(
        self,
        name: str,
        partition: int,
        record: dict[str, Any],
        arrival: DateTime,
        meta: Mapping[str, Any] | None = None,
    ) -> list[Output]:
        """Take an event; give what it settles.

        Args:
            name: The input. Events of one that the query does not read are of no effect.
            partition: Its partition, from 0; the arrivals of one come in order.
            record: The event. It is kept, and not changed.
            arrival: When it arrived (for Event Hubs: was enqueued).
            meta: What GetMetadataPropertyValue() reads: `{"EventId": ..., "EventHub": {...}, "User": {...}}`. With
                "EventHub", the event gets the columns that such an input adds.

        Raises:
            EvaluationError: the query cannot be evaluated on it; in Azure, the job stops.
            KeyError: the input has no such partition.
        """
        hub = meta.get("EventHub") if meta is not None else None
        if hub is not None:
            record = {**record, **{column: field(hub, column) for column in _HUB_COLUMNS if column not in record}}
        touched: list[Graph] = []
        for reader in self._readers_of.get(name, ()):
            released = self._orders[reader].push(partition, record, arrival, meta)
            if released:
                touched += self._release(reader, released)
        return _drain(touched) if touched else []

    def event_time(self, name: str, record: dict[str, Any]) -> DateTime | None:
        """When an event happened, by TIMESTAMP BY (the latest, where the query has several); None when none says so."""
        row = Row(START, (record,))
        times = [
            time
            for reader in self._readers_of.get(name, ())
            if (timestamp := self._plan.readers[reader].timestamp) is not None
            and (time := as_datetime(timestamp(row))) is not None
        ]
        return max(times, default=None)

    def idle(self, now: DateTime, name: str | None = None, partition: int | None = None) -> list[Output]:
        """Say that it is `now`, and that nothing more has arrived so far: in that input and partition, or in any."""
        touched: list[Graph] = []
        for reader, order in enumerate(self._orders):
            if reader in self._component_of and name in (None, self._plan.readers[reader].input):
                touched += self._release(reader, order.idle(now, partition))
        return _drain(touched)

    def finish(self) -> list[Output]:
        """Say that no event will come any more: every window closes."""
        touched: list[Graph] = []
        for reader, order in enumerate(self._orders):
            if reader in self._component_of:
                touched += self._release(reader, order.finish())
        for graphs in self._graphs:
            for graph in graphs.values():
                for entry in graph.entries.values():
                    entry.advance(END)
                touched.append(graph)
        return _drain(touched)

    def save(self) -> list[bytes]:
        """All that a restart needs, in lines of JSON; those after the first are for the most part those of before."""
        graphs = [
            {timeline: [node.save() for node in graph.nodes] for timeline, graph in of.items()} for of in self._graphs
        ]
        return snapshot.dumps(
            {"query": self._query, "orders": [order.save() for order in self._orders], "graphs": graphs}
        )

    def restore(self, saved: Sequence[bytes]) -> None:
        """Go on from what `save` gave, of a job with as many partitions and the same policies: those are not looked at.

        Raises:
            StateError: it is of another query, or no saved state at all.
        """
        try:
            state = snapshot.loads(saved)
            of = state["query"]
            if of == self._query:
                self._restore(state)
        except (ValueError, LookupError, TypeError, AttributeError):
            raise StateError("this is no saved state of a Stream Analytics job") from None
        if of != self._query:
            raise StateError("the saved state is of another query: delete it to start this one from the beginning")

    def _restore(self, state: dict[str, Any]) -> None:
        for order, kept in zip(self._orders, state["orders"], strict=True):
            order.restore(kept)
        self._graphs = [{} for _ in self._plan.components]
        for place, graphs in enumerate(state["graphs"]):
            for timeline, nodes in graphs.items():
                for node, kept in zip(self._graph(place, timeline).nodes, nodes, strict=True):
                    node.restore(kept)

    def _release(self, reader: int, released: Iterable[Released]) -> list[Graph]:
        place = self._component_of[reader]
        touched = []
        for each in released:
            begins = each.timeline not in self._graphs[place]
            graph = self._graph(place, each.timeline)
            if begins:
                self._follow(graph, each.timeline, reader)
            entry = graph.entries[reader]
            for row in each.rows:
                entry.push(row)
            entry.advance(each.watermark)
            touched += [graph, *graph.onward]
        return touched

    def _graph(self, place: int, timeline: Timeline) -> Graph:
        """The operators of a component on a timeline."""
        graph = self._graphs[place].get(timeline)
        if graph is None:
            component = self._plan.components[place]
            graph = self._graphs[place][timeline] = component.graph()
            for source, target, entry in component.onward:
                onward = self._graph(target, ())
                (partition,) = cast(tuple[int], timeline)
                graph.nodes[source].to(onward.nodes[entry], partition)
                graph.onward.append(onward)
        return graph

    def _follow(self, graph: Graph, timeline: Timeline, reader: int) -> None:
        """Let the other inputs of a graph know of a timeline that begins."""
        for other, entry in graph.entries.items():
            if other != reader:
                entry.advance(self._orders[other].follow(timeline))


def _order(reader: Reader, partitions: int, policies: Policies) -> InputOrder:
    try:
        return InputOrder(
            reader.timestamp, policies, partitions=partitions, partitioned=reader.partitioned, over=reader.over
        )
    except ValueError as error:
        raise InvalidQuery(reader.at, str(error)) from None


def _drain(graphs: Iterable[Graph]) -> list[Output]:
    """Take the records that have come to the ends of graphs, in the order of the script's queries."""
    found: list[tuple[int, str, Any]] = []
    for graph in graphs:
        for order, rows, name in graph.outputs:
            if rows:
                found += [(order, name, row.sources[0]) for row in rows]
                rows.clear()
    found.sort(key=lambda record: record[0])
    return [(name, record) for _, name, record in found]
